"""What an object may hold that is handed to a component in place of a plain value, and where files lie in it.

An editor takes a picture with its layers, a message box words with files, a component of somebody's own
whatever its schema says. Nothing here raises: what cannot be read has no parts.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from spaces_registry.apps.schema import is_file, mapping, read_kind, resolved, sequence
from spaces_registry.signature import Kind, Parameter

_FILE_FREE = frozenset(
    {"dataframe", "label", "plot", "barplot", "lineplot", "scatterplot", "highlightedtext", "dialogue"}
    | {"fileexplorer", "browserstate", "paramviewer"}
)
_DEPTH = 6  # of objects in each other; deeper ones are passed on as they are


class Inside(NamedTuple):
    """What is known of the inside of a component's value; see `Parameter`."""

    parts: tuple[Parameter, ...] = ()
    file_free: bool = False
    form: str = ""


def read_inside(
    component: str, schema: object, props: Mapping[str, Any], major: str, *, wrapped: bool
) -> Inside:
    """What objects a component takes, and whether files may lie inside of its value.

    Args:
        component: Gradio's name for it in any case, empty if it is not known.
        schema: the JSON schema of its value.
        props: its entry in `/config`, empty if there is none.
        major: the first number of the app's Gradio version.
        wrapped: whether it is a video that goes in an object of its own.
    """
    match component.lower():
        case "multimodaltextbox":
            return Inside((_part("text", Kind.TEXT), _part("files", Kind.FILE, many=True)))
        case "imageeditor":
            layers = (_part("layers", Kind.IMAGE, many=True), _part("mask", Kind.IMAGE, many=True))
            return Inside(
                (
                    _part("background", Kind.IMAGE),
                    _part("image", Kind.IMAGE),
                    *layers,
                    _part("composite", Kind.IMAGE),
                )
            )
        case "image" if major == "3" and props.get("tool") == "sketch" and props.get("source") != "canvas":
            return Inside((_part("image", Kind.IMAGE), _part("mask", Kind.IMAGE)), form="sketch")
        case "annotatedimage":
            one = _part(
                "annotations",
                Kind.JSON,
                many=True,
                parts=(_part("image", Kind.IMAGE), _part("label", Kind.TEXT)),
            )
            return Inside((_part("image", Kind.IMAGE), one))
        case "video" if wrapped:
            return Inside((_part("video", Kind.VIDEO), _part("subtitles", Kind.FILE)))
        case "gallery":
            return Inside(
                (_part("image", Kind.IMAGE), _part("video", Kind.VIDEO), _part("caption", Kind.TEXT))
            )
        case "chatbot":
            return Inside(form=_chat_form(props, major))
        case name if name in _FILE_FREE:
            return Inside(file_free=True)
    kind = read_kind(component, schema, {}).kind
    if kind is not Kind.JSON or not _holds_file(schema, mapping(schema).get("$defs"), _DEPTH):
        return Inside()
    return Inside(_parts_of(resolved(schema), mapping(schema).get("$defs"), _DEPTH))


def _chat_form(props: Mapping[str, Any], major: str) -> str:
    """How a chat's history is written here; see `spaces_registry.apps.chats`."""
    if major == "3":
        return "three"
    if major in {"4", "5"}:
        return "messages" if props.get("type") == "messages" else "pairs"
    return "blocks"


def _part(name: str, kind: Kind, *, many: bool = False, parts: tuple[Parameter, ...] = ()) -> Parameter:
    return Parameter(name, kind, required=False, many=many, nullable=True, parts=parts)


def _parts_of(schema: Mapping[str, Any], definitions: object, depth: int) -> tuple[Parameter, ...]:
    """The parts that an object's schema names."""
    found: list[Parameter] = []
    for name, entry in mapping(schema.get("properties")).items():
        one = resolved(entry, definitions)
        items = resolved(one.get("items"), definitions) if one.get("type") == "array" else None
        if is_file(one, definitions):
            found.append(_part(name, Kind.FILE))
        elif items is not None and is_file(items, definitions):
            found.append(_part(name, Kind.FILE, many=True))
        elif depth and items is not None and _holds_file(items, definitions, depth):
            found.append(_object(name, _parts_of(items, definitions, depth - 1), many=True))
        elif depth and _holds_file(one, definitions, depth):
            found.append(_object(name, _parts_of(one, definitions, depth - 1)))
        else:
            found.append(_part(name, Kind.ANY))
    return tuple(found)


def _object(name: str, parts: tuple[Parameter, ...], *, many: bool = False) -> Parameter:
    """A part that is an object itself, or a list of such."""
    return _part(name, Kind.JSON, many=many and bool(parts), parts=parts)


def _holds_file(schema: object, definitions: object, depth: int) -> bool:
    """Whether a file may lie anywhere in a value of this schema."""
    one = resolved(schema, definitions)
    if is_file(one, definitions):
        return True
    if not depth:
        return False
    below = [*mapping(one.get("properties")).values(), one.get("items"), one.get("additionalProperties")]
    below += [*sequence(one.get("anyOf")), *sequence(one.get("oneOf")), *sequence(one.get("prefixItems"))]
    return any(_holds_file(each, definitions, depth - 1) for each in below if isinstance(each, Mapping))
