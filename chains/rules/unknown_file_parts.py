"""What is read of a file is something that a file has."""

from collections.abc import Iterator, Mapping, Sequence

from chains.language.expressions import Reference
from chains.meaning.kinds import type_of
from chains.meaning.parts import FILE_PARTS, PLURAL, SINGULAR, beside
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest
from spaces_registry.signature import Endpoint, Kind


def unknown_file_parts(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """After `clip.video` comes `.path`, `.seconds` or another part of a file."""
    for step, one in chain.references:
        for at, name in enumerate(one.path):
            if not at or not isinstance(name, str):
                continue
            parts = _parts(chain, endpoints, Reference(one.root, one.path[:at], one.at))
            if parts is None:
                break
            if parts and name not in parts:
                message, hint = f"a file has no `{name}`", nearest(name, parts)
                yield Problem(
                    one.parts_at[at], "unknown-file-part", message, hint, step.name if step else None
                )
                break


def _parts(chain: Chain, endpoints: Mapping[str, Endpoint], one: Reference) -> Sequence[str] | None:
    """The parts of a file, or of what lies beside one, that a reference leads to; None if nobody can tell."""
    found = type_of(one, chain, endpoints)
    if found is not None:
        return (*FILE_PARTS, *beside(found)) if found.kind.is_file else (*beside(found),)
    if len([name for name in one.path if isinstance(name, str)]) > 1:
        return None
    kind = ({**SINGULAR, **PLURAL}).get(str(one.path[0])) if one.root in chain.steps else None
    known_by_word = kind is not None and (kind.is_file or kind == Kind.GALLERY)
    named = one.root in chain.steps and one.path[0] in chain.steps[one.root].outputs
    return (*FILE_PARTS,) if known_by_word and not named else None
