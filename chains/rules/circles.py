"""No steps wait for each other in a circle."""

from collections.abc import Iterator

from chains.graph import cycles, order
from chains.model import Chain
from chains.problems import Problem
from chains.text.source import Position

_SHOWN = 12  # steps of a long circle that are named


def circles(chain: Chain) -> Iterator[Problem]:
    """Steps that wait for each other could never start."""
    if sum(map(len, order(chain))) == len(chain.steps):
        return  # every step has its turn; the graph library stays out of it
    for circle in cycles(chain):
        shown = circle if len(circle) <= _SHOWN else (*circle[: _SHOWN - 2], "…", circle[-1])
        path = " → ".join((*shown, circle[0]))
        at = _edge(chain, circle[0], circle[1])
        yield Problem(
            at,
            "step-cycle",
            f"steps wait for each other: {path}",
            "one of them must not read from the next",
            circle[0],
        )


def _edge(chain: Chain, reader: str, read: str) -> Position:
    """Where a step first mentions another."""
    step = chain.steps[reader]
    mentioned = [one.at for one in step.references if one.root == read]
    needed = [at for name, at in zip(step.needs, step.need_places, strict=True) if name == read]
    return min([*mentioned, *needed], default=step.at)
