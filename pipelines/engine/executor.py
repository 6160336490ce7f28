"""The executor: every step starts the moment what it reads from is there, and none before."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import anyio

from chains.model import Chain, Step
from pipelines.engine.interrupts import one_error
from pipelines.engine.results import Result, Skipped, first_unsuccessful

Perform: TypeAlias = Callable[[Step, Mapping[str, Result]], Awaitable[Result]]
Recorder: TypeAlias = Callable[[str, Result], None]


async def execute(chain: Chain, perform: Perform, record: Recorder) -> Mapping[str, Result]:
    """Run every step of a chain that has no cycle; a failed step skips what reads from it and nothing else.

    Args:
        chain: checked before.
        perform: makes a step's calls; a failure is its result, an exception stops the run.
        record: hears of each result before a step that reads from it starts.

    Returns:
        One result per step, in the order of the file.

    Raises:
        ToolkitError: a result cannot be recorded.
    """
    settled = {name: anyio.Event() for name in chain.steps}
    results: dict[str, Result] = {}

    async def follow(step: Step) -> None:
        for name in step.reads:
            await settled[name].wait()
        if failed := first_unsuccessful(step.reads, results):
            results[step.name] = Skipped(step.name, because=_reason(failed, results[failed]), by_choice=False)
        else:
            results[step.name] = await perform(step, results)
        record(step.name, results[step.name])
        settled[step.name].set()

    with one_error():
        async with anyio.create_task_group() as tasks:
            for step in chain.steps.values():
                tasks.start_soon(follow, step)
    return {name: results[name] for name in chain.steps}


def _reason(name: str, result: Result) -> str:
    how = "was skipped" if isinstance(result, Skipped) else "failed"
    return f"step {name!r} {how}"
