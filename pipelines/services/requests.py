"""Templates and values → one HTTP request."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from chains.language.evaluate import ABSENT, EvaluationFailed
from chains.language.expressions import Template
from chains.language.functions import as_text
from chains.language.nodes import Literal, Text
from chains.services.model import Ask
from chains.services.values import filled
from spaces_registry.errors import RejectedInput
from spaces_registry.network.decoding import sendable


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file on its way into a form: its name, media type and bytes."""

    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `content` is what the HTTP library calls it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)


def request_of(
    place: str,
    ask: Ask,
    names: Mapping[str, object],
    extra: Mapping[str, object] = {},
    extra_in: str | None = None,
) -> Request:
    """Write a request.

    Args:
        place: how to call the service in messages.
        ask: what it is made of.
        names: what its templates mention; `ABSENT` for what was not given.
        extra: arguments that are not declared.
        extra_in: the mapping of the body that they go into; empty for its top.

    Raises:
        RejectedInput: it cannot be written with these values.
    """
    try:
        query = _mapping(ask.query, names)
        content: dict[str, Any] = {}
        if query:
            content["params"] = [(name, one) for name, value in query.items() for one in _texts(value)]
        if ask.json is not None:
            body = _with_extra(filled(ask.json, names), extra, extra_in)
            content["content"] = json.dumps(_plain(place, body), ensure_ascii=False, allow_nan=False).encode(
                errors="replace"
            )
        elif ask.multipart is not None:
            body = _with_extra(_mapping(ask.multipart, names), extra, extra_in)
            parts = body.items() if isinstance(body, Mapping) else ()
            content["files"] = [(name, part) for name, value in parts for part in _parts(value)]
        headers = {name: _header(place, name, value) for name, value in _mapping(ask.headers, names).items()}
        if "content" in content:
            headers = {"Content-Type": "application/json", **headers}
        path = "" if ask.path is None else _path(place, ask.path, names)
    except EvaluationFailed as cause:
        raise RejectedInput(place, f"{place}: the request cannot be written: {cause.message}") from cause
    except ValueError as cause:
        raise RejectedInput(place, f"{place}: a value is no number that can be sent") from cause
    return Request(ask.method, path, headers, content)


def _mapping(template: Template | None, names: Mapping[str, object]) -> dict[str, object]:
    value = filled(template, names) if template is not None else {}
    return dict(value) if isinstance(value, Mapping) else {}


def _with_extra(body: object, extra: Mapping[str, object], extra_in: str | None) -> object:
    if not extra or not isinstance(body, Mapping):
        return body
    if not extra_in:
        return {**body, **extra}
    inner = body.get(extra_in)
    return {**body, extra_in: {**(inner if isinstance(inner, Mapping) else {}), **extra}}


def _plain(place: str, value: object) -> object:
    match value:
        case Mapping():
            return {str(name): _plain(place, one) for name, one in value.items()}
        case str() | None | bool() | int() | float():
            return value
        case Sequence():
            return [_plain(place, one) for one in value]
    raise RejectedInput(place, f"{place}: a file cannot stand in a JSON body as it is", hint=_AS_IS)


_AS_IS = "say `files: base64`, `data-uri`, `url` or `upload` in the service file"


def _texts(value: object) -> list[str]:
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    return [as_text(one) for one in several]


def _parts(value: object) -> list[tuple[Any, ...]]:
    """A value's parts of a form: a file is one, a list several, everything else text."""
    match value:
        case FilePart():
            return [(value.name, value.content, value.mime)]
        case str() | bool() | int() | float() | None:
            return [(None, sendable(as_text(value)))]
        case Sequence() if any(isinstance(one, FilePart) for one in value):
            return [part for one in value for part in _parts(one)]
    return [(None, sendable(json.dumps(value, ensure_ascii=False)))]


def _header(place: str, name: str, value: object) -> str:
    text = as_text(value)
    if not text.isprintable() or not text.isascii():
        raise RejectedInput(place, f"{place}: the header {name} takes one line of plain letters")
    return text


def _path(place: str, template: Template, names: Mapping[str, object]) -> str:
    """The path, with every value in it escaped; a value stays below what stands before it."""
    node = template.node
    pieces = []
    for one in node.pieces if isinstance(node, Text) else (node,):
        if isinstance(one, Literal):
            pieces.append(str(one.value))
            continue
        value = filled(Template(one, template.at), names)
        if value is ABSENT or value is None or value == "":
            raise RejectedInput(place, f"{place}: a value is missing that the address is made of")
        text = as_text(value)
        if any(part in ("", ".", "..") for part in text.split("/")):
            raise RejectedInput(place, f"{place}: {text[:60]!r} cannot be part of an address")
        pieces.append(quote(sendable(text), safe="/"))
    return "".join(pieces)
