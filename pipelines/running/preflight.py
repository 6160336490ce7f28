"""What can be known before the first call: every place looked at, and the chain checked against them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio

from chains.checks import check, not_reached
from chains.loader import meant
from chains.lock.changes import Change
from chains.lock.drift import drift, drift_problems, parts_read, unbroken
from chains.lock.locked import outdated
from chains.model import Chain, ChainStep, FindStep, SpaceStep, Step
from chains.problems import InvalidChain, Problem, in_order
from pipelines.engine.ways import Way, every_way, ways_of
from pipelines.household.home import find_home
from pipelines.household.trust import NotTrusted
from pipelines.media.literals import media_problems
from pipelines.places.nested import Around, read_nested
from pipelines.places.place import Place
from pipelines.places.places import Places, local_endpoint
from pipelines.places.remembered import Known, known_within, nothing_known
from pipelines.running.nesting import used_by, used_by_invalid
from pipelines.services.workflow_problems import workflow_problems
from spaces_registry.bookmarks import Bookmarks
from spaces_registry.errors import (
    Asleep,
    Building,
    CallFailed,
    HubUnreachable,
    Missing,
    Paused,
    ToolkitError,
    Unauthorized,
)
from spaces_registry.fitting.resolver import NothingFits
from spaces_registry.network.origin import NotAsked
from spaces_registry.signature import Endpoint

_GONE = frozenset({"endpoint-gone", "app-replaced"})  # what a lock says once, and no rule again
_AVOIDABLE = (CallFailed, NothingFits, NotTrusted)


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        places: by the key of the way (`image`, `image#1`); one whose place is not ready is not in it.
        failures: the same, why it is not ready.
        problems: of the chain, sorted by position; warnings among them.
        refusal: the first thing that is not allowed, if any: no token, or code that is not trusted.
        nested: by step that runs a chain, what was found of that one; one that several run is looked at once.
    """

    places: Mapping[str, Place]
    failures: Mapping[str, ToolkitError]
    problems: tuple[Problem, ...]
    refusal: ToolkitError | None
    nested: Mapping[str, "Look"] = field(default_factory=dict)

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
    return in_order(_static(chain, own, Around.of(chain), set()))


def _static(chain: Chain, own: Bookmarks, around: Around, seen: set[str]) -> list[Problem]:
    """The problems of a chain and of those in it; one that several steps run is checked for the first."""
    known: dict[str, Endpoint] = {}
    unknown: dict[str, ToolkitError] = {}
    problems: list[Problem] = []
    for step in chain.ways:
        try:
            if (endpoint := local_endpoint(chain, step, around)) is not None:
                known[step.key] = endpoint
            if isinstance(step, ChainStep):
                problems += _static_inside(chain, step, own, around, seen)
        except InvalidChain as invalid:
            problems += used_by_invalid(step, chain, invalid)
        except ToolkitError as failure:
            unknown[step.key] = failure
            problems.append(_problem(step, failure))
    checked = _checked(chain, known | meant(unknown), own)
    without_file = {one.at for one in checked if one.code in ("missing-file", "outside-folder")}
    return [*checked, *(one for one in problems if one.at not in without_file)]


def _static_inside(
    chain: Chain, step: ChainStep, own: Bookmarks, around: Around, seen: set[str]
) -> list[Problem]:
    nested = read_nested(chain, step, around)
    if nested.around.trail[-1] in seen:
        return []
    seen.add(nested.around.trail[-1])
    problems = _static(nested.chain, own, nested.around, seen)
    return [*used_by(step, chain, problems, nested.chain.source.text)]


async def look(
    chain: Chain,
    places: Places,
    *,
    wake: bool = False,
    search: bool = True,
    looked: dict[str, Look] | None = None,
    known: Known = nothing_known,
) -> Look:
    """Look at the places of all steps and fallbacks concurrently; check the chain against them and its lock.

    Args:
        chain: what is checked.
        places: finds the places.
        wake: whether a `find` step for which nothing runs may wake a Space; a named one is not waited for.
        search: whether `find` steps are looked at; a search would go by what is wrong in the chain.
        looked: what was found of chains that several steps run, by who they are; filled.
        known: tells of places that are not there now, and of which a resumed run may have all that it needs.
    """
    looked = {} if looked is None else looked
    found: dict[str, Place] = {}
    failures: dict[str, ToolkitError] = {}
    drifted: dict[str, tuple[Change, ...]] = {}

    async def one(way: Way) -> None:
        if not search and _searches(way.step):
            return
        match await _place(way, places, None if wake and _searches(way.step) else 0.0, known):
            case Place() as place:
                found[way.key] = place
            case failure:
                failures[way.key] = failure
        if way.key == way.step.name:
            drifted[way.key] = await _drift(chain, way.step, places, found.get(way.key))

    async with anyio.create_task_group() as tasks:
        for step in chain.steps.values():
            for way in every_way(step):
                tasks.start_soon(one, way)
    endpoints = meant(failures) | {
        group[0].step.key: place.endpoint
        for step in chain.steps.values()
        for group in ways_of(step)
        if (place := next((found[way.key] for way in group if way.key in found), None)) is not None
    }
    told = _without_repeats(failures, [way.key for step in chain.steps.values() for way in every_way(step)])
    problems = [one for step in chain.steps.values() for one in _missing(step, found, told, chain)]
    refused = [*_refusals(chain, problems, failures)]
    nested = {}
    for step, key, inner in _chains(chain, found):
        who = inner.around.trail[-1]
        if who not in looked:
            looked[who] = await look(
                inner.chain, inner, wake=wake, search=search, looked=looked, known=known_within(known, step)
            )
            problems += used_by(step, chain, looked[who].problems, inner.chain.source.text)
            refused += [one for one in (looked[who].refusal,) if one is not None]
        nested[key] = looked[who]
    gone = {name for name, changes in drifted.items() if {one.code for one in changes} & _GONE}
    for name, changes in drifted.items():
        if name in gone:
            endpoints.pop(name, None)
        elif name in endpoints and (locked := places.locked(chain.steps[name])) is not None:
            endpoints[name] = unbroken(endpoints[name], locked, changes)
    every = [
        *_checked(chain, endpoints, places.registry.own),
        *(one for one in problems if one.code != "unknown-endpoint" or one.step not in gone),
        *_lock_problems(chain, places, drifted),
    ]
    return Look(found, failures, in_order(every), next(iter(refused), None), nested)


