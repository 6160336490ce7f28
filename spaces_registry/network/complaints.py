"""Errors inside answers that HTTP calls good: in a stream, in a job that failed, in place of a result."""

from collections.abc import Mapping
from typing import Any, Final

from spaces_registry.errors import (
    Busy,
    CallFailed,
    Crashed,
    Missing,
    OutOfQuota,
    RateLimited,
    RejectedInput,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from spaces_registry.network.refusals import line, message_in, refused_by_text, wait_in

_NAMES: Final[Mapping[str, int]] = {  # what places call their errors, as the HTTP status that means the same
    **dict.fromkeys(("overloaded", "overloaded_error", "insufficient_system_resource"), 529),
    **dict.fromkeys(("validation", "validation_error", "invalid_request_error", "badrequesterror"), 400),
    **dict.fromkeys(("invalid_request", "context_length_exceeded", "invalid_prompt"), 400),
    **dict.fromkeys(("content_filter", "content_policy_violation", "moderation_blocked"), 422),
    **dict.fromkeys(("insufficient_quota", "billing_error"), 402),
    **dict.fromkeys(("rate_limit_exceeded", "rate_limit_error", "too_many_requests"), 429),
    **dict.fromkeys(("authentication_error", "invalid_api_key"), 401),
    **dict.fromkeys(("permission_error", "permission_denied"), 403),
    **dict.fromkeys(("not_found", "not_found_error", "model_not_found"), 404),
    **dict.fromkeys(("timeout", "timeout_error"), 504),
}
_CLASSES: Final[Mapping[int, type[CallFailed]]] = {
    **dict.fromkeys((400, 413, 415, 422, 451), RejectedInput),
    **dict.fromkeys((401, 403), Unauthorized),
    402: OutOfQuota,
    **dict.fromkeys((404, 410), Missing),
    **dict.fromkeys((408, 504), TimedOut),
    429: RateLimited,
    **dict.fromkeys((502, 503), Unreachable),
    529: Busy,
}
_FAILED: Final = frozenset({"failed", "fail", "failure", "error", "canceled", "cancelled", "aborted"})
_PENDING: Final = frozenset(
    {"in_queue", "in_progress", "processing", "created", "queued", "starting", "pending", "running"}
)
_STATES: Final = ("status", "task_status")
_FIRST, _LAST = 400, 599  # of HTTP's refusals


def complains(body: object) -> bool:
    """Whether an answer, whatever its HTTP status, tells of an error, or of a job that failed."""
    if not isinstance(body, Mapping):
        return False
    if body.get("error") or body.get("object") == "error" or body.get("type") == "error":
        return True
    if body.get("success") is False and body.get("errors"):
        return True
    return _job_that_failed(body) is not None


def is_pending(body: object) -> bool:
    """Whether an answer says of a job that it is not done yet."""
    if not isinstance(body, Mapping):
        return False
    inner = body.get("data")
    told = [one.get(name) for one in (inner, body) if isinstance(one, Mapping) for name in _STATES]
    return any(isinstance(one, str) and one.lower() in _PENDING for one in told)


def refused_by_body(place: str, body: object, said: str | None = None) -> CallFailed:
    """The failure that an answer's own error means: by its words, else by its code or its name.

    Args:
        place: what was called.
        body: the decoded answer.
        said: the place's own words, where it is known which they are.
    """
    said = said or message_in(_job_that_failed(body)) or message_in(body)
    if not said:
        return Crashed(place, f"{place} failed and does not say why")
    found = refused_by_text(place, said)
    kind = _CLASSES.get(status_in(body) or 0, Crashed)
    if type(found) is not Crashed or kind is Crashed:
        return found
    return kind(place, f"{place}: {line(said)}", said=said, wait_s=wait_in(said))


def status_in(body: object) -> int | None:
    """The HTTP status that an error within an answer stands for, by its code or its name."""
    if not isinstance(body, Mapping):
        return None
    inner = body.get("error")
    told: list[Any] = []
    for one in (inner, body):
        if isinstance(one, Mapping):
            told += [one.get(name) for name in ("code", "error_type", "type", "status")]
    if isinstance(inner, str):
        told.append(inner)
    for one in told:
        match one:
            case bool():
                continue
            case int() if _FIRST <= one <= _LAST:
                return one
            case str():
                if one.isascii() and one.isdigit() and len(one) == 3 and _FIRST <= int(one) <= _LAST:  # noqa: PLR2004 - as statuses are
                    return int(one)
                if (status := _NAMES.get(one.lower())) is not None:
                    return status
    return None


def _job_that_failed(body: object) -> Mapping[str, Any] | None:
    """The part of an answer that says of a job that it failed, or was ended before it was done."""
    if not isinstance(body, Mapping):
        return None
    for one in (body.get("data"), body):
        if isinstance(one, Mapping):
            states = (one.get(name) for name in _STATES)
            if any(isinstance(state, str) and state.lower() in _FAILED for state in states):
                return one
    return None
