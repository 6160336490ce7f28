"""Items of a mapped step go to whichever of several equal Spaces has a free slot."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

import anyio

from pipelines.engine.breaker import Breaker
from pipelines.engine.limits import Limits
from pipelines.engine.ways import Way, Ways
from pipelines.places.place import Place

_LOOK_AGAIN_S: Final = 0.5  # a minute's count goes down by itself


@dataclass(slots=True)
class Heading:
    """A call on its way to a place; its slot is spoken for until it is taken."""

    _counted: Counter[str]
    _place: str
    _is_open: bool = True

    def arrived(self) -> None:
        """The slot is taken, or not needed any more."""
        if self._is_open:
            self._is_open = False
            self._counted[self._place] -= 1


@dataclass(slots=True)
class Spread:
    """Shares out the slots of equal places among the items of one step.

    Attributes:
        limits: know how many more calls a place takes now.
    """

    limits: Limits
    _heading: Counter[str] = field(default_factory=Counter)

    async def pick(self, equals: Sequence[Way], ways: Ways, breaker: Breaker) -> Way:
        """The way with the most free slots, as soon as there is one; one that rests only where all do."""
        while True:
            places = [(way, place) for way in equals if isinstance(place := ways.known(way), Place)]
            healthy = [one for one in places if breaker.rest(one[1].address) is None] or places
            if not healthy:  # asleep or not there at all
                return next((way for way in equals if ways.known(way) is None), equals[0])
            free = [(self.limits.free(place) - self._heading[place.address], way) for way, place in healthy]
            most, best = max(free, key=itemgetter(0))
            if most > 0:
                return best
            with anyio.move_on_after(_LOOK_AGAIN_S):
                await self.limits.freed()

    @contextmanager
    def heading(self, place: Place) -> Iterator[Heading]:
        """From the choice of a place to the end of the call there."""
        self._heading[place.address] += 1
        heading = Heading(self._heading, place.address)
        try:
            yield heading
        finally:
            heading.arrived()
