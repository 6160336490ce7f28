"""What has no parts is not read in parts: a text, a number, a truth value."""

from collections.abc import Iterator, Mapping
from typing import Final

from chains.language.expressions import Reference
from chains.language.functions import functions
from chains.meaning.kinds import type_of
from chains.meaning.parts import PartType
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint, Kind

_SORTS: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "text",
    Kind.NUMBER: "a number",
    Kind.INTEGER: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.CHOICE: "one of its choices",
}


def parts_of_values(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """After `inputs.style`, which is text, comes neither `.upper` nor `[0]`."""
    for step, one in chain.references:
        for at, name in enumerate(one.path):
            before = Reference(one.root, one.path[:at], one.at)
            found = type_of(before, chain, endpoints)
            if found is None or found.kind not in _SORTS or (found.many and isinstance(name, int)):
                continue
            what = f"a list, each {_SORTS[found.kind]}" if found.many else _SORTS[found.kind]
            part = f"item {name}" if isinstance(name, int) else f"`{name}`"
            message = f"`{before}` is {what}, and has no {part}"
            yield Problem(
                one.parts_at[at], "no-parts", message, _hint(found, before, name), step.name if step else None
            )
            break


def _hint(found: PartType, before: Reference, name: str | int) -> str | None:
    """What may have been meant: an item of a list, or a function."""
    if found.many and isinstance(name, str) and name.isdecimal():
        return f"write `{before}[{int(name)}]`"
    spelt = str(before).removeprefix("$")
    return f"write `${{{{ {name}({spelt}) }}}}`" if name in functions() else None
