"""Shows a batch while it goes on: one line on a terminal, plain lines elsewhere, JSON for programs."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.batch.batch import Hearer, Told
    from pipelines.batch.tally import Tally

_SILENCE_S = 10.0  # after which a log hears how far it is
_MOST_REASONS = 1000  # that are remembered


@contextmanager
def watching(*, as_json: bool) -> Iterator["Hearer"]:
    """What hears of the rows, in the way that fits where the output goes."""
    if as_json:
        yield _print_json
    elif sys.stderr.isatty():
        with _live() as hearer:
            yield hearer
    else:
        yield _Lines(_Reasons()).hear


def _print_json(told: "Told", tally: "Tally") -> None:
    from pipelines.batch.results import RowDone  # noqa: PLC0415

    del tally
    if isinstance(told, RowDone):
        print_line(told.to_json())


def print_line(document: object, *, is_last: bool = False) -> None:
    """One JSON object on a line of its own, at once; the last one says the version of all."""
    from pipelines.cli.show import result_json  # noqa: PLC0415

    result_json(document, indent=None, is_versioned=is_last)


@dataclass(slots=True)
class _Lines:
    """Plain lines for logs: what went wrong, and now and then how far it is."""

    reasons: "_Reasons"
    said_at: float = 0.0

    def hear(self, told: "Told", tally: "Tally") -> None:
        """Print what is worth a line."""
        from pipelines.batch.batch import Begun  # noqa: PLC0415
        from pipelines.cli.show import say  # noqa: PLC0415

        for line in self.reasons.lines(told):
            say(line)
        if isinstance(told, Begun):
            self.said_at = time.monotonic()
            say("1 row" if told.rows == 1 else f"{told.rows} rows")
        if time.monotonic() - self.said_at >= _SILENCE_S:
            self.said_at = time.monotonic()
            say(counts(tally))


@contextmanager
def _live() -> Iterator["Hearer"]:
    """One line on a terminal, with failures above it."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    bar = BarColumn(bar_width=20)
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        bar,
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        redirect_stdout=False,
    )
    with progress:
        reasons = _Reasons()
        task = progress.add_task("looking at the table", total=None)

        def hear(told: "Told", tally: "Tally") -> None:
            for line in reasons.lines(told):
                progress.console.print(line, soft_wrap=True)
            ended = tally.rows - tally.left
            progress.update(task, total=tally.rows, completed=ended, description=counts(tally))

        yield hear


class _Reasons:
    """What is worth a line of each row; a reason that many rows have, such as an app that is gone, once."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}

    def lines(self, told: "Told") -> list[str]:
        """What a person wants to read of a row at once."""
        from pipelines.batch.batch import Begun  # noqa: PLC0415
        from pipelines.cli.show import safe  # noqa: PLC0415

        if isinstance(told, Begun):
            return [f"note: {safe(one)}" for one in told.warnings]
        warnings = [f"row {told.row}: warning: {safe(one)}" for one in told.warnings]
        if told.error is None:
            return warnings
        message, code = str(told.error["message"]), told.error["code"]
        if len(self._first) < _MOST_REASONS:
            self._first.setdefault(message, told.row)
        if (first := self._first.get(message, told.row)) != told.row:
            return [*warnings, f"row {told.row} {told.status} as row {first} [{code}]"]
        hint = f"; {safe(str(told.error['hint']))}" if told.error["hint"] else ""
        return [*warnings, f"row {told.row} {told.status}: {safe(message)} [{code}]{hint}"]


def counts(tally: "Tally") -> str:
    """How far a batch is: `12 of 100 rows, 1 failed, 3.2 a second`."""
    from pipelines.cli.show import duration  # noqa: PLC0415

    parts = [f"{tally.succeeded + tally.skipped} of {tally.rows} rows done"]
    parts += [f"{tally.skipped} of them before"] if tally.skipped else []
    parts += [f"{tally.failed} failed"] if tally.failed else []
    ended = tally.succeeded + tally.failed
    if ended and tally.seconds:
        rate = ended / tally.seconds
        parts.append(f"{rate:.1f} a second" if rate >= 1 else f"{duration(1 / rate)} a row")
    return ", ".join(parts) + (f", in {duration(tally.seconds)}" if tally.seconds else "")
