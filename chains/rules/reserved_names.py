"""No step has a name that means something else in an expression."""

import keyword
from collections.abc import Iterator

from chains.language.expressions import RESERVED
from chains.model import Chain
from chains.problems import Problem

_WORDS = frozenset({*RESERVED, "true", "false", "null", *keyword.kwlist})


def reserved_names(chain: Chain) -> Iterator[Problem]:
    """A step called `inputs` or `if` could never be read from."""
    for name, step in chain.steps.items():
        if name in _WORDS:
            message = f"`{name}` means something else in expressions, so no step can have this name"
            yield Problem(step.at, "reserved-name", message, f"call it `{name}_step`", name)
