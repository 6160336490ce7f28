"""`lock`: what a chain's steps resolve to, kept so that a later run can tell what has changed."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.completing import step_names
from pipelines.cli.exits import Exit
from pipelines.cli.options import AsJson, ChainName, Local, Use, settings

if TYPE_CHECKING:
    from chains.lock.changes import Change
    from chains.lock.locked import Lock
    from chains.model import Chain
    from chains.problems import Problem
    from pipelines.running.workshop import Settings
    from spaces_registry.errors import ToolkitError


@dataclass(slots=True)
class _Outcome:
    """What a lock command found and did."""

    before: "Lock | None" = None
    after: "Lock | None" = None
    changes: Mapping[str, tuple["Change", ...]] = field(default_factory=dict)
    stale: Sequence["Problem"] = ()
    failures: Mapping[str, "ToolkitError"] = field(default_factory=dict)
    given_up: tuple[str, ...] = ()


def lock(
    chain: ChainName,
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STEP]...", help="With --update: only these steps.", autocompletion=step_names
        ),
    ] = None,
    *,
    update: Annotated[bool, typer.Option("--update", help="Accept what has changed.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="With --update: go on under a parameter's new name.")
    ] = False,
    local: Local = False,
    use: Use = None,
    as_json: AsJson = False,
) -> None:
    """Pin what a chain's steps resolve to, or show what changed."""
    import anyio  # noqa: PLC0415

    from pipelines.household.library import find_chain  # noqa: PLC0415
    from pipelines.running.locking import lock_of, path_of  # noqa: PLC0415

    found = find_chain(chain)
    wanted = _wanted(found, steps or (), update=update, repair=repair)
    where = settings(local=local, use=use, quiet=as_json)
    outcome = _Outcome(before=lock_of(found))
    anyio.run(_work, found, where, outcome, wanted, update, repair)
    if as_json:
        _print_json(outcome)
    else:
        _print(outcome, str(path_of(found)), chain)
        _tell_of_inner(found)
    raise typer.Exit(_exit(outcome))


def _tell_of_inner(chain: "Chain") -> None:
    """A chain that others run has a lock of its own, which holds for all of them."""
    from pipelines.cli.show import safe, say  # noqa: PLC0415
    from pipelines.places.nested import chains_in  # noqa: PLC0415
    from pipelines.running.locking import lockable, path_of  # noqa: PLC0415

    for one in chains_in(chain):
        if lockable(one):
            file = safe(one.source.file)
            there = "is used" if path_of(one).is_file() else f"is written with: spacechain lock {file}"
            say(f"{file} has a lock of its own, which {there}")


def _wanted(chain: "Chain", steps: Sequence[str], *, update: bool, repair: bool) -> tuple[str, ...]:
    from pipelines.cli.options import BadOption  # noqa: PLC0415
    from pipelines.running.locking import lockable  # noqa: PLC0415
    from pipelines.running.selection import UnknownStep  # noqa: PLC0415
    from spaces_registry.errors import nearest  # noqa: PLC0415

    known = [step.name for step in lockable(chain)]
    if repair and not update:
        raise BadOption("--repair goes with --update", hint="lock alone shows what has changed")
    if steps and not update:
        raise BadOption("steps are named only with --update", hint="lock writes all of them")
    for name in steps:
        if name not in known:
            hint = nearest(name, known) or "no step of this chain calls a Space"
            raise UnknownStep(f"{chain.name} has no step {name!r} that calls a Space", hint=hint)
    return tuple(steps) or tuple(known)


