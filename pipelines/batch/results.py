"""The results table: a line a row as it ends, and what a batch knows of its earlier self."""

import csv
import fcntl
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipelines.artifacts import StorageFailed
from pipelines.batch.memory import Memory
from pipelines.batch.ordering import put_in_order
from pipelines.running.record import FileOutput, Output, ValueOutput, brief, output_json
from spaces_registry.errors import ToolkitError
from spaces_registry.network.decoding import read_back
from spaces_registry.plain import escaped, lines

OWN = ("row", "status", "run", "seconds", "error", "key")
OUTPUT, INPUT = "output.", "input."


class BadResults(ToolkitError):
    """The results file is another kind of file, or damaged before its end."""

    code = "bad-results"


class BatchRunning(ToolkitError):
    """Another process writes these results now."""

    code = "batch-running"


@dataclass(frozen=True, slots=True)
class RowDone:
    """How a row ended.

    Attributes:
        row: its number.
        status: `succeeded`, `failed` or `blocked`.
        run: its run's id; None if it did not come to one.
        seconds: how long it took.
        outputs: by the chain's names; files under the row's own name.
        error: `code`, `message` and `hint`, or None.
        key: what it asked for, as a hash.
        cells: of the table.
        warnings: what whoever uses the outputs should know.
    """

    row: int
    status: str
    run: str | None
    seconds: float
    outputs: Mapping[str, Output] = field(default_factory=dict)
    error: Mapping[str, object] | None = None
    key: str = ""
    cells: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape of a row."""
        return {
            "row": self.row,
            "run": self.run,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "outputs": {name: output_json(one) for name, one in self.outputs.items()},
            "error": self.error,
            **({"warnings": [*self.warnings]} if self.warnings else {}),
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """How results are written: as CSV with these columns, or as JSON Lines.

    Attributes:
        is_csv: which of the two.
        outputs: the chain's outputs.
        columns: of the table.
        folder: below which the rows' files are put.
    """

    is_csv: bool
    outputs: Sequence[str]
    columns: Sequence[str]
    folder: Path

    @property
    def header(self) -> list[str]:
        """The columns of the CSV file: ours, the outputs, the table's own."""
        return [*OWN, *(OUTPUT + one for one in self.outputs), *(_own(one) for one in self.columns)]

    def line(self, done: RowDone) -> str:
        """A row's line, with its end."""
        if not self.is_csv:
            told = {**done.to_json(), "inputs": dict(done.cells), "key": done.key}
            return escaped(json.dumps(told, ensure_ascii=False)) + "\n"
        error = lines(f"{done.error['message']} [{done.error['code']}]") if done.error else ""
        own = {**done.to_json(), "run": done.run or "", "error": error, "key": done.key}
        outputs = {OUTPUT + name: _cell(one) for name, one in done.outputs.items()}
        cells = {_own(name): _plain(one) for name, one in done.cells.items()}
        every = {**own, **outputs, **cells}
        return _csv_line([every.get(name, "") for name in self.header])


class Results:
    """The open results of one batch.

    Args:
        path: of the table.
        layout: how it is written.
        memory: learns which rows are done.
        file: the open table, at its end.
    """

    def __init__(self, path: Path, layout: Layout, memory: Memory, file: BinaryIO) -> None:
        self.path, self.layout = path, layout
        self._memory, self._file = memory, file
        self._replaces = False

    def is_done(self, key: str) -> bool:
        """Whether an earlier batch did a row that asks for this; each of its lines counts for one row."""
        return self._memory.take("done", key)

    def add(self, done: RowDone) -> None:
        """Write a row's line, whole and at once.

        Raises:
            StorageFailed: the disk is full.
        """
        if self._memory.counted("stale", done.key):
            self._memory.count("replaced", done.key)
            self._replaces = True
        try:
            self._file.write(self.layout.line(done).encode("utf-8", "replace"))
            self._file.flush()
        except OSError as cause:
            raise StorageFailed(self.path, cause) from cause

    def tidy(self) -> None:
        """Drop the earlier lines of rows that were done again; put the others in the table's order."""
        if self._replaces:
            _rewrite(self.path, self.layout, lambda at, told: not self._is_replaced(at, told))
        put_in_order(self.path, is_csv=self.layout.is_csv)

    def _is_replaced(self, at: int, told: Mapping[str, object]) -> bool:
        stale = self._memory.counted("stale line", str(at))
        return stale > 0 and self._memory.counted("replaced", str(told["key"])) > 0


