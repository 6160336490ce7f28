"""A real HTTP server whose answers a test writes, for what no Gradio app says; it records what is asked."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `cut` closes the connection before its announced end."""

    body: bytes = b""
    status: int = 200
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def say(value: Any, status: int = 200, **headers: str) -> Answer:
    """A value as JSON; header names with `_` for `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(json.dumps(value).encode(), status, headers=named)


def stream(*messages: Mapping[str, Any]) -> Answer:
    """Messages as Gradio's event stream."""
    lines = [f"data: {json.dumps(one)}\n\n" for one in messages]
    return Answer("".join(lines).encode(), type="text/event-stream")


def page(title: str, status: int = 200) -> Answer:
    """A web page."""
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body></body></html>"
    return Answer(html.encode(), status, "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Web:
    """A running server: its root URL and what it was asked, in order."""

    url: str
    asked: list[Asked]


@contextmanager
def web(answer: Callable[[Asked], Answer], certificate: Path | None = None) -> Iterator[Web]:
    """Serve on a free port of 127.0.0.1 until the end of the block; over TLS with a certificate."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body leave at once, not 40 ms apart

        def do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            path, _, query = self.path.partition("?")
            headers = {name.lower(): text for name, text in self.headers.items()}
            one = Asked(self.command, path, query, headers, self.rfile.read(length))
            asked.append(one)
            found = answer(one)
            self.send_response(found.status)
            self.send_header("content-type", found.type)
            self.send_header("content-length", str(len(found.body) + (1000 if found.cut else 0)))
            for name, text in found.headers.items():
                self.send_header(name, text)
            self.end_headers()
            with suppress(ConnectionError):  # who asked may have heard enough
                self.wfile.write(found.body)
            self.close_connection = found.cut

        do_GET = do_POST = do_HEAD = do  # noqa: N815 - the base class names them

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        scheme = "http" if certificate is None else "https"
        yield Web(f"{scheme}://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
