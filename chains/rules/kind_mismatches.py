"""What flows into a parameter is of a kind that it takes."""

from collections.abc import Iterator, Mapping

from chains.language.expressions import Reference
from chains.meaning.arguments import every_argument
from chains.meaning.kinds import shown, types_of
from chains.meaning.parts import PartType, offered
from chains.meaning.ways import Callee
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint, Kind, Parameter, fits


def kind_mismatches(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A reference that is a whole value, or a part of one, gives what is taken there, whoever answers."""
    for argument in every_argument(chain, endpoints):
        parameter, one, step = argument.parameter, argument.template.reference, argument.callee.step
        if one is None:
            continue
        for giver, given in types_of(one, chain, endpoints):
            if not parameter.takes(given.kind, many=given.many):
                takes = shown(PartType(parameter.kind, parameter.many))
                message = f"`{parameter.name}` of {step.title} takes {takes}, but {_gives(giver, one, given)}"
                hint = _hint(given, parameter, str(one), _giving(giver, parameter.kind))
                yield Problem(argument.template.at, "kind-mismatch", message, hint, step.name)


def _gives(giver: Callee | None, one: Reference, given: PartType) -> str:
    """What is given, and by whom if that is not the step itself."""
    when = f" when {giver.title} answers" if giver and giver.is_stand_in else ""
    return f"`{one}` is {shown(given)}{when}"


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
