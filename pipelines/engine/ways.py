"""The ways of a step: its own place and its fallbacks, each looked up once a run, when its turn comes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import anyio

from chains.model import SpaceStep, Step
from pipelines.artifacts import StorageFailed
from pipelines.engine.patience import GivenUp, Pace, Patience, attempt_of
from pipelines.engine.policy import Action, Decision
from pipelines.engine.results import Attempt
from pipelines.journal import JournalFailed
from pipelines.places.names import named_place
from pipelines.places.place import Place
from pipelines.places.places import Places
from spaces_registry.errors import Asleep, Building, CallFailed, ToolkitError
from spaces_registry.progress import Listener

_OURS = (StorageFailed, JournalFailed)  # no other place would help


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do a step.

    Attributes:
        key: tells it from the others: `image`, `image#1`, and `image~1` for the second of equal Spaces.
        step: what is called there, and how: the step itself or one of its fallbacks.
    """

    key: str
    step: Step

    def is_equal_to(self, other: "Way") -> bool:
        """Whether both do the same at different Spaces."""
        return self.step.key == other.step.key

    @property
    def named(self) -> str:
        """The place as the chain names it."""
        return named_place(self.step)


def ways_of(step: Step) -> tuple[tuple[Way, ...], ...]:
    """The ways of a step in the order they are tried; those of one group are equal, whichever is free."""
    return tuple(_group(one) for one in (step, *step.fallback))


def every_way(step: Step) -> tuple[Way, ...]:
    """The same, one after another."""
    return tuple(way for group in ways_of(step) for way in group)


def _group(step: Step) -> tuple[Way, ...]:
    if not isinstance(step, SpaceStep) or not step.others:
        return (Way(step.key, step),)
    first = Way(step.key, replace(step, others=()))
    others = (replace(step, space=space, others=()) for space in step.others)
    return (first, *(Way(f"{step.key}~{n}", one) for n, one in enumerate(others, start=1)))


@dataclass(frozen=True, slots=True)
class Unfound:
    """A place that could not be found.

    Attributes:
        failure: why.
        action: `fall-back` or `stop`.
        attempts: the tries.
    """

    failure: ToolkitError
    action: Action
    attempts: tuple[Attempt, ...]


@dataclass(slots=True)
class Ways:
    """The ways of one step in one run.

    Attributes:
        step: whose.
        places: finds places.
        pace: how time passes.
    """

    step: Step
    places: Places
    pace: Pace
    _known: dict[str, Place | Unfound] = field(default_factory=dict)
    _why: dict[str, ToolkitError] = field(default_factory=dict)
    _locks: dict[str, anyio.Lock] = field(default_factory=dict)
    _glancing: anyio.Lock = field(default_factory=anyio.Lock)
    _glanced: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    @property
    def groups(self) -> tuple[tuple[Way, ...], ...]:
        """All of them, in the order they are tried."""
        return ways_of(self.step)

    @property
    def hopeless(self) -> Unfound | None:
        """The failure that ends the step before its first call: its only way is known not to be there."""
        first, *others = every_way(self.step)
        found = self._known.get(first.key)
        return found if isinstance(found, Unfound) and not others else None

    def known(self, way: Way) -> Place | Unfound | None:
        """What is known of a way by now."""
        return self._known.get(way.key)

    async def look_first(self, tell: Listener) -> Place | None:
        """Look up what is tried first; its place, if it is there."""
        group = self.groups[0]
        if len(group) > 1:
            await self.glance(group, tell)
        else:
            await self.find(group[0], tell)
        return next((one for way in group if isinstance(one := self.known(way), Place)), None)

    async def find(self, way: Way, tell: Listener) -> Place | Unfound:
        """A way's place; whoever asks while it is looked up waits for the answer."""
        async with self._locks.setdefault(way.key, anyio.Lock()):
            if way.key not in self._known:
                self._known[way.key] = await self._find(way, tell)
            return self._known[way.key]

    async def glimpse(self, way: Way, prefer: Collection[str]) -> Place | None:
        """A way's place if it is there now; nothing is waited for, and a failure is not remembered.

        Args:
            way: of the step.
            prefer: addresses that come first where a place is to be chosen.
        """
        async with self._locks.setdefault(way.key, anyio.Lock()):
            if way.key not in self._known:
                try:
                    place = await self.places.find(way.step, wake_s=0.0, prefer=prefer)
                except ToolkitError as failure:
                    self._why[way.key] = failure
                    return None
                self._known[way.key] = place
            found = self._known[way.key]
        return found if isinstance(found, Place) else None

    def why(self, way: Way) -> ToolkitError | None:
        """Why the last glimpse of a way saw nothing."""
        return self._why.get(way.key)

    async def glance(self, ways: Sequence[Way], tell: Listener) -> None:
        """Look up equal ways without waiting for one to wake: another one may run."""
        async with self._glancing, anyio.create_task_group() as tasks:
            for way in ways:
                if way.key not in self._glanced:
                    self._glanced.add(way.key)
                    tasks.start_soon(self._glance, way, tell)

    def told(self, way: Way, unfound: Unfound) -> tuple[Attempt, ...]:
        """The tries to find a place, for the first who tells of them; for others that it is not there."""
        return self.news(way, unfound) or (replace(unfound.attempts[-1], seconds=0.0),)

    def news(self, way: Way, unfound: Unfound) -> tuple[Attempt, ...]:
        """The tries to find a place, for the first who tells of them; nothing for others."""
        if way.key in self._told:
            return ()
        self._told.add(way.key)
        return unfound.attempts

    async def _find(self, way: Way, tell: Listener) -> Place | Unfound:
        story: list[Attempt] = []
        patience = Patience(self.pace, way.step.retry)
        started = self.pace.clock()

        async def once(_: int) -> Place | ToolkitError:
            try:
                return await self.places.find(way.step, tell=tell)
            except (CallFailed, *_OURS):
                raise
            except ToolkitError as failure:  # no such function, nothing fits, not trusted: another way may do
                return failure

        found = await patience.persist(once, way.named, story, tell)
        match found:
            case Place():
                return found
            case GivenUp():
                return Unfound(found.failure, found.action, tuple(story))
            case ToolkitError():
                seconds = self.pace.clock() - started
                told = attempt_of(found, way.named, seconds, Decision(Action.FALL_BACK))
                return Unfound(found, Action.FALL_BACK, (*story, told))

    async def _glance(self, way: Way, tell: Listener) -> None:
        started = self.pace.clock()
        try:
            self._known[way.key] = await self.places.find(way.step, tell=tell, wake_s=0.0)
        except (Asleep, Building):
            return  # it is waited for when nothing else is left
        except ToolkitError as failure:
            told = attempt_of(failure, way.named, self.pace.clock() - started, Decision(Action.FALL_BACK))
            self._known[way.key] = Unfound(failure, Action.FALL_BACK, (told,))
