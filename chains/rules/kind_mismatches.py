"""What flows into a parameter is of a kind that it takes."""

from collections.abc import Iterator, Mapping

from chains.language.expressions import Reference
from chains.meaning.kinds import shown, types_of
from chains.meaning.parts import PartType, offered
from chains.meaning.ways import Callee, every_callee
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint, Kind, Parameter, fits

_TAKES_LISTS = frozenset({Kind.GALLERY, Kind.JSON, Kind.ANY})


def kind_mismatches(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A reference that is an argument's whole value gives what the parameter takes, whoever answers."""
    for callee in every_callee(chain, endpoints):
        for name, template in callee.step.arguments.items():
            parameter, one = callee.endpoint.parameter(name), template.reference
            if one is None or parameter is None:
                continue
            for giver, given in types_of(one, chain, endpoints):
                if not _goes_in(given, parameter):
                    takes = shown(PartType(parameter.kind, parameter.many))
                    message = (
                        f"`{name}` of {callee.step.title} takes {takes}, but {_gives(giver, one, given)}"
                    )
                    hint = _hint(given, parameter, str(one), _giving(giver, parameter.kind))
                    yield Problem(template.at, "kind-mismatch", message, hint, callee.step.name)


def _gives(giver: Callee | None, one: Reference, given: PartType) -> str:
    """What is given, and by whom if that is not the step itself."""
    when = f" when {giver.title} answers" if giver and giver.is_stand_in else ""
    return f"`{one}` is {shown(given)}{when}"


def _goes_in(given: PartType, parameter: Parameter) -> bool:
    if given.many and not parameter.many and parameter.kind not in _TAKES_LISTS:
        return False
    if given.many and parameter.kind == Kind.JSON:
        return True
    return fits(given.kind, parameter.kind)


def _giving(giver: Callee | None, kind: Kind) -> list[str]:
    """The parts of the same step that would fit."""
    if giver is None:
        return []
    parts = offered(giver.endpoint, giver.step.outputs)
    fitting = [name for name, part in parts.items() if part.kind == kind and not part.many]
    return [f"`${giver.step.name}.{name}`" for name in fitting]


def _hint(given: PartType, parameter: Parameter, written: str, others: list[str]) -> str | None:
    if given.many and fits(given.kind, parameter.kind):
        return f"take one, as in `{written}[0]`, or run the step once an item: `each: {written}`"
    return f"use {others[0]}" if others else None
