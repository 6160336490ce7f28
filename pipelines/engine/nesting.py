"""A step that is a chain: that one's steps are performed one by one, in the same run, under `outer/inner`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from chains.language.evaluate import ABSENT
from chains.model import Chain, Step
from pipelines.engine.binding import bind
from pipelines.engine.calls import Answer, CallMaker
from pipelines.engine.events import (
    CallSettled,
    CallTold,
    RunEvent,
    RunListener,
    RunSettled,
    RunStarted,
    StepSettled,
    StepStarted,
)
from pipelines.engine.executor import execute
from pipelines.engine.expectations import verify
from pipelines.engine.inputs import read_inputs
from pipelines.engine.policy import RULES
from pipelines.engine.results import Failed, Result, Skipped, Succeeded, failed_ones
from pipelines.engine.sight import names_for
from pipelines.places.place import Place
from pipelines.programs.environment import read_environment
from spaces_registry.errors import CallFailed, TimedOut, ToolkitError

if TYPE_CHECKING:
    from pipelines.engine.perform import Performer


class NestedFailed(CallFailed):
    """A step of a nested chain failed; it has that step's class, for a fallback to decide by.

    Args:
        chain: the nested chain.
        failed: the step.
        steps: how all of its steps ended.
    """

    def __init__(self, chain: Chain, failed: Failed, steps: Mapping[str, Result]) -> None:
        error = failed.error
        call = error if isinstance(error, CallFailed) else None
        super().__init__(
            chain.source.file,
            f"step {failed.step!r} of {chain.source.file} failed: {error.message}",
            said=call.said if call else None,
            wait_s=call.wait_s if call else None,
            hint=error.hint,
        )
        self.code = error.code  # type: ignore[misc]  # the inner step's own class
        self.steps = dict(steps)


class NestedStopped(ToolkitError):
    """A step of a nested chain failed, and no other place would mend that: a mistake, or a spent budget."""

    def __init__(self, chain: Chain, failed: Failed, steps: Mapping[str, Result]) -> None:
        message = f"step {failed.step!r} of {chain.source.file} failed: {failed.error.message}"
        super().__init__(message, hint=failed.error.hint)
        self.code = failed.error.code  # type: ignore[misc]  # the inner step's own class
        self.steps = dict(steps)


async def run_nested(
    performer: "Performer", step: Step, place: Place, values: Mapping[str, object]
) -> Answer:
    """Run a nested chain once.

    Its steps get the run's store, journal, limits and budget, but no limit of its own: what waits inside a
    chain must never hold a turn that its own steps need.

    Args:
        performer: of the chain that the step is in.
        step: what runs it.
        place: of the kind `chain`.
        values: the step's arguments.

    Raises:
        NestedFailed: a step in it failed.
        NestedStopped: the same, where it is no place's fault.
        TimedOut: it took longer than the step's own `timeout`.
        ToolkitError: the arguments do not fit, or an output has no value.
    """
    inside = place.nested
    if inside is None:
        raise TypeError(place.kind)  # ours: only chains come here
    chain = inside.chain
    names = await _names(performer, place, chain, values)
    calls = within(performer.calls, step, chain)
    told = _under(step.name, performer.tell)
    child = replace(performer, names=names, places=inside, calls=calls, tell=told)
    results: dict[str, Result] = {}

    async def perform(one: Step, before: Mapping[str, Result]) -> Result:
        return await child.perform(one if step.cache else _uncached(one), before)

    def record(name: str, result: Result) -> None:
        results[name] = result
        told(StepSettled(name, result))

    limit_s = _limit_s(performer.places.chain, step)
    with anyio.move_on_after(limit_s) as clock:
        await execute(chain, perform, record)
    if clock.cancelled_caught:
        message = f"{chain.source.file} took longer than {limit_s:g} s"
        raise TimedOut(place.address, message, hint="give the step a longer timeout")
    steps = {name: results[name] for name in chain.steps}
    if failures := failed_ones(steps.values()):
        # an item's failure has the class of its call
        kind = NestedFailed if failures[0].error.code in RULES else NestedStopped
        raise kind(chain, failures[0], steps)
    reads = [name for name, one in steps.items() if isinstance(one, Succeeded | Skipped)]
    seen = names_for(reads, names, steps)
    outputs = tuple(template.evaluate(seen) for template in chain.outputs.values())
    await anyio.to_thread.run_sync(verify, step.expect, _there(outputs), place.address)
    made = [call for one in steps.values() if isinstance(one, Succeeded) for call in one.calls]
    return Answer("", outputs, cached=bool(made) and all(one.cached for one in made), steps=steps)


def _uncached(step: Step) -> Step:
    """The same step, and the same fallbacks, with no kept result used for it."""
    return replace(step, cache=False, fallback=tuple(replace(one, cache=False) for one in step.fallback))


def _there(outputs: tuple[object, ...]) -> tuple[object, ...]:
    """The outputs that were not skipped away."""
    return tuple(one for one in outputs if one is not ABSENT)


async def _names(
    performer: "Performer", place: Place, chain: Chain, values: Mapping[str, object]
) -> dict[str, object]:
    """What the nested chain's expressions may read: its inputs, its environment variables, the run."""
    bound = bind(place.endpoint, values, place=place.address)
    store = performer.calls.store
    inputs = await anyio.to_thread.run_sync(lambda: read_inputs(chain, bound, store))
    facts = performer.names.get("run")
    run = {**facts, "chain": chain.name} if isinstance(facts, Mapping) else facts
    return {"inputs": inputs, "env": read_environment(chain), "run": run}


def within(calls: CallMaker, step: Step, chain: Chain) -> CallMaker:
    """The same maker of calls for the steps of a chain that a step runs.

    What is to be called anew in the step is so in all of the chain.
    """
    prefix = f"{calls.within}{step.name}/"
    fresh = calls.fresh
    if f"{calls.within}{step.name}" in fresh:
        fresh = fresh | {f"{prefix}{name}" for name in chain.steps}
    return replace(calls, within=prefix, fresh=fresh)


def _limit_s(chain: Chain, step: Step) -> float | None:
    """The step's time limit if it names one; the usual one is that of a single call."""
    return None if chain.source.written((*step.path, "timeout")) is None else step.timeout.run_s


def _under(outer: str, tell: RunListener) -> Callable[[RunEvent], None]:
    """Tell the events of a nested chain under its step's name."""

    def heard(event: RunEvent) -> None:
        match event:
            case StepStarted() | CallTold() | CallSettled() | StepSettled():
                tell(replace(event, step=f"{outer}/{event.step}"))
            case RunStarted() | RunSettled():
                pass  # there is one run

    return heard
