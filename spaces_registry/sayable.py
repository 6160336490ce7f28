"""What every place, journal and file can be told: values that JSON in UTF-8 can spell."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

_PIECE: Final = 10_000  # items of a list that are spelt at once
_LEVELS: Final = 100  # of lists and mappings in each other
_LARGEST: Final = 1 << 1024  # the first whole number that no float can hold
_NUMBERS = frozenset({int, float, bool, type(None)})
_HALF = re.compile("[\ud800-\udfff]")  # of a character that UTF-16 needs two for


def unsayable(value: object) -> str | None:
    """Why a value cannot be passed on, in words that follow "it holds"; None if it can.

    Args:
        value: plain data; anything else in it is somebody else's to judge.
    """
    left: list[Iterator[object]] = [iter((value,))]  # one a level: no list of all values is made
    while left:
        for one in left[-1]:
            if isinstance(one, Mapping):
                inner: Iterator[object] = chain(one.keys(), one.values())
            elif isinstance(one, Sequence) and not isinstance(one, str | bytes):
                inner = iter(one)
            elif why := _unsayable(one):
                return why
            else:
                continue
            if len(left) > _LEVELS and one:
                return f"more than {_LEVELS} levels of lists and mappings"
            left.append(inner)
            break
        else:
            left.pop()
    return None


def spelt(value: object, convert: Callable[[object], object]) -> Iterator[str]:
    """A value's JSON, that of a long list piece by piece: converted at once, all of it would be there twice.

    Args:
        value: what to spell.
        convert: makes of a value, or of a part of a list, what JSON can spell.
    """
    if not isinstance(value, list | tuple) or len(value) <= _PIECE:
        yield json.dumps(convert(value), ensure_ascii=False)
        return
    for at in range(0, len(value), _PIECE):
        part = json.dumps(convert(value[at : at + _PIECE]), ensure_ascii=False)[1:-1]
        yield f"{', ' if at else '['}{part}"
    yield "]"


def storable(json_text: str) -> str:
    """A JSON document that UTF-8 can spell, of the same value.

    A path whose bytes are no UTF-8 has halves of characters in Python; JSON has escapes for these.
    """
    return json_text if json_text.isascii() else _HALF.sub(lambda one: f"\\u{ord(one[0]):04x}", json_text)


def is_of_numbers(value: object) -> bool:
    """Whether a list holds finite numbers and truth values alone, so that nothing in it is to be changed."""
    if not isinstance(value, list | tuple):
        return False
    return all(type(one) in _NUMBERS and (type(one) is not float or math.isfinite(one)) for one in value)


def _unsayable(scalar: object) -> str | None:
    match scalar:
        case str() if not scalar.isascii() and _HALF.search(scalar):
            return "half a character"
        case int() if abs(scalar) >= _LARGEST:
            return "a number of more than 300 digits"
        case float() if not math.isfinite(scalar):
            return "a number without a finite value"
    return None
