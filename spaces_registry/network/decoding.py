"""JSON that others wrote: decoded, whatever it holds, or refused in one way."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from spaces_registry.network.bounds import MB, Bounds, told

LEVELS = Bounds().json_levels  # of lists and objects in each other; real descriptions stay below 20
_OWN_LEVELS = 2 * LEVELS + 20  # what we keep of an answer stands in objects of our own
_VALUES = Bounds().json_values
_SMALL = 64 * MB  # what an answer may always take
_TIMES = 10  # as much memory as an answer has bytes
_WEIGHTS = {  # bytes of memory that a sign stands for, in CPython; two quotes are a text
    b"{": 184,
    b"[": 64,
    b'"': 26,
    b'":': -26,  # a key is there once, however often it is written
    b",": 16,
}
_DIGITS = 300  # of a whole number; a float holds no more
_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")  # of a character, as JSON or UTF-8 can spell it


class Bloated(ValueError):
    """It is JSON, perhaps, and larger than is taken; the next one would be, too."""


def decoded(content: bytes | bytearray | str) -> Any:
    """The value that a JSON text stands for; what no number can hold, such as `NaN` or `1e999`, becomes None.

    Of two equal keys the last one counts.

    Raises:
        Bloated: it would be far larger in memory than it is.
        ValueError: it is no JSON, or too deep to be decoded.
    """
    refuse_bloated(content if isinstance(content, bytes | bytearray) else content.encode(errors="replace"))
    try:
        return json.loads(content, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole)
    except RecursionError as cause:
        raise ValueError("it is nested too deeply") from cause


def refuse_bloated(content: bytes | bytearray) -> None:
    """Refuse what is small as text and large in memory: lists of little objects take fifty times their bytes.

    Signs within texts are counted, too: of what people write there are too few to matter.

    Raises:
        Bloated: it has too many values, or would take more than ten times its bytes.
    """
    if content.count(b",") + content.count(b"[") > _VALUES:
        raise Bloated(f"it has more than {_VALUES:,} values")
    size = sum(weight * content.count(sign) for sign, weight in _WEIGHTS.items())
    if size > max(_SMALL, _TIMES * len(content)):
        raise Bloated(
            f"it has so many small values that its {told(len(content))} would take {told(size)} of memory"
        )


def read_back(content: bytes | str) -> Any:
    """JSON that we wrote ourselves, out of a file that may have been damaged since.

    Raises:
        ValueError: it is no JSON, or none that we would have written.
    """
    try:
        value = json.loads(content)
        if is_deep(value, _OWN_LEVELS):
            raise ValueError("it is nested too deeply")
    except RecursionError as cause:
        raise ValueError("it is nested too deeply") from cause
    return value


def answered(content: bytes | bytearray) -> Any:
    """An answer's value, made fit for all that is done with it: not too deep, and of whole characters.

    Raises:
        ValueError: as `decoded`, or it has more than `LEVELS` levels.
    """
    value = decoded(content)
    if is_deep(value):
        raise ValueError(f"it is nested more than {LEVELS} deep")
    may_be_halved = b"\\u" in content or b"\xed" in content
    return whole(value) if may_be_halved and _HALF.search(content) else value


def whole(value: Any) -> Any:
    """The value with half characters replaced in its texts and keys; it is no deeper than `LEVELS`."""
    match value:
        case str():
            return sendable(value)
        case list():
            return [whole(one) for one in value]
        case dict():
            return {sendable(name): whole(one) for name, one in value.items()}
    return value


def _whole(text: str) -> int | None:
    return int(text) if len(text) <= _DIGITS else None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def is_deep(value: object, levels: int = LEVELS) -> bool:
    """Whether a value has more than so many levels, so that nobody should walk down all of it."""
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(levels):
        level = [inner for one in level for inner in _members(one) if isinstance(inner, list | dict)]
        if not level:
            return False
    return True


def _members(value: object) -> Iterable[object]:
    match value:
        case list():
            return value
        case dict():
            return value.values()
    return ()


def sendable(text: str) -> str:
    """The text with half characters (JSON can spell one, UTF-8 cannot) replaced."""
    return text if text.isascii() else text.encode(errors="replace").decode()
