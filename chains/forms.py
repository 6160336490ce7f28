"""Forms that text in a chain file has: durations, functions, kinds; as pydantic checks that keep the text."""

import re
from typing import Final, LiteralString

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from spaces_registry.signature import Kind

KINDS: Final = tuple(str(one) for one in Kind)
_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_S: Final = 30 * 24 * 3600.0


def duration(text: object) -> float:
    """Seconds of `90s`, `5m`, `2h`, `1.5h`, `500ms`.

    Raises:
        ValueError: it is none, is nothing, or is longer than 30 days.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= LONGEST_S:
        raise ValueError(text)
    return seconds


def check_duration(value: object) -> object:
    """Let a duration through, as it is written."""
    try:
        duration(value)
    except ValueError:
        number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        hint = (
            f"write `{value}s` for seconds" if number else "write it as `90s`, `5m` or `2h`, at most 30 days"
        )
        raise PydanticCustomError(
            "bad-duration", "`{value}` is not a duration", {"value": str(value)[:40], "hint": hint}
        ) from None
    return value


def check_function(value: object) -> object:
    """Let `file.py:function` through."""
    if isinstance(value, str) and not re.fullmatch(r"[^:]+\.py:[A-Za-z_]\w*", value):
        hint = "write it as `file.py:function`"
        raise PydanticCustomError(
            "bad-function", "`{value}` names no function of a file", {"value": value[:60], "hint": hint}
        )
    return value


def check_scalar(value: object) -> object:
    """Let one value through, not a list and not a mapping."""
    if isinstance(value, dict | list):
        raise PydanticCustomError("scalar", "one value")
    return value


def check_number(value: object) -> object:
    """Let a number through."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number", "a number")
    return value


def listed(value: object) -> object:
    """One name as a list of one."""
    return [value] if isinstance(value, str) else value


def form(pattern: str, code: LiteralString, what: str, hint: str) -> BeforeValidator:
    """A pydantic check that text has a form; the problem's code, what it should be, and a hint."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            facts = {"value": value[:60], "what": what, "hint": hint}
            raise PydanticCustomError(code, "`{value}` is no {what}", facts)
        return value

    return BeforeValidator(check)


def check_kind(value: object) -> object:
    """Let the name of a kind through."""
    if value not in KINDS:
        raise PydanticCustomError("bad-kind", "`{value}` is not a kind", {"value": str(value)[:40]})
    return value
