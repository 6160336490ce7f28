"""The parts of a step's output: how `clip.video`, `image.images`, `clip.outputs[0]` and labels are found.

This is the one place that knows; the rules ask it before the run, the engine during it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from spaces_registry.signature import Endpoint, Kind, Return

SINGULAR: Final[Mapping[str, Kind]] = {
    str(one): one
    for one in (
        Kind.TEXT,
        Kind.NUMBER,
        Kind.INTEGER,
        Kind.BOOLEAN,
        Kind.JSON,
        Kind.IMAGE,
        Kind.AUDIO,
        Kind.VIDEO,
        Kind.FILE,
        Kind.MODEL3D,
        Kind.GALLERY,
    )
}
PLURAL: Final[Mapping[str, Kind]] = {
    "images": Kind.IMAGE,
    "videos": Kind.VIDEO,
    "audios": Kind.AUDIO,
    "files": Kind.FILE,
    "texts": Kind.TEXT,
    "numbers": Kind.NUMBER,
}
# what a file offers, with its kind; `width` and the rest only for media
FILE_PARTS: Final[Mapping[str, Kind]] = {
    "path": Kind.TEXT,
    "name": Kind.TEXT,
    "mime": Kind.TEXT,
    "size_bytes": Kind.INTEGER,
    "sha256": Kind.TEXT,
    "url": Kind.TEXT,
    "width": Kind.INTEGER,
    "height": Kind.INTEGER,
    "seconds": Kind.NUMBER,
}
_IN_GALLERY = frozenset({Kind.IMAGE, Kind.VIDEO})
# what a return of another kind may be asked as, where none is of the very kind
_STANDS_FOR: Mapping[Kind, frozenset[Kind]] = {
    Kind.TEXT: frozenset({Kind.CHOICE}),
    Kind.NUMBER: frozenset({Kind.INTEGER}),
    Kind.INTEGER: frozenset({Kind.NUMBER}),
}


@dataclass(frozen=True, slots=True)
class PartType:
    """What a part is: its kind, and whether it is a list of that kind."""

    kind: Kind
    many: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lies.

    Attributes:
        index: which return.
        take: the return as it is, its first item, or all its items.
    """

    index: int
    take: Literal["whole", "first", "all"] = "whole"


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a step's output.

    Attributes:
        type: what it is.
        places: where it lies; one for a single part, all in order for a list.
    """

    type: PartType
    places: tuple[Place, ...]

    def pick(self, values: Sequence[object]) -> object:
        """The part out of an endpoint's values, which are in the order of its returns.

        A list comes as a tuple; the first item of an empty list is None.
        """
        picked: list[object] = []
        for place in self.places:
            value = values[place.index]
            listed = isinstance(value, Sequence) and not isinstance(value, str)
            if place.take == "whole" or not listed:
                picked.append(value)
            elif isinstance(value, Sequence):
                picked += [*value][: 1 if place.take == "first" else None]
        if self.type.many and not (len(self.places) == 1 and self.places[0].take == "whole"):
            return tuple(picked)
        return picked[0] if picked else None


def find_part(returns: Sequence[Return], name: str) -> Found | None:
    """The part of that name, or None.

    A kind word comes before a label of the same name. The engine hands in returns whose `file` kinds were
    replaced by what their bytes are.

    Args:
        returns: of an endpoint.
        name: `outputs`, a kind (`video`), its plural (`images`), or a return's name.
    """
    if name == "outputs":
        return Found(PartType(Kind.ANY, many=True), tuple(Place(at) for at in range(len(returns))))
    if name in SINGULAR and (found := _first(returns, SINGULAR[name])):
        return found
    if name in PLURAL and (found := _all(returns, PLURAL[name])):
        return found
    for at, one in enumerate(returns):
        if one.name == name:
            return Found(PartType(one.kind, one.many), (Place(at),))
    return None


def _first(returns: Sequence[Return], kind: Kind) -> Found | None:
    """The first return of a kind; of what may hold or stand for it where there is none."""
    loose = {Kind.FILE, Kind.ANY} if kind.is_file or kind == Kind.GALLERY else {Kind.ANY}
    for kinds in ({kind}, _STANDS_FOR.get(kind, ())):
        for at, one in enumerate(returns):
            if one.kind in kinds:
                return Found(PartType(kind), (Place(at, "first" if one.many else "whole"),))
    for at, one in enumerate(returns):
        in_gallery = kind in _IN_GALLERY and one.kind == Kind.GALLERY
        if in_gallery or (kind == Kind.FILE and one.kind.is_file):
            take: Literal["first", "whole"] = "first" if in_gallery or one.many else "whole"
            return Found(PartType(kind if in_gallery else one.kind), (Place(at, take),))
    for at, one in enumerate(returns):
        if one.kind in loose:
            return Found(PartType(kind), (Place(at, "first" if one.many else "whole"),))
    return None


def _all(returns: Sequence[Return], kind: Kind) -> Found | None:
    """All returns of a kind, in order, with the items of lists and galleries among them."""
    wanted = {kind, *_STANDS_FOR.get(kind, ())} if kind != Kind.FILE else {one for one in Kind if one.is_file}
    if kind in _IN_GALLERY or kind == Kind.FILE:
        wanted |= {Kind.GALLERY}
    for kinds in (wanted, {Kind.FILE, Kind.ANY} if kind.is_file else {Kind.ANY}):
        places = tuple(Place(at, "all") for at, one in enumerate(returns) if one.kind in kinds)
        if places:
            return Found(PartType(kind, many=True), places)
    return None


def offered(endpoint: Endpoint, named: Mapping[str, str]) -> Mapping[str, PartType]:
    """Every part that a step offers, with its type.

    Args:
        endpoint: what the step calls.
        named: the step's own `outputs`, name to query.

    Returns:
        The step's own names first, then kinds and labels that its returns have, then `outputs`, then what a
        return of kind `file` or `any` may turn out to be.
    """
    types = {name: PartType(Kind.ANY) for name in named}
    certain = [str(one.kind) for one in endpoint.returns] + [one.name for one in endpoint.returns]
    for name in (*certain, *PLURAL, "outputs", *SINGULAR):
        if name not in types and (found := find_part(endpoint.returns, name)):
            types[name] = found.type
    return types


def over_items(part: PartType) -> PartType:
    """The type of a part of a step that runs over items: always a list, lists of lists flattened."""
    return replace(part, many=True)
