"""No text is cut where a comment begins by accident."""

import re
from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem

_COMMENT = re.compile(r"[ \t]+#\w")


def cut_text(chain: Chain) -> Iterator[Problem]:
    """`cat #1 best` without quotes is `cat`: a `#` with a word right behind it is likely meant."""
    for path, leaf in chain.source.leaves:
        if isinstance(leaf.value, str) and leaf.plain and _COMMENT.match(chain.source.text, leaf.end):
            message = f"this text ends before ` #`, which begins a comment: it is `{leaf.value[-40:]}`"
            hint = "put it in quotes, or write `# ` for a comment"
            step = str(path[1]) if path[:1] == ("steps",) and len(path) > 1 else None
            yield Problem(chain.source.position(leaf.start), "cut-text", message, hint, step, "warning")
