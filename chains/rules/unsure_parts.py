"""What is read from a step is there whoever answers for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chains.language.expressions import Reference
from chains.meaning.parts import PLURAL, SINGULAR, PartType, find_part, offered
from chains.meaning.ways import Callee, callees
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint

_KINDS = {**SINGULAR, **PLURAL}


def unsure_parts(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """Fallbacks and equivalent Spaces give every part that the chain reads from their step.

    What is read by label or place can be read by kind instead, so that is said where it is read; a kind that
    is not given is said where the fallback stands.
    """
    known: dict[str, list[_Offer]] = {}
    for inside, one in chain.references:
        step = chain.steps.get(one.root)
        if step is None or not one.path or not isinstance(one.path[0], str):
            continue
        if step.name not in known:
            known[step.name] = [_Offer.of(callee) for callee in callees(step, endpoints)]
        every, within = known[step.name], inside.name if inside else None
        without = [o for o in every if o.callee.is_stand_in and not o.gives(one, repeats=step.repeats)]
        if one.path[0] in _KINDS:
            for offer in without:
                yield _missing(offer.callee, one, within)
        elif without and all(o.callee.is_stand_in or one.path[0] in o.parts for o in every):
            yield _unsure(without, every, one, within)


@dataclass(frozen=True, slots=True)
class _Offer:
    """What one of those that may answer for a step gives, by the names that it can be read by."""

    callee: Callee
    parts: Mapping[str, PartType]

    @classmethod
    def of(cls, callee: Callee) -> "_Offer":
        return cls(callee, offered(callee.endpoint, callee.step.outputs))

    def gives(self, one: Reference, *, repeats: bool) -> bool:
        """Whether it has the part."""
        place = one.path[1] if len(one.path) > 1 else 0
        if one.path[0] == "outputs" and isinstance(place, int) and not repeats:
            count = len(self.callee.endpoint.returns)
            return -count <= place < count
        return one.path[0] in self.parts


def _missing(callee: Callee, one: Reference, inside: str | None) -> Problem:
    """A kind that is read and not given."""
    gives = ", ".join(dict.fromkeys(str(kind.kind) for kind in callee.endpoint.returns)) or "nothing"
    reader = f"step `{inside}`" if inside else "an output of the chain"
    message = f"{callee.title} gives {gives}, but {reader} reads `{one}`"
    hint = f"{callee.name} cannot stand in for this step; choose one that gives it"
    return Problem(callee.step.at, "missing-in-fallback", message, hint, callee.step.name)


def _unsure(without: list[_Offer], every: list[_Offer], one: Reference, inside: str | None) -> Problem:
    """A label, a place or a name of the step's own that not all have."""
    written = str(Reference(one.root, one.path[: 1 + (one.path[0] == "outputs")], one.at))
    who = " or ".join(each.callee.other or f"fallback {each.callee.step.way}" for each in without[:3])
    message = f"`{written}` is not there when {who} answers for step `{one.root}`"
    kind = next((found for each in every if (found := _kind(each.callee, one))), None)
    if kind is None:
        hint = "read it by kind, as in `$step.image`, or give all of them `outputs` of that name"
    elif all(kind in each.parts for each in every):
        hint = f"read it by kind, which holds for all of them: `${one.root}.{kind}`"
    else:
        hint = f"not all of them give {kind}; choose others"
    return Problem(one.parts_at[0], "unsure-part", message, hint, inside)


def _kind(callee: Callee, one: Reference) -> str | None:
    """The word for the kind of what is read, where it is there."""
    place = one.path[1] if len(one.path) > 1 else 0
    if one.path[0] != "outputs":
        part = find_part(callee.endpoint.returns, str(one.path[0]))
        word = str(part.type.kind) if part else ""
    else:
        returns = dict(enumerate(callee.endpoint.returns))
        word = str(returns[place].kind) if isinstance(place, int) and place in returns else ""
    return word if word in SINGULAR else None
