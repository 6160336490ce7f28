"""Servers that keep to no rules."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

from spaces_registry.network.bounds import Bounds
from spaces_registry.network.origin import Origin


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


def origin_at(url: str, client, bounds: Bounds, **more) -> Origin:
    """Where a server of the test's own lives, under limits of the test's own."""
    return Origin("acme/app", url, client, bounds=bounds, **more)
