"""The one address that a client library of others' is given: ours, which asks one app and nobody else for it.

`gradio_client` asks where an app's own words send it (`api_prefix`, the helper for a version that it cannot
read), with all headers that it has, and reads whatever comes in one piece. Here it has no header of ours and
knows no address but a door on this machine. What it asks there is asked of the app by us: with the app's
credentials, under our limits, without redirects elsewhere. What it asks of anybody else comes here too, as to
a proxy, and is refused.
"""

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
import anyio.abc
import h11

from spaces_registry.clocks import Clocks
from spaces_registry.errors import BadOutput, CallFailed
from spaces_registry.network.bounds import told
from spaces_registry.network.intake import ABOUT_BYTES, Rule
from spaces_registry.network.origin import Origin, patience

_PRIVATE = frozenset({b"authorization", b"cookie", b"x-hf-authorization", b"proxy-authorization"})
_OURS = frozenset({b"host", b"connection", b"proxy-connection", b"accept-encoding", b"transfer-encoding"})
_KEPT_BACK = ABOUT_BYTES | {b"set-cookie", b"location", b"connection", b"keep-alive"}
_READ = 2**16
_USER = "client"
_FORBIDDEN, _BAD_GATEWAY = 403, 502


@dataclass(slots=True)
class Relay:
    """A door to one app.

    Attributes:
        url: what the library is told to be the app's root, with a slash at its end.
        proxy: what it is told to ask for everything, with a password.
        failure: the first thing that went wrong on our side of the door, which the library tells worse.
    """

    origin: Origin
    clocks: Clocks
    url: str = ""
    proxy: str = field(default="", repr=False)
    failure: CallFailed | None = None
    _secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def opened(self, port: int) -> None:
        """It listens on a port of this machine; who does not know its password gets nothing."""
        self.proxy = f"http://{_USER}:{self._secret}@127.0.0.1:{port}"
        self.url = f"http://127.0.0.1:{port}/"

    def hidden(self, text: str) -> str:
        """A text with the app's own address in place of the door's."""
        return text.replace(self.url.rstrip("/"), self.origin.root)

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        """Answer one connection's only request."""
        async with stream:
            door = _Door(stream, h11.Connection(h11.SERVER))
            try:
                await self._answer(door)
            except CallFailed as failure:
                self.failure = self.failure or failure
                await door.refuse(_BAD_GATEWAY)
            except (h11.ProtocolError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # whoever asked is gone, or speaks no HTTP

    async def _answer(self, door: "_Door") -> None:
        request = await door.request()
        if request is None:
            return
        known = base64.b64encode(f"{_USER}:{self._secret}".encode())
        shown = dict(request.headers).get(b"proxy-authorization", b"")
        if not secrets.compare_digest(shown, b"Basic " + known):
            await door.refuse(_FORBIDDEN)  # somebody else on this machine
            return
        target = request.target.decode("ascii", "replace")
        if not target.startswith(self.url):
            raise self._elsewhere(target)
        url = f"{self.origin.root}/{target.removeprefix(self.url)}"
        sent = [(name.decode(), text.decode("latin-1")) for name, text in request.headers if _goes_on(name)]
        asking = self.origin.stream(
            request.method.decode(),
            url,
            limits=patience(self.clocks.connect_s, None),
            rule=Rule(self.origin.bounds.answer_bytes),
            headers=sent,
            content=door.body() if _has_body(request) else None,
        )
        async with asking as response, self.origin.bordered():
            headers = [(name, text) for name, text in response.headers.raw if name.lower() not in _KEPT_BACK]
            is_stream = "event-stream" in response.headers.get("content-type", "")
            if is_stream:
                await door.begin(response.status_code, headers)
                async for line in self._lines(response.aiter_bytes()):
                    await door.say(line)
            else:
                content = b"".join([piece async for piece in self._lines(response.aiter_bytes(), b"")])
                await door.begin(response.status_code, headers)
                await door.say(content)
            await door.end()

    async def _lines(self, pieces: AsyncIterator[bytes], mark: bytes = b"\n") -> AsyncIterator[bytes]:
        """What comes, in lines or in one piece, none of them more than the library may be given to read."""
        most, buffer = self.origin.bounds.description_bytes, bytearray()
        async for piece in pieces:
            buffer += piece
            if mark and (end := buffer.rfind(mark) + 1):
                for line in buffer[:end].splitlines(keepends=True):
                    self._must_be_readable(bytes(line))
                yield bytes(buffer[:end])
                del buffer[:end]
            if len(buffer) > most:
                raise BadOutput(
                    self.origin.place, f"{self.origin.place} gives more than {told(most)} at once"
                )
        self._must_be_readable(bytes(buffer))
        yield bytes(buffer)

    def _must_be_readable(self, content: bytes) -> None:
        if content.count(b",") + content.count(b"[") + content.count(b"{") > self.origin.bounds.json_values:
            raise BadOutput(self.origin.place, f"{self.origin.place} gives more values than anybody reads")

    def _elsewhere(self, target: str) -> BadOutput:
        host = target if "://" not in target else urlsplit(target).netloc
        message = f"{self.origin.place} leads its client to another host, {host[:100]}, which is not followed"
        return BadOutput(self.origin.place, message)


def _has_body(request: h11.Request) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in request.headers)


def _goes_on(name: bytes) -> bool:
    return name.lower() not in _PRIVATE | _OURS


@dataclass(slots=True)
class _Door:
    """One connection, as HTTP."""

    stream: anyio.abc.SocketStream
    inner: h11.Connection

    async def request(self) -> h11.Request | None:
        """The head of what is asked; None for who says nothing."""
        event = await self._next()
        return event if isinstance(event, h11.Request) else None

    async def body(self) -> AsyncIterator[bytes]:
        """What is sent along, piece by piece."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def _next(self) -> object:
        while (event := self.inner.next_event()) is h11.NEED_DATA:
            try:
                self.inner.receive_data(await self.stream.receive(_READ))
            except anyio.EndOfStream:
                self.inner.receive_data(b"")
        return event

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the head of an answer whose length is not known."""
        every = [*headers, (b"connection", b"close")]
        await self._send(h11.Response(status_code=status, headers=every))

    async def say(self, piece: bytes) -> None:
        """Send a piece of the body."""
        if piece:
            await self._send(h11.Data(data=piece))

    async def end(self) -> None:
        """It is all said."""
        await self._send(h11.EndOfMessage())

    async def refuse(self, status: int) -> None:
        """Answer that there is no answer, if nothing was said yet."""
        if self.inner.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self.begin(status, [])
            await self.end()

    async def _send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        if data := self.inner.send(event):
            await self.stream.send(data)


@asynccontextmanager
async def open_relay(origin: Origin, clocks: Clocks) -> AsyncIterator[Relay]:
    """Open a door to an app, for as long as the block lasts."""
    relay = Relay(origin, clocks)
    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listeners, anyio.create_task_group() as tasks:
        relay.opened(listeners.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610 - no database
        tasks.start_soon(listeners.serve, relay.serve)
        try:
            yield relay
        finally:
            tasks.cancel_scope.cancel()
