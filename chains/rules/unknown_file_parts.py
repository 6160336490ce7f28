"""What is read of a file is something that a file has."""

from collections.abc import Iterator, Mapping

from chains.language.expressions import Reference
from chains.meaning.kinds import type_of
from chains.meaning.parts import FILE_PARTS, PLURAL, SINGULAR
from chains.model import Chain
from chains.problems import Problem, near
from spaces_registry.signature import Endpoint, Kind


def unknown_file_parts(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """After `clip.video` comes `.path`, `.seconds` or another part of a file."""
    for step, one in chain.references:
        at = _file_part(chain, endpoints, one)
        if at and one.path[at] not in FILE_PARTS:
            message = f"a file has no `{one.path[at]}`"
            hint = near(str(one.path[at]), FILE_PARTS)
            yield Problem(one.parts_at[at], "unknown-file-part", message, hint, step.name if step else None)


def _file_part(chain: Chain, endpoints: Mapping[str, Endpoint], one: Reference) -> int:
    """Where in the path the first name after a file stands, 0 if nowhere."""
    at = next((place for place, name in enumerate(one.path) if place and isinstance(name, str)), 0)
    if not at:
        return 0
    before = Reference(one.root, one.path[:at], one.at)
    found = type_of(before, chain, endpoints)
    if found is not None:
        return at if found.kind.is_file else 0
    kind = ({**SINGULAR, **PLURAL}).get(str(one.path[0])) if one.root in chain.steps else None
    known_by_word = kind is not None and (kind.is_file or kind == Kind.GALLERY)
    named = one.root in chain.steps and one.path[0] in chain.steps[one.root].outputs
    return at if known_by_word and not named else 0