@contextmanager
def open_results(path: Path, layout: Layout, memory: Memory, *, forget: bool = False) -> Iterator[Results]:
    """Open a results table to go on with it; a last line that a killed batch left torn is removed.

    Args:
        path: of the table; made if it is not there.
        layout: how it is written.
        memory: learns which rows are done.
        forget: whether no row counts as done.

    Raises:
        BatchRunning: another process writes it.
        BadResults: it is no such table.
        StorageFailed: it cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("a") as held:
            _take(held.fileno(), path)
            _mend(path, layout)
            for at, told in enumerate(_lines(path, layout)):
                done = _is_done(told, layout) and not forget
                memory.count("done" if done else "stale", str(told["key"]))
                if not done:
                    memory.count("stale line", str(at))
            with path.open("ab") as file:
                results = Results(path, layout, memory, file)
                try:
                    yield results
                finally:
                    results.tidy()
    except (UnicodeDecodeError, csv.Error) as cause:
        hint = "mend it by hand, or move it away: what is kept is not asked for again"
        raise BadResults(f"{path} is damaged: {cause}", hint=hint) from cause
    except OSError as cause:
        raise StorageFailed(path, cause) from cause


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"another batch is writing {path} now"
        raise BatchRunning(
            message, hint="wait for it, or give this one another --results and --out"
        ) from None


def _mend(path: Path, layout: Layout) -> None:
    """Make the table whole: its header, and nothing behind its last whole line."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(_whole_bytes(file, quotes=layout.is_csv))
    if not path.exists() or path.stat().st_size == 0:
        path.write_text(_csv_line(layout.header) if layout.is_csv else "", encoding="utf-8")
    elif layout.is_csv:
        with path.open(encoding="utf-8-sig", newline="") as text:
            found = next(csv.reader(text), [])
        if not set(OWN) <= set(found):
            hint = "name another file with --results, or move this one away"
            raise BadResults(f"{path} is not the results of a batch", hint=hint)
        if found != layout.header:
            _rewrite(path, layout, lambda at, told: True)  # noqa: ARG005


def _whole_bytes(file: BinaryIO, *, quotes: bool) -> int:
    """Up to where a table is whole: the last line end that does not stand in quotes."""
    whole = size = marks = 0
    for line in file:
        size += len(line)
        marks += line.count(b'"') if quotes else 0
        if line.endswith(b"\n") and marks % 2 == 0:
            whole = size
    return whole


def _lines(path: Path, layout: Layout) -> Iterator[Mapping[str, object]]:
    """The lines of a whole table, as they are written."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if layout.is_csv:
            for cells in csv.DictReader(file):  # those beyond the header have no name
                yield {name: one for name, one in cells.items() if isinstance(name, str)}
            return
        for number, line in enumerate(file, start=1):
            try:
                told = read_back(line)
            except ValueError:
                told = None
            if not isinstance(told, dict) or "key" not in told:
                hint = "name another file with --results, or move this one away"
                raise BadResults(f"{path} is not the results of a batch, at line {number}", hint=hint)
            yield told


def _is_done(told: Mapping[str, object], layout: Layout) -> bool:
    """Whether a line's row succeeded, and its files still lie where they were put."""
    return told.get("status") == "succeeded" and all(Path(one).exists() for one in _files(told, layout))


def _files(told: object, layout: Layout) -> Iterator[str]:
    match told:
        case str() if told.startswith(str(layout.folder)) and "\n" not in told:
            yield told
        case str() if told.startswith("["):
            try:
                yield from _files(read_back(told), layout)
            except ValueError:
                return
        case {"path": str() as path}:
            yield path
        case {"outputs": dict() as outputs}:
            yield from _files(outputs, layout)
        case dict() if "status" in told:
            yield from _files([one for name, one in told.items() if name.startswith(OUTPUT)], layout)
        case {"kind": _, "value": _}:
            return
        case dict():
            yield from _files([*told.values()], layout)
        case list():
            for one in told:
                yield from _files(one, layout)
        case _:
            return


def _rewrite(path: Path, layout: Layout, keep: Callable[[int, Mapping[str, object]], bool]) -> None:
    """Write the table anew with some of its lines, beside it; then put it in its place."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            file.write(_csv_line(layout.header) if layout.is_csv else "")
            for at, told in enumerate(_lines(path, layout)):
                if not keep(at, told):
                    continue
                if layout.is_csv:
                    file.write(_csv_line([told.get(name) or "" for name in layout.header]))
                else:
                    file.write(escaped(json.dumps(told, ensure_ascii=False)) + "\n")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _csv_line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _own(column: str) -> str:
    """A column of the table, kept apart from ours."""
    return INPUT + column if column in OWN or column.startswith(OUTPUT) else column


def _cell(output: Output) -> str:
    match output:
        case FileOutput():
            return str(output.path)
        case ValueOutput():
            return _plain(output.value)
        case tuple():
            return json.dumps([_item(one) for one in output], ensure_ascii=False, default=str)


def _item(output: Output) -> object:
    """An item of a list as JSON: a number stays a number, a file is its path."""
    return brief(output.value) if isinstance(output, ValueOutput) else _cell(output)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(brief(value), ensure_ascii=False, default=str)
