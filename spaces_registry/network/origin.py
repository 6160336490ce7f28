"""One app's home on the network: requests over the shared client, credentials only to where they belong.

A token, cookies and headers of the user's go to the app's own scheme, host and port. Whatever an app's answer
names (a file's URL, a redirect) is asked without them as soon as it lies elsewhere, and never on a private
network that the app is not on.
"""

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.request import getproxies, proxy_bypass

import anyio
import anyio.to_thread
import httpx2

from spaces_registry.errors import CallFailed, ToolkitError, Unreachable
from spaces_registry.network.bounds import Bounds, find_bounds
from spaces_registry.network.certificates import certificate_hint
from spaces_registry.network.intake import ACCEPTED, Rule, clean_headers, taken_in
from spaces_registry.network.reach import Network, may_lead, nearest_network, network_of
from spaces_registry.network.redaction import LEAST, redacted_text

_OPEN = frozenset(  # headers whose values are no secrets, and stand in every other answer
    {
        *("accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-type"),
        *("dnt", "origin", "pragma", "prefer", "referer", "user-agent", "x-hf-bill-to"),
    }
)
_IDLE_S = 3.0  # a kept connection is dropped before uvicorn (5 s) drops it under our request


def open_client() -> httpx2.AsyncClient:
    """The one HTTP client that all apps share: one SSL context, one pool, no cookies of its own."""
    context = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=_IDLE_S)
    nothing_kept = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    headers = {"accept-encoding": ACCEPTED}
    return httpx2.AsyncClient(verify=context, limits=limits, cookies=nothing_kept, headers=headers)


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


class NotAsked(ToolkitError):
    """A chain from the web names an app on this machine or its network, and nobody has trusted the chain."""

    code = "not-asked"

    def __init__(self, place: str) -> None:
        message = f"{place} is on this machine's own network, where a recipe that is not trusted asks nobody"
        super().__init__(message, hint="read the recipe; once it is trusted, this app is looked at too")
        self.place = place


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
        bounds: the limits on what comes from here.
        keeps_https: whether redirects may lead to https alone, and to http within this machine.
        is_public: whether it is asked on the internet alone: a stranger names it, and nobody trusts him.
    """

    place: str
    root: str
    client: httpx2.AsyncClient = field(repr=False)
    token: str | None = field(default=None, repr=False)
    cookies: httpx2.Cookies = field(default_factory=httpx2.Cookies, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    bounds: Bounds = field(default_factory=find_bounds, repr=False)
    keeps_https: bool = False
    is_public: bool = False

    def is_own(self, url: httpx2.URL) -> bool:
        """Whether the URL has this app's scheme, host and port."""
        home = httpx2.URL(self.root)
        return (url.scheme, url.host, _port(url)) == (home.scheme, home.host, _port(home))

    def moved(self, root: str) -> "Origin":
        """The origin after redirects led to another root: what was meant for one host is not for another."""
        if self.is_own(httpx2.URL(root)):
            return replace(self, root=root)
        return replace(
            self, root=root, token=None, cookies=httpx2.Cookies(), headers={}, secrets=self.all_secrets()
        )

    def scrub(self, text: str | None) -> str | None:
        """A message without token, headers' values and cookies, short ones too, should an app repeat them.

        What comes in is clean already; this is for what the HTTP library says, and for secrets so short that
        an answer is full of them.
        """
        if not text:
            return text
        secrets = self.all_secrets()
        for secret in secrets:
            text = text.replace(secret, "***")
        return redacted_text(text, secrets)

    def scrub_all(self, value: Any) -> Any:
        """A JSON value with each key and text redacted, where several messages may have joined a secret."""
        secrets = tuple(one for one in self.all_secrets() if len(one) >= LEAST)
        return _scrubbed(value, secrets) if secrets else value

    def all_secrets(self) -> tuple[str, ...]:
        """What must not be repeated: token, key, cookies, the user's headers, and the parts of these."""
        cookies = (one.value for one in self.cookies.jar if one.value and len(one.value) >= LEAST)
        private = [text for name, text in self.headers.items() if name.lower() not in _OPEN]
        parts = (part for text in private for part in text.split() if len(part) >= LEAST)
        every = (self.token, *private, *self.secrets, *parts, *cookies)
        return tuple(dict.fromkeys(one for one in every if one))

    async def send(
        self,
        method: str,
        path: str,
        *,
        limits: httpx2.Timeout,
        at_most_bytes: int | None = None,
        **content: Any,
    ) -> httpx2.Response:
        """Ask the app for a path below its root and read the answer to its end, whatever its status.

        Args:
            method: HTTP's.
            path: with its leading slash.
            limits: of the request.
            at_most_bytes: of the answer, unpacked; what is larger is not read on. None for the usual bound.
            **content: the request's body and headers, as the HTTP library takes them.

        Raises:
            BadOutput: the answer is larger.
            Unreachable: no connection, or one that broke or fell silent.
        """
        rule = Rule(self.bounds.answer_bytes if at_most_bytes is None else at_most_bytes)
        async with self.stream(method, self.root + path, limits=limits, rule=rule, **content) as response:
            async with self.bordered():
                await response.aread()
            return response

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, *, limits: httpx2.Timeout, rule: Rule | None = None, **content: Any
    ) -> AsyncIterator[httpx2.Response]:
        """Ask for a URL, here or elsewhere; hand over the answer before it is read. GET follows redirects.

        Args:
            method: HTTP's.
            url: what is asked for.
            limits: of the request.
            rule: how the answer is taken in; None for an answer that is read into memory.
            **content: the request's body and headers, as the HTTP library takes them.

        Raises:
            BadOutput: the answer is packed as nobody asked for; while it is read: it is too large.
            Unreachable: no connection, one that broke or fell silent, too many redirects, or a URL that must
                not be asked.
        """
        rule = rule or Rule(self.bounds.answer_bytes)
        target = self._target(url)
        for _ in range(self.bounds.redirects + 1):
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
                await self._must_be_there(target, response)
                if self.is_own(target):
                    self.cookies.extract_cookies(response)
                secrets = self.all_secrets()
                if method != "GET" or not response.has_redirect_location:
                    yield taken_in(self.place, response, rule, self.bounds, secrets)
                    return
                location = clean_headers(response, secrets)["location"]
                target = await self._redirected(location, target)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        raise Unreachable(
            self.place, f"{self.place}: more than {self.bounds.redirects} redirects for {url[:200]}"
        )

    async def _redirected(self, location: str, before: httpx2.URL) -> httpx2.URL:
        target = self._target(location, before)
        if self.keeps_https and target.scheme != "https":
            is_here = await anyio.to_thread.run_sync(nearest_network, target.host) is Network.MACHINE
            if before.scheme == "https" or not is_here:
                message = f"{self.place}: leads from {before.scheme}://{before.host} to {target.scheme}, "
                raise Unreachable(self.place, f"{message}where what comes could be changed on its way")
        return target

    def _target(self, url: str, base: httpx2.URL | None = None) -> httpx2.URL:
        try:
            return httpx2.URL(url) if base is None else base.join(url)
        except (httpx2.InvalidURL, ValueError) as cause:
            raise Unreachable(
                self.place, f"{self.place}: names an address that is none: {url[:200]}"
            ) from cause

    def bordered(self) -> AbstractAsyncContextManager[None]:
        """A border for the HTTP library's errors: they become `Unreachable`."""
        return _border(self)

    async def _must_be_askable(self, url: httpx2.URL) -> None:
        if self.is_own(url):
            if self.is_public:
                self._must_be_public(await anyio.to_thread.run_sync(nearest_network, url.host))
            return
        if url.scheme not in ("http", "https") or not url.host:
            shown = str(url)[:200]
            message = f"{self.place}: names {url.scheme or 'no'} address for a file: {shown}"
            raise Unreachable(self.place, message)
        target = await anyio.to_thread.run_sync(nearest_network, url.host)
        if target and not may_lead(await self._network(), target):
            raise self._too_near(url)

    async def _must_be_there(self, url: httpx2.URL, response: httpx2.Response) -> None:
        """Whether who answered lives where its name led before: names may lead elsewhere a moment later."""
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if not peer or _is_proxied(url):
            return
        target = network_of(str(peer[0]))
        if self.is_own(url):
            if self.is_public:
                self._must_be_public(target)
            return
        if target and not may_lead(await self._network(), target):
            raise self._too_near(url)

    def _must_be_public(self, network: Network) -> None:
        if network is not Network.PUBLIC:
            raise NotAsked(self.place)

    async def _network(self) -> Network:
        return await anyio.to_thread.run_sync(nearest_network, httpx2.URL(self.root).host)

    def _too_near(self, url: httpx2.URL) -> Unreachable:
        message = f"{self.place}: names a file on a private network, {url.host}, which is not asked for"
        return Unreachable(self.place, message)


