"""A step has one way to run several times."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem


def each_and_matrix(chain: Chain) -> Iterator[Problem]:
    """`each` and `matrix` would both say what `item` is."""
    for step in chain.steps.values():
        if step.each is not None and step.matrix is not None:
            at = chain.source.key_at(("steps", step.name, "matrix"))
            message = f"step `{step.name}` has both `each` and `matrix`"
            yield Problem(
                at, "each-and-matrix", message, "keep one; a list can be part of a matrix", step.name
            )
