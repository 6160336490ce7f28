"""An input's default is a value that the input may have."""

from collections.abc import Iterator

from chains.meaning.literals import misfit
from chains.model import Chain, Input
from chains.problems import Problem
from spaces_registry.signature import Json


def bad_defaults(chain: Chain) -> Iterator[Problem]:
    """Defaults and choices fit the input's kind; a default is among the choices and within the range."""
    for name, one in chain.inputs.items():
        written = chain.source.at(("inputs", name, "default"))
        if one.default is not None and (said := _misfit(one, one.default)):
            yield Problem(written, "bad-default", f"the default of `{name}` {said[0]}", said[1])
        for place, choice in enumerate(one.choices or ()):
            if why := misfit(choice, one.kind):
                at = chain.source.at(("inputs", name, "choices", place))
                yield Problem(at, "bad-default", f"this choice of `{name}` {why}")


def _misfit(one: Input, value: Json) -> tuple[str, str | None] | None:
    if not one.many:
        return _item_misfit(one, value)
    if not isinstance(value, list):
        return f"must be a list of {one.kind}", "write `[a, b]`"
    return next((said for item in value if (said := _item_misfit(one, item))), None)


def _item_misfit(one: Input, value: Json) -> tuple[str, str | None] | None:
    if said := misfit(value, one.kind):
        return said, "add `many: true` if it is a list" if isinstance(value, list) else None
    if one.choices is not None and value not in one.choices:
        return "is not among its choices", f"choices: {', '.join(map(str, one.choices[:12]))}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if one.minimum is not None and value < one.minimum:
            return f"is below its minimum, {one.minimum}", None
        if one.maximum is not None and value > one.maximum:
            return f"is above its maximum, {one.maximum}", None
    return None
