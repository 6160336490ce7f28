"""Items of a mapped step go to whichever of several equal Spaces has a free slot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

import anyio

from pipelines.engine.breaker import Breaker
from pipelines.engine.limits import Limits
from pipelines.engine.ways import Way, Ways
from pipelines.places.place import Place

_LOOK_AGAIN_S: Final = 0.5  # a minute's count goes down by itself


def _nothing() -> None:
    """No slot was spoken for."""


@dataclass(slots=True)
class Heading:
    """A call on its way to a place: its slot is spoken for until it is taken, or not needed any more."""

    arrived: Callable[[], None] = _nothing

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.arrived()


@dataclass(slots=True)
class Spread:
    """Shares out the slots of equal places among the items of one step.

    Attributes:
        limits: know how many more calls a place takes now.
    """

    limits: Limits
    _headings: dict[str, set[object]] = field(default_factory=dict)

    async def pick(self, equals: Sequence[Way], ways: Ways, breaker: Breaker) -> tuple[Way, Heading]:
        """The way with the most free slots, as soon as there is one; one that rests only where all do."""
        while True:
            places = [(way, place) for way in equals if isinstance(place := ways.known(way), Place)]
            healthy = [one for one in places if breaker.rest(one[1].address) is None] or places
            if not healthy:  # asleep or not there at all
                return next((way for way in equals if ways.known(way) is None), equals[0]), Heading()
            free = [(self._free(place), way, place) for way, place in healthy]
            most, best, place = max(free, key=itemgetter(0))
            if most > 0:
                return best, self._head_for(place)
            with anyio.move_on_after(_LOOK_AGAIN_S):
                await self.limits.freed()

    def _free(self, place: Place) -> int:
        return self.limits.free(place) - len(self._headings.get(place.address, ()))

    def _head_for(self, place: Place) -> Heading:
        headings, mark = self._headings.setdefault(place.address, set()), object()
        headings.add(mark)
        return Heading(lambda: headings.discard(mark))
