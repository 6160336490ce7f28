"""A reference says which part it wants."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem


def whole_names(chain: Chain) -> Iterator[Problem]:
    """A step has several outputs, and `inputs` several values: a name alone does not say which."""
    for step, one in chain.references:
        inside = step.name if step else None
        if one.path and isinstance(one.path[0], str):
            continue
        if one.root in chain.steps:
            message = f"`{one.root}` is a step; say which of its outputs is meant"
            hint = f"write `{one.root}.image`, `{one.root}.text` or `{one.root}.outputs[0]`"
            yield Problem(one.at, "whole-step", message, hint, inside)
        elif one.root == "inputs":
            first = next(iter(chain.inputs), "name")
            yield Problem(one.at, "whole-step", "say which input is meant", f"write `inputs.{first}`", inside)
        elif one.root == "env":
            first = next(iter(chain.env), "NAME")
            yield Problem(one.at, "whole-step", "say which variable is meant", f"write `env.{first}`", inside)
