"""What a reference stands for before the run, as far as it can be known."""

from collections.abc import Mapping

from chains.expressions import Reference
from chains.model import Chain
from chains.parts import FILE_PARTS, PartType, offered, over_items
from spaces_registry.signature import Endpoint, Kind


def type_of(reference: Reference, chain: Chain, endpoints: Mapping[str, Endpoint]) -> PartType | None:
    """The kind of what a reference leads to, or None if it cannot be told before the run."""
    path = reference.path
    if reference.root == "index" and not path:
        return PartType(Kind.INTEGER)
    if not path or not isinstance(path[0], str):
        return None
    if reference.root == "env":
        return PartType(Kind.TEXT)
    if reference.root == "inputs":
        known = chain.inputs.get(path[0])
        return _further(PartType(known.kind, known.many), path[1:]) if known else None
    step = chain.steps.get(reference.root)
    endpoint = endpoints.get(reference.root)
    if step is None or endpoint is None:
        return None
    if path[0] == "outputs" and not step.repeats:
        return _output(endpoint, path[1:])
    part = offered(endpoint, step.outputs).get(path[0])
    return _further(over_items(part) if step.repeats else part, path[1:]) if part else None


def _output(endpoint: Endpoint, path: tuple[str | int, ...]) -> PartType | None:
    """The type of `outputs[0]` and what follows it."""
    if not path:
        return PartType(Kind.ANY, many=True)
    place = path[0]
    if not isinstance(place, int) or not -len(endpoint.returns) <= place < len(endpoint.returns):
        return None
    found = endpoint.returns[place]
    return _further(PartType(found.kind, found.many), path[1:])


def _further(part: PartType, path: tuple[str | int, ...]) -> PartType | None:
    """The type after indexes into a list and the parts of a file."""
    for one in path:
        if isinstance(one, int) and part.many:
            part = PartType(part.kind)
        elif isinstance(one, int) and part.kind == Kind.GALLERY:
            part = PartType(Kind.FILE)
        elif isinstance(one, str) and part.kind.is_file and one in FILE_PARTS:
            part = PartType(FILE_PARTS[one], part.many)
        else:
            return None
    return part


def shown(part: PartType) -> str:
    """A type in words: `image`, `a list of image`."""
    return f"a list of {part.kind}" if part.many else str(part.kind)
