"""The first wait before another try is not longer than the longest."""

from collections.abc import Iterator

from chains.model import Chain, StepFields
from chains.problems import Problem


def bad_waits(chain: Chain) -> Iterator[Problem]:
    """A `wait` above `up_to` would never be waited."""
    for step in chain.ways:
        if step.retry.wait_s > step.retry.up_to_s:
            wait, longest = f"{step.retry.wait_s:g}", f"{step.retry.up_to_s:g}"
            message = f"the first wait, {wait}s, is longer than the longest, {longest}s"
            yield _written(chain, step, message)


def _written(chain: Chain, step: StepFields, message: str) -> Problem:
    """The problem, at what is nearest to the step of what was written about it."""
    own = step.path
    for path in (own, own[:2], ("defaults",)):
        said = chain.source.written((*path, "retry"))
        keys = [one for one in ("wait", "up_to") if isinstance(said, dict) and said.get(one) is not None]
        if keys:
            hint = (
                "exchange them"
                if len(keys) > 1
                else f"give it `{'wait' if keys[0] == 'up_to' else 'up_to'}` too"
            )
            at = chain.source.at((*path, "retry", keys[0]))
            return Problem(at, "bad-wait", message, hint, None if path == ("defaults",) else step.name)
    return Problem(step.at, "bad-wait", message, None, step.name)
