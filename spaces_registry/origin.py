"""One app's home on the network: requests over the shared client, credentials only to where they belong.

A token, cookies and headers of the user's go to the app's own scheme, host and port. Whatever an app's answer
names (a file's URL, a redirect) is asked without them as soon as it lies elsewhere, and never on a private
network that the app is not on.
"""

import ipaddress
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import anyio
import httpx2

from spaces_registry.errors import BadOutput, CallFailed, Unreachable

_HOPS = 5  # redirects followed for one file
_IDLE_S = 3.0  # a kept connection is dropped before uvicorn (5 s) drops it under our request


def open_client() -> httpx2.AsyncClient:
    """The one HTTP client that all apps share: one SSL context, one pool, no cookies of its own."""
    context = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=_IDLE_S)
    nothing_kept = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.AsyncClient(verify=context, limits=limits, cookies=nothing_kept)


@lru_cache(maxsize=1)
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Whom `https` is believed from: read once a process, since that takes longer than a call of a near app.

    Args:
        file: the variable that httpx2 reads itself.
        folder: the same.
    """
    del file, folder
    return httpx2.create_ssl_context()


def patience(connect_s: float, quiet_s: float | None) -> httpx2.Timeout:
    """Time limits of one request: to connect, and between two pieces of the answer (None: no limit)."""
    return httpx2.Timeout(quiet_s, connect=connect_s, write=quiet_s or 60.0, pool=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an app lives and what it may be told.

    Attributes:
        place: how to call it in messages: Space id or URL.
        root: the app's root URL, without a trailing slash.
        client: the shared client.
        token: sent as `Authorization: Bearer` to this origin alone.
        cookies: what the app set; sent back to this origin alone.
        headers: what the user wants this place to be sent; to this origin alone.
        secrets: what else must not be repeated in a message, such as a key without its header's other words.
    """

    place: str
    root: str
    client: httpx2.AsyncClient = field(repr=False)
    token: str | None = field(default=None, repr=False)
    cookies: httpx2.Cookies = field(default_factory=httpx2.Cookies, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def is_own(self, url: httpx2.URL) -> bool:
        """Whether the URL has this app's scheme, host and port."""
        home = httpx2.URL(self.root)
        return (url.scheme, url.host, _port(url)) == (home.scheme, home.host, _port(home))

    def scrub(self, text: str | None) -> str | None:
        """The text without the token and the values of headers, should an app repeat them."""
        for secret in (self.token, *self.headers.values(), *self.secrets):
            text = text.replace(secret, "***") if text and secret else text
        return text

    async def send(
        self, method: str, path: str, *, limits: httpx2.Timeout, **content: Any
    ) -> httpx2.Response:
        """Ask the app for a path below its root and read the answer to its end, whatever its status.

        Raises:
            Unreachable: no connection, or one that broke or fell silent.
        """
        async with self.stream(method, self.root + path, limits=limits, **content) as response:
            async with self.bordered():
                await response.aread()
            return response

    async def fetch(self, path: str, *, limits: httpx2.Timeout, at_most_bytes: int) -> httpx2.Response:
        """Ask the app for a path below its root and read the answer, as long as it is not too large.

        Args:
            path: with its leading slash.
            limits: of the request.
            at_most_bytes: of the answer, unpacked; what is larger is not read on.

        Raises:
            BadOutput: the answer is larger.
            Unreachable: as `send`.
        """
        content = bytearray()
        async with self.stream("GET", self.root + path, limits=limits) as response, self.bordered():
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > at_most_bytes:
                    size = f"{at_most_bytes // 2**20} MB"
                    raise BadOutput(
                        self.place, f"{self.place}{path} gives more than {size}; nobody reads that"
                    )
            kept = {
                name: value
                for name, value in response.headers.items()
                if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
            }
            return httpx2.Response(
                response.status_code, headers=kept, content=bytes(content), request=response.request
            )

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, *, limits: httpx2.Timeout, **content: Any
    ) -> AsyncIterator[httpx2.Response]:
        """Ask for a URL, here or elsewhere; hand over the answer before it is read. GET follows redirects.

        Raises:
            Unreachable: no connection, one that broke or fell silent, too many redirects, or a URL that must
                not be asked.
        """
        target = self._target(url)
        for _ in range(_HOPS):
            await self._must_be_askable(target)
            request = self.client.build_request(method, target, timeout=limits, **content)
            if self.is_own(target):
                self.cookies.set_cookie_header(request)
                request.headers.update(self.headers)
                if self.token:
                    request.headers["Authorization"] = f"Bearer {self.token}"
            async with self.bordered():
                response = await self.client.send(request, stream=True)
            try:
                if self.is_own(target):
                    self.cookies.extract_cookies(response)
                if method != "GET" or not response.has_redirect_location:
                    yield response
                    return
                target = self._target(response.headers["location"], target)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        raise Unreachable(self.place, f"{self.place}: more than {_HOPS} redirects for {url}")

    def _target(self, url: str, base: httpx2.URL | None = None) -> httpx2.URL:
        try:
            return httpx2.URL(url) if base is None else base.join(url)
        except (httpx2.InvalidURL, ValueError) as cause:
            raise Unreachable(
                self.place, f"{self.place}: names an address that is none: {url[:200]}"
            ) from cause

    def bordered(self) -> AbstractAsyncContextManager[None]:
        """A border for the HTTP library's errors: they become `Unreachable`."""
        return _border(self.place)

    async def _must_be_askable(self, url: httpx2.URL) -> None:
        if self.is_own(url):
            return
        if url.scheme not in ("http", "https") or not url.host:
            raise Unreachable(
                self.place, f"{self.place}: names {url.scheme or 'no'} address for a file: {url}"
            )
        home = httpx2.URL(self.root).host
        if await _is_private(url.host) and not await _is_private(home):
            message = f"{self.place}: names a file on a private network, {url.host}, which is not asked for"
            raise Unreachable(self.place, message)


def _port(url: httpx2.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


async def _is_private(host: str) -> bool:
    """Whether any address of the host is not public; a host without address is left to the connection."""
    try:
        found = await anyio.getaddrinfo(host, None)
    except OSError:
        return False
    return any(not ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_global for one in found)


@asynccontextmanager
async def _border(place: str) -> AsyncIterator[None]:
    try:
        yield
    except httpx2.TimeoutException as cause:
        doing = "did not accept a connection" if isinstance(cause, httpx2.ConnectTimeout) else "fell silent"
        raise Unreachable(place, f"{place} {doing} for too long") from cause
    except httpx2.ConnectError as cause:
        raise Unreachable(place, f"{place}: no connection: {cause}", said=None) from cause
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as cause:
        how = str(cause) or type(cause).__name__
        raise Unreachable(place, f"{place}: the connection broke: {how}") from cause


def scrubbed(failure: CallFailed, origin: Origin) -> CallFailed:
    """The failure without the token in its texts, should an app have repeated it."""
    failure.said = origin.scrub(failure.said)
    failure.message = origin.scrub(failure.message) or failure.message
    failure.args = (failure.message,)
    return failure
