"""The state of a run as its events tell it, for whatever shows it: one row a step."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.engine.events import (
    CallSettled,
    CallTold,
    RunEvent,
    RunSettled,
    RunStarted,
    StepSettled,
    StepStarted,
)
from pipelines.engine.losses import losses_of
from pipelines.engine.results import Failed, Skipped, Succeeded
from spaces_registry.progress import (
    WARNING,
    CallEvent,
    FellBack,
    Held,
    Logged,
    Progress,
    Queued,
    Receiving,
    Retrying,
    Sending,
    Spent,
    Started,
    UsedUp,
    Waking,
    Written,
    Yielded,
)


@dataclass(slots=True)
class Row:
    """One step.

    Attributes:
        name: of the step.
        state: waiting, working, succeeded, partly (it went on without items that failed), failed or skipped.
        via: where it is performed.
        calls: how many calls it makes.
        done: how many of them have ended.
        failed: how many of those failed.
        now: what its place last said.
        fraction: 0 to 1, if the place tells.
        since: when it started, by the clock.
        seconds: how long it took, once it has ended.
        cached: whether no call was made.
    """

    name: str
    state: str = "waiting"
    via: str = ""
    calls: int = 1
    done: int = 0
    failed: int = 0
    now: str = ""
    fraction: float | None = None
    since: float = 0.0
    seconds: float = 0.0
    cached: bool = False


@dataclass(slots=True)
class Board:
    """All steps of a run."""

    rows: dict[str, Row] = field(default_factory=dict)
    status: str = "running"
    seconds: float = 0.0

    @classmethod
    def of(cls, steps: Sequence[str]) -> "Board":
        """A board on which every step waits."""
        return cls({name: Row(name) for name in steps})

    @property
    def has_begun(self) -> bool:
        """Whether anything came of any step."""
        return any(row.state != "waiting" or row.now for row in self.rows.values())

    def hear(self, event: RunEvent) -> None:
        """Bring the board up to date."""
        match event:
            case StepStarted(step=step, via=via, calls=calls):
                row = self._row(step)
                row.state, row.via, row.calls, row.since = "working", via, calls, time.monotonic()
            case CallTold(step=step, event=told):
                row = self._row(step)
                row.now, row.fraction = words(told), _fraction(told)
                if isinstance(told, FellBack):
                    row.via = told.to
            case CallSettled(step=step, ok=ok):
                row = self._row(step)
                row.done, row.failed = row.done + 1, row.failed + (not ok)
            case StepSettled(step=step, result=result):
                self._settle(self._row(step), result)
            case RunSettled(status=status, seconds=seconds):
                self.status, self.seconds = status, seconds
            case RunStarted():
                pass

    def _row(self, step: str) -> Row:
        """A step's row; one of a nested chain, `outer/inner`, gets its own below that of its step."""
        if step in self.rows:
            return self.rows[step]
        outer = step.rpartition("/")[0]
        names = [*self.rows]
        above = [place for place, name in enumerate(names) if name == outer or name.startswith(f"{outer}/")]
        names.insert(above[-1] + 1 if above else len(names), step)
        self.rows = {name: self.rows.get(name) or Row(name) for name in names}
        return self.rows[step]

    def _settle(self, row: Row, result: Succeeded | Failed | Skipped) -> None:
        row.fraction = None
        match result:
            case Succeeded():
                losses = [*losses_of(row.name, result)]
                row.state, row.seconds = "partly" if losses else "succeeded", result.seconds
                row.now = afterwards(result)
                row.via = result.calls[0].via if result.calls else row.via
                row.cached = bool(result.calls) and all(one.cached for one in result.calls)
            case Failed():
                row.state, row.seconds, row.now = "failed", result.seconds, result.error.message
            case Skipped():
                row.state, row.now = "skipped", result.because


def afterwards(result: Succeeded) -> str:
    """What is worth knowing of a step that succeeded: what it lost or warned of, and where it was refused."""
    warnings = dict.fromkeys(line for call in result.calls for line in call.warnings)
    told = (lost(result), *(f"warning: {line}" for line in warnings), detour(result))
    return "; ".join(one for one in told if one)


def lost(result: Succeeded) -> str:
    """The items that a step went on without, in words; empty if it has all."""
    return "; ".join(f"{one.step.lstrip('/')} {one.words}".strip() for one in losses_of("", result))


def detour(result: Succeeded) -> str:
    """What a step that succeeded was refused elsewhere, in a few words; empty if it went straight."""
    tried = [one for call in result.calls if call.failure is None for one in call.attempts]
    if not tried:
        return ""
    failures = ", ".join(dict.fromkeys(f"{one.via} {one.failure}" for one in tried if one.then != "retry"))
    return f"after {failures}" if failures else f"after {len(tried) + 1} tries"


def words(event: CallEvent) -> str:  # noqa: C901, PLR0911, PLR0912 - one case an event
    """What a place said, in a few words."""
    match event:
        case Held(limit=limit, wait_s=wait_s):
            why = f"held back ({limit})" if limit else "waiting for a free place"
            return why + (f", about {wait_s:.0f} s" if wait_s and wait_s >= 1 else "")
        case Retrying(failure=failure, wait_s=wait_s, attempt=attempt):
            return f"{failure}; try {attempt} " + (f"in {wait_s:.0f} s" if wait_s >= 1 else "now")
        case FellBack(place=place, failure="unexpected-answer", to=to, rests=False):
            return f"{place} answered in another shape than promised, which is kept; now {to}, paid as well"
        case FellBack(place=place, failure=failure, to=to, rests=rests):
            return f"{place} {'rests: ' if rests else ''}{failure}; now {to}"
        case Spent():
            return "paid"
        case Written(text=text):
            return text
        case UsedUp(wait_s=wait_s):
            return f"it takes no more calls for {wait_s:.0f} s"
        case Waking(stage=stage, waited_s=waited_s):
            since = f", {waited_s:.0f} s so far" if waited_s >= 1 else ""
            return f"waiting for the Space: {stage.lower().replace('_', ' ')}{since}"
        case Sending(name=name):
            return f"sending {name}"
        case Queued(position=position, eta_s=eta):
            place = "next in the queue" if position <= 0 else f"in the queue behind {position}"
            return place + (f", about {eta:.0f} s" if eta and eta >= 1 else "")
        case Started(eta_s=eta):
            return "working" + (f", about {eta:.0f} s" if eta and eta >= 1 else "")
        case Progress(description=description, done=done, total=total, unit=unit):
            counted = f"{_short(done)}/{_short(total)} {unit}".strip() if done is not None and total else ""
            return " ".join(one for one in (description, counted) if one) or "working"
        case Logged(level=level, message=message):
            return f"warning: {message}" if level == WARNING else message
        case Yielded(count=count):
            return f"result {count}"
        case Receiving(name=name):
            return f"receiving {name}"


def _short(number: float) -> str:
    """A count as people say it: whole, or to a tenth."""
    return f"{round(number, 1):.15g}"


def _fraction(event: CallEvent) -> float | None:
    return event.fraction if isinstance(event, Progress) else None
