"""From a chain's values to Gradio's JSON, by the signature alone: a text that names a file stays text."""

import json
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from spaces_registry.apps.chats import history
from spaces_registry.errors import RejectedInput, nearest
from spaces_registry.signature import Endpoint, File, Json, Kind, Parameter, Value

Sent: TypeAlias = Mapping[File, Json]  # a file of ours -> the app's FileData for it


def files_in(value: Value) -> Iterator[File]:
    """Every file in a value, also within lists and objects."""
    match value:
        case File():
            yield value
        case str():
            return
        case Mapping():
            for one in value.values():
                yield from files_in(one)
        case Sequence():
            for one in value:
                yield from files_in(one)


def arrange(place: str, endpoint: Endpoint, arguments: Mapping[str, Value]) -> dict[str, Value]:
    """The value of every parameter: what was given, else its default.

    Raises:
        RejectedInput: an argument that the endpoint does not know, or a required one that is missing.
    """
    names = [one.name for one in endpoint.parameters]
    for name in arguments:
        if name not in names:
            message = f"{place}{endpoint.name} has no parameter {name!r}"
            raise RejectedInput(place, message, hint=nearest(name, names))
    for one in endpoint.parameters:
        if not one.may_be_left_out and one.name not in arguments:
            raise RejectedInput(place, f"{place}{endpoint.name} needs a value for {one.name!r}")
    return {one.name: arguments.get(one.name, one.default) for one in endpoint.parameters}


def body(place: str, endpoint: Endpoint, values: Mapping[str, Value], sent: Sent) -> list[Json]:
    """Gradio's positional data: one entry per position, null for a slot that is not the caller's.

    Raises:
        RejectedInput: a value that does not suit its parameter's kind, or cannot be JSON.
    """
    encoded = {one.name: _encode(place, one, values[one.name], sent) for one in endpoint.parameters}
    data: list[Json] = [None if name is None else encoded[name] for name in endpoint.wire.inputs]
    try:
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError) as cause:
        raise RejectedInput(place, f"{place}{endpoint.name}: a value cannot be sent: {cause}") from cause
    return data


def _is_default(parameter: Parameter, value: Value) -> bool:
    """Whether this is the app's own default, which goes back as it came."""
    return value is parameter.default or (isinstance(value, list | dict) and value == parameter.default)


def _encode(place: str, parameter: Parameter, value: Value, sent: Sent) -> Json:
    if value is None or _is_default(parameter, value):
        return parameter.default if value is not None else None
    if parameter.is_message:
        return _multimodal(value, sent)
    if parameter.takes_several:
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        return [_encode_one(place, parameter, one, sent) for one in several]
    return _encode_one(place, parameter, value, sent)


def _encode_one(place: str, parameter: Parameter, value: Value, sent: Sent) -> Json:
    kind = parameter.kind
    is_place_for_file = kind.is_file or kind is Kind.GALLERY
    if isinstance(value, File):
        if is_place_for_file:
            return _wrap(parameter, value, sent[value])
        if kind in (Kind.JSON, Kind.ANY):
            return sent[value]
        raise RejectedInput(place, f"{place}: {parameter.name!r} takes {kind}, not the file {value.name!r}")
    if isinstance(value, Mapping) and parameter.parts:
        return _whole(parameter, _parts(place, parameter, value, sent))
    if kind is Kind.JSON and parameter.form:
        return history(value, parameter.form, sent)
    if is_place_for_file:
        raise RejectedInput(place, f"{place}: {parameter.name!r} takes a file ({kind}), not {_short(value)}")
    return _plain(value, sent)


def _wrap(parameter: Parameter, file: File, data: Json) -> Json:
    """One uploaded file in the shape that its component wants."""
    match parameter.kind:
        case Kind.GALLERY:
            media = file.mime or mimetypes.guess_type(file.name)[0] or ""
            part = "video" if media.startswith("video/") else "image"
            return {part: data, "caption": file.caption}
        case Kind.VIDEO if parameter.wrapped:
            return {"video": data, "subtitles": None}
        case Kind.IMAGE:
            return _whole(parameter, {"image": data}) if parameter.parts else data
    return data


def _parts(place: str, parameter: Parameter, value: Mapping[str, Value], sent: Sent) -> dict[str, Json]:
    """An object that is handed over for a parameter with parts, each part as its component takes it."""
    return {
        name: _plain(one, sent) if (part := parameter.part(name)) is None else _encode(place, part, one, sent)
        for name, one in value.items()
    }


def _whole(parameter: Parameter, parts: Mapping[str, Json]) -> Json:
    """The parts of an object under the names that the component itself has for them."""
    match parameter.component.lower():
        case "imageeditor":
            background = parts.get("background", parts.get("image"))
            layers = parts.get("layers", parts.get("mask")) or []
            return {
                "background": background,
                "layers": layers,
                "composite": parts.get("composite", background),
            }
        case "image":  # a sketch of Gradio 3
            return {"image": parts.get("image"), "mask": parts.get("mask")}
        case "annotatedimage":
            return {"image": parts.get("image"), "annotations": parts.get("annotations") or []}
        case "video":
            return {"video": parts.get("video"), "subtitles": parts.get("subtitles")}
        case "gallery":
            part = "video" if "video" in parts else "image"
            return {part: parts[part], "caption": parts.get("caption")}
    return parts


def _multimodal(value: Value, sent: Sent) -> Json:
    """A message box: words, or files, or both as `{"text": …, "files": […]}`."""
    match value:
        case str():
            return {"text": value, "files": []}
        case File():
            return {"text": "", "files": [sent[value]]}
        case Mapping() if value.keys() <= {"text", "files"}:
            files = value.get("files") or ()
            several = files if isinstance(files, Sequence) and not isinstance(files, str) else (files,)
            return {
                "text": _plain(value.get("text") or "", sent),
                "files": [_plain(one, sent) for one in several],
            }
        case Sequence() if all(isinstance(one, File) for one in value):
            return {"text": "", "files": [_plain(one, sent) for one in value]}
    return _plain(value, sent)


def _plain(value: Value, sent: Sent) -> Json:
    """JSON as it is, each file in it as the app's own object for it."""
    match value:
        case File():
            return sent[value]
        case float() if value.is_integer():
            return int(value)  # as a browser writes it: apps count with it
        case str() | None | bool() | int() | float():
            return value
        case Mapping():
            return {key: _plain(one, sent) for key, one in value.items()}
    return [_plain(one, sent) for one in value]


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - enough to know it again
