"""Servers that keep to no rules, and a terminal of the test's own."""

import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from spaces_registry.bounds import Bounds
from spaces_registry.origin import Origin, open_client


@pytest.fixture
def anyio_backend() -> str:
    """What the command line runs on."""
    return "asyncio"


@pytest.fixture
async def client():
    """The client that all apps share."""
    async with open_client() as opened:
        yield opened


@pytest.fixture
def bounds() -> Callable[..., Bounds]:
    """Limits, with some of them low enough for a test."""
    return lambda **low: replace(Bounds(), **low)


@contextmanager
def raw(answer: Callable[[bytes], Iterator[bytes]]) -> Iterator[str]:
    """A server that answers each request with bytes of a test's own, until who asked goes away."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            first = self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            with suppress(ConnectionError):
                for piece in answer(first.split(b" ")[1] if b" " in first else b""):
                    self.wfile.write(piece)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def head(*headers: str, status: str = "200 OK") -> bytes:
    """The first lines of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "connection: close", "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Talked:
    """What a command on a terminal said, and how it ended."""

    code: int
    said: str


@pytest.fixture
def on_a_terminal(tmp_path: Path) -> Callable[..., Talked]:
    """Run the command line on a terminal of its own, and answer its question."""

    def run(*words: str, answer: str, asks: str = "[y/N]", env: Mapping[str, str] = {}) -> Talked:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "pipelines.cli", *words]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **env},
            start_new_session=True,
        )
        os.close(theirs)
        said, answered = b"", False
        try:
            while True:
                ready, _, _ = select.select([ours], [], [], 60)
                try:
                    piece = os.read(ours, 4096) if ready else b""
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                said += piece
                if not answered and asks.encode() in said:
                    os.write(ours, answer.encode())
                    answered = True
            return Talked(process.wait(60), said.decode("utf-8", "replace"))
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    return run


def origin_at(url: str, client, bounds: Bounds, **more) -> Origin:
    """Where a server of the test's own lives, under limits of the test's own."""
    return Origin("acme/app", url, client, bounds=bounds, **more)
