"""The rows of a batch as its folder tells them: its table of results, and the records of its runs."""

import csv
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.batch.results import INPUT, OUTPUT, OWN
from pipelines.household.history import Entry, Record, read_record
from pipelines.household.listing import ROWS, BatchRecord
from spaces_registry.network.decoding import read_back

_UNDONE = ("running", "interrupted")


@dataclass(frozen=True, slots=True)
class RowRead:
    """One row of a batch.

    Attributes:
        row: its number; None for one that an earlier version began and did not end.
        run: its run's id; None if it did not come to one.
        status: as in `run.json`.
        seconds: how long it took.
        inputs: its run's, by name; the table's cells where there is no run.
        outputs: by name, in the JSON shape of `run.json`; files where a person finds them.
        error: `code`, `message` and `hint`, or None.
        warnings: what whoever uses the outputs should know.
        folder: of its run, if that is still there.
        calls: how many were made for it.
    """

    row: int | None
    run: str | None
    status: str
    seconds: float
    inputs: Mapping[str, object] = field(default_factory=dict)
    outputs: Mapping[str, object] = field(default_factory=dict)
    error: Mapping[str, object] | None = None
    warnings: Sequence[str] = ()
    folder: Path | None = None
    calls: int = 0

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {
            "row": self.row,
            "run": self.run,
            "status": self.status,
            "seconds": self.seconds,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "error": self.error,
            "warnings": [*self.warnings],
            "folder": None if self.folder is None else str(self.folder),
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a batch are done.

    Attributes:
        rows: that were asked for.
        succeeded: of them.
        failed: of them.
    """

    rows: int
    succeeded: int
    failed: int

    @property
    def left(self) -> int:
        """Rows that have not ended."""
        return max(0, self.rows - self.succeeded - self.failed)

    def to_json(self) -> dict[str, int]:
        """The documented JSON shape."""
        return {"rows": self.rows, "succeeded": self.succeeded, "failed": self.failed, "left": self.left}


def counts_of(batch: BatchRecord) -> Counts:
    """How far a batch is; of one of an earlier version, by its table of results."""
    if told := batch.told:
        return Counts(_whole(told.get("rows")), _whole(told.get("succeeded")), _whole(told.get("failed")))
    ended = [str(one.get("status")) for one in _lines(batch.results)]
    good = sum(one == "succeeded" for one in ended)
    return Counts(len(ended), good, len(ended) - good)


def status_of(batch: BatchRecord) -> str:
    """How a batch went, or `running`; one whose process is gone without a last word was interrupted."""
    if batch.is_under_way:
        return "running"
    if told := str(batch.told.get("status") or ""):
        return "interrupted" if told == "running" else told
    counts = counts_of(batch)
    return "succeeded" if counts.rows and counts.succeeded == counts.rows else "failed"


def rows_of(batch: BatchRecord) -> Iterator[RowRead]:
    """The rows that have ended, in the order of the table, then those under way or interrupted."""
    known, ended = set[str](), set[int]()
    for told in _lines(batch.results):
        row = _read(batch, told)
        known |= {row.run} if row.run else set()
        ended |= {row.row} if row.row is not None else set()
        yield row
    undone: dict[object, Record] = {}
    for record in batch.rows():
        number = record.document.get("row")
        if record.status in _UNDONE and record.entry.run not in known and number not in ended:
            undone[record.entry.run if number is None else number] = record
    if status_of(batch) != "succeeded":
        yield from (_of_run(one) for one in undone.values())


def shared_inputs(rows: Sequence[RowRead]) -> Mapping[str, object]:
    """The inputs that all rows have alike; none of one row alone, which has nothing to differ from."""
    if len(rows) < 2:  # noqa: PLR2004 - a row and another
        return {}
    first, *others = rows
    return {
        name: value
        for name, value in first.inputs.items()
        if all(name in one.inputs and one.inputs[name] == value for one in others)
    }


def _lines(results: Path) -> Iterator[Mapping[str, object]]:
    """The lines of a table of results; what is none, such as one that is half written, is passed over."""
    with (
        suppress(OSError, csv.Error),
        results.open(encoding="utf-8-sig", newline="", errors="replace") as file,
    ):
        if results.suffix == ".csv":
            for told in csv.DictReader(file):
                if told.get("key") and str(told.get("row")).isdecimal():
                    yield {name: one for name, one in told.items() if isinstance(name, str)}
            return
        for line in file:
            with suppress(ValueError):
                told = read_back(line)
                if isinstance(told, dict) and "key" in told:
                    yield told


def _read(batch: BatchRecord, told: Mapping[str, object]) -> RowRead:
    run = str(told.get("run") or "") or None
    folder = None if run is None else batch.entry.folder / ROWS / Path(run).name
    record = None if folder is None or run is None else read_record(Entry(run, batch.entry.chain, folder))
    document = {} if record is None else record.document
    status = str(told.get("status") or "failed")
    return RowRead(
        _whole(told.get("row")),
        run,
        status,
        _seconds(told.get("seconds")),
        _mapping(document.get("inputs")) or _cells(told),
        _outputs(batch, told, _mapping(document.get("outputs"))) if status == "succeeded" else {},
        None if status == "succeeded" else _error(told, document),
        _warnings(document),
        None if record is None else folder,
        _calls(document),
    )


def _of_run(record: Record) -> RowRead:
    """A row of which only its run tells."""
    document, row = record.document, record.document.get("row")
    number = row if isinstance(row, int) else None
    why = _why(document)
    return RowRead(
        number,
        record.entry.run,
        record.status,
        _seconds(document.get("seconds")),
        _mapping(document.get("inputs")),
        {},
        why,
        (),
        record.entry.folder,
        _calls(document),
    )


def _cells(told: Mapping[str, object]) -> Mapping[str, object]:
    """The table's own columns."""
    if isinstance(inputs := told.get("inputs"), Mapping):
        return inputs
    own = {name: one for name, one in told.items() if name not in OWN and not name.startswith(OUTPUT)}
    return {name.removeprefix(INPUT): one for name, one in own.items() if one}


def _outputs(
    batch: BatchRecord, told: Mapping[str, object], made: Mapping[str, object]
) -> Mapping[str, object]:
    """A row's outputs, with its files under the names that the batch gave them, where these are there."""
    if isinstance(outputs := told.get("outputs"), Mapping):
        return {str(name): _moved(batch, one) for name, one in outputs.items()}
    cells = {name.removeprefix(OUTPUT): one for name, one in told.items() if name.startswith(OUTPUT) and one}
    if made:
        return {name: _named(batch, one, cells.get(name)) for name, one in made.items()}
    return {name: _plain(batch, str(one)) for name, one in cells.items()}


def _moved(batch: BatchRecord, output: object) -> object:
    match output:
        case Mapping():
            return {
                name: str(batch.path(one)) if name == "path" and isinstance(one, str) else _moved(batch, one)
                for name, one in output.items()
            }
        case list():
            return [_moved(batch, one) for one in output]
    return output


def _named(batch: BatchRecord, output: object, cell: object) -> object:
    """A run's output, with the path that its cell of the table says."""
    match output:
        case list() if isinstance(cell, str):
            try:
                cells = read_back(cell)
            except ValueError:
                return output
            pairs = zip(output, cells, strict=False) if isinstance(cells, list) else ()
            return [_named(batch, one, own) for one, own in pairs] if len(cells) == len(output) else output
        case {"path": str()} if isinstance(cell, str) and (there := batch.path(cell)).is_file():
            return {**_mapping(output), "path": str(there)}
    return output


def _plain(batch: BatchRecord, cell: str) -> object:
    """An output of which only its cell is left: a file that is there, or words."""
    with suppress(OSError, ValueError):
        path = batch.path(cell)
        if path.is_relative_to(batch.entry.folder) and path.is_file():
            mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            size = path.stat().st_size
            return {"kind": "file", "path": str(path), "mime": mime, "size_bytes": size}
    return {"kind": "text", "value": cell}


def _error(told: Mapping[str, object], document: Mapping[str, object]) -> Mapping[str, object]:
    """Why a row did not succeed: as its run tells it, else as the table does."""
    if isinstance(error := told.get("error"), Mapping):
        return error
    if (why := _why(document)) is not None:
        return why
    message, bracket, code = str(error or "").rpartition(" [")
    if bracket and code.endswith("]"):
        return {"code": code[:-1], "message": message, "hint": None}
    return {"code": "failed", "message": str(error or "it did not succeed"), "hint": None}


def _why(document: Mapping[str, object]) -> Mapping[str, object] | None:
    """The first step that failed, or the first output without a value, and why."""
    steps = _mapping(document.get("steps"))
    failed = {name: _mapping(_mapping(one).get("error")) for name, one in steps.items()}
    for name, error in (*failed.items(), *_mapping(document.get("unmade")).items()):
        if told := _mapping(error):
            message = f"{name}: {told.get('message')}"
            return {"code": told.get("code"), "message": message, "hint": told.get("hint")}
    return None


def _warnings(document: Mapping[str, object]) -> list[str]:
    told = {name: _mapping(one).get("warnings") for name, one in _mapping(document.get("steps")).items()}
    return [f"{name}: {line}" for name, lines in told.items() if isinstance(lines, list) for line in lines]


def _calls(document: Mapping[str, object]) -> int:
    return sum(_whole(_mapping(one).get("attempts")) for one in _mapping(document.get("steps")).values())


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 16 else 0  # noqa: PLR2004 - what fits


def _seconds(value: object) -> float:
    try:
        return float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        return 0.0
