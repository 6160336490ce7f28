"""What an app answered, as values: each of its return's kind, files in place of Gradio's words for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from spaces_registry.apps.schema import sequence
from spaces_registry.errors import UnexpectedAnswer
from spaces_registry.signature import Endpoint, File, Kind, Return, Value

Keep: TypeAlias = Callable[
    [Mapping[str, Any] | str, str | None], File
]  # FileData or data URI, caption -> a file
_FIRST_FILE_DATA = frozenset({"path", "url", "size", "orig_name", "mime_type"})  # of the first 4.x, unmarked


def outputs(place: str, endpoint: Endpoint, data: Sequence[Any], keep: Keep) -> tuple[Value, ...]:
    """One value per return, in order.

    Args:
        place: what was called.
        endpoint: what of it.
        data: the app's positional answer.
        keep: turns one FileData (or data URI) and its caption into a file of ours.

    Raises:
        UnexpectedAnswer: another number of values than described, or one that is not of its return's kind.
    """
    slots = endpoint.wire.outputs
    if len(data) != len(slots):
        message = f"{place}{endpoint.name} gave {len(data)} values where it describes {len(slots)}"
        raise UnexpectedAnswer(place, message, data)
    by_return = {slot: value for slot, value in zip(slots, data, strict=True) if slot is not None}
    found: list[Value] = []
    for number, one in enumerate(endpoint.returns):
        try:
            found.append(_decode(one, by_return.get(number), keep))
        except _Strange as cause:
            message = f"{place}{endpoint.name}: output {one.name!r} should be {one.kind}, but came as {cause}"
            raise UnexpectedAnswer(place, message, data) from cause
    return tuple(found)


def is_file_data(value: object) -> bool:
    """Whether a value is Gradio's word for a file, by its own mark: a path alone is text.

    Source: `FileData` in `gradio/data_classes.py`; `is_file` is Gradio 3's mark.
    """
    if not isinstance(value, Mapping):
        return False
    match value:
        case {"meta": {"_type": "gradio.FileData"}} | {"is_file": True}:
            is_marked = True
        case _:
            is_marked = value.keys() >= _FIRST_FILE_DATA
    return is_marked and any(isinstance(value.get(one), str) for one in ("path", "url", "name"))


def names_files(value: object) -> bool:
    """Whether there is a file in a value, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if is_file_data(one):
                return True
            waiting += [inner for inner in one.values() if isinstance(inner, Mapping | list | tuple)]
        elif isinstance(one, list | tuple):
            waiting += [inner for inner in one if isinstance(inner, Mapping | list | tuple)]
    return False


class _Strange(Exception):
    """A value that is not of its return's kind; the text is the value, shortened."""


def _decode(one: Return, value: Any, keep: Keep) -> Value:
    if value is None:
        return None
    if not (one.kind.is_file or one.kind is Kind.GALLERY):
        kept: Value = with_files(value, keep) if names_files(value) else value
        return kept
    if one.kind is Kind.GALLERY or one.many or (one.kind is Kind.FILE and isinstance(value, list)):
        if not isinstance(value, list):
            raise _Strange(_short(value))
        return tuple(None if item is None else _file(item, keep) for item in value)
    return _file(value, keep)


def with_files(value: Any, keep: Keep) -> Value:
    """JSON in which every FileData became a file of ours."""
    if is_file_data(value):
        return keep(value, None)
    match value:
        case Mapping():
            return {name: with_files(one, keep) for name, one in value.items()}
        case list():
            return [with_files(one, keep) for one in value]
    return value  # type: ignore[no-any-return]


def _file(value: Any, keep: Keep, caption: str | None = None) -> File | None:
    """One file, out of whatever its component wraps around it, with what came beside it."""
    match value:
        case {"image": None} | {"video": None}:
            return None
        case {"image": inner, "annotations": annotations}:
            return _and(_file(inner, keep), annotations=_annotations(annotations, keep))
        case {"video": inner, "subtitles": subtitles} if subtitles is not None:
            return _and(_file(inner, keep), subtitles=_file(subtitles, keep))
        case {"image": inner} | {"video": inner}:
            text = value.get("caption")
            return _file(inner, keep, text if isinstance(text, str) else None)
        case {"composite": composite, "background": background}:
            return _edited(composite, background, sequence(value.get("layers")), keep)
        case {"path": str()} | {"url": str()} | {"name": str(), "is_file": True} | {"data": str(), "name": _}:
            return keep(value, caption)
        case [inner, list() as annotations]:  # annotated, before Gradio 4
            return _and(_file(inner, keep), annotations=_annotations(annotations, keep))
        case [inner, str() | None as text] if not isinstance(inner, str):  # a gallery item before Gradio 4
            return _file(inner, keep, text)
        case str() if value.startswith(("data:", "http://", "https://")):
            return keep(value, caption)
    raise _Strange(_short(value))


def _and(file: File | None, **extra: Value) -> File | None:
    return None if file is None else replace(file, extra=extra)


def _annotations(annotations: Any, keep: Keep) -> Value:
    """Every part of an annotated picture: its mask and its label."""
    found: list[Value] = []
    for one in sequence(annotations):
        match one:
            case {"image": mask, "label": label} | [mask, label]:
                found.append({"image": None if mask is None else _file(mask, keep), "label": label})
            case _:
                raise _Strange(_short(annotations))
    return found


def _edited(composite: Any, background: Any, layers: list[Any], keep: Keep) -> File | None:
    """An editor's picture: the composite, or the background where there is none, with all three beside it."""
    behind = None if background is None else _file(background, keep)
    above = [None if one is None else _file(one, keep) for one in layers]
    whole = None if composite is None else _file(composite, keep)
    return _and(whole or behind, background=behind, layers=above, composite=whole or behind)


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - enough to know it again
