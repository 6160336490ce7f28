"""`when` depends on something."""

from collections.abc import Iterator

from chains.language.evaluate import EvaluationFailed
from chains.model import Chain
from chains.problems import Problem


def constant_conditions(chain: Chain) -> Iterator[Problem]:
    """A condition without a name in it is always the same."""
    for step in chain.steps.values():
        if step.when is None or not step.when.is_literal:
            continue
        try:
            always = "true" if step.when.literal else "false"
        except EvaluationFailed:
            continue  # that it fails is another rule's
        message = f"this condition is always {always}"
        hint = "remove `when`" if always == "true" else "the step never runs; remove it, or name an input"
        yield Problem(step.when.at, "constant-when", message, hint, step.name, "warning")
