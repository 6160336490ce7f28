"""Shows a run while it goes on: a line a step on a terminal, plain lines elsewhere, JSON for programs."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.cli.board import Board, Row, lost, words
from pipelines.cli.show import duration, result_json, safe, say
from pipelines.engine.events import (
    CallSettled,
    CallTold,
    RunEvent,
    RunListener,
    RunSettled,
    RunStarted,
    StepSettled,
    StepStarted,
    unheard,
)
from pipelines.engine.losses import losses_in
from pipelines.engine.results import Failed, Result, Skipped, Succeeded
from spaces_registry.progress import FellBack, Held, Logged, Progress, Retrying, Waking

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_MARKS = {
    "waiting": ("·", "dim"),
    "working": ("▸", "cyan"),
    "succeeded": ("✓", "green"),
    "partly": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
}
_PER_SECOND = 8
_WIDE = 70  # columns that hold a place's name and what it says
_SILENCE_S = 10.0  # after which a log hears of a step again
_INTEREST = ("working", "failed", "partly", "waiting")  # what is shown first where not all fits


def is_watched(*, quiet: bool) -> bool:
    """Whether a person sees the live view of a run."""
    return not quiet and sys.stderr.isatty()


@contextmanager
def watching(steps: Sequence[str], *, events: bool, quiet: bool) -> Iterator[RunListener]:
    """A listener for a run's events, shown in the way that fits where the output goes."""
    if events:
        yield _print_json
    elif quiet:
        yield unheard
    elif sys.stderr.isatty():
        with _live(steps) as listener:
            yield listener
    else:
        yield _Lines().hear


@contextmanager
def _live(steps: Sequence[str]) -> Iterator[RunListener]:
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    board = Board.of(steps)
    warnings: dict[tuple[str, Logged], None] = {}

    def hear(event: RunEvent) -> None:
        match event:
            case CallTold(step=step, event=Logged(level="warning") as told):
                warnings[step, told] = None
        board.hear(event)

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with Live(
        console=console,
        get_renderable=lambda: draw(board, console.width, console.height),
        refresh_per_second=_PER_SECOND,
    ) as live:
        try:
            yield hear
        except BaseException:
            live.transient = not board.has_begun  # rows that never come to anything would only stand there
            raise
    for step, told in warnings:  # a line of the board shows what came last, and this is to be read
        say(f"{step}: {safe(words(told))}")
    if board.status != "running":
        say(f"{board.status} in {duration(board.seconds)}")


