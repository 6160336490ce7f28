"""What is done about a failure: the same place again, another place, or nothing; see docs/failures.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chains.model import Retry
from spaces_registry.errors import CallFailed, NothingWritten, OverBound, ToolkitError


class Action(StrEnum):
    """What is done next."""

    RETRY = "retry"
    FALL_BACK = "fall-back"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done about one class of failure, unless the chain says otherwise.

    Attributes:
        action: what is done; where it is `retry`, until the tries are used up, and then fall back.
        why: the reason, in words.
        most: tries that may fail in this way, where that is less than the chain allows.
        share: of the wait that the chain names.
        if_told: it is tried again only if the place named the time for it.
    """

    action: Action
    why: str
    most: int | None = None
    share: float = 1.0
    if_told: bool = False


_RETRY, _LEAVE = Action.RETRY, Action.FALL_BACK

RULES: Final[Mapping[str, Rule]] = {
    "asleep": Rule(_RETRY, "`timeout.wake` was waited for already", if_told=True),
    "building": Rule(_RETRY, "`timeout.wake` was waited for already", if_told=True),
    "paused": Rule(_LEAVE, "only its owner can change that"),
    "missing": Rule(_LEAVE, "it will not appear while we wait"),
    "drifted": Rule(_LEAVE, "the same call would not fit again"),
    "unauthorized": Rule(_LEAVE, "the token will not get better by itself"),
    "out-of-quota": Rule(_LEAVE, "the share comes back in hours"),
    "busy": Rule(_RETRY, "a queue moves on"),
    "rate-limited": Rule(_RETRY, "the window passes"),
    "rejected-input": Rule(_LEAVE, "the same arguments would be refused again; another place may take them"),
    "crashed": Rule(_RETRY, "a crash may be bad luck once, and costs GPU time", most=2, share=0.5),
    "unreachable": Rule(_RETRY, "connections break and come back"),
    "timed-out": Rule(_LEAVE, "a repeat costs as much again"),
    "in-doubt": Rule(_RETRY, "an earlier process sent it, not this one", most=2, share=0.0),
    "file-unavailable": Rule(_LEAVE, "the call was answered, and the same file would be named again"),
    "bad-output": Rule(_RETRY, "a model may do better the second time", most=2, share=0.5),
    "unexpected-answer": Rule(_LEAVE, "the same call would be paid again, for an answer of the same shape"),
}
_LASTING = Rule(_LEAVE, "the next answer would be no other: as large, or as empty")
_OTHERWISE = Rule(_LEAVE, "nothing is known of it")
_DOUBLINGS = 30  # more would only overflow: every wait is cut to `up_to_s`
_SLACK = 0.05  # of a named wait is added at most, so that not everybody comes back at once


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a failure.

    Attributes:
        action: retry, fall back or stop.
        wait_s: before the next try; else how long the place asked to be left alone, if it did.
    """

    action: Action
    wait_s: float | None = None


def decide(
    failure: ToolkitError,
    tries: int,
    retry: Retry,
    *,
    alike: int | None = None,
    is_here: bool = False,
    chance: Callable[[], float],
) -> Decision:
    """What to do about a failure.

    Args:
        failure: what happened; what is no `CallFailed` is no place's fault and stops the step.
        tries: how often this place was tried by now, this time included.
        retry: what the step allows.
        alike: how many of them failed in this way; None for all.
        is_here: whether the place is a program of this machine, which would do the same again.
        chance: a number from 0 to 1, another one each time; what the waits are jittered with.
    """
    if not isinstance(failure, CallFailed):
        return Decision(Action.STOP)
    rule = (
        _LASTING if isinstance(failure, OverBound | NothingWritten) else RULES.get(failure.code, _OTHERWISE)
    )
    own = retry.on.get(failure.code)
    action = rule.action if own is None else Action(own)
    if own is None and (is_here or (rule.if_told and failure.wait_s is None)):
        action = Action.FALL_BACK
    if action is not Action.RETRY:
        return Decision(action, failure.wait_s)
    is_worn = own is None and rule.most is not None and (tries if alike is None else alike) >= rule.most
    if (
        is_worn
        or tries >= _most(failure, retry)
        or (failure.wait_s is not None and failure.wait_s > retry.up_to_s)
    ):
        return Decision(Action.FALL_BACK, failure.wait_s)
    if failure.wait_s is not None:
        return Decision(Action.RETRY, failure.wait_s * (1 + _SLACK * chance()))
    doubled_s = retry.wait_s * rule.share * 2.0 ** min(tries - 1, _DOUBLINGS)
    return Decision(Action.RETRY, min(doubled_s, retry.up_to_s) * (0.5 + chance() / 2))


def _most(failure: CallFailed, retry: Retry) -> int:
    """How many tries there may be; to ask for a call that was sent before is none."""
    return retry.attempts + (failure.code == "in-doubt" and retry.attempts > 1)
