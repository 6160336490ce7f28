"""What can be known before the first call: every place looked at, and the chain checked against them."""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from chains.checks import check
from chains.model import Chain, MediaStep, PythonStep, SpaceStep, Step
from chains.problems import Position, Problem, in_order
from pipelines.engine.places import Place, Places, local_endpoint
from pipelines.trust import NotTrusted
from spaces_registry.errors import Asleep, Building, CallFailed, Missing, Paused, ToolkitError, Unauthorized
from spaces_registry.signature import AmbiguousEndpoint, Endpoint, UnknownEndpoint


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        places: by step; a step whose place is not ready is not in it.
        problems: of the chain, sorted by position; warnings among them.
        refusal: the first thing that is not allowed, if any: no token, or code that is not trusted.
    """

    places: Mapping[str, Place]
    problems: tuple[Problem, ...]
    refusal: ToolkitError | None

    @property
    def ok(self) -> bool:
        """Whether a run may start."""
        return self.refusal is None and not any(one.severity == "error" for one in self.problems)


def static_problems(chain: Chain) -> tuple[Problem, ...]:
    """What is wrong as far as can be told without the network: media and functions have signatures here."""
    known: dict[str, Endpoint] = {}
    problems: list[Problem] = []
    for step in chain.steps.values():
        try:
            if (endpoint := local_endpoint(chain, step)) is not None:
                known[step.name] = endpoint
        except ToolkitError as failure:
            problems.append(_problem(step, failure))
    return in_order([*check(chain, known), *problems])


async def look(chain: Chain, places: Places) -> Look:
    """Look at every step's place concurrently, waiting for none to wake, and check the chain against them."""
    found: dict[str, Place] = {}
    failures: dict[str, ToolkitError] = {}

    async def one(step: Step) -> None:
        try:
            found[step.name] = await places.find(step, wake_s=0.0)
        except ToolkitError as failure:
            failures[step.name] = failure

    async with anyio.create_task_group() as tasks:
        for step in chain.steps.values():
            tasks.start_soon(one, step)
    endpoints: dict[str, Endpoint] = {name: place.endpoint for name, place in found.items()}
    problems = [_problem(chain.steps[name], failures[name]) for name in chain.steps if name in failures]
    refused = (Unauthorized, NotTrusted)
    refusal = next((failures[name] for name in chain.steps if isinstance(failures.get(name), refused)), None)
    every = [*check(chain, endpoints), *problems]
    return Look(found, in_order(every), refusal)


def _problem(step: Step, failure: ToolkitError) -> Problem:
    """A place that is not ready is a warning, since a run waits or tries again; a wrong one is an error."""
    passing = isinstance(failure, CallFailed) and not isinstance(failure, Missing | Unauthorized | Paused)
    hint = failure.hint
    if isinstance(failure, Asleep | Building):
        hint = f"a run waits for it, up to {step.timeout.wake_s:g} s"
    elif passing:
        hint = hint or "a run tries again when the step's turn comes"
    return Problem(
        at=_where(step, failure),
        code=failure.code,
        message=failure.message,
        hint=hint,
        step=step.name,
        severity="warning" if passing else "error",
    )


def _where(step: Step, failure: ToolkitError) -> Position:
    """The word of the step that the failure is about."""
    match step:
        case SpaceStep():
            about_endpoint = isinstance(failure, UnknownEndpoint | AmbiguousEndpoint)
            return step.endpoint_at if about_endpoint else step.space_at
        case MediaStep():
            return step.operation_at
        case PythonStep():
            return step.file_at
