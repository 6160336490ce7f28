"""Every argument is a parameter of what the step calls."""

from collections.abc import Iterator, Mapping

from chains.meaning.ways import every_callee
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest
from spaces_registry.signature import Endpoint


def unknown_parameters(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """No argument is written that the endpoint does not take."""
    for callee in every_callee(chain, endpoints):
        step, endpoint = callee.step, callee.endpoint
        for name in () if endpoint.open else step.arguments:
            if endpoint.parameter(name) is None:
                message = f"{step.title} has an argument `{name}`, which {callee.name} does not take"
                hint = nearest(name, [one.name for one in endpoint.parameters])
                yield Problem(step.argument_at(name), "unknown-parameter", message, hint, step.name)
