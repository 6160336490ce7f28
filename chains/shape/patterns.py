"""Which regular expressions may take for ever; told from their text alone, with room for a false alarm."""

import re
from dataclasses import dataclass, field
from itertools import permutations
from typing import Final

MAX_LENGTH: Final = 500  # characters
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|\(\?#[^)]*\)?|\(\?P?<?[=!:]|\(\?P<\w+>|\(\?P=\w+\)|\(\?[\w-]*:?|"
    r"[*+?][+?]?|\{[0-9]*+(?:,[0-9]*+)?\}[+?]?|.",
    re.DOTALL,
)
_REPEAT = re.compile(r"[*+?]|\{(?:[0-9]*,[0-9]*|[0-9]+)\}")
_ENDLESS = re.compile(r"[*+]|\{[0-9]*,\}|\{,?[0-9]{2,}\}|\{[0-9]+,[0-9]{2,}\}")
_LITERAL = re.compile(r"[^\\.^$\[(*+?{|)]|\\[^\w\s]")


@dataclass(slots=True)
class _Group:
    """What stands between two brackets, as far as it was read."""

    repeats: bool = False
    ways: list[list[str]] = field(default_factory=lambda: [[]])

    @property
    def is_ambiguous(self) -> bool:
        """Whether a text may be read as one alternative or as another."""
        if len(self.ways) == 1:
            return False
        if all(_LITERAL.fullmatch(one) for way in self.ways for one in way):
            return any(a[: len(b)] == b for a, b in permutations(self.ways, 2))
        first = [way[0] if way else "" for way in self.ways]
        return len({*first}) < len(first) or not all(_LITERAL.fullmatch(one) for one in first)


def explosive(pattern: str) -> str | None:
    """Why a pattern may take time without bound, or None.

    What makes it so in practice is an endless repeat of something that can be read in several ways, because
    it repeats in itself or because its alternatives begin alike.
    """
    if len(pattern) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    tokens = [*_TOKEN.findall(pattern), ""]
    groups = [_Group()]
    for at, token in enumerate(tokens[:-1]):
        if token.startswith("(") and not token.startswith(("(?#", "(?P=")):
            groups.append(_Group())
        elif token == "|":  # noqa: S105 - a token of a pattern
            groups[-1].ways.append([])
        elif token == ")" and len(groups) > 1:  # noqa: S105 - a token of a pattern
            group = groups.pop()
            endless = _ENDLESS.match(tokens[at + 1]) is not None
            if endless and group.repeats:
                return "it repeats what repeats"
            if endless and group.is_ambiguous:
                return "it repeats alternatives that begin alike"
            groups[-1].repeats |= group.repeats or group.is_ambiguous
            groups[-1].ways[-1].append("()")
        else:
            groups[-1].repeats |= _REPEAT.match(token) is not None
            groups[-1].ways[-1].append(token)
    return None