def _chains(chain: Chain, found: Mapping[str, Place]) -> Iterator[tuple[Step, str, Places]]:
    """The ways of a chain's steps that are chains themselves: the step, the way's key, the places in it."""
    for step in chain.steps.values():
        for way in every_way(step):
            inner = found[way.key].nested if way.key in found else None
            if inner is not None:
                yield step, way.key, inner


def _without_repeats(failures: Mapping[str, ToolkitError], keys: Sequence[str]) -> Mapping[str, ToolkitError]:
    """The failures but those that say again that the Hub cannot be reached: one line tells that."""
    offline = [key for key in keys if isinstance(failures.get(key), HubUnreachable)]
    return {key: one for key, one in failures.items() if key not in offline[1:]}


def _missing(
    step: Step, found: Mapping[str, Place], failures: Mapping[str, ToolkitError], chain: Chain
) -> Iterator[Problem]:
    """A step's places that are not ready; one that is replaced by another is no more than a warning."""
    ways = every_way(step)
    working = [way for way in ways if way.key in found]
    for way in ways:
        if (failure := failures.get(way.key)) is None:
            continue
        if isinstance(failure, InvalidChain):
            yield from used_by_invalid(way.step, chain, failure)
            continue
        told = _problem(way.step, failure)
        if working and told.severity == "error" and isinstance(failure, _AVOIDABLE):
            hint = f"the run will use {working[0].named} in its stead"
            if ways.index(working[0]) < ways.index(way):
                hint = f"the run will use {working[0].named}, and could not fall back to this one"
            told = replace(told, hint=hint, severity="warning")
        yield told


def _refusals(
    chain: Chain, problems: Sequence[Problem], failures: Mapping[str, ToolkitError]
) -> Iterator[ToolkitError]:
    """What is not allowed and cannot be avoided by another way."""
    bad = {one.step for one in problems if one.severity == "error"}
    for step in chain.steps.values():
        for way in every_way(step):
            if step.name in bad and isinstance(failures.get(way.key), Unauthorized | NotTrusted):
                yield failures[way.key]


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
        for step in chain.ways
        if isinstance(step, SpaceStep)
        and {one.lower() for one in (step.space, *step.others)} & {*own.aliases}
    }
    found = [one for one in check(chain, known) if one.code != "bad-space" or one.step not in named]
    return [*found, *media_problems(chain), *workflow_problems(chain, find_home())]


async def _place(way: Way, places: Places, wake_s: float | None, known: Known) -> Place | ToolkitError:
    """A way's place, or what a resumed run knows of it; else why it is not there."""
    try:
        return await places.find(way.step, wake_s=wake_s)
    except ToolkitError as failure:
        return known(way.key, way.step, places) or failure


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
            space = await places.registry.look_up(locked.space, wake_s=0.0)
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


def _problems(chain: Chain, step: Step, failure: ToolkitError) -> list[Problem]:
    if isinstance(failure, InvalidChain):
        return [*used_by_invalid(step, chain, failure)]
    return [_problem(step, failure)]


def _problem(step: Step, failure: ToolkitError) -> Problem:
    """A place that is not ready is a warning, since a run waits or tries again; a wrong one is an error."""
    told = not_reached(step, failure)
    if isinstance(failure, NotAsked):
        return replace(told, severity="warning")
    if not isinstance(failure, CallFailed) or isinstance(failure, Missing | Unauthorized | Paused):
        return told
    hint = "a run tries again when the step's turn comes"
    if failure.hint and failure.hint != failure.advice:
        hint = f"{failure.hint}; {hint}"
    if isinstance(failure, Asleep | Building):
        does = "wakes it and waits" if isinstance(failure, Asleep) else "waits"
        hint = f"a run {does} for it, up to {_as_written(step.timeout.wake_s)}"
    return replace(told, hint=hint, severity="warning")


def _as_written(seconds: float) -> str:
    """A duration as a chain has it: `5m`, `90s`."""
    return f"{seconds / 60:g}m" if seconds and seconds % 60 == 0 else f"{seconds:g}s"