async def _work(
    chain: "Chain",
    where: "Settings",
    outcome: _Outcome,
    wanted: tuple[str, ...],
    update: bool,  # noqa: FBT001
    repair: bool,  # noqa: FBT001
) -> None:
    """Look at today's world, and write the lock where that is wanted and everything could be resolved."""
    from chains.lock.file import write_lock  # noqa: PLC0415
    from chains.lock.locked import Lock, LockedStep, outdated  # noqa: PLC0415
    from pipelines.running.locking import Repairs, path_of, repair_steps, resolve_steps  # noqa: PLC0415
    from pipelines.running.preflight import lock_changes  # noqa: PLC0415
    from pipelines.running.workshop import open_workshop  # noqa: PLC0415

    before = outcome.before
    async with open_workshop(chain, where, before) as shop:
        if before is not None:
            outcome.changes = await lock_changes(chain, shop.places)
            outcome.stale = tuple(outdated(chain, before))
        if before is not None and not update:
            return
        repairs = Repairs()
        if before is not None and repair:
            chosen = {name: several for name, several in outcome.changes.items() if name in wanted}
            repairs = await repair_steps(shop.places, chosen, before)
            outcome.given_up = repairs.given_up
        anew = [name for name in wanted if name not in repairs.steps]
        resolved = await resolve_steps(chain, shop.places, anew)
    steps: dict[str, LockedStep] = dict(before.steps) if before is not None else {}
    steps |= repairs.steps
    outcome.failures = {name: one for name, one in resolved.items() if not isinstance(one, LockedStep)}
    steps |= {name: one for name, one in resolved.items() if isinstance(one, LockedStep)}
    if not outcome.failures and not outcome.given_up:
        ordered = {name: steps[name] for name in chain.steps if name in steps}
        outcome.after = Lock(ordered, chain.name)
        write_lock(path_of(chain), outcome.after)


def _exit(outcome: _Outcome) -> Exit:
    from pipelines.cli.exits import exit_for  # noqa: PLC0415

    if outcome.failures:
        return exit_for(next(iter(outcome.failures.values())))
    if outcome.given_up:
        return Exit.WRONG
    pending = outcome.after is None and (outcome.stale or any(outcome.changes.values()))
    return Exit.WRONG if pending else Exit.DONE


def _print(outcome: _Outcome, path: str, chain: str) -> None:
    from chains.lock.changes import readable  # noqa: PLC0415
    from chains.lock.drift import mendable  # noqa: PLC0415
    from pipelines.cli.show import result, safe, say, show_error  # noqa: PLC0415

    for problem in outcome.stale:
        say(f"{problem.step}: {safe(problem.message)}")
    for name, several in outcome.changes.items():
        if several:
            result(f"{name}:")
            for line in readable(several).splitlines():
                result(f"  {safe(line)}")
    for name, failure in outcome.failures.items():
        say(f"step {name} cannot be locked:")
        show_error(failure)
    for name in outcome.given_up:
        say(f"step {name} cannot be repaired: more has changed than a name; edit the chain, then --update")
    if outcome.after is not None:
        count = len(outcome.after.steps)
        result(f"{path}: {count} {'step' if count == 1 else 'steps'} locked")
    elif outcome.failures or outcome.given_up:
        say(f"{path} was not written")
    elif outcome.stale or any(outcome.changes.values()):
        command = f"spacechain lock {shlex.quote(chain)} --update"
        say(f"accept this with: {command}")
        if names := [name for name, several in outcome.changes.items() if mendable(several)]:
            say(f"let the chain go on writing the old names with: {command} {' '.join(names)} --repair")
    else:
        result(f"{path} is up to date")


def _print_json(outcome: _Outcome) -> None:
    from pipelines.cli.show import result_json  # noqa: PLC0415

    lock_now = outcome.after or outcome.before
    result_json(
        {
            "written": outcome.after is not None,
            "steps": {
                name: {"space": one.space, "endpoint": one.endpoint, "revision": one.revision}
                for name, one in (lock_now.steps if lock_now else {}).items()
            },
            "changes": {
                name: [
                    {"code": one.code, "severity": one.severity, "message": one.message} for one in several
                ]
                for name, several in outcome.changes.items()
                if several
            },
            "outdated": [one.step for one in outcome.stale],
            "failures": {
                name: {"code": one.code, "message": one.message} for name, one in outcome.failures.items()
            },
            "not_repaired": list(outcome.given_up),
        }
    )
