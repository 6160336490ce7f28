"""Values that are known before a run, held against the places that they will go to."""

from collections.abc import Iterator, Mapping
from typing import Literal

from chains.graph import order
from chains.language.expressions import Template
from chains.meaning.arguments import leaves
from chains.model import Chain, Step
from chains.problems import Problem
from pipelines.engine.binding import conform
from pipelines.engine.items import scopes_of
from pipelines.engine.ways import every_way
from pipelines.places.place import Place
from spaces_registry.errors import RejectedInput, ToolkitError
from spaces_registry.signature import Kind

_ITEMS = frozenset({"item", "index"})
_KNOWN = frozenset({"inputs"})  # values of `env` are secrets, and would be told


def foreseen_misfits(
    chain: Chain,
    places: Mapping[str, Place],
    inputs: Mapping[str, object],
    *,
    severity: Literal["error", "warning"] = "error",
) -> Iterator[Problem]:
    """Arguments that a place will refuse, though only the chain's inputs decide them; each one once.

    What may never be called is left alone: a step whose `when` is open, and what reads from it; so is a step
    that another place could do in its stead.

    Args:
        chain: checked.
        places: by step, where it is performed, as far as that was found.
        inputs: values by name; those that are not known are missing.
        severity: of the problems.
    """
    names: dict[str, object] = {"inputs": inputs}
    sure: set[str] = set()
    for name in (name for layer in order(chain) for name in layer):
        step = chain.steps[name]
        if not (set(step.reads) <= sure and _is_called(step, names)):
            continue
        sure.add(name)
        if name in places and len(every_way(step)) == 1:
            yield from _of_step(step, places[name], names, severity)


def plain_defaults(chain: Chain) -> dict[str, object]:
    """The chain's own defaults, as far as they are no files; what `check` knows of a run."""
    return {
        name: tuple(one.default) if isinstance(one.default, list) else one.default
        for name, one in chain.inputs.items()
        if one.default is not None and not (one.kind.is_file or one.kind is Kind.GALLERY)
    }


def _of_step(
    step: Step, place: Place, names: Mapping[str, object], severity: Literal["error", "warning"]
) -> Iterator[Problem]:
    scopes = _scopes(step, names)
    written = [
        part
        for name, template in step.arguments.items()
        if (parameter := place.endpoint.parameter(name)) is not None
        for part in leaves(parameter, template)
    ]
    for parameter, template in written:
        if not _is_known(template, is_mapped=bool(scopes)):
            continue
        for scope in scopes or [{}]:
            try:
                value = template.evaluate({**names, **scope})
            except ToolkitError:
                break  # an input that was not handed in, or a failure that the step will tell
            try:
                conform(parameter, value, place.address)
            except RejectedInput as refused:
                yield Problem(template.at, refused.code, refused.message, refused.hint, step.name, severity)
                break


def _is_called(step: Step, names: Mapping[str, object]) -> bool:
    """Whether it is sure that a step is called: no `when`, or one that holds, and a list with items."""
    if step.when is not None:
        roots = {one.root for one in step.when.references}
        try:
            if not roots <= _KNOWN or step.when.evaluate(names) is not True:
                return False
        except ToolkitError:
            return False
    return not step.repeats or bool(_scopes(step, names))


def _scopes(step: Step, names: Mapping[str, object]) -> list[Mapping[str, object]]:
    """What each item of a mapped step sees; nothing where that is not known, or the step is not mapped."""
    try:
        return [*(scopes_of(step, names) or ())] if step.repeats else []
    except ToolkitError:
        return []


def _is_known(template: Template, *, is_mapped: bool) -> bool:
    """Whether only inputs decide a value, or the items that inputs decide; a literal is checked before."""
    roots = {one.root for one in template.references}
    return bool(roots) and roots <= (_KNOWN | _ITEMS if is_mapped else _KNOWN)
