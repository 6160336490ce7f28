"""Where a resumed run has results already, or work under way: the way of a step to begin a call with."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from chains.model import Step
from pipelines.engine.binding import bind
from pipelines.engine.calls import CallMaker
from pipelines.engine.ways import Way, Ways, every_way
from pipelines.journal import UnderWay
from pipelines.places.place import Place
from pipelines.places.remembered import PLACE, facts_of, remembered
from spaces_registry.errors import CallFailed, ToolkitError
from spaces_registry.progress import WARNING, Listener, Logged
from spaces_registry.signature import Json

Values: TypeAlias = Callable[[Way, Place], Awaitable[Mapping[str, object] | None]]

# what the journal calls a nested chain that came to its end, and how one goes
_ANSWERED, _NESTED = "answered", "nested"


@dataclass(frozen=True, slots=True)
class Own:
    """The way that has a call's result or its work, and its place, which need not be there any more."""

    way: Way
    place: Place


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a run has of one step from before it was resumed; nothing for a run that was not.

    Attributes:
        calls: of the run.
        step: whose results.
        places: by item, where its calls were answered.
        under_way: calls of it whose work goes on elsewhere, oldest first.
        chains: the keys of nested chains that came to their end, or were under way at that of the process.
        facts: by way, what its place was, for one that is not there now.
    """

    calls: CallMaker
    step: Step
    places: Mapping[int, frozenset[str]] = field(default_factory=dict)
    under_way: Sequence[UnderWay] = ()
    chains: frozenset[str] = frozenset()
    facts: Mapping[str, Json] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, calls: CallMaker, step: Step) -> "Recovery":
        """What the journal has of a step of a resumed run."""
        if not calls.resumed:
            return cls(calls, step)
        runs, name = calls.journal.runs, calls.within + step.name
        chains = {one for one in runs.facts(calls.run, _ANSWERED, name) if isinstance(one, str)}
        for one in runs.facts(calls.run, _NESTED, name):
            match one:
                case {"key": str() as key, "alive": True}:
                    chains.add(key)
                case {"key": str() as key}:
                    chains.discard(key)
        told = runs.facts(calls.run, PLACE, name)
        facts = {str(one["way"]): one for one in told if isinstance(one, Mapping) and "way" in one}
        answered, under_way = runs.answered_at(calls.run, name), runs.under_way(calls.run, name)
        return cls(calls, step, answered, under_way, frozenset(chains), facts, set(facts))

    @property
    def addresses(self) -> frozenset[str]:
        """Where calls of the step were answered or are worked on, whichever item they are for."""
        working = frozenset(one.place for one in self.under_way)
        return working.union(*self.places.values())

    async def look_first(self, ways: Ways) -> Place | None:
        """The first place that has answered or works, looked up without a wait for one that sleeps."""
        for way in every_way(self.step) if self.addresses or self.facts else ():
            place = await self._place(ways, way, self.addresses)
            if isinstance(place, Place) and (place.address in self.addresses or way.key in self.facts):
                return place
        return None

    async def way(self, ways: Ways, item: int, values: Values, tell: Listener) -> Own | None:
        """The way that has a call's result, or its work: it comes before a first place that recovered.

        Args:
            ways: of the step.
            item: which of its calls.
            values: the arguments as they are written for a way; None where it cannot be used.
            tell: hears of work that cannot be asked for any more.
        """
        answered = self.places.get(item, frozenset())
        working = [one for one in self.under_way if one.item == item]
        if not (answered or working or self.chains or self.facts):
            return None
        owners: list[tuple[int, Own]] = []
        for way in every_way(self.step):
            prefer = answered | {one.place for one in working}
            place = await self._place(ways, way, prefer)
            if place is None:
                continue
            written = await values(way, place)
            if written is None:
                continue
            if await self._has(way, place, item, written):
                return Own(way, place)
            key = _key(place, written)
            owners += [(one.call, Own(way, place)) for one in working if one.key == key]
        return self._newest(ways, owners, working, tell)

    def _newest(
        self, ways: Ways, owners: list[tuple[int, Own]], working: Sequence[UnderWay], tell: Listener
    ) -> Own | None:
        """Of work under way the newest that can be asked for; what cannot is told."""
        there = [one for one in owners if isinstance(ways.known(one[1].way), Place)]
        if there:
            return max(there, key=lambda one: one[0])[1]
        for lost in working:
            why = next((ways.why(own.way) for call, own in owners if call == lost.call), None)
            reason = (
                why.message if why is not None else "the chain leads to other arguments or another place now"
            )
            told = (
                f"a call was under way at {lost.place} when this run stopped, and is not asked for: {reason}"
            )
            tell(Logged(WARNING, told))
        return None

    async def _place(self, ways: Ways, way: Way, prefer: frozenset[str]) -> Place | None:
        """A way's place if it is there now, else what the run knows of it."""
        if (place := await ways.glimpse(way, prefer)) is not None:
            return place
        return remembered(self.facts.get(way.key), way.step, ways.places)

    async def _has(self, way: Way, place: Place, item: int, values: Mapping[str, object]) -> bool:
        if place.nested is not None:
            return _key(place, values) in self.chains
        if place.address in self.places.get(item, frozenset()):
            return self.calls.has_own(way.step, place, item, values)
        # one that the run went to has a result of an earlier run, and may not be there any more
        return place.is_remembered and await self.calls.has(way.step, place, item, values)

    def remember(self, way: Way, place: Place) -> None:
        """Record what a place is, once: its results are found by that when it is not there any more."""
        if way.key in self._kept or place.is_here:
            return
        self._kept.add(way.key)
        if (facts := facts_of(place)) is not None:
            self._happened(PLACE, {"way": way.key, **facts})

    @contextmanager
    def chain_under_way(self, place: Place, values: Mapping[str, object]) -> Iterator[None]:
        """Record how a nested chain goes, where there are others: its steps are calls, it itself is none."""
        key = _key(place, values) if len(every_way(self.step)) > 1 else None
        if key is None:  # there is nothing to choose
            yield
            return
        self._happened(_NESTED, {"key": key, "alive": True})
        try:
            yield
        except ToolkitError:
            self._happened(_NESTED, {"key": key, "alive": False})
            raise

    def _happened(self, what: str, told: Json) -> None:
        self.calls.journal.runs.happened(self.calls.run, what, self.calls.within + self.step.name, told)


def _key(place: Place, values: Mapping[str, object]) -> str | None:
    """What tells one call, or one run of a nested chain, from others; None if the arguments do not fit."""
    try:
        return place.key(bind(place.endpoint, values, place=place.address))
    except CallFailed:
        return None
