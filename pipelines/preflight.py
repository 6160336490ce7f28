"""What can be known before the first call: every place looked at, and the chain checked against them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import anyio

from chains.checks import check, not_reached
from chains.lock.changes import Change
from chains.lock.drift import drift, drift_problems, parts_read
from chains.lock.locked import outdated
from chains.model import Chain, FindStep, SpaceStep, Step
from chains.problems import Problem, in_order
from pipelines.places.place import Place
from pipelines.places.places import Places, local_endpoint
from pipelines.trust import NotTrusted
from spaces_registry.bookmarks import Bookmarks
from spaces_registry.errors import Asleep, Building, CallFailed, Missing, Paused, ToolkitError, Unauthorized
from spaces_registry.signature import Endpoint


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


def static_problems(chain: Chain, own: Bookmarks = Bookmarks()) -> tuple[Problem, ...]:
    """What is wrong as far as can be told without the network: media and functions have signatures here.

    Args:
        chain: what is checked.
        own: the user's own names for Spaces.
    """
    known: dict[str, Endpoint] = {}
    problems: list[Problem] = []
    for step in chain.steps.values():
        try:
            if (endpoint := local_endpoint(chain, step)) is not None:
                known[step.name] = endpoint
        except ToolkitError as failure:
            problems.append(_problem(step, failure))
    return in_order([*_checked(chain, known, own), *problems])


async def look(chain: Chain, places: Places, *, wake: bool = False) -> Look:
    """Look at every step's place concurrently, and check the chain against them and against its lock.

    Args:
        chain: what is checked.
        places: finds the places.
        wake: whether a `find` step for which nothing runs may wake a Space; a named one is not waited for.
    """
    found: dict[str, Place] = {}
    failures: dict[str, ToolkitError] = {}
    drifted: dict[str, tuple[Change, ...]] = {}

    async def one(step: Step) -> None:
        try:
            found[step.name] = await places.find(step, wake_s=None if wake and _searches(step) else 0.0)
        except ToolkitError as failure:
            failures[step.name] = failure
        drifted[step.name] = await _drift(chain, step, places, found.get(step.name))

    async with anyio.create_task_group() as tasks:
        for step in chain.steps.values():
            tasks.start_soon(one, step)
    endpoints: dict[str, Endpoint] = {name: place.endpoint for name, place in found.items()}
    problems = [_problem(chain.steps[name], failures[name]) for name in chain.steps if name in failures]
    problems += _lock_problems(chain, places, drifted)
    refused = (Unauthorized, NotTrusted)
    refusal = next((failures[name] for name in chain.steps if isinstance(failures.get(name), refused)), None)
    every = [*_checked(chain, endpoints, places.registry.own), *problems]
    return Look(found, in_order(every), refusal)


async def lock_changes(chain: Chain, places: Places) -> dict[str, tuple[Change, ...]]:
    """How today's Spaces differ from what each step was locked to; empty where nothing has changed."""
    changes: dict[str, tuple[Change, ...]] = {}

    async def one(step: Step) -> None:
        changes[step.name] = await _drift(chain, step, places, None)

    async with anyio.create_task_group() as tasks:
        for step in chain.steps.values():
            tasks.start_soon(one, step)
    return {name: changes[name] for name in chain.steps}


def _checked(chain: Chain, known: Mapping[str, Endpoint], own: Bookmarks) -> list[Problem]:
    """The chain's own problems; what the language does not know as a Space may be a name of the user's."""
    named = {
        step.name
        for step in chain.steps.values()
        if isinstance(step, SpaceStep) and step.space.lower() in own.aliases
    }
    return [one for one in check(chain, known) if one.code != "bad-space" or one.step not in named]


def _searches(step: Step) -> bool:
    return isinstance(step, FindStep)


async def _drift(chain: Chain, step: Step, places: Places, place: Place | None) -> tuple[Change, ...]:
    """How a step's place differs from what was locked; nothing where another app was put in its stead."""
    locked = places.locked(step)
    if locked is None or locked.space in places.registry.replaced:
        return ()
    if place is not None and place.space is not None:
        if place.space.address != locked.space:
            return ()  # another Space was found, and that is told with the step
        space = place.space
    else:
        try:
            space = (await places.registry.connect(locked.space, wake_s=0.0)).space
        except ToolkitError:
            return ()
    today = next((one for one in space.endpoints if one.name == locked.endpoint), None)
    return drift(
        locked,
        today,
        space.revision,
        used=step.arguments.keys(),
        read=parts_read(chain, step),
        offered=space.endpoints,
    )


def _lock_problems(chain: Chain, places: Places, drifted: Mapping[str, tuple[Change, ...]]) -> list[Problem]:
    if places.lock is None:
        return []
    problems = [*outdated(chain, places.lock, frozen=places.frozen)]
    for name, changes in drifted.items():
        problems += drift_problems(chain, chain.steps[name], changes, frozen=places.frozen)
    return problems


def _problem(step: Step, failure: ToolkitError) -> Problem:
    """A place that is not ready is a warning, since a run waits or tries again; a wrong one is an error."""
    passing = isinstance(failure, CallFailed) and not isinstance(failure, Missing | Unauthorized | Paused)
    told = not_reached(step, failure)
    if not passing:
        return told
    hint = failure.hint or "a run tries again when the step's turn comes"
    if isinstance(failure, Asleep | Building):
        hint = f"a run wakes it and waits for it, up to {step.timeout.wake_s:g} s"
    return replace(told, hint=hint, severity="warning")
