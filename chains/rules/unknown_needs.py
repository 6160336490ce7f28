"""`needs` names steps of this chain."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_needs(chain: Chain) -> Iterator[Problem]:
    """Every step that is waited for exists."""
    for step in chain.steps.values():
        for name, at in zip(step.needs, step.need_places, strict=True):
            if name not in chain.steps:
                message = f"step `{step.name}` needs `{name}`, which is no step of this chain"
                hint = nearest(name.lstrip("$"), [one for one in chain.steps if one != step.name])
                yield Problem(at, "unknown-need", message, hint, step.name)
