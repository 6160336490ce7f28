"""What can go wrong, as classes.

    ToolkitError                 anything spacechain says no to; has `code`, `hint`
    ├── (usage errors)           named where they arise, e.g. `UnknownEndpoint` in signature.py
    └── CallFailed               a remote call did not yield its result; the class decides what to do next
        ├── Asleep  Building  Paused  Missing  Drifted
        ├── Unauthorized  OutOfQuota  Busy  RateLimited
        ├── RejectedInput  Crashed  BadOutput  UnexpectedAnswer
        └── Unreachable  TimedOut  InDoubt

Every class has a stable kebab-case `code`. A token is in no message and no attribute.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import ClassVar, Final

from spaces_registry.plain import words

_LONGEST_NAME: Final = 100  # characters of one that is compared with others, or offered
_MOST_NAMES: Final = 300  # that one is compared with
_LONGEST_WAIT_S: Final = 366 * 86400.0  # longer than any share takes to come back


class ToolkitError(Exception):
    """This cannot go on, and here is why; base of every error that users meet.

    Args:
        message: one line: what is wrong, and where.
        hint: one line: what to do next, if there is something.

    Attributes:
        is_run_kept: whether it ended a run that had begun, and that can be gone on with.
        next: the command that goes on from here, where there is one.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        message = words(message)  # a name in it may be as long as a file
        super().__init__(message)
        self.message = message
        self.hint = None if hint is None else words(hint)
        self.is_run_kept = False
        self.next: str | None = None


class CallFailed(ToolkitError):
    """A call to a place did not yield its result.

    Args:
        place: Space id, URL or name of what was called.
        message: one line for the user.
        said: the place's own words, unchanged but for their length, if it said anything.
        wait_s: seconds after which the place says another try may succeed.
        hint: what to do next; None for what helps with any failure of the class.
    """

    code = "call-failed"
    advice: ClassVar[str | None] = None

    def __init__(
        self,
        place: str,
        message: str,
        *,
        said: str | None = None,
        wait_s: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint or self.advice)
        self.place = place
        self.said = None if said is None else words(said)
        self.wait_s = None if wait_s is None else float(min(max(0, wait_s), _LONGEST_WAIT_S))


class Asleep(CallFailed):
    """The Space sleeps and did not wake within the time given."""

    code = "asleep"
    advice = "wait longer with --wake, or name another place as its `fallback`"


class Building(CallFailed):
    """The Space is building or starting and was not ready within the time given."""

    code = "building"
    advice = "try again later, or name another place as its `fallback`"


class Paused(CallFailed):
    """The Space is paused or broken; only its owner can change that."""

    code = "paused"
    advice = "only its owner can start it; choose another one"


class Missing(CallFailed):
    """There is no such Space or app, as far as this token can see."""

    code = "missing"
    advice = "see that its name is right"


class Drifted(CallFailed):
    """The Space no longer offers what it offered when it was described."""

    code = "drifted"
    advice = "see what it offers now: spacechain inspect"


class Unauthorized(CallFailed):
    """The place wants a token or a login that it did not get."""

    code = "unauthorized"


class OutOfQuota(CallFailed):
    """The caller's share of GPU time or credits is used up."""

    code = "out-of-quota"
    advice = "wait until there is more, or choose another place"


class Busy(CallFailed):
    """The queue is full, or no GPU became free."""

    code = "busy"
    advice = "try again later"


class RateLimited(CallFailed):
    """Too many requests in too short a time; `wait_s` says how long to wait if the place said so."""

    code = "rate-limited"
    advice = "ask less often"


class RejectedInput(CallFailed):
    """The place understood the call and refuses these arguments."""

    code = "rejected-input"


class Crashed(CallFailed):
    """The app raised an error, or died, while it worked on the call."""

    code = "crashed"
    advice = "change what it is given, or choose another place"


class Unreachable(CallFailed):
    """No connection, one that broke or fell silent, or an answer that is not the app's."""

    code = "unreachable"
    advice = "see that it runs and that its address is right; else try again later"


