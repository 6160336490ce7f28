"""Which steps of a chain are run, and which of them anew."""

from collections.abc import Sequence

from chains.model import Chain, ChainStep
from pipelines.places.nested import Around, read_nested
from spaces_registry.errors import ToolkitError, nearest


class UnknownStep(ToolkitError):
    """`--redo` or `--only` names a step that the chain does not have."""

    code = "unknown-step"


def fresh_steps(chain: Chain, redo: Sequence[str], around: Around) -> frozenset[str]:
    """The steps whose kept results are not used: those named, and what reads from them.

    Raises:
        UnknownStep: the chain has no step of a name.
    """
    fresh: set[str] = set()
    for name in redo:
        fresh |= _downstream(chain, name, around)
    return frozenset(fresh)


def _downstream(chain: Chain, name: str, around: Around) -> set[str]:
    """A step and what reads from it; for `outer/inner`, the same in the chain that `outer` runs, too."""
    from chains.graph import downstream  # noqa: PLC0415 - networkx takes longer to import than a cached run

    outer, _, inner = name.partition("/")
    _known(chain, [outer])
    after = {*downstream(chain, outer)}
    step = chain.steps[outer]
    if not inner or not isinstance(step, ChainStep):
        _known(chain, [name])
        return {outer, *after}
    nested = read_nested(chain, step, around)
    return after | {f"{outer}/{one}" for one in _downstream(nested.chain, inner, nested.around)}


def wanted_steps(chain: Chain, only: Sequence[str]) -> frozenset[str]:
    """The steps to run: those asked for and, again and again, what they read from; all if none is.

    Raises:
        UnknownStep: the chain has no step of a name.
    """
    if not only:
        return frozenset(chain.steps)
    _known(chain, only)
    wanted: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += chain.steps[name].reads
    return frozenset(wanted)


def _known(chain: Chain, names: Sequence[str]) -> None:
    for name in names:
        if name not in chain.steps:
            raise UnknownStep(f"{chain.name} has no step {name!r}", hint=nearest(name, chain.steps))
