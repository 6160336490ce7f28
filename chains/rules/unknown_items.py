"""`item.x` names one of the lists that a step runs over side by side."""

from collections.abc import Iterator, Mapping

from chains.language.expressions import Template
from chains.model import Chain, Step
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_items(chain: Chain) -> Iterator[Problem]:
    """Where the lists of `each` or `matrix` have names, an item has those and no others."""
    for step, one in chain.references:
        keys = _keys(step) if step and one.root == "item" else None
        if step and keys is not None and one.path and one.path[0] not in keys:
            name = str(one.path[0])
            message = f"an item of step `{step.name}` has no `{name}`"
            yield Problem(one.parts_at[0], "unknown-item", message, nearest(name, keys), step.name)


def _keys(step: Step) -> Mapping[str, Template] | None:
    """The lists by name, or None where an item is one value."""
    if step.matrix is not None:
        return step.matrix
    return None if step.each is None or isinstance(step.each.value, Template) else step.each.value
