"""Names can be written in an expression."""

import re
from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def bad_names(chain: Chain) -> Iterator[Problem]:
    """Steps, inputs and outputs are letters, digits and `_`: in an expression, `-` would be a minus."""
    for what, key, names in (
        ("step", "steps", chain.steps),
        ("input", "inputs", chain.inputs),
        ("output", "outputs", chain.outputs),
    ):
        for name in names:
            if not _NAME.fullmatch(name):
                plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:100]
                better = f"_{plain}" if plain[:1].isdigit() else plain
                hint = f"call it `{better}`" if better else "use letters, digits and `_`"
                message = (
                    f"`{name}` cannot be the name of an {what}"
                    if what != "step"
                    else f"`{name}` cannot be the name of a step"
                )
                step = name if key == "steps" else None
                yield Problem(chain.source.key_at((key, name)), "bad-name", message, hint, step)
