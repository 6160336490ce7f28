"""`item` and `index` exist only where something is gone through."""

from collections.abc import Iterator

from chains.language.expressions import Reference, Template
from chains.model import Chain, Step
from chains.problems import Problem


def items_outside(chain: Chain) -> Iterator[Problem]:
    """`item` and `index` stand in steps with `each` or `matrix`, and not in what those run over."""
    for step, template in chain.templates:
        for one in template.references:
            if one.root in {"item", "index"} and (wrong := _wrong(step, template, one)):
                message, hint = wrong
                yield Problem(one.at, "item-outside-each", message, hint, step.name if step else None)


def _wrong(step: Step | None, template: Template, one: Reference) -> tuple[str, str | None] | None:
    if step is None:
        return f"`{one.root}` exists only inside a step", "an output reads from a step: `$step.images`"
    if not step.repeats:
        message = f"`{one.root}` exists only in a step with `each` or `matrix`"
        return message, f"give step `{step.name}` an `each`"
    sources = (*(step.each.templates if step.each else ()), *(step.matrix or {}).values())
    if any(template is source for source in sources):
        return f"`{one.root}` cannot be part of what the step runs over", None
    return None
