"""One call's way through its places: each is tried as the policy has it, until one answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.to_thread

from chains.model import Step
from pipelines.engine.arguments import arguments_of, waits_for_the_web
from pipelines.engine.breaker import Breaker, Rest
from pipelines.engine.calls import Answer, CallMaker, distinct
from pipelines.engine.nesting import NestedFailed, NestedStopped
from pipelines.engine.outputs import StepOutputs, names_of, outputs_from
from pipelines.engine.patience import GivenUp, Pace, Patience, attempt_of
from pipelines.engine.policy import Action, Decision
from pipelines.engine.recovery import Own, Recovery
from pipelines.engine.results import Attempt, CallDone
from pipelines.engine.spreading import Heading, Spread
from pipelines.engine.ways import Unfound, Way, Ways
from pipelines.places.place import Place
from spaces_registry.errors import ToolkitError
from spaces_registry.progress import WARNING, CallEvent, FellBack, Listener, Logged, warning_in

Nest: TypeAlias = Callable[[Step, Place, Mapping[str, object]], Awaitable[Answer]]


class NothingToGive(ToolkitError):
    """A fallback cannot be used: what it reads from was skipped by `when`."""

    code = "skipped-away"


@dataclass(frozen=True, slots=True)
class Made:
    """One call of a step: how it went, and what it gave if it succeeded."""

    call: CallDone
    outputs: StepOutputs | None


@dataclass(slots=True)
class Journey:
    """One call on its way.

    Attributes:
        item: which of the step's calls.
        names: what its expressions may read.
        tell: hears what happens.
        story: what was tried in vain.
        started: by the clock.
        place: where it was tried last.
        heading: the slot that is spoken for where it goes next.
        warnings: what was warned of on the way.
    """

    item: int
    names: Mapping[str, object]
    tell: Listener
    story: list[Attempt]
    started: float
    place: Place | None = None
    heading: Heading = field(default_factory=Heading)
    warnings: list[str] = field(default_factory=list)

    def hear(self, event: CallEvent) -> None:
        """Keep warnings, and pass everything on."""
        if (warning := warning_in(event)) is not None:
            self.warnings.append(warning)
        self.tell(event)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes the calls of one step.

    Attributes:
        ways: where.
        calls: makes single calls.
        breaker: knows which places rest.
        spread: shares out equal places.
        pace: how time passes.
        folder: the chain's.
        nest: runs a chain that a way leads to.
        recovery: what the run has from before it was resumed.
    """

    ways: Ways
    calls: CallMaker
    breaker: Breaker
    spread: Spread
    pace: Pace
    folder: Path
    nest: Nest
    recovery: Recovery

    async def make(self, item: int, names: Mapping[str, object], tell: Listener) -> Made:
        """Make one call, at the first place that answers; what went wrong is told in the `CallDone`."""
        journey = Journey(item, names, tell, [], self.pace.clock())
        own = await self._own(journey)
        queue = self._queue(own)
        rested: list[Way] = []
        is_last_round = False
        while True:
            way = await self._next(queue, journey)
            is_own = own is not None and way == own.way
            may_rest = not is_last_round and bool(queue or rested) and not is_own
            equals = [one for one in queue[0] if one.is_equal_to(way)] if queue else []
            has_equal = any(not isinstance(self.ways.known(one), Unfound) for one in equals)
            with journey.heading:
                there = own.place if own is not None and is_own else await self.ways.find(way, tell)
                found = await self._at(way, there, journey, may_rest=may_rest, in_a_hurry=has_equal)
            if isinstance(found, Made):
                return found
            if isinstance(found, Rest):
                rested.append(way)
            if not queue and rested:  # nothing better worked: ask those that were left out after all
                queue, rested, is_last_round = [[one] for one in rested], [], True
            if isinstance(found, GivenUp) and (found.action is Action.STOP or not queue):
                return self._failed(journey, found.failure)
            last = journey.story[-1]
            tell(FellBack(last.via, last.failure, queue[0][0].named, last.skipped))

    async def _own(self, journey: Journey) -> Own | None:
        """The way that has a resumed run's result of the call, or its work."""

        async def values(way: Way, place: Place) -> Mapping[str, object] | None:
            written = await self._values(way, place, journey)
            return None if isinstance(written, GivenUp) else written

        return await self.recovery.way(self.ways, journey.item, values, journey.hear)

    def _queue(self, own: Own | None) -> list[list[Way]]:
        """The ways in the order they are tried; one that has a resumed run's result of the call is first."""
        groups = self.ways.groups
        if own is None:
            return [[*group] for group in groups]
        others = ([way for way in group if way != own.way] for group in groups)
        return [[own.way], *(group for group in others if group)]

    async def _next(self, queue: list[list[Way]], journey: Journey) -> Way:
        """Take the way that is next; of equal ones that which has a kept result, or else a free slot."""
        group = queue[0]
        if len(group) == 1:
            queue.pop(0)
            journey.heading = Heading()
            return group[0]
        await self.ways.glance(group, journey.tell)
        way = await self._kept_at(group, journey)
        if way is None:
            way, journey.heading = await self.spread.pick(group, self.ways, self.breaker)
        group.remove(way)
        if isinstance(self.ways.known(way), Place):
            self._leave_out(group, way, journey)
        if not group:
            queue.pop(0)
        return way

    def _leave_out(self, group: list[Way], better: Way, journey: Journey) -> None:
        """Go without those of several equal ways that are not there; who asks first tells of them."""
        for way in [*group]:
            if isinstance(found := self.ways.known(way), Unfound):
                group.remove(way)
                for one in self.ways.news(way, found):
                    journey.story.append(one)
                    journey.tell(FellBack(one.via, one.failure, better.named))

    async def _kept_at(self, group: Sequence[Way], journey: Journey) -> Way | None:
        """The one of several equal ways at which the call was made before."""
        for way in group:
            place = self.ways.known(way)
            if not isinstance(place, Place):
                continue
            values = await self._values(way, place, journey)
            if isinstance(values, GivenUp):
                continue
            if await self.calls.has(way.step, place, journey.item, values):
                return way
        return None

    async def _at(
        self, way: Way, place: Place | Unfound, journey: Journey, *, may_rest: bool, in_a_hurry: bool
    ) -> Made | Rest | GivenUp:
        """Make the call at one of its ways."""
        if isinstance(place, Unfound):
            journey.story += self.ways.told(way, place)
            return GivenUp(place.failure, place.action)
        journey.place = place
        values = await self._values(way, place, journey)
        if isinstance(values, GivenUp):
            journey.story.append(attempt_of(values.failure, place.address, 0.0, Decision(values.action)))
            return values

        self.recovery.remember(way, place)
        step = replace(way.step, outputs=names_of(self.ways.step, way.step))

        async def once(tries: int) -> Answer | Rest:
            if place.nested is not None:
                with self.recovery.chain_under_way(place, values):
                    return await self.nest(way.step, place, values)

            def rest() -> Rest | None:
                if tries > 1 or not may_rest or place.is_here:
                    return None
                return self.breaker.rest(place.address, way.step.retry.up_to_s)

            begun = journey.heading.arrived
            return await self.calls.make(
                step, place, journey.item, values, journey.hear, rest=rest, begun=begun
            )

        patience = Patience(self.pace, way.step.retry, place.is_here, in_a_hurry)
        found = await patience.persist(once, place.address, journey.story, journey.tell)
        match found:
            case Answer():
                return self._made(way, place, journey, found)
            case Rest():
                told = Attempt(
                    place.address, found.failure, found.because, 0.0, "fall-back", found.left_s, skipped=True
                )
                journey.story.append(told)
        return found

    async def _values(self, way: Way, place: Place, journey: Journey) -> dict[str, object] | GivenUp:
        """The arguments as they are written for this way."""
        evaluate = partial(
            arguments_of,
            way.step,
            place.endpoint,
            journey.names,
            folder=self.folder,
            store=self.calls.store,
        )
        try:
            is_slow = waits_for_the_web(way.step)
            values = await anyio.to_thread.run_sync(evaluate) if is_slow else evaluate()
        except ToolkitError as failure:  # the chain's own mistake
            return GivenUp(failure, Action.STOP)
        if values is None:
            message = f"{way.named} cannot be used: what it reads from was skipped by `when`"
            return GivenUp(NothingToGive(message), Action.FALL_BACK)
        return values

    def _made(self, way: Way, place: Place, journey: Journey, answer: Answer) -> Made:
        is_kept = answer.cached and not journey.story
        outputs = outputs_from(self.ways.step, way.step, place.endpoint, answer.values, is_raw=answer.is_raw)
        for empty in outputs.empty():
            journey.hear(Logged(WARNING, str(empty)))
        call = CallDone(
            item=journey.item,
            via=place.address,
            url=place.url,
            endpoint=place.endpoint.name,
            revision=place.revision,
            cached=answer.cached,
            seconds=0.0 if is_kept else self.pace.clock() - journey.started,
            key=answer.key,
            attempts=tuple(journey.story),
            choice=place.choice,
            steps=answer.steps,
            warnings=distinct(journey.warnings),
        )
        return Made(call, outputs)

    def _failed(self, journey: Journey, failure: ToolkitError) -> Made:
        *before, last = journey.story
        place = journey.place if journey.place and journey.place.address == last.via else None
        call = CallDone(
            item=journey.item,
            via=last.via,
            url=place.url if place else None,
            endpoint=place.endpoint.name if place else "",
            revision=place.revision if place else None,
            cached=False,
            seconds=self.pace.clock() - journey.started,
            key=None,
            failure=failure,
            attempts=(*before, replace(last, then=str(Action.STOP))),
            steps=failure.steps if isinstance(failure, NestedFailed | NestedStopped) else {},
            warnings=distinct(journey.warnings),
        )
        return Made(call, None)


def unfound_call(unfound: Unfound, seconds: float) -> CallDone:
    """The call that was never made, since its only place is not there."""
    *before, last = unfound.attempts
    return CallDone(
        item=0,
        via=last.via,
        url=None,
        endpoint="",
        revision=None,
        cached=False,
        seconds=seconds,
        key=None,
        failure=unfound.failure,
        attempts=(*before, replace(last, then=str(Action.STOP))),
    )
