"""Names can be written in an expression."""

import re
import unicodedata
from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def bad_names(chain: Chain) -> Iterator[Problem]:
    """Steps, inputs and outputs are letters, digits and `_`: in an expression, `-` would be a minus."""
    for what, key, names in (
        ("a step", "steps", chain.steps),
        ("an input", "inputs", chain.inputs),
        ("an output", "outputs", chain.outputs),
    ):
        for name in names:
            if not _NAME.fullmatch(name):
                message = f"`{name}` cannot be the name of {what}"
                step = name if key == "steps" else None
                yield Problem(chain.source.key_at((key, name)), "bad-name", message, _better(name), step)


def _better(name: str) -> str:
    """The nearest name that would do."""
    folded = name if name.isascii() else unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(one for one in folded if not unicodedata.combining(one))
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", letters).strip("_")[:99]
    if not plain:
        return "use letters, digits and `_`"
    return f"call it `_{plain}`" if plain[0].isdigit() else f"call it `{plain}`"
