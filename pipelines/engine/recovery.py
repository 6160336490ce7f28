"""Where a resumed run has results already: the way of a step at which a call was answered before."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from chains.model import Step
from pipelines.engine.binding import bind
from pipelines.engine.calls import CallMaker
from pipelines.engine.ways import Way, Ways, every_way
from pipelines.places.place import Place
from spaces_registry.errors import CallFailed

Values: TypeAlias = Callable[[Way, Place], Awaitable[Mapping[str, object] | None]]

_ANSWERED = "answered"  # what the journal calls a nested chain that came to its end


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a run has of one step from before it was resumed; nothing for a run that was not.

    Attributes:
        calls: of the run.
        step: whose results.
        places: by item, where its calls were answered.
        chains: the keys of nested chains that came to their end.
    """

    calls: CallMaker
    step: Step
    places: Mapping[int, frozenset[str]] = field(default_factory=dict)
    chains: frozenset[str] = frozenset()

    @classmethod
    def of(cls, calls: CallMaker, step: Step) -> "Recovery":
        """What the journal has of a step of a resumed run."""
        if not calls.resumed:
            return cls(calls, step)
        name = calls.within + step.name
        keys = calls.journal.runs.facts(calls.run, _ANSWERED, name)
        chains = frozenset(one for one in keys if isinstance(one, str))
        return cls(calls, step, calls.journal.answered_at(calls.run, name), chains)

    @property
    def addresses(self) -> frozenset[str]:
        """Where calls of the step were answered, whichever item they were for."""
        return frozenset[str]().union(*self.places.values())

    async def look_first(self, ways: Ways) -> Place | None:
        """The first place that is there and has answered, looked up without a wait for one that sleeps."""
        for way in every_way(self.step) if self.places else ():
            place = await ways.glimpse(way, self.addresses)
            if place is not None and place.address in self.addresses:
                return place
        return None

    async def way(self, ways: Ways, item: int, values: Values) -> Way | None:
        """The way that has a call's result, if the run has it: it comes before a first place that recovered.

        Args:
            ways: of the step.
            item: which of its calls.
            values: the arguments as they are written for a way; None where it cannot be used.
        """
        addresses = self.places.get(item, frozenset())
        for way in every_way(self.step) if addresses or self.chains else ():
            place = await ways.glimpse(way, addresses)
            if place is None or not (place.nested or place.address in addresses):
                continue
            written = await values(way, place)
            if written is not None and self._has(way, place, item, written):
                return way
        return None

    def _has(self, way: Way, place: Place, item: int, values: Mapping[str, object]) -> bool:
        if place.nested is not None:
            return chain_key(place, values) in self.chains
        return self.calls.has_own(way.step, place, item, values)

    def keep_chain(self, place: Place, values: Mapping[str, object]) -> None:
        """Record that a nested chain came to its end: its steps are in the journal, it itself is no call."""
        if len(every_way(self.step)) == 1:
            return  # there is nothing to choose
        if (key := chain_key(place, values)) is not None:
            name = self.calls.within + self.step.name
            self.calls.journal.runs.happened(self.calls.run, _ANSWERED, name, key)


def chain_key(place: Place, values: Mapping[str, object]) -> str | None:
    """What tells one run of a nested chain from others: the chain and its inputs; None if they do not fit."""
    try:
        return place.key(bind(place.endpoint, values, place=place.address))
    except CallFailed:
        return None
