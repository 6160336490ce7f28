"""YAML scalars: what a plain one means by YAML 1.2, and where each character of a value stands."""

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
# a leading zero makes it text: `010` is a phone number as often as it is ten
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS = 100  # of an integer; nobody's seed is longer


class NotFinite(ValueError):
    """The scalar is a number that has no finite value, or one beyond all use."""


def resolve(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar by YAML 1.2's core schema.

    `no`, `on`, `1:30`, `010`, `1_000` and dates are text.

    Raises:
        NotFinite: `.inf`, `.nan`, or a number too large to hold.
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _ENDLESS.fullmatch(text):
        raise NotFinite(text)
    if _INT.fullmatch(text) or _BASED.fullmatch(text):
        if len(text) > _DIGITS:
            raise NotFinite(text)
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise NotFinite(text)
        return number
    return text


def origins(value: str, raw: str) -> list[int]:
    """For every character of a scalar's value its index in the scalar's own source text.

    YAML folds lines, cuts indentation and knows escapes, but never changes the order of what is not
    white space, so walking along both sides finds every such character. White space made by folding
    is placed where the fold begins.

    Args:
        value: what YAML made of it.
        raw: the text from its first character (quote or block sign included) to its end.

    Returns:
        One index a character, then one for the end.
    """
    quote = raw[:1] if raw[:1] in {"'", '"'} else ""
    at = 1 if quote else 0
    if raw[:1] in {"|", ">"}:
        at = raw.find("\n") + 1
    found: list[int] = []
    for character in value:
        at = _skip(raw, at, character, quote)
        found.append(at)
        at += _length(raw, at, character, quote)
    return [*found, at]


def _skip(raw: str, at: int, character: str, quote: str) -> int:
    """The index at which a character's source begins, past folds and escaped line ends."""
    while at < len(raw):
        if quote == '"' and raw[at] == "\\" and raw[at + 1 : at + 2] in {"\n", "\r"}:
            at += 2
            while raw[at : at + 1].isspace():
                at += 1
        elif raw[at].isspace() and not character.isspace():
            at += 1
        else:
            break
    return at


def _length(raw: str, at: int, character: str, quote: str) -> int:
    """How many source characters stand for this one; 0 for white space that folding made."""
    if quote == '"' and raw[at : at + 1] == "\\":
        return {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
    if quote == "'" and raw[at : at + 2] == "''":
        return 2
    return 1 if raw[at : at + 1] == character else 0
