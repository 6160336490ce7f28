"""JSON that others wrote: decoded, whatever it holds, or refused in one way."""

import json
from collections.abc import Mapping
from typing import Any

LEVELS = 100  # of lists and objects in each other; real descriptions stay below 20


def decoded(content: bytes | str) -> Any:
    """The value that a JSON text stands for; `NaN` and `Infinity`, which are none of JSON's, become None.

    Raises:
        ValueError: it is no JSON, or too deep to be decoded.
    """
    try:
        return json.loads(content, parse_constant=lambda _: None)
    except RecursionError as cause:
        raise ValueError("it is nested too deeply") from cause


def is_deep(value: object) -> bool:
    """Whether a value has more than `LEVELS` levels, so that nobody should walk down all of it."""
    level = [value]
    for _ in range(LEVELS):
        level = [
            inner
            for one in level
            if isinstance(one, list | Mapping)
            for inner in (one.values() if isinstance(one, Mapping) else one)
        ]
        if not level:
            return False
    return True


def sendable(text: str) -> str:
    """The text with half characters (JSON can spell one, UTF-8 cannot) replaced."""
    return text if text.isascii() else text.encode(errors="replace").decode()
