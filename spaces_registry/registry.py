"""The way in: from an address to an app that runs, described; one App per place, however many ask for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import anyio
import httpx2

from spaces_registry.address import BadAddress, HubAddress, UrlAddress, address_of
from spaces_registry.apps.app import App, NotGradio, describe, log_in
from spaces_registry.apps.description import Known
from spaces_registry.bookmarks import Bookmarks
from spaces_registry.cache import Descriptions
from spaces_registry.clocks import Clocks
from spaces_registry.errors import Asleep, Building, CallFailed
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import ASLEEP, STARTING, Hub, Listing, find_token, may_have_token
from spaces_registry.network.origin import Origin, open_client, patience
from spaces_registry.progress import Listener, Waking, unheard
from spaces_registry.signature import Space

_POLL_S = (0.25, 0.5, 1.0, 2.0)  # between two looks at a Space that is waking; then every 5 s
_POLL_LATER_S = 5.0
_KNOCK_S = 10.0  # for the request that wakes a Space; its answer does not matter


class StandIn(Protocol):
    """An app on this machine that takes a Space's place; nothing of it runs before it is called."""

    @property
    def space(self) -> Space:
        """What it offers; its `url` is empty."""

    async def start(self) -> str:
        """Where it is; it is started if it does not run yet."""


@asynccontextmanager
async def open_registry(  # noqa: PLR0913 - all by name, all with defaults
    *,
    token: str | None = None,
    use: Mapping[str, str] = {},
    auth: Mapping[str, tuple[str, str]] = {},
    cache: Path | None = None,
    hub: str | None = None,
    own: Bookmarks = Bookmarks(),
    clocks: Clocks = Clocks(),
    is_public: bool = False,
    secrets: tuple[str, ...] = (),
    stand_ins: Mapping[str, StandIn] = {},
) -> AsyncIterator["Registry"]:
    """Open a registry, with one HTTP client for everything that is reached through it.

    Args:
        token: the user's Hugging Face token; None finds it as `huggingface_hub` does, an empty text is none.
        use: Space id, alias or URL to the URL that is to be asked in its place; the Space keeps its address.
        auth: address to user and password, for apps behind Gradio's own login.
        cache: folder for descriptions of Hub Spaces; None keeps none.
        hub: the Hub's address; None for `HF_ENDPOINT`, else huggingface.co.
        own: the user's own aliases, and what the apps behind them are sent.
        clocks: how long an app may take to open a connection and between two bytes of its description.
        is_public: whether an app by URL is asked on the internet alone, unless `use` names it.
        secrets: what else no place may repeat: keys that a chain hands over as values.
        stand_ins: Space id to the app of this machine that takes its place, where `use` names none.

    Raises:
        BadAddress: a key of `use` or `auth`, or a target of `use`, is no address.
    """
    elsewhere = {address_of(one, own.aliases).shown: _url(target) for one, target in use.items()}
    logins = {address_of(one, own.aliases).shown: pair for one, pair in auth.items()}
    kept = Descriptions(cache) if cache else None
    async with open_client() as client:
        yield Registry(
            client,
            token,
            elsewhere,
            logins,
            kept,
            hub,
            own,
            Answers(cache),
            clocks,
            is_public,
            secrets,
            {one: app for one, app in stand_ins.items() if one not in elsewhere},
        )


def _url(text: str) -> str:
    match address_of(text):
        case UrlAddress(url):
            return url
    raise BadAddress(text, "a place to use instead must be a URL")