class HubUnreachable(Unreachable):
    """The Hub itself cannot be reached, so that none of its Spaces can: told once, and not for each of them.

    Attributes:
        host: the Hub's.
    """

    def __init__(self, place: str, doing: str, host: str, why: str, hint: str | None = None) -> None:
        hint = hint or f"is there a network? --local uses the studio, HF_ENDPOINT another Hub than {host}"
        super().__init__(
            place, f"{doing}: the Hub cannot be reached: no connection to {host}: {why}", hint=hint
        )
        self.host = host


class TimedOut(CallFailed):
    """The call exceeded one of its clocks: wake, queue or run."""

    code = "timed-out"
    advice = "allow more with `timeout`, or ask for less"


class InDoubt(CallFailed):
    """An earlier process sent this call and did not see its end, and the place knows nothing of it any more.

    Args:
        place: what was called.
        said: the place's own words.
    """

    code = "in-doubt"

    def __init__(self, place: str, said: str | None = None) -> None:
        message = f"{place} does not know the call any more that was under way when the run was cut off"
        super().__init__(place, message, said=said, hint="it may have been made, and is made again")


class BadOutput(CallFailed):
    """The app answered, but not with what its description promises."""

    code = "bad-output"
    advice = "try again, or choose another place"


class OverBound(BadOutput):
    """The answer is larger than is taken: too many bytes, files or levels; the next one would be, too."""

    advice = "ask for less at once"


class NothingWritten(BadOutput):
    """A chat ended without a text, and would again: thoughts took its tokens, or it wants a tool called."""


class UnexpectedAnswer(BadOutput):
    """The place answered in full, but in another shape than it promises; the same call would bring the same.

    Args:
        place: what was called.
        message: one line for the user: what came in place of what.
        answer: the whole answer, as JSON with files in it; it was paid for and is kept. None if there is
            nothing in it to keep.
        said: the answer in short, for the user.
        hint: what to do next.

    Attributes:
        answer: as above.
    """

    code = "unexpected-answer"
    advice = "see what it answered"

    def __init__(
        self, place: str, message: str, answer: object, *, said: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(place, message, said=said, hint=hint)
        self.answer = answer


class FileUnavailable(CallFailed):
    """The app answered, and a file that its answer names on another host cannot be had.

    Args:
        place: what was called.
        host: where the file is.
        name: the file's.
        why: what happened there, in words.
        said: that host's own words.
    """

    code = "file-unavailable"

    def __init__(self, place: str, host: str, name: str, why: str, said: str | None = None) -> None:
        message = f"{place} answered, but its file {name} at {host} cannot be had: {why}"
        hint = f"see whether {host} can be reached from here; {place} itself works"
        super().__init__(place, message, said=said, hint=hint)
        self.host = host


def nearest(name: str, offered: Iterable[str]) -> str | None:
    """The hint that names what the user may have meant, or lists what there is.

    Args:
        name: what the user wrote.
        offered: what exists; order is kept in the list.

    Returns:
        `did you mean 'x'?`, else `available: a, b, c` (at most 12), else None if nothing is offered.
    """
    names = [str(one) for one in offered]
    by_lower = {one.lower(): one for one in names}
    if (close := closest(name.lower(), by_lower)) is not None:
        return f"did you mean {by_lower[close]!r}?"
    if not names:
        return None
    more = f", … ({len(names)} in all)" if len(names) > 12 else ""  # noqa: PLR2004 - a line's worth
    return f"available: {', '.join(one[:_LONGEST_NAME] for one in names[:12])}{more}"


def closest(name: str, offered: Collection[str], cutoff: float = 0.6) -> str | None:
    """The name that is most like another; of very many, those of a like length count.

    To compare two names takes the product of their lengths, and names come from strangers, too; a long
    name is like none.

    Args:
        name: what somebody wrote.
        offered: what exists.
        cutoff: how alike they must be, from 0 to 1.
    """
    if len(name) > _LONGEST_NAME:
        return None
    names = [one for one in offered if len(one) <= _LONGEST_NAME]
    if len(names) > _MOST_NAMES:
        names = [one for one in names if abs(len(one) - len(name)) <= 1][:_MOST_NAMES]
    return next(iter(get_close_matches(name, names, n=1, cutoff=cutoff)), None)
