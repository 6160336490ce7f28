"""Whether the parts of an object are those that a parameter takes: the same before a run and during it."""

from collections.abc import Sequence
from dataclasses import dataclass

from spaces_registry.errors import nearest
from spaces_registry.signature import Kind, Parameter

_SAME = (("background", "image"), ("layers", "mask"))  # two words of an editor for one thing
_ONE_OF = (("image", "video"),)  # what an item of a gallery is


@dataclass(frozen=True, slots=True)
class MisfitOfParts:
    """Why an object cannot be handed over.

    Attributes:
        said: to stand after the parameter's name.
        hint: what to write.
        part: the name that is wrong.
    """

    said: str
    hint: str | None
    part: str


def misfit_of_parts(parameter: Parameter, names: Sequence[str]) -> MisfitOfParts | None:
    """What is wrong with the names in an object for a parameter with parts; None if nothing is."""
    known = [one.name for one in parameter.parts]
    is_open = (
        parameter.kind is Kind.JSON and not parameter.is_message
    )  # a component of somebody's own may have more
    for name in () if is_open else names:
        if name not in known:
            return MisfitOfParts(
                f"has no part {name!r}", nearest(name, known) or f"it has {', '.join(known)}", name
            )
    pairs = _ONE_OF if parameter.kind is Kind.GALLERY else _SAME
    for pair in pairs:
        if all(one in names and one in known for one in pair):
            return MisfitOfParts(f"has both {pair[0]!r} and {pair[1]!r}", "write one of them", pair[1])
        if pairs is _ONE_OF and not any(one in names for one in pair):
            return MisfitOfParts("is an item without a file", "write it as `image: …` or `video: …`", "")
    return None
