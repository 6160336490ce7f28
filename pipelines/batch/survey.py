"""What a batch is to do, and the first look at its table: every row, before the first call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chains.model import Chain
from pipelines.artifacts import Store
from pipelines.batch.columns import Columns, InvalidTable
from pipelines.batch.names import ROW, Pattern, read_pattern
from pipelines.batch.table import BadTable, Row, Table, refuse_many
from spaces_registry.signature import Kind

_MOST_TOLD = 50  # problems of a table; who has more has seen enough
_FEWEST_DIGITS = 3
_TEXTS = (Kind.TEXT, Kind.CHOICE)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be done.

    Attributes:
        chain: run once a row.
        table: the rows.
        folder: where the rows' files go; the runs' own folders are below it, in `runs`.
        results: the table of results; `.csv` or `.jsonl`.
        inputs: the same for every row, by name, as text from a command line.
        renamed: column → input, where they are not of one name.
        name: the pattern that the rows' files are named by; None for row number and first text.
        workers: rows at once.
        first: number of the first row.
        last: number of the last row; None for all.
        fresh: make every call again, also of rows that are done.
        stop_after: begin no further row after so many failures; None to go on.
        asked: what is kept in its folder to go on with it: the words of its command.
        watch_signals: let SIGINT, SIGTERM and SIGHUP end the batch in good order (main thread only).
    """

    chain: Chain
    table: Table
    folder: Path
    results: Path
    inputs: Mapping[str, list[str]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    workers: int = 4
    first: int = 1
    last: int | None = None
    fresh: bool = False
    stop_after: int | None = None
    asked: Mapping[str, object] = field(default_factory=dict)
    watch_signals: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first look at a table found: how many rows are asked for, its columns, how files are named."""

    rows: int
    columns: tuple[str, ...]
    pattern: Pattern
    warnings: tuple[str, ...]


def survey(batch: Batch, columns: Columns, store: Store) -> Survey:
    """Look at every row, before the first call; blocking, call it in a worker thread.

    Raises:
        InvalidTable: with all that is wrong.
        BadTable: it cannot be read, or has no rows.
        BadPattern: the names of files cannot be made.
    """
    table = batch.table
    header = table.header()
    if header:
        columns.check_header(header)
    names, problems = dict.fromkeys(header), list[str]()
    count = rows = 0
    for row in table.rows():
        count += 1
        names |= dict.fromkeys(row.cells)
        refuse_many(table.name, len(names))
        if is_wanted(batch, row):
            rows += 1
            if len(problems) < _MOST_TOLD:
                problems += columns.problems(row, store)
    _refuse_empty(table, count, rows)
    if not header and not (problems and any(columns.input_of(one) for one in names)):
        columns.check_header([*names])
    if problems:
        raise InvalidTable(table.name, batch.chain.name, problems)
    pattern = _pattern(batch, columns, names, count)
    if misspelt := [*columns.misspelt([*names], pattern.columns)]:
        hint = "name it as the input, map it with --map COLUMN=INPUT, or leave it free with --map COLUMN="
        raise InvalidTable(table.name, batch.chain.name, misspelt, hint)
    return Survey(rows, (*names,), pattern, (*columns.likely_typos([*names], pattern.columns),))


def is_wanted(batch: Batch, row: Row) -> bool:
    """Whether a row is among those asked for."""
    return batch.first <= row.number and (batch.last is None or row.number <= batch.last)


def named(columns: Columns, row: Row) -> dict[str, object]:
    """What a name may be made of: shared inputs, the row's cells, the inputs that they are, its number."""
    inputs = {name: cell for one, cell in row.cells.items() if (name := columns.input_of(one)) is not None}
    shared = {name: one for name, one in columns.shared.items() if isinstance(one, str | int | float)}
    return {**shared, **inputs, **row.cells, ROW: row.number}


def _refuse_empty(table: Table, count: int, rows: int) -> None:
    if count == 0:
        raise BadTable(f"{table.name} has no rows", hint="it needs a line for each run")
    if rows == 0:
        counted = "1 row" if count == 1 else f"{count} rows"
        raise BadTable(f"{table.name} has {counted}, and none of them is asked for", hint="see --rows")


def _pattern(batch: Batch, columns: Columns, names: Mapping[str, None], count: int) -> Pattern:
    """How files are named; a format that does not fit a cell is told now."""
    written = batch.name if batch.name is not None else _usual_name(batch, count)
    pattern = read_pattern(written, [*dict.fromkeys((*names, *batch.chain.inputs))])
    if pattern.has_formats and batch.name is not None:
        for row in batch.table.rows():
            if is_wanted(batch, row):
                pattern.fill(named(columns, row))
    return pattern


def _usual_name(batch: Batch, count: int) -> str:
    """The row's number, and its first text."""
    digits = max(_FEWEST_DIGITS, len(str(count)))
    texts = (name for name, one in batch.chain.inputs.items() if one.kind in _TEXTS and not one.many)
    first = next(texts, None)
    return f"{{{ROW}:0{digits}}}" + (f"-{{{first}}}" if first else "")
