"""When a run is blocked rather than failed: nothing is wrong with it, and it can go on later."""

from collections.abc import Iterator

from pipelines.engine.results import CallDone, Failed
from spaces_registry.errors import CallFailed, ToolkitError

_SHARES = frozenset({"out-of-quota", "budget-exceeded"})


def is_blocked(failed: Failed) -> bool:
    """Whether a step failed only because a share is used up, or a place wants to be left alone for long."""
    return any(_blocks(failure) for failure in _failures(failed))


def wait_of(failed: Failed) -> float | None:
    """Seconds after which a blocked step can go on, as far as its places named them.

    Each of its calls goes on as soon as the first of its places takes it; the step when all calls do.
    """
    waits = [_earliest(call) for call in failed.calls if call.failure and _blocks(call.failure)]
    known = [one for one in waits if one is not None]
    if not known and isinstance(failed.error, CallFailed):
        return failed.error.wait_s
    return max(known, default=None)


def _failures(failed: Failed) -> Iterator[ToolkitError]:
    yield failed.error
    yield from (call.failure for call in failed.calls if call.failure is not None)


def _blocks(failure: ToolkitError) -> bool:
    is_sent_away = failure.code == "rate-limited" and getattr(failure, "wait_s", None) is not None
    return failure.code in _SHARES or is_sent_away


def _earliest(call: CallDone) -> float | None:
    """The shortest wait that one of a call's places named when it was left."""
    left = [one.wait_s for one in call.attempts if one.then != "retry" and one.wait_s is not None]
    return min(left, default=None)
