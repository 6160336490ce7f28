"""What happens to one step: `when`, its items, their calls, and what is kept of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import anyio

from chains.evaluate import ABSENT
from chains.model import Step
from pipelines.engine.arguments import arguments_of
from pipelines.engine.calls import CallMaker, Made
from pipelines.engine.events import CallSettled, CallTold, RunListener, StepStarted
from pipelines.engine.items import scopes_of
from pipelines.engine.outputs import outputs_of
from pipelines.engine.results import CallDone, Failed, Result, Skipped, Succeeded
from pipelines.places.place import Place
from pipelines.places.places import Places
from spaces_registry.errors import ToolkitError
from spaces_registry.progress import CallEvent

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
        tell: hears the run's events.
        clock: seconds, monotonic.
    """

    names: Mapping[str, object]
    places: Places
    calls: CallMaker
    tell: RunListener
    clock: Callable[[], float] = time.monotonic

    async def perform(self, step: Step, results: Mapping[str, Result]) -> Result:
        """Make the step's calls; a failure is a result too."""
        started = self.clock()
        try:
            names = names_for(step.reads, self.names, results)
            if step.when is not None and not _holds(step.when.evaluate(names)):
                return Skipped(step.name, because="its `when` is false", by_choice=True)
            if (scopes := scopes_of(step, names)) is None:
                return Skipped(step.name, because=_SKIPPED_AWAY, by_choice=True)
            place = await self.places.find(step, tell=self._teller(step, 0))
            prepared = [self._arguments(step, place, {**names, **scope}) for scope in scopes]
        except ToolkitError as failure:
            return Failed(step.name, failure, (), self.clock() - started)
        ready = [one for one in prepared if one is not None]
        if len(ready) < len(prepared):
            return Skipped(step.name, because=_SKIPPED_AWAY, by_choice=True)
        self.tell(StepStarted(step.name, place.address, len(ready)))
        made = await self._make(step, place, ready)
        return _settle(step, place, made, self.clock() - started)

    def _arguments(self, step: Step, place: Place, names: Mapping[str, object]) -> dict[str, object] | None:
        return arguments_of(
            step, place.endpoint, names, folder=self.places.chain.folder, store=self.calls.store
        )

    async def _make(self, step: Step, place: Place, prepared: Sequence[Mapping[str, object]]) -> list[Made]:
        """All calls of a step at once, within the place's limit; the order of the items is kept."""
        made: dict[int, Made] = {}

        async def one(item: int, values: Mapping[str, object]) -> None:
            made[item] = await self.calls.make(step, place, item, values, self._teller(step, item))
            call, _ = made[item]
            self.tell(CallSettled(step.name, item, ok=call.failure is None, cached=call.cached))

        async with anyio.create_task_group() as tasks:
            for item, values in enumerate(prepared):
                tasks.start_soon(one, item, values)
        return [made[item] for item in range(len(prepared))]

    def _teller(self, step: Step, item: int) -> Callable[[CallEvent], None]:
        return lambda event: self.tell(CallTold(step.name, item, event))


def names_for(
    reads: Sequence[str], given: Mapping[str, object], results: Mapping[str, Result]
) -> dict[str, object]:
    """What expressions that read from these steps may read: the steps' outputs, or their absence."""
    names = dict(given)
    for name in reads:
        result = results[name]
        names[name] = result.outputs if isinstance(result, Succeeded) else ABSENT
    return names


def _settle(step: Step, place: Place, made: Sequence[Made], seconds: float) -> Result:
    calls = tuple(call for call, _ in made)
    kept = [values for _, values in made if values is not None]
    failures = [call for call in calls if call.failure is not None]
    if failures and not step.repeats:
        return Failed(step.name, failures[0].failure or ItemFailed(failures, 1), calls, seconds)
    keep_going = step.each is not None and step.each.keep_going and kept
    if failures and not keep_going:
        return Failed(step.name, ItemFailed(failures, len(calls)), calls, seconds)
    return Succeeded(step.name, outputs_of(step, place.endpoint, kept), calls, seconds)


def _holds(value: object) -> bool:
    return value is not ABSENT and bool(value)
