"""One call of a service under way: what every part of the engine needs to ask it something."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2

from chains.services.model import Ask, Service, ServiceEndpoint
from pipelines.runners.protocol import Call
from pipelines.services.requests import Request, request_of
from spaces_registry.errors import BadOutput, OverBound
from spaces_registry.network.decoding import Bloated, answered
from spaces_registry.network.origin import Origin, patience
from spaces_registry.network.queries import TooMuch
from spaces_registry.network.queries import find as search
from spaces_registry.network.refusals import message_in, none_left
from spaces_registry.plain import words
from spaces_registry.progress import Listener, UsedUp

_SEVERAL = 100  # of the things that a vendor says at once
QUIET_S = 60.0  # without a byte, where an answer is not worth waiting for longer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered.

    Attributes:
        response: status and headers.
        content: its bytes.
        body: what they mean as JSON; None if they are none.
    """

    response: httpx2.Response
    content: bytes
    body: Any = None

    @property
    def status(self) -> int:
        """HTTP's."""
        return self.response.status_code


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a service under way.

    Attributes:
        service: the vendor.
        endpoint: what of it is called.
        origin: where it is, and what it may be told.
        call: the call.
        tell: hears what happens.
    """

    service: Service
    endpoint: ServiceEndpoint
    origin: Origin
    call: Call
    tell: Listener

    @property
    def place(self) -> str:
        """How to call it in messages."""
        return self.call.place

    async def ask(
        self,
        ask: Ask,
        names: Mapping[str, object],
        *,
        url: str | None = None,
        quiet_s: float | None = QUIET_S,
        extra: Mapping[str, object] = {},
    ) -> Answer:
        """Make a request and read the answer, whatever it says.

        Args:
            ask: the request.
            names: what its templates mention.
            url: its address, where an answer named it.
            quiet_s: how long it may say nothing.
            extra: arguments that the file does not declare.

        Raises:
            RejectedInput: the request cannot be written with these values.
            Unreachable, TimedOut: no answer.
            BadOutput: the answer is too large.
        """
        request = request_of(self.place, ask, names, extra, self.endpoint.extra)
        return await self.send(request, url=url, quiet_s=quiet_s)

    async def send(
        self, request: Request, *, url: str | None = None, quiet_s: float | None = QUIET_S
    ) -> Answer:
        """Send a request that is written already, and read the answer."""
        async with self.open(request, url=url, quiet_s=quiet_s) as response:
            return await self.read(response)

    @asynccontextmanager
    async def open(
        self, request: Request, *, url: str | None = None, quiet_s: float | None = QUIET_S
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request, and hand over the answer before it is read."""
        target = self.origin.root + request.path if url is None else self.address(url)
        limits = patience(self.call.clocks.connect_s, quiet_s)
        headers = {**self.service.headers, **request.headers}
        async with self.origin.stream(
            request.method, target, limits=limits, headers=headers, **request.content
        ) as response:
            if (wait_s := none_left(response)) is not None:
                self.tell(UsedUp(wait_s))
            yield response

    async def read(self, response: httpx2.Response) -> Answer:
        """An answer's bytes, and what they mean."""
        async with self.origin.bordered():
            content = await response.aread()
        try:
            return Answer(response, content, _json(content, response))
        except Bloated as cause:
            raise OverBound(self.place, f"{self.place}: its answer cannot be read: {cause}") from cause

    def address(self, text: str) -> str:
        """An address that an answer names; a path is one on the service's host.

        Raises:
            BadOutput: it is none.
        """
        try:
            return urljoin(f"{self.origin.root}/", text)
        except ValueError as cause:
            message = f"{self.place} names an address that is none: {text[:100]!r}"
            raise BadOutput(self.place, message) from cause


def find(query: str | None, body: object) -> Any:
    """What a query finds; None for nothing, and for a function that does not fit what is there."""
    if query is None:
        return None
    try:
        return search(query, body)
    except TooMuch:
        return None


def _json(content: bytes, response: httpx2.Response) -> Any:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content or kind.startswith(("image/", "audio/", "video/")) or kind == "application/octet-stream":
        return None
    try:
        return answered(content)
    except Bloated:
        raise
    except ValueError:
        return None


def as_words(value: object) -> str | None:
    """Something that a vendor said, as text."""
    match value:
        case None | bool() | "" | []:
            return None
        case Mapping() if not value:
            return None
        case str():
            return words(value)
        case [*several]:
            return words("; ".join(one for one in map(as_words, several[:_SEVERAL]) if one)) or None
        case {"loc": [_, *_], "msg": str()}:
            return words(message_in(value) or "") or None
        case {"msg": str(said)} | {"message": str(said)}:
            return words(said)
    return words(json.dumps(value, ensure_ascii=False))
