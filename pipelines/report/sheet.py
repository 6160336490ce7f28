"""The page of a batch: what came of every row on one sheet, beside what it was made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from pipelines.batch.reading import Counts, RowRead, counts_of, rows_of, shared_inputs, status_of
from pipelines.household.listing import BatchRecord
from pipelines.report.command import batch_again
from pipelines.report.page import NAME, Reader, Shown
from pipelines.report.templates import duration, template, write_page

_MOST_ROWS = 2000  # a page of more opens slowly; all of them are in the results
_MOST_REASONS = 20
_MOST_NAMED = 12  # rows that one reason names
_PICTURES = ("img", "video")


@dataclass(frozen=True, slots=True)
class Card:
    """One row on the sheet.

    Attributes:
        row: its number, or `-`.
        status: as in `run.json`.
        seconds: how long it took, in words.
        inputs: in which it differs from other rows, by name.
        media: what it made to be looked at or listened to.
        rest: words and other files that it made, by output.
        error: why it did not succeed: message, hint and code.
        warnings: what whoever uses its outputs should know.
        page: the address of its run's own page, or empty.
    """

    row: str
    status: str
    seconds: str
    inputs: Sequence[tuple[str, str]]
    media: Sequence[Shown]
    rest: Sequence[tuple[str, Shown]]
    error: Mapping[str, str]
    warnings: Sequence[str]
    page: str

    @property
    def label(self) -> str:
        """What it is called, for who cannot see it."""
        told = ", ".join(text for _, text in self.inputs)
        return f"row {self.row}: {told}" if told else f"row {self.row}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows did not succeed: the words, what to do about it, and which rows."""

    message: str
    hint: str
    code: str
    rows: Sequence[str]
    more: int


def write_sheet(batch: BatchRecord) -> Path:
    """Write the page of a batch into its folder.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    return write_page(batch.entry.folder / NAME, sheet_html(batch))


def sheet_html(batch: BatchRecord) -> Iterator[str]:
    """The page in parts; everything in it that came from outside is escaped."""
    rows, counts = [*islice(rows_of(batch), _MOST_ROWS)], counts_of(batch)
    shared = shared_inputs(rows)
    reader = Reader(batch.entry.folder, str(batch.was_in))
    cards = [_card(batch, reader, one, shared) for one in rows]
    told, status = batch.told, status_of(batch)
    return template("sheet").generate(
        title=batch.entry.chain,
        run=batch.entry.run,
        table=Path(batch.table).name,
        status=status,
        counts=counts,
        parts=_parts(counts),
        seconds=duration(_number(told.get("seconds"))) if told else "",
        calls=int(_number(told.get("calls", sum(one.calls for one in rows)))),
        started=str(told.get("started", "")).replace("T", " ").replace("+00:00", " UTC"),
        reasons=_reasons(rows),
        shared=[(name, reader.input(one)) for name, one in shared.items()],
        cards=cards,
        is_of_pictures=any(one.tag in _PICTURES for card in cards for one in card.media),
        unbegun=max(0, counts.rows - len(rows)) if len(rows) < _MOST_ROWS else 0,
        unshown=max(0, counts.rows - len(rows)) if len(rows) == _MOST_ROWS else 0,
        again=batch_again(batch.document, batch.entry.run, is_done=status == "succeeded"),
        results=_beside(batch, batch.results),
    )


def _parts(counts: Counts) -> Sequence[tuple[str, float]]:
    """The shares of rows that succeeded and failed, in percent."""
    whole = max(1, counts.rows)
    parts = (("succeeded", counts.succeeded), ("failed", counts.failed))
    return [(name, round(100 * number / whole, 2)) for name, number in parts if number]


def _card(batch: BatchRecord, reader: Reader, row: RowRead, shared: Mapping[str, object]) -> Card:
    shown = [(name, one) for name, all_of in reader.outputs(row.outputs) for one in all_of]
    inputs = [(str(name), reader.input(one)) for name, one in row.inputs.items() if name not in shared]
    error = {part: str((row.error or {}).get(part) or "") for part in ("message", "hint", "code")}
    page = "" if row.folder is None else _beside(batch, row.folder / NAME)
    return Card(
        "-" if row.row is None else str(row.row),
        row.status,
        duration(row.seconds),
        [(name, text) for name, text in inputs if text],
        [one for _, one in shown if one.tag not in ("text", "file")],
        [(name, one) for name, one in shown if one.tag in ("text", "file")],
        error if row.error else {},
        [*row.warnings],
        page,
    )


def _reasons(rows: Sequence[RowRead]) -> Sequence[Reason]:
    """Why rows did not succeed, the most frequent reason first."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.error is not None:
            message, hint, code = (str(row.error.get(part) or "") for part in ("message", "hint", "code"))
            found.setdefault((message, hint, code), []).append("-" if row.row is None else str(row.row))
    most = sorted(found.items(), key=lambda one: -len(one[1]))[:_MOST_REASONS]
    return [Reason(*told, of[:_MOST_NAMED], max(0, len(of) - _MOST_NAMED)) for told, of in most]


def _beside(batch: BatchRecord, path: Path) -> str:
    """The address of a file in the batch's folder, relative to the page; empty if it is not there."""
    folder = batch.entry.folder
    if not (path.is_relative_to(folder) and path.is_file()):
        return ""
    return "./" + quote(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape"))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
