"""What a reference stands for before the run, as far as it can be known."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from chains.language.expressions import Reference
from chains.meaning.parts import FILE_PARTS, PartType, beside, component_of, offered, over_items
from chains.meaning.ways import Callee, callees
from chains.model import Chain
from spaces_registry.signature import Endpoint, Kind


def type_of(reference: Reference, chain: Chain, endpoints: Mapping[str, Endpoint]) -> PartType | None:
    """The kind of what a reference leads to, or None if it cannot be told before the run.

    Of a step with fallbacks it is what the step itself gives.
    """
    if reference.root not in chain.steps:
        return _given(reference, chain)
    step, endpoint = chain.steps[reference.root], endpoints.get(reference.root)
    return _read(reference, Callee(step, endpoint), repeats=step.repeats) if endpoint else None


def types_of(
    reference: Reference, chain: Chain, endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[Callee | None, PartType]]:
    """The kinds of what a reference may lead to, as far as they can be told, each with who gives it.

    None gives what is handed in; of a step, all that may answer for it give.
    """
    step = chain.steps.get(reference.root)
    if step is None:
        if found := _given(reference, chain):
            yield None, found
        return
    for callee in callees(step, endpoints):
        if found := _read(reference, callee, repeats=step.repeats):
            yield callee, found


def _given(reference: Reference, chain: Chain) -> PartType | None:
    """The type of what no step gives."""
    path = reference.path
    if reference.root == "index" and not path:
        return PartType(Kind.INTEGER)
    if not path or not isinstance(path[0], str):
        return None
    if reference.root == "env":
        return PartType(Kind.TEXT)
    known = chain.inputs.get(path[0]) if reference.root == "inputs" else None
    return _further(PartType(known.kind, known.many), path[1:]) if known else None


def _read(reference: Reference, callee: Callee, *, repeats: bool) -> PartType | None:
    """The type of what one of those that may answer for a step gives."""
    path = reference.path
    if not path or not isinstance(path[0], str):
        return None
    if path[0] == "outputs" and not repeats:
        return _output(callee.endpoint, path[1:])
    part = offered(callee.endpoint, callee.step.outputs).get(path[0])
    return _further(over_items(part) if repeats else part, path[1:]) if part else None


def _output(endpoint: Endpoint, path: tuple[str | int, ...]) -> PartType | None:
    """The type of `outputs[0]` and what follows it."""
    if not path:
        return PartType(Kind.ANY, many=True)
    place = path[0]
    if not isinstance(place, int) or not -len(endpoint.returns) <= place < len(endpoint.returns):
        return None
    found = endpoint.returns[place]
    return _further(PartType(found.kind, found.many, component_of(found)), path[1:])


def _further(part: PartType, path: tuple[str | int, ...]) -> PartType | None:
    """The type after indexes into a list and the parts of a file."""
    for one in path:
        extra = beside(part)
        if isinstance(one, int) and part.many:
            part = replace(part, many=False)
        elif isinstance(one, int) and part.kind == Kind.GALLERY:
            part = PartType(Kind.FILE)
        elif isinstance(one, str) and one in extra:
            part = replace(extra[one], many=part.many or extra[one].many)
        elif isinstance(one, str) and part.kind.is_file and one in FILE_PARTS:
            part = PartType(FILE_PARTS[one], part.many)
        else:
            return None
    return part


def shown(part: PartType) -> str:
    """A type in words: `image`, `a list of image`."""
    return f"a list of {part.kind}" if part.many else str(part.kind)
