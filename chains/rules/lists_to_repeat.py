"""What a step runs over is a list."""

from collections.abc import Iterator

from chains.language.evaluate import EvaluationFailed
from chains.language.expressions import Template
from chains.language.functions import sort_of
from chains.model import Chain, Step
from chains.problems import Problem


def lists_to_repeat(chain: Chain) -> Iterator[Problem]:
    """`each` and every key of `matrix` hold a list with something in it."""
    for step in chain.steps.values():
        for template in (*(step.each.templates if step.each else ()), *(step.matrix or {}).values()):
            yield from _no_list(step, template)


def _no_list(step: Step, template: Template) -> Iterator[Problem]:
    if not template.is_literal:
        return
    try:
        value = template.literal
    except EvaluationFailed:
        return  # that it fails is another rule's
    if not isinstance(value, list):
        message = f"step `{step.name}` runs over a list, and this is {sort_of(value)}"
        yield Problem(template.at, "not-a-list", message, "write `[a, b]`, or refer to a list", step.name)
    elif not value:
        yield Problem(
            template.at, "not-a-list", f"step `{step.name}` runs over an empty list", None, step.name
        )
