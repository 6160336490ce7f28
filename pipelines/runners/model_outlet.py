"""What a call of a model sends: every request that the client library makes for it, made here.

The library asks for a job, looks at the queue and downloads the result by itself, with requests that nobody
can break off, and with its key in them. Here each request is made on our own connections within the call's
time, and a credential goes to the origin it belongs to and to no other.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import anyio.from_thread
import httpx2

from pipelines.runners.protocol import Call
from spaces_registry.apps.schema import mapping
from spaces_registry.errors import BadOutput, OverBound
from spaces_registry.network.chats import Part, parts
from spaces_registry.network.complaints import is_pending
from spaces_registry.network.decoding import Bloated, answered, refuse_bloated
from spaces_registry.network.origin import Origin, patience
from spaces_registry.progress import Listener, Logged, Queued, Receiving, Started

_PRIVATE = frozenset({"authorization", "cookie", "x-hf-bill-to"})
_OURS = frozenset({"host", "content-length", "connection", "transfer-encoding"})
_UNPACKED = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_ANSWERED_BY = "x-inference-provider"  # the router's word on who did the work
_REFUSED = 400  # the first HTTP status that is a refusal


class ResultExpired(BadOutput):
    """The provider does not hand out the file that its answer names, any more."""


@dataclass(frozen=True, slots=True)
class Known:
    """An address that the library asks, and how we do.

    Attributes:
        root: scheme and host as the library has them.
        instead: what is asked in its place, without a trailing slash.
        credentials: headers for that origin alone.
    """

    root: str
    instead: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Outlet:
    """The requests of one call.

    Attributes:
        call: whose.
        tell: hears of the queue, of the download, and of who answers.
        home: an origin that stands for the place; its secrets are in no message.
        known: the addresses that get credentials, or are asked elsewhere.
        is_chat: whether the answer is read here: the library would hide the end mark of a stream.
        refusal: the last answer that was one, however the library took it.
        answer: the last answer that was none, read to its end.
        facts: the last JSON object among them: what is told of a result that is downloaded afterwards.
        is_resumed: whether an earlier try's job was asked for in place of a new one.
    """

    call: Call
    tell: Listener
    home: Origin
    known: tuple[Known, ...]
    is_chat: bool = False
    refusal: httpx2.Response | None = None
    answer: httpx2.Response | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_resumed: bool = False
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _told: set[str] = field(default_factory=set)
    _chat: tuple[httpx2.Response, Origin] | None = None

    def __call__(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        """Make a request of the library's, from its thread; ends at once when the call is cancelled."""
        answer: httpx2.Response = anyio.from_thread.run(self._send, request, stream)
        return answer

    async def close(self) -> None:
        """Give back what is still open."""
        with anyio.CancelScope(shield=True):
            await self._open.aclose()

    async def parts(self) -> AsyncIterator[Part]:
        """What a chat is answered with, piece by piece, as it comes.

        Raises:
            CallFailed: it cannot be read.
        """
        if self._chat is None:
            return
        response, origin = self._chat
        async with origin.bordered():
            async for part in parts(self.call.place, response.aiter_bytes()):
                if part.is_whole:
                    headers = {"content-type": response.headers.get("content-type", "")}
                    self.answer = httpx2.Response(response.status_code, headers=headers, content=part.content)
                yield part

    async def _send(self, request: httpx2.Request, stream: bool) -> httpx2.Response:  # noqa: FBT001 - positional through the thread
        if (kept := self._job(request)) is not None:
            self.is_resumed = True
            return httpx2.Response(200, json=kept, request=request)
        known = next((one for one in self.known if _is_below(str(request.url), one.root)), None)
        url = str(request.url)
        origin = self.home
        if known is not None:
            url = known.instead + url.removeprefix(known.root)
            origin = replace(self.home, root=known.instead, headers=known.credentials)
        if request.method == "POST":
            self.answer = self.refusal = None
            self.facts = {}
            self._tell_once("started", Started())
        sent = {name: text for name, text in request.headers.items() if name.lower() not in _PRIVATE | _OURS}
        limits = patience(self.call.clocks.connect_s, None)
        asking = origin.stream(request.method, url, limits=limits, headers=sent, content=request.read())
        if stream:
            response = await self._open.enter_async_context(asking)
            if self.is_chat and response.status_code < _REFUSED:
                self._notice(response)
                self._chat = response, origin
                return _passed(request, response, b"")
            if _is_stream(response):  # the library opens every POST as one
                self._notice(response)
                return _passed(request, response, _Body(response, origin))
            await _read(response, origin)
        else:
            async with asking as response:
                if known is None:
                    self._receive(response)
                await _read(response, origin)
        return self._answer(request, response)

    def _refuse_bloated(self, content: bytes) -> None:
        try:
            refuse_bloated(content)
        except Bloated as cause:
            raise OverBound(
                self.call.place, f"{self.call.place}: its answer cannot be read: {cause}"
            ) from cause

    def _answer(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        self._notice(response)
        if response.status_code >= _REFUSED:
            self.refusal = response
        else:
            self.answer = response
            if response.content.lstrip()[:1] in (b"{", b"["):  # the library decodes it, whatever it is called
                self._refuse_bloated(response.content)
            if "json" in response.headers.get("content-type", ""):
                self._follow(request, response)
        return _passed(request, response, response.content)

    def _notice(self, response: httpx2.Response) -> None:
        if name := response.headers.get(_ANSWERED_BY):
            self._tell_once("provider", Logged("info", f"{name} answers"))

    def _receive(self, response: httpx2.Response) -> None:
        """A result is downloaded from where the provider keeps it."""
        place = self.call.place
        if response.status_code >= _REFUSED:
            message = f"{place}: its result cannot be fetched: HTTP {response.status_code}"
            raise ResultExpired(place, message, hint="providers keep results for a short time; ask again")
        size = response.headers.get("content-length", "")
        name = response.url.path.rpartition("/")[2]
        self.tell(Receiving(name, int(size) if size.isascii() and size.isdigit() else None))

    def _follow(self, request: httpx2.Request, response: httpx2.Response) -> None:
        """Tell of the queue; remember a job, so that it can be asked for again after a crash of ours."""
        try:
            said = mapping(answered(response.content))
        except ValueError:
            return
        self.facts = said
        position = said.get("queue_position")
        if said.get("status") == "IN_QUEUE" and isinstance(position, int):
            self.tell(Queued(position, position + 1))
        if request.method == "POST" and _is_job(said):
            self.call.remember({"url": str(request.url), "answer": said})

    def _job(self, request: httpx2.Request) -> Any:
        """The answer that an earlier try got to this very request, if it began a job that may go on."""
        job = mapping(self.call.job)
        is_it = request.method == "POST" and job.get("url") == str(request.url)
        return job.get("answer") if is_it else None

    def _tell_once(self, what: str, event: Started | Logged) -> None:
        if what not in self._told:
            self._told.add(what)
            self.tell(event)


class _Body(httpx2.SyncByteStream):
    """A stream that is read in the library's thread, piece by piece, over our connection."""

    def __init__(self, response: httpx2.Response, origin: Origin) -> None:
        self._pieces = response.aiter_bytes()
        self._origin = origin

    def __iter__(self) -> Iterator[bytes]:
        while (piece := anyio.from_thread.run(self._next)) is not None:
            yield piece

    async def _next(self) -> bytes | None:
        async with self._origin.bordered():
            return await anext(self._pieces, None)


async def _read(response: httpx2.Response, origin: Origin) -> None:
    async with origin.bordered():
        await response.aread()


def _passed(
    request: httpx2.Request, response: httpx2.Response, body: bytes | httpx2.SyncByteStream
) -> httpx2.Response:
    """An answer as the library reads it: unpacked already."""
    headers = [(name, text) for name, text in response.headers.raw if name.lower() not in _UNPACKED]
    if isinstance(body, bytes):
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)
    return httpx2.Response(response.status_code, headers=headers, stream=body, request=request)


def _is_stream(response: httpx2.Response) -> bool:
    """Whether it is written piece by piece, and not refused."""
    is_events = "event-stream" in response.headers.get("content-type", "")
    return is_events and response.status_code < _REFUSED


def _is_below(url: str, root: str) -> bool:
    return url == root or url.startswith((f"{root}/", f"{root}?"))


def _is_job(said: Mapping[str, Any]) -> bool:
    """Whether an answer is the receipt of a job that is not done: each provider's own way to say so."""
    inner = mapping(said.get("data")) or said
    named = inner.get("request_id") or inner.get("id")
    return bool(named) and is_pending(said)
