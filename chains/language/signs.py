"""Looks at the signs of an expression before Python's parser does.

What Python would read in a way nobody means, or refuse in words that differ between its versions, is said
here.
"""

import keyword
import re
from dataclasses import dataclass
from typing import Final

STRINGS: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_TOKENS = re.compile(r"[A-Za-z_]\w*|[0-9][\w.]*|_+|\.\d+|[()\[\]{}]|[^\s\w]+|\w+")
_BINDING = frozenset({"and", "or", "not", "in", "if", "else", "is", "for", "lambda"})
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_FOREIGN = (  # sign, what is wrong, what to write instead
    (r"#", "`#` means nothing in an expression", "put text in quotes"),
    (r"\\", "`\\` means nothing outside quotes", None),
    (r"\$", "no dollar sign inside an expression", "write the name alone"),
    (r";", "an expression is one value", None),
    (r"&&", "`&&` is not part of the language", "write `and`"),
    (r"\|\|", "`||` is not part of the language", "write `or`"),
    (r"\|", "`|` is not part of the language", "write `or` for an alternative, `upper(text)` for a filter"),
    (r"&", "`&` is not part of the language", "write `and`"),
    (r"~", "`~` is not part of the language", "write `not`, or `+` to join texts"),
    (r"\{\{", "no braces around the names in an expression", "write the name alone"),
    (r"!(?!=)", "`!` is not part of the language", "write `not`"),
    (r"\?", "`?` is not part of the language", "write `a if condition else b`"),
)


@dataclass(frozen=True, slots=True)
class Sign:
    """Something wrong with an expression's signs: where, as an index into it, and in which words."""

    index: int
    message: str
    hint: str | None = None


def wrong_sign(code: str) -> Sign | None:
    """The first thing that is wrong with an expression's signs, or None."""
    blank = STRINGS.sub(lambda found: "_" * len(found[0]), code)
    for pattern, message, hint in _FOREIGN:
        if found := re.search(pattern, blank):
            return Sign(found.start(), message, hint)
    if found := re.search(r"['\"]", blank):
        return Sign(found.start(), "a quote is never closed in this expression")
    return _bracket(blank) or _order(blank)


def _bracket(blank: str) -> Sign | None:
    """A bracket without its pair."""
    opened: list[tuple[str, int]] = []
    for found in re.finditer(r"[()\[\]{}]", blank):
        if found[0] not in _PAIRS:
            opened.append((found[0], found.start()))
        elif not opened or opened.pop()[0] != _PAIRS[found[0]]:
            return Sign(found.start(), f"this `{found[0]}` closes nothing")
    if opened:
        sign, index = opened[-1]
        return Sign(index, f"this `{sign}` is never closed in the expression")
    return None


def _order(blank: str) -> Sign | None:
    """Two values with nothing between them, or an operator with nothing behind it."""
    before = ""
    end = 0
    for found in _TOKENS.finditer(blank):
        if _ends_value(before) and _is_value(found[0]) and before not in {"f", "b", "r", "u", "t"}:
            shown = "this text" if set(found[0]) == {"_"} else f"`{found[0][:20]}`"
            hint = "put something between them: an operator, or quotes around it all"
            return Sign(found.start(), f"{shown} follows another value", hint)
        before, end = found[0], found.end()
    if not _ends_value(before):
        return Sign(max(0, end - len(before)), f"something is missing after `{before[-20:]}`")
    return None


def _is_value(token: str) -> bool:
    return bool(re.match(r"[\w]|\.\d", token)) and token not in _BINDING


def _ends_value(token: str) -> bool:
    """Whether a value ends with this token, so that an operator must follow."""
    if keyword.iskeyword(token):
        return token in {"None", "True", "False"}
    return token in _PAIRS or _is_value(token) or token == "..."  # noqa: S105 - a token of the grammar