def draw(board: Board, width: int, height: int = 1000) -> "Table":
    """The board as a table of one line a step that never wraps.

    Args:
        board: the run's state.
        width: of the terminal, in characters.
        height: of the terminal, in lines; where the steps are more, those that are done or wait are counted.
    """
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    lines = Table(box=None, show_header=False, padding=(0, 1, 0, 0), width=width, pad_edge=False)
    lines.add_column(width=1)
    lines.add_column(no_wrap=True, max_width=max(12, width // 4), overflow="ellipsis")
    lines.add_column(no_wrap=True, justify="right", min_width=8)
    lines.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
    rows, rest = _fitting([*board.rows.values()], height - 2)
    for row in rows:
        mark, style = _MARKS[row.state]
        lines.add_row(Text(mark, style), Text(row.name, style), Text(_time(row), "dim"), _detail(row, width))
    if rest:
        lines.add_row("", Text(rest, "dim"))
    return lines


def _fitting(rows: Sequence[Row], places: int) -> tuple[Sequence[Row], str]:
    """The rows to show, in the file's order, and the others in words; what works or failed comes first."""
    if len(rows) <= places:
        return rows, ""
    by_interest = sorted(rows, key=_interest)
    shown = {row.name for row in by_interest[: max(1, places - 1)]}
    hidden = [row.state for row in rows if row.name not in shown]
    counts = {state: hidden.count(state) for state in dict.fromkeys(hidden)}
    told = ", ".join(f"{number} {state}" for state, number in counts.items())
    return [row for row in rows if row.name in shown], f"… and {told}"


def _interest(row: Row) -> int:
    return _INTEREST.index(row.state) if row.state in _INTEREST else len(_INTEREST)


def _time(row: Row) -> str:
    match row.state:
        case "working":
            return duration(time.monotonic() - row.since)
        case "succeeded" | "partly" | "failed":
            return "kept" if row.cached else duration(row.seconds)
        case _:
            return ""


def _detail(row: Row, width: int) -> "Text":
    """Where a step is made and how far it is; on a narrow terminal, while it is made, only how far."""
    from rich.text import Text  # noqa: PLC0415

    with_place = row.state in ("succeeded", "partly") or (
        row.state == "working" and (width >= _WIDE or not row.now)
    )
    parts = [safe(row.via)] if row.via and with_place else []
    if row.calls > 1 and row.state != "partly":  # which says it in words
        parts.append(f"{row.done}/{row.calls}" + (f", {row.failed} failed" if row.failed else ""))
    if row.fraction is not None and row.state == "working":
        parts.append(_bar(row.fraction))
    if row.now:
        parts.append(safe(row.now))
    return Text("  ".join(parts), {"failed": "red", "partly": "yellow", "skipped": "dim"}.get(row.state, ""))


def _bar(fraction: float, cells: int = 12) -> str:
    full = round(max(0.0, min(1.0, fraction)) * cells)
    return "━" * full + "─" * (cells - full) + f" {fraction:4.0%}"


@dataclass(slots=True)
class _Lines:
    """Plain lines for logs: beginnings and ends, what a place says, how it wakes, at times how far it is."""

    said: dict[str, float] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)

    def hear(self, event: RunEvent) -> None:
        """Print what is worth a line."""
        match event:
            case StepStarted(step=step):
                self.said[step] = time.monotonic()
            case CallTold(step=step, event=Waking(stage=stage) as told):
                is_new, self.stages[step] = self.stages.get(step) != stage, stage
                if self._is_due(step) or is_new:
                    say(f"{step}: {safe(words(told))}")
            case CallTold(step=step, event=Progress() as told) if self._is_due(step):
                share = f"{told.fraction:.0%} " if told.fraction is not None else ""
                say(f"{step}: {share}{safe(words(told))}")
            case CallTold(step=step, event=Held(wait_s=wait_s) as told):
                if wait_s and wait_s >= _SILENCE_S and self._is_due(f"{step} is held"):
                    say(f"{step}: {safe(words(told))}")
            case _:
                pass
        _print_line(event)

    def _is_due(self, what: str) -> bool:
        is_due = time.monotonic() - self.said.get(what, 0.0) >= _SILENCE_S
        if is_due:
            self.said[what] = time.monotonic()
        return is_due


def _print_line(event: RunEvent) -> None:
    """One event as a line, if it is a beginning, an end, or words of a place."""
    match event:
        case RunStarted(chain=chain, run=run, folder=folder):
            say(f"run {run} of {safe(chain)}, in {safe(folder)}")
        case StepStarted(step=step, via=via, calls=calls):
            say(f"{step}: started at {safe(via)}" + (f", {calls} calls" if calls != 1 else ""))
        case CallTold(step=step, event=Logged() | Retrying() | FellBack() as told):
            say(f"{step}: {safe(words(told))}")
        case StepSettled(step=step, result=Succeeded() as result):
            kept = bool(result.calls) and all(one.cached for one in result.calls)
            ended = "kept from before" if kept else f"done in {duration(result.seconds)}"
            say(f"{step}: {ended}" + (f": {safe(missing)}" if (missing := lost(result)) else ""))
        case StepSettled(step=step, result=Failed() as result):
            say(f"{step}: failed: {safe(result.error.message)}")
        case StepSettled(step=step, result=Skipped() as result):
            say(f"{step}: skipped, {safe(result.because)}")
        case RunSettled(status=status, seconds=seconds):
            say(f"{status} in {duration(seconds)}")
        case _:
            pass


def _print_json(event: RunEvent) -> None:
    """One JSON object a line, for programs."""
    result_json(event_json(event), indent=None)


def event_json(event: RunEvent) -> dict[str, object]:
    """An event as JSON: `event` names it, the rest are its facts."""
    match event:
        case RunStarted():
            return {
                "event": "run-started",
                "run": event.run,
                "chain": event.chain,
                "folder": event.folder,
                "steps": list(event.steps),
            }
        case StepStarted():
            return {"event": "step-started", "step": event.step, "via": event.via, "calls": event.calls}
        case CallTold(event=told):
            facts = {name: getattr(told, name) for name in told.__dataclass_fields__}
            kind = type(told).__name__.lower()
            return {"event": "call-told", "step": event.step, "item": event.item, "told": kind, **facts}
        case CallSettled():
            return {
                "event": "call-settled",
                "step": event.step,
                "item": event.item,
                "ok": event.ok,
                "cached": event.cached,
            }
        case StepSettled():
            return {"event": "step-settled", "step": event.step, **_result_json(event.step, event.result)}
        case RunSettled():
            seconds = round(event.seconds, 3)
            return {"event": "run-settled", "run": event.run, "status": event.status, "seconds": seconds}


def _result_json(name: str, result: Result) -> dict[str, object]:
    match result:
        case Succeeded():
            told: dict[str, object] = {"status": "succeeded", "seconds": round(result.seconds, 3)}
            losses = [one.to_json() for one in losses_in({name: result})]
            return {**told, "lost": losses} if losses else told
        case Failed(error=error):
            facts = {"code": error.code, "message": error.message, "hint": error.hint}
            return {"status": "failed", "error": facts}
        case Skipped():
            return {"status": "skipped", "because": result.because}
