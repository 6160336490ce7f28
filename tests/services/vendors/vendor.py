"""What all emulated vendors share: they record what they are asked, and fail when they are told to."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATIENCE_S = 20.0  # how long a test waits for something that is certain to come

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came; header names in lower case, the path below the vendor's address."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class House(Protocol):
    """What a vendor needs of the server it lives in."""

    def address(self, vendor: str) -> str:
        """Where the vendor's API is."""

    def deliver(self, data: bytes, mime: str, name: str, *, expired: bool = False) -> str:
        """Keep a file on the delivery host, which is another one than the API's; returns its URL."""


class Told:
    """A counter that one thread raises and another waits for."""

    def __init__(self) -> None:
        self.times = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        """Count one more."""
        with self._changed:
            self.times += 1
            self._changed.notify_all()

    def wait(self, times: int = 1) -> None:
        """Wait until it was counted that often.

        Raises:
            AssertionError: it was not, for a long time.
        """
        with self._changed:
            came = self._changed.wait_for(lambda: self.times >= times, PATIENCE_S)
        assert came, f"counted {self.times} of {times}"


class Vendor(ABC):
    """One vendor's API.

    Attributes:
        asked: every request, in order.
        files: every file that was handed in, in order, decoded.
        creates: pieces of work that were accepted.
        held: counted when a call is accepted that will not end by itself (`never`).
        cancelled: counted when a client ends such a call by the vendor's own means.
        left: counted when a client leaves a call that it waits for.
        release: lets a `slow` answer go out.
    """

    name: ClassVar[str]
    key: ClassVar[str] = ""

    def __init__(self, house: House) -> None:
        self.house = house
        self.asked: list[Asked] = []
        self.files: list[bytes] = []
        self.creates = 0
        self.held, self.cancelled, self.left = Told(), Told(), Told()
        self.release = threading.Event()
        self._next: deque[str] = deque()

    @property
    def url(self) -> str:
        """Where its API is."""
        return self.house.address(self.name)

    def fail(self, *names: str) -> None:
        """Let the next calls fail, one after the other: `429`, `402`, `moderated`, `crash`, `never`."""
        self._next.extend(names)

    def failing(self) -> str:
        """How this call is to fail; empty if it is not."""
        return self._next.popleft() if self._next else ""

    @abstractmethod
    def routes(self) -> list[Route]:
        """Its own paths."""

    def refused(self, request: Request) -> Response | None:
        """The answer to a request with a wrong key, or None if the key is right."""
        if request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return self.unauthorized(request)

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key."""
        del request
        return JSONResponse({"error": "Unauthorized"}, 401)

    def route(self, path: str, handler: Handler, method: str = "POST", *, is_open: bool = False) -> Route:
        """A path that is recorded, and guarded by the key unless it is open."""

        async def endpoint(request: Request) -> Response:
            body = await request.body()
            headers = {name.lower(): text for name, text in request.headers.items()}
            path = request.url.path.removeprefix(f"/{self.name}")
            self.asked.append(Asked(request.method, path, request.url.query, headers, body))
            if not is_open and (refusal := self.refused(request)) is not None:
                return refusal
            return await handler(request)

        return Route(path, endpoint, methods=[method])

    async def hold(self, request: Request) -> None:
        """Wait until the client is gone."""
        self.held()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.left()

    async def dawdle(self) -> None:
        """Wait for the test with an answer to work that is accepted already."""
        self.held()
        await run_sync(self.release.wait, PATIENCE_S)

    def last(self, method: str = "POST") -> Asked:
        """The last request of that method."""
        return next(one for one in reversed(self.asked) if one.method == method)

    def forget(self) -> None:
        """Be as new."""
        type(self).__init__(self, self.house)


async def read_json(request: Request) -> Mapping[str, Any]:
    """The body as a JSON object; an empty one if it is none."""
    try:
        found = await request.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a form."""

    name: str
    mime: str
    data: bytes


async def read_form(request: Request) -> Mapping[str, str | Part]:
    """The body as a form; empty if it is none."""
    found: dict[str, str | Part] = {}
    async with request.form() as form:
        for name, value in form.items():
            if isinstance(value, UploadFile):
                found[name] = Part(value.filename or "", value.content_type or "", await value.read())
            else:
                found[name] = value
    return found
