"""Forms that text in a chain file has: durations, sizes, kinds; as pydantic checks that keep the text."""

import re
from collections.abc import Sequence
from typing import Final, LiteralString

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from chains.shape.patterns import MAX_LENGTH, explosive
from spaces_registry import errors
from spaces_registry.signature import Kind

KINDS: Final = tuple(str(one) for one in Kind)
_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_S: Final = 30 * 24 * 3600.0
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?) ?([kKMGT]?i?B)")
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZES |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
PICKUPS: Final = ("auto", "attached", "detached")
ACTIONS: Final = ("retry", "fall-back", "stop")
FAILURES: Final = (
    *(one.code for one in errors.CallFailed.__subclasses__() if one.__module__ == errors.__name__),
    errors.UnexpectedAnswer.code,
)


def duration(text: object) -> float:
    """Seconds of `90s`, `5m`, `2h`, `1.5h`, `500ms`, `0s`.

    Raises:
        ValueError: it is none, or is longer than 30 days.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or (seconds := float(found[1]) * _UNITS[found[2]]) > LONGEST_S:
        raise ValueError(text)
    return seconds


def check_wait(value: object) -> object:
    """Let a duration through, as it is written; that of a wait may be nothing."""
    return check_duration(value, may_be_zero=True)


def check_duration(value: object, *, may_be_zero: bool = False) -> object:
    """Let a duration through, as it is written."""
    try:
        seconds = duration(value)
    except ValueError:
        seconds = -1.0
    if seconds < 0 or (seconds == 0 and not may_be_zero):
        least = 0 if may_be_zero else 1e-9
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= least
        hint = (
            f"write `{value}s` for seconds" if number else "write it as `90s`, `5m` or `2h`, at most 30 days"
        )
        raise PydanticCustomError(
            "bad-duration", "`{value}` is not a duration", {"value": str(value)[:40], "hint": hint}
        )
    return value


def size(text: object) -> int:
    """Bytes of `500MB`, `2GB`, `1.5GiB`.

    Raises:
        ValueError: it is none.
    """
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    unit = _SIZES.get(found[2].upper()) if found else None
    if found is None or unit is None:
        raise ValueError(text)
    return int(float(found[1]) * unit)


def size_of_at_least(least: str) -> BeforeValidator:
    """A pydantic check that text is a size, and no smaller one than this."""

    def check(value: object) -> object:
        shown = str(value)[:40]
        try:
            enough = size(value) >= size(least)
        except ValueError:
            facts = {"value": shown, "hint": "write it as `500MB` or `2GB`"}
            raise PydanticCustomError("bad-size", "`{value}` is not a size", facts) from None
        if not enough:
            facts = {"value": shown, "hint": f"give it {least} at least"}
            raise PydanticCustomError("bad-size", "`{value}` is too little to work in", facts)
        return value

    return BeforeValidator(check)


def check_pattern(value: object) -> object:
    """Let a regular expression through that can be read, and that no text can keep busy for long."""
    if not isinstance(value, str):
        return value
    try:
        if len(value) <= MAX_LENGTH:
            re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        facts = {
            "why": str(error)[:80],
            "hint": "it is a regular expression; `\\` before a sign takes it as it is",
        }
        raise PydanticCustomError("bad-pattern", "the pattern cannot be read: {why}", facts) from None
    if why := explosive(value):
        facts = {"why": why, "hint": "repeat one thing at a time: `(ab)+`, not `(a+b*)+`"}
        raise PydanticCustomError(
            "bad-pattern", "some texts would keep this pattern busy for ever: {why}", facts
        )
    return value


def check_function(value: object) -> object:
    """Let `file.py:function` through."""
    if isinstance(value, str) and not re.fullmatch(r"[^:]+\.py:[A-Za-z_]\w*", value):
        hint = "write it as `file.py:function`"
        raise PydanticCustomError(
            "bad-function", "`{value}` names no function of a file", {"value": value[:60], "hint": hint}
        )
    return value


def something(message: LiteralString, hint: str) -> BeforeValidator:
    """A pydantic check that a mapping says something."""

    def check(value: object) -> object:
        if value == {}:
            raise PydanticCustomError("empty-value", message, {"hint": hint})
        return value

    return BeforeValidator(check)


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


def one_of(names: Sequence[str], code: LiteralString, what: str) -> BeforeValidator:
    """A pydantic check that text is one of a few; the problem's code, and what it should be."""

    def check(value: object) -> object:
        if value not in names:
            shown = str(value).lower()[:40] if isinstance(value, bool) else str(value)[:40]
            facts = {"value": shown, "what": what, "hint": errors.nearest(shown, names)}
            raise PydanticCustomError(code, "`{value}` is no {what}", facts)
        return value

    return BeforeValidator(check)


def form(pattern: str, code: LiteralString, what: str, hint: str) -> BeforeValidator:
    """A pydantic check that text has a form; the problem's code, what it should be, and a hint."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            facts = {"value": value[:60], "what": what, "hint": hint}
            message: LiteralString = "`{value}` is no {what}" if value.strip() else "the {what} is empty"
            raise PydanticCustomError(code, message, facts)
        return value

    return BeforeValidator(check)


def check_kind(value: object) -> object:
    """Let the name of a kind through."""
    if value not in KINDS:
        raise PydanticCustomError("bad-kind", "`{value}` is not a kind", {"value": str(value)[:40]})
    return value
