"""Which regular expressions may take for ever; told from their text alone, with room for a false alarm."""

import re
from dataclasses import dataclass, field
from itertools import permutations
from typing import Final

MAX_LENGTH: Final = 500  # characters
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?#[^)]*\)|\(\?P?<?[=!:]|\(\?P<\w+>|\(\?P=\w+\)|\(\?[\w-]*:?|"
    r"[*+?]\+?\??|\{[0-9]*,?[0-9]*\}\??|.",
    re.DOTALL,
)
_ENDLESS = re.compile(r"[*+]|\{[0-9]*,\}|\{,?[0-9]{3,}\}|\{[0-9]+,[0-9]{3,}\}")


@dataclass(slots=True)
class _Group:
    """What stands between two brackets, as far as it was read."""

    repeats: bool = False
    ways: list[str] = field(default_factory=lambda: [""])


def explosive(pattern: str) -> str | None:
    """Why a pattern may take time without bound, or None.

    Two things make it so in practice: an endless repeat inside of an endless repeat, and an endless repeat of
    alternatives of which one begins like another.
    """
    if len(pattern) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    tokens = _TOKEN.findall(pattern)
    groups = [_Group()]
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        endless = _ENDLESS.match(after) is not None
        if token.startswith("(") and not token.startswith(("(?#", "(?P=")):
            groups.append(_Group())
        elif token == "|":  # noqa: S105 - a token of a pattern
            groups[-1].ways.append("")
        elif token == ")" and len(groups) > 1:  # noqa: S105 - a token of a pattern
            group = groups.pop()
            if endless and group.repeats:
                return "it repeats what repeats"
            if endless and any(a.startswith(b) for a, b in permutations(group.ways, 2)):
                return "it repeats alternatives that begin alike"
            groups[-1].repeats |= group.repeats or endless
            groups[-1].ways[-1] += "()"
        else:
            groups[-1].repeats |= _ENDLESS.match(token) is not None
            groups[-1].ways[-1] += token
    return None
