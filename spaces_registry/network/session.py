"""The one HTTP session of `huggingface_hub`, through which a caller may see to all that the library sends.

The library asks the network by a session of its own, from the first request to the last look at a queue and
the download of a result. Whoever calls it within `through` makes these requests himself: on his own
connections, so that they end with him, and with no more in them than their host may know. Everybody else's
go as ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol

import httpx2

from spaces_registry.network.charsets import readable_headers
from spaces_registry.network.intake import ABOUT_BYTES, clean_headers
from spaces_registry.network.redaction import redacted


class Exchange(Protocol):
    """Makes one request of the library's; called in the library's thread."""

    def __call__(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        """The answer, whose body is still to be read if it is a stream."""
        ...


_EXCHANGE: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
_OPENING = threading.Lock()


@contextmanager
def through(exchange: Exchange) -> Iterator[None]:
    """Within the block, in this thread: what the library wants to send goes through `exchange`."""
    ready()
    before = _EXCHANGE.set(exchange)
    try:
        yield
    finally:
        _EXCHANGE.reset(before)


def ready() -> None:
    """Give the library a session that knows of exchanges, by its own way to set one.

    Whoever uses the library calls this first: a session that is exchanged while it is used breaks off.
    """
    with _OPENING:
        _open()


@cache
def _open() -> None:
    from huggingface_hub import get_session, set_client_factory  # noqa: PLC0415 - heavy

    usual = get_session()
    hooks, timeout = usual.event_hooks, usual.timeout  # the library's own: offline mode, request ids
    set_client_factory(lambda: _Session(event_hooks=hooks, follow_redirects=True, timeout=timeout))


def _clean(response: httpx2.Response, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
    """An answer without the token that its request was sent with, should it repeat it."""
    secrets = tuple(request.headers.get("authorization", "").split())
    if not secrets or stream:
        return response
    content = redacted(response.content, secrets)
    headers = clean_headers(response, secrets)
    if content == response.content and headers == response.headers:
        return response
    clean = httpx2.Response(
        response.status_code,
        headers=[(name, text) for name, text in headers.raw if name.lower() not in ABOUT_BYTES],
        content=content,
        request=response.request,
        history=response.history,
    )
    clean.elapsed = response.elapsed
    return clean


class _Session(httpx2.Client):
    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        exchange = _EXCHANGE.get()
        if exchange is None:
            response = super().send(request, stream=stream, **options)
            response.headers = httpx2.Headers(readable_headers(response.headers.raw))
            return _clean(response, request, stream=stream)
        for hook in self.event_hooks["request"]:
            hook(request)
        return exchange(request, stream=stream)
