"""Which Spaces to look at for a need: named ones, what the Hub finds, or, without a Hub, the catalog."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import anyio

from spaces_registry.address import BadAddress, HubAddress
from spaces_registry.catalogue import WellKnown, categories, relevance, well_known
from spaces_registry.errors import BadOutput, CallFailed, RateLimited, TimedOut, Unreachable
from spaces_registry.fitting.ranking import Facts, Need, may_suit
from spaces_registry.hub.hub import Listing
from spaces_registry.hub.search import Hit, Query, search
from spaces_registry.progress import Listener
from spaces_registry.registry import Registry
from spaces_registry.signature import Kind

_AWAY = (Unreachable, BadOutput, TimedOut, RateLimited)  # the Hub cannot be asked now
_PATIENCE_S = 5.0  # for what the Hub knows of one Space
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lead:
    """A Space to look at.

    Attributes:
        facts: what is known of it.
        listing: what the Hub told of it a moment ago; None for an app that is reached without the Hub.
        known: what the catalog says of it, if it is there.
        is_away: whether it cannot be looked at, because the Hub cannot be asked.
    """

    facts: Facts
    listing: Listing | None = None
    known: WellKnown | None = None
    is_away: bool = False

    @property
    def expected(self) -> Kind | None:
        """The kind that Spaces of its category make."""
        found = categories().get(self.facts.category or "")
        return found.gives if found else None


@dataclass(slots=True)
class Leads:
    """Finds leads for one need.

    Attributes:
        need: what is looked for.
        registry: reaches the Hub.
        tell: hears of waits.
        refused: Spaces that were named and that the Hub does not show, and why.
        remarks: what the user should know about how the leads came about.
        may_ask_again: whether there may be more among Spaces that do not run.
        away: why the Hub could not be asked, if it could not.
    """

    need: Need
    registry: Registry
    tell: Listener
    refused: list[tuple[Facts, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    may_ask_again: bool = False
    away: CallFailed | None = None

    async def first(self) -> list[Lead]:
        """Where to look first."""
        if not (self.need.words.strip() or self.need.category or self.need.among):
            self.need = replace(self.need, words=_in_words(self.need))
        named = [self.registry.address(one).shown for one in self.need.among] or self._named()
        if named:
            return await self._listed(named)
        try:
            hits = await self._search(with_idle=False)
        except _AWAY as failure:
            self.away = failure
            self.remarks.append(
                f"{failure.message}; this is what the catalog of well-known Spaces says, unchecked"
            )
            return self._well_known()
        self.may_ask_again = True
        own = self._own_alias()
        is_found = any(one.listing.id == own for one in hits)
        first = [] if own is None or is_found else await self._listed([own])
        return [*first, *map(self._lead, hits)]

    def _named(self) -> list[str]:
        """The Space that the words are the address of, if they are one."""
        words = self.need.words.strip()
        if "://" not in words and (words.count("/") != 1 or " " in words):
            return []
        try:
            return [self.registry.address(words).shown]
        except BadAddress:
            return []

    def _own_alias(self) -> str | None:
        try:
            return self.registry.address(self.need.words).shown if self.need.words.strip() else None
        except BadAddress:
            return None

    async def _search(self, *, with_idle: bool) -> tuple[Hit, ...]:
        query = Query(self.need.words, self.need.category, with_idle=with_idle)
        return await search(self.registry.hub, query, self.registry.answers, tell=self.tell)

    async def idle(self) -> list[Lead]:
        """Spaces that do not run, for when too few of those that run fit."""
        try:
            hits = await self._search(with_idle=True)
        except _AWAY as failure:
            self.remarks.append(f"{failure.message}; Spaces that sleep were not searched")
            return []
        return [*map(self._lead, hits)]

    def _lead(self, hit: Hit) -> Lead:
        return self._of_listing(hit.listing, hit.relevance, hit.category)

    def _of_listing(self, listing: Listing, relevant: float | None, category: str | None) -> Lead:
        known = well_known().get(listing.id)
        facts = Facts(
            id=listing.id,
            relevance=relevant,
            stage=listing.stage,
            hardware=listing.hardware,
            likes=listing.likes,
            category=category or (known.category if known else None),
            about=listing.about or (known.about if known else "") or listing.title,
            revision=listing.revision,
        )
        return Lead(facts, listing, known)

    async def _listed(self, addresses: Iterable[str]) -> list[Lead]:
        """Leads by name: the Hub is asked about its own, the others are their own witnesses."""
        found: dict[str, Lead] = {}
        away: list[CallFailed] = []

        async def ask(address: str) -> None:
            where = self.registry.address(address)
            if not isinstance(where, HubAddress) or where.shown in self.registry.replaced:
                found[address] = self._by_name(address)
                return
            try:
                listing = await replace(self.registry.hub, patience_s=_PATIENCE_S).space(where.id)
            except _AWAY as failure:
                found[address] = replace(self._by_name(address), is_away=True)
                away.append(failure)
            except CallFailed as failure:
                self.refused.append((Facts(address), failure.message))
            else:
                relevant = self._relevance(listing.id, listing.title, listing.about)
                found[address] = self._of_listing(listing, relevant, None)

        names = [*dict.fromkeys(addresses)]
        await all_of(ask, names)
        if away:
            self.away = away[0]
            self.remarks.append(f"{away[0].message}; what it knows is left out")
        return [found[one] for one in names if one in found]

    def _by_name(self, address: str) -> Lead:
        known = well_known().get(address)
        about = known.about if known else ""
        facts = Facts(
            address,
            relevance=self._relevance(address, about, *(known.tasks if known else ())),
            category=known.category if known else None,
            about=about,
        )
        return Lead(facts, None, known)

    def _relevance(self, *texts: str) -> float | None:
        if not self.need.words or self.need.words.strip() == texts[0]:
            return None
        known = well_known().get(texts[0])
        more = (known.about, *known.tasks, known.category) if known else ()
        return relevance(self.need.words, *texts, *more)

    def _well_known(self) -> list[Lead]:
        """Leads out of the catalog, for when the Hub cannot be asked: those that speak of it most."""
        need = self.need
        suitable = [
            (relevance(need.words, one.id, one.about, one.category, *one.tasks, *one.aliases), one)
            for one in well_known().values()
            if need.category in (None, one.category) and may_suit(one, need)
        ]
        most = max((relevant for relevant, _ in suitable), default=0.0)
        is_open = not need.words or bool(need.gives)
        return [
            Lead(
                Facts(
                    known.id,
                    relevance=relevant if need.words else None,
                    category=known.category,
                    about=known.about,
                ),
                known=known,
                is_away=known.id not in self.registry.replaced,
            )
            for relevant, known in suitable
            if is_open or relevant > most / 2
        ]


def _in_words(need: Need) -> str:
    """Kinds as words to search for, where there are no others: `image and text to video`."""
    takes, gives = (" and ".join(map(str, one)) for one in ([one.kind for one in need.takes], need.gives))
    return f"{takes} to {gives}" if takes and gives else takes or gives


async def all_of(work: Callable[[_T], Awaitable[None]], several: Sequence[_T]) -> None:
    """Do the work for all of them at once; the first failure ends it, and is raised as it is."""
    failures: list[Exception] = []

    async def one_of(one: _T) -> None:
        try:
            await work(one)
        except Exception as cause:  # noqa: BLE001 - raised below, out of the group
            failures.append(cause)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for one in several:
            group.start_soon(one_of, one)
    if failures:
        raise failures[0]