def _port(url: httpx2.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _is_proxied(url: httpx2.URL) -> bool:
    """Whether requests for it go through a proxy, whose address says nothing of its own."""
    return bool(getproxies()) and not proxy_bypass(url.host)


def _scrubbed(value: Any, secrets: tuple[str, ...]) -> Any:
    match value:
        case str():
            return redacted_text(value, secrets)
        case list():
            return [_scrubbed(one, secrets) for one in value]
        case dict():
            return {_scrubbed(name, secrets): _scrubbed(one, secrets) for name, one in value.items()}
    return value


@asynccontextmanager
async def _border(origin: Origin) -> AsyncIterator[None]:
    place = origin.place
    try:
        yield
    except httpx2.TimeoutException as cause:
        doing = "did not accept a connection" if isinstance(cause, httpx2.ConnectTimeout) else "fell silent"
        raise Unreachable(place, f"{place} {doing} for too long") from cause
    except httpx2.ConnectError as cause:
        message = f"{place}: no connection: {origin.scrub(str(cause))}"
        raise Unreachable(place, message, hint=certificate_hint(cause)) from cause
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as cause:
        how = origin.scrub(str(cause)) or type(cause).__name__  # a broken head stands in it as it came
        raise Unreachable(place, f"{place}: the connection broke: {how}") from cause


def scrubbed(failure: CallFailed, origin: Origin) -> CallFailed:
    """The failure without the token in its texts, should an app have repeated it."""
    failure.said = origin.scrub(failure.said)
    failure.message = origin.scrub(failure.message) or failure.message
    failure.args = (failure.message,)
    return failure
