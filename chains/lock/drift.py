"""How today's world differs from what was locked, what of it matters to a chain, and what can be mended."""

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from chains.lock.changes import Change, readable
from chains.lock.comparison import Use, parameter_changes, return_changes
from chains.lock.locked import LockedStep
from chains.lock.successors import successors
from chains.model import Chain, FindStep, SpaceStep, Step
from chains.problems import Problem
from chains.text.source import Position
from spaces_registry.errors import nearest
from spaces_registry.plain import flat
from spaces_registry.signature import Endpoint, fits

__all__ = ["Change", "drift", "drift_problems", "mendable", "parts_read", "readable", "repaired", "unbroken"]

_NOTES = 5  # that are told in one line


def drift(
    locked: LockedStep,
    endpoint: Endpoint | None,
    revision: str | None,
    *,
    used: Collection[str] | None = None,
    read: Collection[str] | None = None,
    offered: Sequence[Endpoint] = (),
) -> tuple[Change, ...]:
    """What is different today, in a fixed order: revision, endpoint, parameters, returns.

    Args:
        locked: what the step resolved to.
        endpoint: the endpoint of that name today, under its own names; None if it is gone.
        revision: the commit that runs today, or None if it cannot be known.
        used: the arguments that the chain writes, under its own names; None counts as all.
        read: the parts of its output that the chain reads, see `parts_read`; None counts as all labels.
        offered: all endpoints that there are today, for what to say if this one is gone.

    Returns:
        Nothing if revision and signature are the same; of another fingerprint there is at least a note.
    """
    changes = [*_revision(locked, revision)]
    if endpoint is None:
        return (*changes, _gone(locked, offered))
    if endpoint.fingerprint == locked.fingerprint:
        return tuple(changes)
    renamed = successors(locked.parameters, endpoint.parameters)
    renamed_returns = successors(locked.returns, endpoint.returns)
    if not renamed and not _in_common(locked.signature, endpoint):
        return (*changes, _replaced(locked))
    found = [
        *parameter_changes(locked.parameters, endpoint.parameters, renamed, Use(locked.binding, used)),
        *return_changes(locked.returns, endpoint.returns, renamed_returns, read),
    ]
    if not found:
        said = (
            f"{flat(locked.endpoint)} describes the same parameters and returns in another order or notation"
        )
        found = [Change("signature-rewritten", "note", said)]
    return (*changes, *found)


def parts_read(chain: Chain, step: Step) -> frozenset[str]:
    """The parts of a step's output that its chain reads, as `drift` takes them."""
    read = {one.path[0] for _, one in chain.references if one.root == step.name and one.path}
    named = {one for one in read if isinstance(one, str)}
    queried = {"outputs"} if step.outputs else set()  # the step's own names query the whole answer
    return frozenset((named - step.outputs.keys()) | queried)


def _revision(locked: LockedStep, revision: str | None) -> Iterator[Change]:
    if locked.revision is None or locked.revision == revision:
        return
    was = flat(locked.revision)[:7]
    if revision is None:
        said = f"which revision runs cannot be known; {was} was locked"
        words = f"{was} → not known"
        yield Change("revision-unknown", "note", said, "revision", was=locked.revision, altered=words)
        return
    now = flat(revision)[:7]
    said, words = f"revision {now} runs; {was} was locked", f"{was} → {now}"
    yield Change(
        "revision-changed", "note", said, "revision", was=locked.revision, now=revision, altered=words
    )


def _gone(locked: LockedStep, offered: Sequence[Endpoint]) -> Change:
    name = flat(locked.endpoint)
    same = [flat(one.name) for one in offered if one.fingerprint == locked.fingerprint]
    if offered and not any(_in_common(locked.signature, one) for one in offered):
        return _replaced(locked)
    hint = f"{same[0]} takes and returns the same" if len(same) == 1 else None
    return Change(
        "endpoint-gone",
        "break",
        f"{flat(locked.space)} no longer offers {name}",
        gone=f"endpoint {name}",
        hint=hint or nearest(name, [flat(one.name) for one in offered]),
    )


def _replaced(locked: LockedStep) -> Change:
    said = (
        f"{flat(locked.space)} seems to be another app: nothing of what {flat(locked.endpoint)} was is left"
    )
    return Change("app-replaced", "break", said, hint="choose another Space for this step")


def _in_common(before: Endpoint, now: Endpoint) -> bool:
    """Whether two endpoints share a parameter or a return; one that has neither is like every other."""
    if not before.parameters and not before.returns:
        return True
    return any(
        one.name == other.name and (fits(one.kind, other.kind) or fits(other.kind, one.kind))
        for one in before.parameters
        for other in now.parameters
    ) or any(
        (one.name, one.kind) == (other.name, other.kind) for one in before.returns for other in now.returns
    )


