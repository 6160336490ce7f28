"""The lock of a chain: read for a run, written anew, and shown against today's world."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from chains.lock.changes import Change
from chains.lock.drift import repaired
from chains.lock.file import lock_path, read_lock
from chains.lock.locked import Finding, Lock, LockedStep, NoLock, question_of
from chains.model import Chain, FindStep, SpaceStep, Step
from pipelines.places.place import Place
from pipelines.places.places import Places
from spaces_registry.errors import ToolkitError


def lock_of(chain: Chain, *, frozen: bool = False) -> Lock | None:
    """The lock beside a chain, if there is one.

    Raises:
        NoLock: there is none, and `frozen` needs one.
        InvalidLock: it is damaged.
    """
    lock = read_lock(path_of(chain))
    if frozen and lock is None:
        raise NoLock(chain)
    return lock


def path_of(chain: Chain) -> Path:
    """Where a chain's lock is, or would be."""
    return lock_path(Path(chain.source.file))


def lockable(chain: Chain) -> tuple[Step, ...]:
    """The steps that a lock speaks of: those that call a Space."""
    return tuple(step for step in chain.steps.values() if isinstance(step, SpaceStep | FindStep))


async def resolve_steps(
    chain: Chain, places: Places, steps: Collection[str]
) -> Mapping[str, LockedStep | ToolkitError]:
    """What these steps resolve to today, whatever was locked; waits for Spaces that sleep."""
    anew = replace(places, lock=None)
    found: dict[str, LockedStep | ToolkitError] = {}

    async def one(step: Step) -> None:
        try:
            found[step.name] = _locked(chain, step, await anew.find(step))
        except ToolkitError as failure:
            found[step.name] = failure

    async with anyio.create_task_group() as tasks:
        for step in lockable(chain):
            if step.name in steps:
                tasks.start_soon(one, step)
    return {name: found[name] for name in chain.steps if name in found}


@dataclass(frozen=True, slots=True)
class Repairs:
    """What became of steps whose parameters were renamed: mended ones, and names of what could not be."""

    steps: Mapping[str, LockedStep] = field(default_factory=dict)
    given_up: tuple[str, ...] = ()


async def repair_steps(places: Places, changes: Mapping[str, tuple[Change, ...]], lock: Lock) -> Repairs:
    """Map the names that the chain writes to their successors, where every break is a plain renaming."""
    mended: dict[str, LockedStep] = {}
    given_up: list[str] = []
    for name, several in changes.items():
        if not any(one.severity == "break" for one in several):
            continue
        locked = lock.steps[name]
        space = await places.registry.look_up(locked.space)
        today = next((one for one in space.endpoints if one.name == locked.endpoint), None)
        step = None if today is None else repaired(locked, today, several, gradio=space.gradio)
        if step is None:
            given_up.append(name)
        else:
            mended[name] = step
    return Repairs(mended, tuple(given_up))


def _locked(chain: Chain, step: Step, place: Place) -> LockedStep:
    space = place.space
    if space is None or not isinstance(step, SpaceStep | FindStep):
        raise TypeError(step.name)  # ours: only steps that call a Space are locked
    own = next(one for one in space.endpoints if one.name == place.endpoint.name)
    locked = LockedStep.of(space.address, own, space.revision)
    written = step.space if isinstance(step, SpaceStep) and step.space != space.address else None
    found = Finding(question_of(step, chain), place.choice.why) if isinstance(step, FindStep) else None
    return replace(locked, binding=place.choice.binding, written=written, found=found, gradio=space.gradio)
