"""Lists that are gone through side by side are of one length."""

from collections.abc import Iterator, Mapping

from chains.language.nodes import Listing
from chains.model import Chain
from chains.problems import Problem


def unequal_lists(chain: Chain) -> Iterator[Problem]:
    """Two lists of `each` that are written out have as many items as each other."""
    for step in chain.steps.values():
        if step.each is None or not isinstance(step.each.value, Mapping):
            continue
        written = {name: one.node for name, one in step.each.value.items() if isinstance(one.node, Listing)}
        lengths = {name: len(node.items) for name, node in written.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"`{name}` has {count}" for name, count in lengths.items())
            first = next(iter(lengths.values()))
            odd = next(name for name, count in lengths.items() if count != first)
            message = f"lists that are gone through side by side must be of one length: {told}"
            hint = "use `matrix` for every combination"
            yield Problem(step.each.value[odd].at, "unequal-lists", message, hint, step.name)
