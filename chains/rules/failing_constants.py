"""What is known before the run has a value."""

from collections.abc import Iterator

from chains.language.evaluate import EvaluationFailed
from chains.language.functions import functions
from chains.model import Chain
from chains.problems import Problem


def failing_constants(chain: Chain) -> Iterator[Problem]:
    """An expression without names, such as `1 / 0`, does not fail."""
    known = functions()
    for step, template in chain.templates:
        calls = [*template.calls]
        if not template.is_literal or any(one.function not in known for one in calls):
            continue
        if any(
            not known[one.function].least <= len(one.arguments) <= known[one.function].most for one in calls
        ):
            continue  # wrong counts are another rule's
        if any(one.template is None for one in template.fills):
            continue  # and so are unknown templates and open gaps
        try:
            _ = template.literal
        except EvaluationFailed as failure:
            message = f"this expression always fails: {failure.reason}"
            yield Problem(failure.at, "always-fails", message, failure.hint, step.name if step else None)
