"""Text from outside, made unable to steer a terminal or to pass for what it is not.

Escape sequences, C0 and C1 controls, marks that turn the direction of writing, half characters and line
separators all become the same visible sign. What is left is what a person sees.
"""

import unicodedata
from functools import cache

_WORDS = 10_000  # characters of a place's own words
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DELETE = "\x7f"
_SIGN = "\N{REPLACEMENT CHARACTER}"


@cache
def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def visible(text: str) -> str:
    """The text with every sign that is not seen replaced, character for character; a tab is a space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if one == "\t" else _SIGN if _is_unseen(one) else one for one in text)


def is_seen(text: str) -> bool:
    """Whether every sign of a text is seen, line ends aside."""
    return lines(text) == text


def flat(text: str, most: int | None = None) -> str:
    """The text on one line, without what is not seen; shortened to `most` characters if it is longer."""
    line = visible(" ".join(text.split()))
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"


def lines(text: str) -> str:
    """The text with its line ends, and nothing else that is not seen."""
    if text.isascii() and text.isprintable():
        return text
    return "\n".join(visible(one) for one in text.split("\n"))


def words(text: str) -> str:
    """The beginning of what a place says: as much as is kept, shown and searched for known wordings."""
    return text if len(text) <= _WORDS else f"{text[:_WORDS]} …"


def shortened(text: str, most: int) -> str:
    """The beginning of a text that may be of any length."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def escaped(json_text: str) -> str:
    """A JSON document of which nothing can steer a terminal, and whose value is the same."""
    if json_text.isascii() and _DELETE not in json_text:
        return json_text  # JSON escapes the other control characters of ASCII itself
    return "".join(_spelt(one) if one >= _DELETE and _is_unseen(one) else one for one in json_text)


def _spelt(character: str) -> str:
    code = ord(character)
    if code < 0x10000:  # noqa: PLR2004 - what one escape of JSON can spell
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