@dataclass(slots=True)
class Registry:
    """Finds apps and keeps the ways to them; made by `open_registry`.

    Attributes:
        own: the user's own aliases.
        answers: the Hub's answers to searches.
        secrets: what no place may repeat, beside what it is sent to know its user.
        stand_ins: the apps of this machine that take a Space's place, by its id.
    """

    _client: httpx2.AsyncClient = field(repr=False)
    _token: str | None = field(repr=False)
    _use: Mapping[str, str]
    _auth: Mapping[str, tuple[str, str]] = field(repr=False)
    _cache: Descriptions | None
    _hub_url: str | None
    own: Bookmarks
    answers: Answers
    _clocks: Clocks
    _is_public: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)
    _apps: dict[str, App] = field(default_factory=dict)
    _locks: dict[str, anyio.Lock] = field(default_factory=dict)

    @property
    def client(self) -> httpx2.AsyncClient:
        """The one HTTP client for everything that is called; it knows no credentials."""
        return self._client

    @property
    def hub(self) -> Hub:
        """The Hub, as the user sees it."""
        return Hub(self._known_token(), self._hub_url)

    def address(self, text: str) -> HubAddress | UrlAddress:
        """What an address means; the user's own aliases come first.

        Raises:
            BadAddress: it is none.
        """
        return address_of(text, self.own.aliases)

    @property
    def replaced(self) -> frozenset[str]:
        """Addresses whose app is elsewhere: at another URL, or on this machine."""
        return frozenset((*self._use, *self.stand_ins))

    def remembered(self, repo: str) -> Space | None:
        """The last description of a Hub Space that was kept, of whatever revision; None if there is none."""
        return self._cache.newest(repo) if self._cache is not None else None

    async def look(self, listing: Listing, *, patience_s: float = 15.0) -> Space:
        """What a Space of the Hub offers, from the cache or from its app; it is not woken, nor kept open.

        Args:
            listing: what the Hub told of it a moment ago; without `url` the Hub is asked again.
            patience_s: how long the Hub may take to answer.

        Raises:
            Paused, Asleep, Building: it does not run.
            NotGradio, CallFailed: as `connect`.
        """
        if listing.url is None:
            listing = await replace(self.hub, patience_s=patience_s).space(listing.id)
        listing.refuse_broken()
        if (space := self._remembered(listing)) is not None:
            return space
        listing = await self._awake(listing, 0.0, unheard)
        if listing.url is None or listing.sdk == "static":
            raise NotGradio(listing.id, f"its SDK is {listing.sdk}")
        origin = self._origin(listing.id, listing.url, self._token_for(listing.url))
        app = await self._described(listing, origin, 0.0)
        if self._cache is not None and app.space.endpoints:
            self._cache.keep(app.space)
        return app.space

    async def connect(self, address: str, *, wake_s: float = 300.0, tell: Listener = unheard) -> App:
        """The app at an address, running and described; a Space that sleeps is woken.

        Args:
            address: Space id, URL or alias.
            wake_s: how long to wait for a Space that sleeps, builds or starts.
            tell: hears of the waiting.

        Raises:
            BadAddress: the address is none.
            NotGradio: something else than a Gradio app lives there.
            CallFailed: the class says why it cannot be reached.
        """
        where = self.address(address)
        async with self._locks.setdefault(where.shown, anyio.Lock()):
            app = self._apps.get(where.shown)
            if app is None or app.is_doubtful:
                app = await self._open(where, wake_s, tell)
                self._apps[where.shown] = app
            return app

    async def look_up(self, address: str, *, wake_s: float = 300.0, tell: Listener = unheard) -> Space:
        """What the app at an address offers, as it runs; one that only stands in for a Space is not started.

        Args, Raises: as `connect`.
        """
        if (stand_in := self.stand_ins.get(self.address(address).shown)) is not None:
            return stand_in.space
        return (await self.connect(address, wake_s=wake_s, tell=tell)).space

    async def describe(self, address: str, *, wake_s: float = 0.0) -> Space:
        """What the Space at an address offers; one that sleeps is described from the cache, if it is there.

        Raises:
            As `connect`; `Asleep` or `Building` if it does not run and `wake_s` does not suffice.
        """
        where = self.address(address)
        if isinstance(where, HubAddress) and where.shown not in self.replaced and self._cache is not None:
            listing = await self.hub.space(where.id)
            if (space := self._remembered(listing)) is not None:
                return space
        return await self.look_up(address, wake_s=wake_s)

    async def _open(self, where: HubAddress | UrlAddress, wake_s: float, tell: Listener) -> App:
        match where:
            case _ if (url := self._use.get(where.shown)) is not None:
                return await self._at(self._origin(where.shown, url))
            case _ if (stand_in := self.stand_ins.get(where.shown)) is not None:
                return await self._at(self._origin(where.shown, await stand_in.start()))
            case UrlAddress(url):
                origin = self._origin(where.shown, url)
                return await self._at(replace(origin, is_public=self._is_public))
            case HubAddress(repo):
                return await self._of_hub(repo, wake_s, tell)

    async def _at(self, origin: Origin, known: Known = Known()) -> App:  # noqa: B008 - frozen
        if (auth := self._login_of(origin.place)) is not None:
            await log_in(origin, *auth, self._clocks)
        space = await describe(origin, self._clocks, known=known)
        return App(space, origin.moved(space.url))

    async def _of_hub(self, repo: str, wake_s: float, tell: Listener) -> App:
        started = anyio.current_time()
        first = await self.hub.space(repo)
        listing = await self._awake(first, wake_s, tell)
        url = listing.url
        if url is None or listing.sdk == "static":
            raise NotGradio(repo, f"its SDK is {listing.sdk}")
        origin = self._origin(repo, url, self._token_for(url))
        if first.stage == listing.stage and (space := self._remembered(listing)) is not None:
            if (auth := self._login_of(repo)) is not None:
                await log_in(origin, *auth, self._clocks)
            return App(space, origin)
        left_s = wake_s - (anyio.current_time() - started) if first.stage != listing.stage else 0.0
        app = await self._described(listing, origin, left_s)
        if self._cache is not None and app.space.endpoints:
            self._cache.keep(app.space)
        return app

    async def _described(self, listing: Listing, origin: Origin, left_s: float) -> App:
        """Describe a Space; one that has just woken may answer with pages for a while."""
        until = anyio.current_time() + left_s
        while True:
            try:
                return await self._at(origin, Known(listing.revision, listing.stage, listing.hardware))
            except CallFailed as failure:
                if anyio.current_time() < until and failure.code in ("unreachable", "missing", "timed-out"):
                    await anyio.sleep(_POLL_S[1])
                    continue
                if listing.sdk not in (None, "gradio") and failure.code in (
                    "unreachable",
                    "missing",
                    "drifted",
                ):
                    raise NotGradio(listing.id, f"its SDK is {listing.sdk}") from failure
                raise

    async def _awake(self, listing: Listing, wake_s: float, tell: Listener) -> Listing:
        """The Space as it runs: knock if it sleeps, wait while it starts."""
        started = anyio.current_time()
        for turn in range(1_000_000):
            listing.refuse_broken()
            if listing.stage not in ASLEEP | STARTING:
                return listing
            waited_s = anyio.current_time() - started
            tell(Waking(listing.stage or "", waited_s))
            pause_s = min(_POLL_S[turn] if turn < len(_POLL_S) else _POLL_LATER_S, wake_s - waited_s)
            if pause_s <= 0:
                break
            if listing.stage in ASLEEP and listing.url is not None:
                await self._knock(listing.url, listing.id)
            await anyio.sleep(pause_s)
            listing = await self.hub.space(listing.id)
        kind = Asleep if listing.stage in ASLEEP else Building
        hint = "wait longer (wake), or choose another Space"
        patience = f" and was not ready within {wake_s:g} s" if wake_s > 0 else ""
        raise kind(listing.id, f"{listing.id} is {listing.stage}{patience}", hint=hint)

    async def _knock(self, url: str, place: str) -> None:
        origin = self._origin(place, url, self._token_for(url))
        try:
            async with origin.stream("GET", url, limits=patience(_KNOCK_S, _KNOCK_S)):
                return
        except CallFailed:
            return  # asking is what wakes it

    def _remembered(self, listing: Listing) -> Space | None:
        found = self._cache.find(listing.id, listing.revision) if self._cache is not None else None
        if found is None or listing.url is None:
            return None
        return replace(found, url=listing.url, stage=listing.stage, hardware=listing.hardware)

    def _origin(self, place: str, url: str, token: str | None = None) -> Origin:
        headers = {} if place in self.replaced else self.own.headers.get(place, {})
        login = self._login_of(place)
        secrets = (*((login[1],) if login else ()), *self.secrets)
        return Origin(place, url, self._client, token, headers=headers, secrets=secrets)

    def _login_of(self, place: str) -> tuple[str, str] | None:
        """User and password for a place; the user's own are not for an app that is asked in its stead."""
        return self._auth.get(place) or (None if place in self.replaced else self.own.logins.get(place))

    def _token_for(self, url: str) -> str | None:
        return self._known_token() if may_have_token(url) else None

    def _known_token(self) -> str | None:
        return (find_token() if self._token is None else self._token) or None