def mendable(changes: Sequence[Change]) -> bool:
    """Whether a call is broken, and by nothing but new names of its parameters."""
    breaks = [one for one in changes if one.severity == "break"]
    return bool(breaks) and all(one.code == "parameter-renamed" for one in breaks)


def repaired(
    locked: LockedStep, endpoint: Endpoint, changes: Sequence[Change], *, gradio: str | None = None
) -> LockedStep | None:
    """Today's signature under the names that the chain writes, where only names keep it from working.

    Args:
        locked: what was locked.
        endpoint: the endpoint today, under its own names.
        changes: what `drift` found between the two.
        gradio: the version that runs today; the locked one if it is not known.

    Returns:
        A step to lock instead, or None if something is broken that another name does not mend.
    """
    breaks = [one for one in changes if one.severity == "break"]
    if breaks and not mendable(changes):
        return None
    names = {one.was: one.now for one in breaks}
    bound = dict(locked.binding) | {
        one.argument: one.was for one in breaks if one.argument is not None and one.was
    }
    moved = {name: names.get(parameter) or parameter for name, parameter in bound.items()}
    there = {one.name for one in endpoint.parameters}
    revisions = [one.now for one in changes if one.code in {"revision-changed", "revision-unknown"}]
    return replace(
        locked,
        endpoint=endpoint.name,
        fingerprint=endpoint.fingerprint,
        revision=revisions[0] if revisions else locked.revision,
        parameters=endpoint.parameters,
        returns=endpoint.returns,
        binding={name: one for name, one in moved.items() if one in there and one != name},
        gradio=gradio or locked.gradio,
    )


def unbroken(endpoint: Endpoint, locked: LockedStep, changes: Sequence[Change]) -> Endpoint:
    """Today's endpoint without the breaks that `drift_problems` tells, so that no rule tells them again.

    A parameter that was renamed or has gone is still there as it was locked, and none that is new is needed.
    """
    breaks = [one for one in changes if one.severity == "break"]
    renamed = {one.now: one.argument for one in breaks if one.code == "parameter-renamed"}
    added = {one.about for one in breaks if one.code == "parameter-added"}
    gone = {one.argument: one.about for one in breaks if one.code == "parameter-removed"}
    parameters = [
        replace(one, name=renamed.get(one.name) or one.name, required=one.required and one.name not in added)
        for one in endpoint.parameters
    ]
    were = {one.name: one for one in locked.parameters}
    parameters += [replace(were[was], name=name) for name, was in gone.items() if name and was in were]
    return replace(endpoint, parameters=tuple(parameters))


def drift_problems(
    chain: Chain, step: Step, changes: Sequence[Change], *, frozen: bool = False
) -> Iterator[Problem]:
    """Changes as problems of a chain: one each for what matters, one for all notes together.

    Args:
        chain: the chain.
        step: the step that they are about.
        changes: what `drift` found.
        frozen: whether every change keeps the chain from running; else only what breaks a call does.
    """
    command = f"spacechain lock {shlex.quote(chain.source.file)} --update {step.name}"
    update = f"`{command} --repair` takes the new name" if mendable(changes) else f"`{command}` accepts it"
    subject = f"what step `{step.name}` calls has changed since it was locked"
    notes = [one for one in changes if one.severity == "note"]
    for one in changes:
        if one.severity == "note":
            continue
        yield Problem(
            at=_where(step, one),
            code="drifted",
            message=f"{subject}: {one.message}",
            hint=_hint(one, update),
            step=step.name,
            severity="error" if frozen or one.severity == "break" else "warning",
        )
    if notes:
        more = f"; and {len(notes) - _NOTES} more" if len(notes) > _NOTES else ""
        said = "; ".join(one.message for one in notes[:_NOTES]) + more
        yield Problem(
            at=_place(step),
            code="drifted",
            message=f"{subject}: {said}",
            hint=update,
            step=step.name,
            severity="error" if frozen else "warning",
        )


def _hint(change: Change, update: str) -> str:
    if change.code in {"endpoint-gone", "app-replaced"}:  # there is nothing that an update could accept
        return change.hint or "name another endpoint or Space"
    hint = change.hint or ("change the chain to fit" if change.severity == "break" else None)
    return f"{hint}; {update}" if hint else update


def _where(step: Step, change: Change) -> Position:
    """The argument that a change is about, else the Space."""
    if change.argument is not None and change.argument in step.arguments:
        return step.argument_at(change.argument)
    if change.code == "endpoint-gone" and isinstance(step, SpaceStep):
        return step.endpoint_at
    return _place(step)


def _place(step: Step) -> Position:
    match step:
        case SpaceStep():
            return step.space_at
        case FindStep():
            return step.words_at
    return step.at
