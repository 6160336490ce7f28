"""Whether a value that is written in a chain file is of a kind."""

from collections.abc import Mapping, Sequence

from chains.language.functions import sort_of
from spaces_registry.signature import Json, Kind


def misfit(value: Json, kind: Kind) -> str | None:
    """Why a plain value is not of a kind, to stand after the name of what it is for; None if it is.

    A file is its path or URL, a gallery a list of those.
    """
    if _is_of(value, kind):
        return None
    return f"must be {_WORDS.get(kind, str(kind))}, not {_shown(value)}"


def lacking(kind: Kind) -> str:
    """What to say, after the name of what it is for, of a null where a value must be."""
    return f"must be {_WORDS.get(kind, str(kind))}, not null"


_WORDS: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.NUMBER: "a number",
    Kind.INTEGER: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.CHOICE: "text, a number, true or false",
    Kind.IMAGE: "an image (a path or a URL)",
    Kind.AUDIO: "audio (a path or a URL)",
    Kind.VIDEO: "a video (a path or a URL)",
    Kind.FILE: "a file (a path or a URL)",
    Kind.MODEL3D: "a 3D model (a path or a URL)",
    Kind.GALLERY: "a list of images or videos",
}


def _is_of(value: Json, kind: Kind) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case Kind.ANY | Kind.JSON:
            return True
        case Kind.TEXT | Kind.CHOICE:
            return isinstance(value, str | int | float | bool)
        case Kind.NUMBER:
            return number
        case Kind.INTEGER:
            return number and isinstance(value, int | float) and value == int(value)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.GALLERY:
            return isinstance(value, str) or (
                isinstance(value, Sequence) and all(isinstance(one, str) for one in value)
            )
    return isinstance(value, str)


def _shown(value: Json) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value[:40]!r}"
    return sort_of(value)
