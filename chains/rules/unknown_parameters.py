"""Every argument is a parameter of what the step calls."""

from collections.abc import Iterator, Mapping

from chains.model import Chain
from chains.problems import Problem, near
from spaces_registry.signature import Endpoint


def unknown_parameters(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """No argument is written that the endpoint does not take."""
    for step in chain.steps.values():
        endpoint = endpoints.get(step.name)
        for name in step.arguments if endpoint and not endpoint.open else ():
            if endpoint and endpoint.parameter(name) is None:
                message = f"step `{step.name}` has an argument `{name}`, which {endpoint.name} does not take"
                hint = near(name, [one.name for one in endpoint.parameters])
                yield Problem(step.argument_at(name), "unknown-parameter", message, hint, step.name)
