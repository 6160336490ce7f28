"""Text that looks as if it were to be filled in is filled in."""

from collections.abc import Iterator

from chains.language.expressions import RESERVED
from chains.model import Chain
from chains.problems import Problem

_SAID = {
    "{{ … }}": "`{{ … }}` without a dollar sign is text",
    "${ … }": "`${ … }` is text; an expression has two braces",
    "$…": "a `$reference` inside text is not filled in",
}


def lost_expressions(chain: Chain) -> Iterator[Problem]:
    """`{{ inputs.x }}`, `${inputs.x}` and `$inputs.x` inside text would go to the Space as they are."""
    for step, template in chain.templates:
        for one in template.lost:
            if one.root in RESERVED or one.root in chain.steps:
                hint = f"write `${{{{ {one.inner} }}}}`"
                inside = step.name if step else None
                yield Problem(one.at, "lost-expression", _SAID[one.form], hint, inside)
