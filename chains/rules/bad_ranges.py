"""An input's range holds a number."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Kind


def bad_ranges(chain: Chain) -> Iterator[Problem]:
    """The minimum is not above the maximum, and only numbers have them."""
    for name, one in chain.inputs.items():
        at = chain.source.key_at(("inputs", name, "minimum" if one.minimum is not None else "maximum"))
        if one.minimum is None and one.maximum is None:
            continue
        if one.kind not in {Kind.NUMBER, Kind.INTEGER, Kind.ANY}:
            message = f"`{name}` is {one.kind}, which has no minimum or maximum"
            yield Problem(at, "bad-range", message, "give it `kind: number`, or remove the range")
        elif one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
            yield Problem(at, "bad-range", f"the minimum of `{name}` is above its maximum", "exchange them")
