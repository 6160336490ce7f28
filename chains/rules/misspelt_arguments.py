"""An argument that is sent as it is looks like none of those that the place is known to take."""

from collections.abc import Iterator, Mapping
from typing import Final

from chains.meaning.misspelt import misspelt
from chains.meaning.ways import every_callee
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import closest
from spaces_registry.signature import Endpoint

_ALIKE: Final = 0.85  # a letter too few in six


def misspelt_arguments(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """Where any argument may be written, one that is nearly a known one is probably that."""
    for callee in every_callee(chain, endpoints):
        step, endpoint = callee.step, callee.endpoint
        if not endpoint.open:
            continue
        known = {one.name for one in endpoint.parameters}
        needed = {one.name for one in endpoint.parameters if one.required and not one.may_be_left_out}
        missing = {wrong for wrong, right in misspelt(step.arguments, known).items() if right in needed}
        free = sorted(known - step.arguments.keys())
        for name in step.arguments.keys() - known - missing:  # a parameter that is missing is told as that
            if (close := closest(name, free, _ALIKE)) is not None:
                message = f"`{name}` is no parameter of {callee.name} that we know, and is sent as it is"
                hint = f"did you mean {close!r}?"
                yield Problem(
                    step.argument_at(name), "misspelt-argument", message, hint, step.name, "warning"
                )
