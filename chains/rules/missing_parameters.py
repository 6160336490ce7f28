"""Every parameter that must be given is given."""

from collections.abc import Iterator, Mapping

from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint


def missing_parameters(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A step names every parameter for which its endpoint has no default."""
    for step in chain.steps.values():
        endpoint = endpoints.get(step.name)
        for one in endpoint.parameters if endpoint else ():
            if endpoint and one.required and one.name not in step.arguments:
                what = f"a list of {one.kind}" if one.many else str(one.kind)
                message = f"step `{step.name}` lacks `{one.name}` ({what}), which {endpoint.name} needs"
                hint = f"add `{one.name}: …` to its `with`"
                yield Problem(step.at, "missing-parameter", message, hint, step.name)
