"""The parts of a step's output: how `clip.video`, `image.images`, `clip.outputs[0]` and labels are found.

This is the one place that knows; the rules ask it before the run, the engine during it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

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
    """What a part is: its kind, and whether it is a list of that kind.

    Attributes:
        kind: of it, or of each item.
        many: whether it is a list.
        component: the Gradio component that gave it, which may have put more beside a file; empty where there
            is none, or where it may be one of several.
    """

    kind: Kind
    many: bool = False
    component: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lies.

    Attributes:
        index: which return.
        take: the return as it is, its first item, all its items, or the files that lie in it.
    """

    index: int
    take: Literal["whole", "first", "all", "files"] = "whole"


def _no_files(value: object, kind: Kind) -> Sequence[object]:
    del value, kind
    return ()


FilesIn: TypeAlias = Callable[[object, Kind], Sequence[object]]


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a step's output.

    Attributes:
        type: what it is.
        places: where it lies; one for a single part, all in order for a list.
    """

    type: PartType
    places: tuple[Place, ...]

    def pick(self, values: Sequence[object], files_in: FilesIn = _no_files) -> object:
        """The part out of an endpoint's values, which are in the order of its returns.

        A list comes as a tuple; the first item of an empty list is None.

        Args:
            values: what the endpoint gave.
            files_in: the files of a kind that lie in a value, in order.
        """
        picked: list[object] = []
        for place in self.places:
            value = values[place.index]
            if place.take == "files":
                picked += files_in(value, self.type.kind)
                continue
            listed = isinstance(value, Sequence) and not isinstance(value, str)
            if place.take == "whole" or not listed:
                picked.append(value)
            elif isinstance(value, Sequence):
                picked += [*value][: 1 if place.take == "first" else None]
        if self.type.many and not (len(self.places) == 1 and self.places[0].take == "whole"):
            return tuple(picked)
        return picked[0] if picked else None


# what comes beside a component's file, and what the parts of that are
_EXTRA: Final[Mapping[str, Mapping[str, PartType]]] = {
    "annotatedimage": {"annotations": PartType(Kind.JSON, many=True, component="annotation")},
    "annotation": {"image": PartType(Kind.IMAGE), "label": PartType(Kind.TEXT)},
    "imageeditor": {
        "background": PartType(Kind.IMAGE),
        "layers": PartType(Kind.IMAGE, many=True),
        "composite": PartType(Kind.IMAGE),
    },
    "video": {"subtitles": PartType(Kind.FILE)},
}


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
            return Found(_type_of(one, one.kind, one.many), (Place(at),))
    return None


def _type_of(one: Return, kind: Kind, many: bool = False) -> PartType:  # noqa: FBT001, FBT002 - as in `PartType`
    """A type that knows the component behind a return."""
    return PartType(kind, many, component_of(one))


def component_of(one: Return) -> str:
    """The component behind a return, as far as it puts something beside its files."""
    component = one.component.lower()
    return "" if component == "video" and not one.has_files else component  # Gradio 6 has no subtitles there


def _first(returns: Sequence[Return], kind: Kind) -> Found | None:
    """The first return of a kind; of what may hold or stand for it where there is none."""
    loose = {Kind.FILE, Kind.ANY} if kind.is_file or kind == Kind.GALLERY else {Kind.ANY}
    for kinds in ({kind}, _STANDS_FOR.get(kind, ())):
        for at, one in enumerate(returns):
            if one.kind in kinds:
                return Found(_type_of(one, kind), (Place(at, "first" if one.many else "whole"),))
    for at, one in enumerate(returns):
        in_gallery = kind in _IN_GALLERY and one.kind == Kind.GALLERY
        if in_gallery or (kind == Kind.FILE and one.kind.is_file):
            take: Literal["first", "whole"] = "first" if in_gallery or one.many else "whole"
            return Found(_type_of(one, kind if in_gallery else one.kind), (Place(at, take),))
    if kind.is_file and (places := _with_files(returns)):
        return Found(PartType(kind), places)
    for at, one in enumerate(returns):
        if one.kind in loose:
            return Found(PartType(kind), (Place(at, "first" if one.many else "whole"),))
    return None


def _all(returns: Sequence[Return], kind: Kind) -> Found | None:
    """All returns of a kind, in order, with the items of lists and galleries among them."""
    wanted = {kind, *_STANDS_FOR.get(kind, ())} if kind != Kind.FILE else {one for one in Kind if one.is_file}
    if kind in _IN_GALLERY or kind == Kind.FILE:
        wanted |= {Kind.GALLERY}
    if places := tuple(Place(at, "all") for at, one in enumerate(returns) if one.kind in wanted):
        component = component_of(returns[places[0].index]) if len(places) == 1 else ""
        return Found(PartType(kind, many=True, component=component), places)
    if kind.is_file and (places := _with_files(returns)):
        return Found(PartType(kind, many=True), places)
    loose = {Kind.FILE, Kind.ANY} if kind.is_file else {Kind.ANY}
    if places := tuple(Place(at, "all") for at, one in enumerate(returns) if one.kind in loose):
        return Found(PartType(kind, many=True), places)
    return None


def _with_files(returns: Sequence[Return]) -> tuple[Place, ...]:
    """Where files may lie in other values: in a chat, in a message."""
    return tuple(
        Place(at, "files")
        for at, one in enumerate(returns)
        if one.has_files and one.kind in (Kind.JSON, Kind.ANY)
    )


def beside(part: PartType) -> Mapping[str, PartType]:
    """What a part offers beside what every file does, by the component that gave it."""
    return _EXTRA.get(part.component, {})


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
