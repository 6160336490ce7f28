"""Values too long for people to read, such as half a million numbers: kept in a file of the run's folder.

The record, the report and the terminal show how such a value begins, and where all of it lies. Told item by
item it would take a hundred times its bytes.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipelines.artifacts import Artifact, publish
from pipelines.artifacts.disk import PART, storage
from pipelines.engine.binding import shown
from pipelines.programs.environment import masked
from spaces_registry.plain import escaped
from spaces_registry.sayable import is_of_numbers, spelt
from spaces_registry.signature import Kind

_MOST_ITEMS: Final = 1000  # of lists and objects, in all
_MOST_TEXT: Final = 100_000  # characters, in all
_HEAD: Final = 300  # characters that are shown
_PIECE: Final = 2**20  # characters that are written at once


def is_long(value: object) -> bool:
    """Whether a value is too long to be shown; no more of it is looked at than it takes to know."""
    items = characters = 0
    left: list[Iterator[object]] = [iter((value,))]
    while left:
        for one in left[-1]:
            items += 1
            if isinstance(one, str):
                characters += len(one)
            elif isinstance(one, Mapping):
                characters += sum(len(str(name)) for name in one)
                left.append(iter(one.values()))
            elif isinstance(one, Sequence) and not isinstance(one, bytes):
                left.append(iter(one))
            if items > _MOST_ITEMS or characters > _MOST_TEXT:
                return True
            if isinstance(one, Mapping | Sequence) and not isinstance(one, str | bytes):
                break
        else:
            left.pop()
    return False


def head_of(value: object) -> str:
    """How a long value begins: its words, or its JSON."""
    return value[:_HEAD] if isinstance(value, str) else _beginning(value)[:_HEAD]


def _beginning(value: object) -> str:
    """At least the first characters of a value's JSON, without spelling all of it."""
    match value:
        case str():
            return json.dumps(value[:_HEAD], ensure_ascii=False)
        case Mapping():
            parts, opened = [f"{json.dumps(str(name)[:_HEAD])}: " for name in _first(value)], "{"
            parts = [name + _beginning(value[key]) for name, key in zip(parts, _first(value), strict=True)]
        case Sequence():
            parts, opened = [_beginning(one) for one in value[:_HEAD]], "["
        case _:
            return json.dumps(shown(value), ensure_ascii=False)
    return opened + ", ".join(parts)


def _first(value: Mapping[object, object]) -> list[object]:
    return [name for _, name in zip(range(_HEAD), value, strict=False)]


def write_value(value: object, folder: Path, stem: str, hidden: Mapping[str, str]) -> Artifact:
    """Write a value into a file of its own; the same value again is the same file.

    Args:
        value: text, or what JSON can spell.
        folder: where to; made if it is missing.
        stem: what to call the file.
        hidden: secrets that no file may hold.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    is_text = isinstance(value, str)
    kind, mime, suffix = (
        (Kind.TEXT, "text/plain", ".txt") if is_text else (Kind.JSON, "application/json", ".json")
    )
    aside, digest, size_bytes = folder / f".{stem[:60]}{PART}", hashlib.sha256(), 0
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("wb") as file:
                for words in _pieces(value, hidden):
                    piece = words.encode(errors="replace")
                    digest.update(piece)
                    size_bytes += file.write(piece)
            made = Artifact(kind, digest.hexdigest(), size_bytes, mime, f"value{suffix}", aside)
            return replace(made, path=publish(made, folder, stem))
        finally:
            aside.unlink(missing_ok=True)


def _pieces(value: object, hidden: Mapping[str, str]) -> Iterator[str]:
    """A text, or a value's JSON, piece by piece: all of it at once would be there twice."""
    if not isinstance(value, str):
        pieces = spelt(value, lambda part: part if is_of_numbers(part) else masked(shown(part), hidden))
        yield from map(escaped, pieces)
        return
    text = str(masked(value, hidden))
    for at in range(0, len(text), _PIECE):
        yield text[at : at + _PIECE]
