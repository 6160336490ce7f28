"""No step waits for itself."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem


def self_references(chain: Chain) -> Iterator[Problem]:
    """A step that reads its own output could never start."""
    for step in chain.steps.values():
        for one in step.references:
            if one.root == step.name:
                message = f"step `{step.name}` reads its own output"
                yield Problem(one.at, "self-reference", message, "read from another step", step.name)
        for name, at in zip(step.needs, step.need_places, strict=True):
            if name == step.name:
                yield Problem(
                    at, "self-reference", f"step `{step.name}` needs itself", "remove it", step.name
                )
