"""Every `inputs.x` is an input of this chain."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_inputs(chain: Chain) -> Iterator[Problem]:
    """Every input that is read is declared."""
    for step, one in chain.references:
        if one.root == "inputs" and one.path and one.path[0] not in chain.inputs:
            name = str(one.path[0])
            message = f"`{name}` is no input of this chain"
            hint = nearest(name, chain.inputs) or "declare it under `inputs`"
            yield Problem(one.parts_at[0], "unknown-input", message, hint, step.name if step else None)
