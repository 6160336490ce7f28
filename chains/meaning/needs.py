"""What a `find` step has to give to a Space and must get from it, as far as the chain tells."""

from collections.abc import Mapping

from chains.language.expressions import Template
from chains.language.nodes import Text
from chains.meaning.kinds import type_of
from chains.meaning.parts import PLURAL, SINGULAR, PartType
from chains.model import Chain, FindStep
from spaces_registry.signature import Endpoint, Kind


def given(step: FindStep, chain: Chain, endpoints: Mapping[str, Endpoint]) -> dict[str, PartType]:
    """The type of each argument, by name.

    Args:
        step: its `takes` are for the arguments whose kind cannot be told, in their order.
        chain: the step's own.
        endpoints: by step, what is known of those it reads from.
    """
    stated = iter(step.takes)
    types: dict[str, PartType] = {}
    for name, template in step.arguments.items():
        known = _type(template, chain, endpoints)
        types[name] = known or PartType(next(stated, Kind.ANY))
    return types


def wanted(step: FindStep, chain: Chain) -> tuple[Kind, ...]:
    """The kinds that the step must give: as written, else by what the chain reads from it."""
    if step.gives:
        return step.gives
    used = [one.path[0] for _, one in chain.references if one.root == step.name and one.path]
    words = {**SINGULAR, **PLURAL}
    return tuple(dict.fromkeys(words[one] for one in used if isinstance(one, str) and one in words))


def _type(template: Template, chain: Chain, endpoints: Mapping[str, Endpoint]) -> PartType | None:
    if template.reference is not None:
        return type_of(template.reference, chain, endpoints)
    if isinstance(template.node, Text):
        return PartType(Kind.TEXT)
    if not template.is_literal:
        return None
    match template.literal:
        case bool():
            return PartType(Kind.BOOLEAN)
        case int():
            return PartType(Kind.INTEGER)
        case float():
            return PartType(Kind.NUMBER)
        case str():
            return PartType(Kind.TEXT)
        case list():
            return PartType(Kind.JSON, many=True)
        case _:
            return None
