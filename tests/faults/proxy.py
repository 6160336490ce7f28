"""A proxy that stands between the engine and a real app and breaks what it is told to break.

It takes one request a connection, asks the app in HTTP/1.0, so that every answer ends with the connection,
and hands the answer on as it comes, unless a fault says otherwise.
"""

import asyncio
import json
import re
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PIECE = 4096


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a request.

    Attributes:
        how: one of the names in `Proxy._break`.
        where: pattern that `METHOD /path` contains.
        times: how many matching requests it befalls, from the first; 0 for all.
    """

    how: str
    where: str
    times: int = 0


@dataclass(slots=True)
class Proxy:
    """A running proxy.

    Attributes:
        target: the app's root URL; may be changed while it runs.
        url: the proxy's own root URL.
        fault: what is done to requests; may be changed while it runs.
        seen: `METHOD /path` of every request, in order.
        befallen: how many requests the present fault has met.
        open: connections under way.
    """

    target: str
    url: str = ""
    fault: Fault | None = None
    seen: list[str] = field(default_factory=list)
    befallen: int = 0
    open: int = 0
    _events: tuple[str, Callable[[], None]] | None = None

    def when(self, where: str, do: Callable[[], None]) -> None:
        """Do something once, before the first request that matches is handed on."""
        self._events = (where, do)

    def set(self, fault: Fault | None) -> None:
        """Do this from now on, and count anew."""
        self.fault, self.befallen = fault, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        self.open += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._serve(reader, writer)
        finally:
            self.open -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rows = head.split("\r\n")
        method, path, _ = line.split(" ", 2)
        self.seen.append(f"{method} {path}")
        if self._events is not None and re.search(self._events[0], f"{method} {path}"):
            self._events, do = None, self._events[1]
            do()
        how = self._fault_of(f"{method} {path}")
        headers = {
            name.strip().lower(): text.strip() for name, _, text in (r.partition(":") for r in rows if r)
        }
        if how == "half-open":
            await reader.read()  # until the client gives up
            return
        if how == "cut-upload":
            await reader.read(64)
            _reset(writer)
            return
        body = await _body(reader, headers)
        if how is not None and (answer := _instead(how)) is not None:
            writer.write(answer)
            await writer.drain()
            return
        if how == "reset":
            _reset(writer)
            return
        if how == "latency":
            await asyncio.sleep(5.0)
        await self._forward(f"{method} {path}", headers, body, how, reader, writer)

    def _fault_of(self, asked: str) -> str | None:
        fault = self.fault
        if fault is None or not re.search(fault.where, asked):
            return None
        if fault.times and self.befallen >= fault.times:
            return None
        self.befallen += 1
        return fault.how

    async def _forward(
        self,
        asked: str,
        headers: dict[str, str],
        body: bytes,
        how: str | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        target = urlsplit(self.target)
        source, sink = await asyncio.open_connection(target.hostname, target.port)
        try:
            kept = {name: text for name, text in headers.items() if name not in _HOPS}
            kept |= {"content-length": str(len(body)), "connection": "close"}
            rows = "".join(f"{name}: {text}\r\n" for name, text in kept.items())
            sink.write(f"{asked} HTTP/1.0\r\n{rows}\r\n".encode("latin-1") + body)
            await sink.drain()
            head = (await source.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *found = [row for row in head.split("\r\n") if row]
            rows = "".join(f"{row}\r\n" for row in found if not row.lower().startswith("connection:"))
            writer.write(f"{status}\r\n{rows}connection: close\r\n\r\n".encode("latin-1"))
            if await _hand_on(_watched(source, reader, writer), writer, how):
                _reset(writer)
        finally:
            sink.close()


_HOPS = {"connection", "content-length", "transfer-encoding", "accept-encoding"}


async def _watched(
    source: asyncio.StreamReader, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[bytes]:
    """The app's answer, until the client goes away: the app must see that."""
    while not (writer.transport.is_closing() or reader.at_eof()):
        try:
            piece = await asyncio.wait_for(source.read(_PIECE), 0.2)
        except TimeoutError:
            continue
        if not piece:
            return
        yield piece


async def _hand_on(pieces: AsyncIterator[bytes], writer: asyncio.StreamWriter, how: str | None) -> bool:
    """Hand an answer on, with its fault; says whether it is to end with a reset."""
    if how in _FRAMES:
        pieces = _reframed(pieces, _FRAMES[how])
    async for piece in pieces:
        match how:
            case "cut":
                writer.write(piece[: max(1, len(piece) // 2)])
                await writer.drain()
                return True
            case "drip":
                for at in range(0, len(piece), 100):  # 1 kB/s
                    writer.write(piece[at : at + 100])
                    await writer.drain()
                    await asyncio.sleep(0.1)
            case _:
                writer.write(piece)
                await writer.drain()
    return False


async def _reframed(pieces: AsyncIterator[bytes], change: str) -> AsyncIterator[bytes]:
    """An event stream with its messages broken, doubled or in another order."""
    buffer, held = b"", None
    async for piece in pieces:
        buffer += piece
        while b"\n\n" in buffer:
            frame, buffer = buffer.split(b"\n\n", 1)
            frame += b"\n\n"
            match change:
                case "break":
                    yield frame[: len(frame) // 2] + b"\n\n"
                case "double":
                    yield frame + frame
                case "swap" if held is None and b"process_completed" not in frame:
                    held = frame
                case "swap":
                    yield frame + (held or b"")
                    held = None
    if held:
        yield held


_FRAMES = {"broken-frames": "break", "doubled-frames": "double", "swapped-frames": "swap"}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readline()).strip() or b"0", 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    return await reader.readexactly(int(headers.get("content-length", 0)))


def _instead(how: str) -> bytes | None:
    """The whole answer that a fault gives in place of the app's, or None."""
    pages = {
        "429": (429, "text/plain", b"slow down", "retry-after: 1\r\n"),
        "500": (500, "text/plain", b"Internal Server Error", ""),
        "502": (502, "text/html", b"<!DOCTYPE html><html><title>Bad Gateway</title></html>", ""),
        "503": (503, "text/html", b"<!DOCTYPE html><html><title>Starting</title></html>", ""),
        "html": (200, "text/html", b"<!DOCTYPE html><html><title>Sign in</title></html>", ""),
        "json": (200, "application/json", json.dumps({"surprise": [None]}).encode(), ""),
    }
    if how not in pages:
        return None
    status, kind, text, more = pages[how]
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(text)}\r\n{more}"
    return head.encode() + b"connection: close\r\n\r\n" + text


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a machine does that dies."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """Run a proxy in a thread, on a free port of 127.0.0.1."""
    one = Proxy(target)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(one.serve, "127.0.0.1", 0, limit=2**20)
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(start())
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield one
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
