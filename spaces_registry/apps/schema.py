"""From Gradio's words for a value (component name, JSON schema, component props) to its kind and its limits.

Nothing here raises: what an app says is read as far as it can be understood, and `Kind.ANY` is what is left.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from spaces_registry.signature import Json, Kind

_BY_COMPONENT: Mapping[str, Kind] = MappingProxyType(
    {
        "textbox": Kind.TEXT,
        "textarea": Kind.TEXT,
        "code": Kind.TEXT,
        "markdown": Kind.TEXT,
        "colorpicker": Kind.TEXT,
        "datetime": Kind.TEXT,
        "number": Kind.NUMBER,
        "slider": Kind.NUMBER,
        "timer": Kind.NUMBER,
        "checkbox": Kind.BOOLEAN,
        "radio": Kind.CHOICE,
        "dropdown": Kind.CHOICE,
        "checkboxgroup": Kind.CHOICE,
        "image": Kind.IMAGE,
        "simpleimage": Kind.IMAGE,
        "imageeditor": Kind.IMAGE,
        "imageslider": Kind.IMAGE,
        "annotatedimage": Kind.IMAGE,
        "audio": Kind.AUDIO,
        "video": Kind.VIDEO,
        "file": Kind.FILE,
        "uploadbutton": Kind.FILE,
        "downloadbutton": Kind.FILE,
        "gallery": Kind.GALLERY,
        "model3d": Kind.MODEL3D,
        "chatbot": Kind.JSON,
        "dataframe": Kind.JSON,
        "json": Kind.JSON,
        "label": Kind.JSON,
        "plot": Kind.JSON,
        "barplot": Kind.JSON,
        "lineplot": Kind.JSON,
        "scatterplot": Kind.JSON,
        "highlightedtext": Kind.JSON,
        "multimodaltextbox": Kind.JSON,
        "dialogue": Kind.JSON,
        "fileexplorer": Kind.JSON,
        "browserstate": Kind.JSON,
        "paramviewer": Kind.JSON,
    }
)
_BY_TYPE: Mapping[str, Kind] = MappingProxyType(
    {
        "string": Kind.TEXT,
        "number": Kind.NUMBER,
        "integer": Kind.INTEGER,
        "boolean": Kind.BOOLEAN,
        "object": Kind.JSON,
        "array": Kind.JSON,
        "filepath": Kind.FILE,  # openapi.json of Gradio 6.13 and later says this inside arrays
    }
)
_WITH_FILES = frozenset({"chatbot", "multimodaltextbox"})  # also where the description does not say so
_MOST_SCHEMAS = 2000  # of one value; what is larger holds no file that anybody reads by kind
_DEPTH = 8  # of references and alternatives; deeper is a loop or a joke


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def resolved(schema: object, definitions: object = None) -> Mapping[str, Any]:
    """The schema itself, behind references, single alternatives and `null`."""
    here = mapping(schema)
    defs = mapping(definitions) or mapping(here.get("$defs"))
    for _ in range(_DEPTH):
        if isinstance(ref := here.get("$ref"), str):
            here = mapping(defs.get(ref.rsplit("/", 1)[-1]))
            continue
        options = sequence(here.get("anyOf")) or sequence(here.get("oneOf")) or sequence(here.get("allOf"))
        real = [one for one in map(mapping, options) if one.get("type") != "null"]
        if len(real) != 1 or "properties" in here:
            break
        here = real[0]
    return here


def is_file(schema: object, definitions: object = None) -> bool:
    """Whether the schema is that of Gradio's FileData, in any version's wording."""
    one = resolved(schema, definitions)
    if one.get("format") == "filepath" or one.get("type") == "filepath":
        return True
    properties = mapping(one.get("properties"))
    return "path" in properties and ("meta" in properties or "orig_name" in properties)


def holds_files(component: str, schema: object) -> bool:
    """Whether files may lie in a component's values, by its name or its schema, however deep."""
    if component.lower() in _WITH_FILES:
        return True
    waiting: list[object] = [schema]
    for _ in range(_MOST_SCHEMAS):
        if not waiting:
            return False
        one = waiting.pop()
        if isinstance(one, Mapping):
            if is_file(one):
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


class Read(NamedTuple):
    """What a component's description says of its values."""

    kind: Kind
    many: bool
    wrapped: bool


def read_kind(component: str, schema: object, props: Mapping[str, Any]) -> Read:
    """The kind of a component's values, whether it is a list of them, and whether a video is wrapped.

    Args:
        component: Gradio's name for the component in any case, or an empty text if it is not known.
        schema: the JSON schema of the value.
        props: the component's entry in `/config`, empty if there is none.
    """
    defs = mapping(schema).get("$defs")
    one = resolved(schema, defs)
    items = resolved(one.get("items"), defs) if one.get("type") == "array" else None
    kind = _BY_COMPONENT.get(component.lower()) or _kind_of(one, items, defs)
    match kind:
        case Kind.NUMBER if one.get("type") == "integer":
            return Read(Kind.INTEGER, many=False, wrapped=False)
        case Kind.CHOICE:
            several = (
                items is not None or component.lower() == "checkboxgroup" or props.get("multiselect") is True
            )
            return Read(kind, several, wrapped=False)
        case Kind.FILE:
            several = items is not None or props.get("file_count") in ("multiple", "directory")
            return Read(kind, several, wrapped=False)
        case Kind.IMAGE:
            return Read(kind, component.lower() == "imageslider", wrapped=False)
        case Kind.VIDEO:
            return Read(kind, many=False, wrapped="video" in mapping(one.get("properties")))
    return Read(kind, many=False, wrapped=False)


def _kind_of(one: Mapping[str, Any], items: Mapping[str, Any] | None, defs: object) -> Kind:
    """The kind of a component of unknown name, by its schema alone."""
    if is_file(one, defs) or (items is not None and is_file(items, defs)):
        return Kind.FILE
    if "video" in mapping(one.get("properties")):
        return Kind.VIDEO
    if one.get("title") == "GalleryData":
        return Kind.GALLERY
    if sequence(one.get("enum")) or (items is not None and sequence(items.get("enum"))):
        return Kind.CHOICE
    return _BY_TYPE.get(str(one.get("type")), Kind.ANY)


def read_choices(schema: object, props: Mapping[str, Any]) -> tuple[Json, ...] | None:
    """The values on offer (not their labels), or None if there is no list or an empty one.

    `/config` is asked first: it keeps the values' own types, and an app may fill the list at any time.
    """
    one = resolved(schema)
    items = resolved(one.get("items"), mapping(schema).get("$defs"))
    pairs = sequence(props.get("choices"))
    values = [pair[1] if isinstance(pair, list) and len(pair) == 2 else pair for pair in pairs]  # noqa: PLR2004 - label and value
    return tuple(values or sequence(one.get("enum")) or sequence(items.get("enum"))) or None


def is_finite(value: float) -> bool:
    """Whether the number is one that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def read_limit(props: Mapping[str, Any], name: str) -> float | None:
    """A finite number from the component's props, or None."""
    value = props.get(name)
    match value:
        case bool():
            return None
        case int() | float() if is_finite(value):
            return value
    return None
