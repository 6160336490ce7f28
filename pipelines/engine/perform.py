"""What happens to one step: `when`, its items, their calls, and what is kept of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from chains.language.evaluate import ABSENT
from chains.model import Step
from pipelines.engine.arguments import values_of
from pipelines.engine.attempts import Attempts, Made, unfound_call
from pipelines.engine.breaker import Breaker
from pipelines.engine.calls import CallMaker
from pipelines.engine.events import CallSettled, CallTold, RunListener, StepStarted
from pipelines.engine.items import scopes_of
from pipelines.engine.nesting import run_nested
from pipelines.engine.outputs import outputs_of
from pipelines.engine.patience import Pace
from pipelines.engine.recovery import Recovery
from pipelines.engine.results import CallDone, Failed, Result, Skipped, Succeeded
from pipelines.engine.sight import names_for
from pipelines.engine.spreading import Spread
from pipelines.engine.ways import Ways
from pipelines.places.names import named_place
from pipelines.places.places import Places
from spaces_registry.errors import ToolkitError
from spaces_registry.progress import CallEvent
from spaces_registry.signature import Return

_SKIPPED_AWAY = "what it reads from was skipped by `when`"


class ItemFailed(ToolkitError):
    """One or more items of a mapped step failed, after the others finished.

    Args:
        failures: the calls that failed, in order.
        items: how many items there were.
    """

    code = "item-failed"

    def __init__(self, failures: Sequence[CallDone], items: int) -> None:
        first = failures[0]
        why = first.failure or "unknown"
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(
            f"item {first.item + 1} of {items} failed{more}: {why}",
            hint=first.failure.hint if first.failure else None,
        )
        self.failures = tuple(failures)
        self.code = first.failure.code if first.failure else "item-failed"  # type: ignore[misc]  # the item's own class


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs the steps of one run.

    Attributes:
        names: what expressions may read beside steps: `inputs`, `env`, `run`.
        places: where steps are performed.
        calls: makes single calls, or finds their kept results.
        breaker: knows which places rest.
        tell: hears the run's events.
        pace: how time passes.
    """

    names: Mapping[str, object]
    places: Places
    calls: CallMaker
    breaker: Breaker
    tell: RunListener
    pace: Pace = Pace()  # noqa: RUF009 - frozen

    async def perform(self, step: Step, results: Mapping[str, Result]) -> Result:
        """Make the step's calls; a failure is a result too."""
        started = self.pace.clock()
        ways = Ways(step, self.places, self.pace)
        try:
            names = names_for(step.reads, self.names, results)
            if step.when is not None and not _holds(step.when.evaluate(names)):
                return Skipped(step.name, because="its `when` is false", by_choice=True)
            if (scopes := scopes_of(step, names)) is None:
                return Skipped(step.name, because=_SKIPPED_AWAY, by_choice=True)
            given = [{**names, **scope} for scope in scopes]
            if any(values_of(step, one) is None for one in given):
                return Skipped(step.name, because=_SKIPPED_AWAY, by_choice=True)
            recovery = Recovery.of(self.calls, step)
            place = await recovery.look_first(ways) or await ways.look_first(self._teller(step, 0))
        except ToolkitError as failure:
            return Failed(step.name, failure, (), self.pace.clock() - started)
        self.tell(StepStarted(step.name, place.address if place else named_place(step), len(given)))
        if (end := ways.hopeless) is not None:
            call = unfound_call(end, self.pace.clock() - started)
            return Failed(step.name, end.failure, (call,), call.seconds)
        made = await self._make(ways, recovery, given)
        returns = place.endpoint.returns if place else ()
        return _settle(step, made, returns, self.pace.clock() - started)

    async def _make(
        self, ways: Ways, recovery: Recovery, given: Sequence[Mapping[str, object]]
    ) -> list[Made]:
        """All calls of a step at once, within the places' limits; the order of the items is kept."""
        made: dict[int, Made] = {}
        step, folder = ways.step, self.places.chain.folder
        spread = Spread(self.calls.limits)
        attempts = Attempts(
            ways, self.calls, self.breaker, spread, self.pace, folder, partial(run_nested, self), recovery
        )

        async def one(item: int, names: Mapping[str, object]) -> None:
            found = made[item] = await attempts.make(item, names, self._teller(step, item))
            self.tell(CallSettled(step.name, item, ok=found.call.failure is None, cached=found.call.cached))

        async with anyio.create_task_group() as tasks:
            for item, names in enumerate(given):
                tasks.start_soon(one, item, names)
        return [made[item] for item in range(len(given))]

    def _teller(self, step: Step, item: int) -> Callable[[CallEvent], None]:
        return lambda event: self.tell(CallTold(step.name, item, event))


def _settle(step: Step, made: Sequence[Made], returns: Sequence[Return], seconds: float) -> Result:
    calls = tuple(one.call for one in made)
    kept = [one.outputs for one in made if one.outputs is not None]
    failures = [call for call in calls if call.failure is not None]
    if failures and not step.repeats:
        return Failed(step.name, failures[0].failure or ItemFailed(failures, 1), calls, seconds)
    keep_going = step.each is not None and step.each.keep_going and kept
    if failures and not keep_going:
        return Failed(step.name, ItemFailed(failures, len(calls)), calls, seconds)
    return Succeeded(step.name, outputs_of(step, kept, returns), calls, seconds)


def _holds(value: object) -> bool:
    return value is not ABSENT and bool(value)
