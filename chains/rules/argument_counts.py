"""Every function is called with as many arguments as it takes."""

from collections.abc import Iterator

from chains.language.functions import functions
from chains.model import Chain
from chains.problems import Problem


def argument_counts(chain: Chain) -> Iterator[Problem]:
    """A call has neither too few nor too many arguments."""
    known = functions()
    for step, template in chain.templates:
        for call in template.calls:
            function, count = known.get(call.function), len(call.arguments)
            if function and not function.least <= count <= function.most:
                least, most = function.least, function.most
                takes = str(least) if least == most else f"{least} to {most}"
                message = (
                    f"`{call.function}` takes {takes} argument{'' if takes == '1' else 's'}, not {count}"
                )
                hint = f"call it as `{function.usage}`"
                yield Problem(call.at, "wrong-argument-count", message, hint, step.name if step else None)
