"""Text that looks as if it were to be filled in is filled in."""

import re
from collections.abc import Iterator

from chains.expressions import RESERVED
from chains.model import Chain
from chains.nodes import Literal, Text, every
from chains.problems import Problem

_NAME = r"([A-Za-z_][A-Za-z0-9_]*)\s*[.\[]"
_SIGNS = (
    (
        re.compile(rf"(?<![$\w])\{{\{{\s*({_NAME}[^{{}}]*)\}}\}}"),
        "`{{ … }}` is text without a dollar sign before it",
    ),
    (re.compile(rf"\$\{{\s*({_NAME}[^{{}}]*)\}}(?!\}})"), "`${ … }` is text; an expression has two braces"),
    (re.compile(rf"\$({_NAME}[\w.\[\]]*\w)"), "a `$reference` inside text is not filled in"),
)


def lost_expressions(chain: Chain) -> Iterator[Problem]:
    """`{{ inputs.x }}`, `${inputs.x}` and `$inputs.x` inside text would go to the Space as they are."""
    known = {*RESERVED, *chain.steps}
    for step, template in chain.templates:
        for node in every(template.node):
            pieces = node.pieces if isinstance(node, Text) else (node,)
            for piece in pieces:
                if not isinstance(piece, Literal) or not isinstance(piece.value, str):
                    continue
                for sign, message in _SIGNS:
                    if (found := sign.search(piece.value)) and found[2] in known:
                        hint = f"write `${{{{ {found[1].strip()} }}}}`"
                        yield Problem(piece.at, "lost-expression", message, hint, step.name if step else None)
                        break
