"""Every function that is called is one of the language's."""

from collections.abc import Iterator

from chains.language.functions import functions
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_functions(chain: Chain) -> Iterator[Problem]:
    """There is no function but the listed ones."""
    known = functions()
    for step, template in chain.templates:
        for call in template.calls:
            inside = step.name if step else None
            if call.function not in known:
                message = f"there is no function `{call.function}`"
                yield Problem(
                    call.at, "unknown-function", message, nearest(call.function, [*known, "template"]), inside
                )
