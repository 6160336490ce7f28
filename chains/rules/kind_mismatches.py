"""What flows into a parameter is of a kind that it takes."""

from collections.abc import Iterator, Mapping

from chains.kinds import shown, type_of
from chains.model import Chain
from chains.parts import PartType, offered
from chains.problems import Problem
from spaces_registry.signature import Endpoint, Kind, Parameter, fits

_TAKES_LISTS = frozenset({Kind.GALLERY, Kind.JSON, Kind.ANY})


def kind_mismatches(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A reference that is an argument's whole value gives what the parameter takes."""
    for step in chain.steps.values():
        endpoint = endpoints.get(step.name)
        for name, template in step.arguments.items() if endpoint else ():
            parameter, one = endpoint.parameter(name) if endpoint else None, template.reference
            given = type_of(one, chain, endpoints) if one else None
            if one is None or parameter is None or given is None or _goes_in(given, parameter):
                continue
            takes = shown(PartType(parameter.kind, parameter.many))
            message = f"`{name}` of step `{step.name}` takes {takes}, but `{one}` is {shown(given)}"
            hint = _hint(given, parameter, str(one), _giving(chain, endpoints, one.root, parameter.kind))
            yield Problem(template.at, "kind-mismatch", message, hint, step.name)


def _goes_in(given: PartType, parameter: Parameter) -> bool:
    if given.many and not parameter.many and parameter.kind not in _TAKES_LISTS:
        return False
    if given.many and parameter.kind == Kind.JSON:
        return True
    return fits(given.kind, parameter.kind)


def _giving(chain: Chain, endpoints: Mapping[str, Endpoint], root: str, kind: Kind) -> list[str]:
    """The parts of the same step that would fit."""
    if root not in endpoints or root not in chain.steps:
        return []
    parts = offered(endpoints[root], chain.steps[root].outputs)
    return [f"`${root}.{name}`" for name, part in parts.items() if part.kind == kind and not part.many]


def _hint(given: PartType, parameter: Parameter, written: str, others: list[str]) -> str | None:
    if given.many and fits(given.kind, parameter.kind):
        return f"take one, as in `{written}[0]`, or run the step once an item: `each: {written}`"
    return f"use {others[0]}" if others else None
