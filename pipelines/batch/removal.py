"""Removing a batch: its rows' runs, the files that it made, its results, and its record."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.artifacts.disk import storage
from pipelines.batch.reading import counts_of, rows_of
from pipelines.household.home import Home
from pipelines.household.housekeeping import Clearing, clearing, drop, remove_run
from pipelines.household.listing import ROWS, SETUP, BatchRecord
from pipelines.household.scratch import StillRunning
from pipelines.journal import Journal

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class BatchClearing:
    """A batch that is to go.

    Attributes:
        run: its id.
        folder: its folder.
        number: of its rows.
        rows: their runs; those of earlier tries, too.
        own: what it made beside them.
        others: what lies in its folder and is not of its making: it stays.
    """

    run: str
    folder: Path
    number: int
    rows: Sequence[Clearing]
    own: Sequence[Path]
    others: Sequence[Path]

    @property
    def files(self) -> Sequence[Path]:
        """All that goes."""
        return [*self.own, *(one for row in self.rows for one in row.files)]


def batch_clearing(home: Home, batch: BatchRecord) -> BatchClearing:
    """What removing a batch removes.

    Raises:
        StillRunning: it, or a run of it, is under way.
        StorageFailed: its folder cannot be read.
    """
    if batch.is_under_way:
        raise StillRunning(batch.entry.run)
    folder = batch.entry.folder
    rows = [clearing(home, one) for one in batch.rows()]
    made = {path for row in rows_of(batch) for path in _paths(row.outputs)}
    made |= {
        folder / SETUP,
        folder / PAGE,
        batch.results,
        batch.results.with_name(f".{batch.results.name}.lock"),
    }
    if (table := batch.path(batch.table)).name.startswith("table."):  # the rows of stdin
        made.add(table)
    of_rows = {path for row in rows for path in row.files}
    with storage(folder):
        every = [one for one in folder.rglob("*") if one.is_symlink() or not one.is_dir()]
    own = [one for one in every if one in made]  # never what lies elsewhere, whatever its record names
    others = [one for one in every if one not in made and one not in of_rows]
    return BatchClearing(batch.entry.run, folder, counts_of(batch).rows, rows, own, others)


def remove_batch(home: Home, journal: Journal, going: BatchClearing) -> None:
    """Remove a batch and its rows; what they made stays in the store, until it is pruned.

    Raises:
        StorageFailed: its folder cannot be written.
        JournalFailed: the journal cannot be written.
    """
    for row in going.rows:
        remove_run(home, journal, row, in_index=False)
    with storage(going.folder):
        folders = {
            folder for one in going.own for folder in one.parents if folder.is_relative_to(going.folder)
        }
        for one in sorted(
            going.own, key=lambda one: one.name == SETUP
        ):  # without it, it is no batch any more
            one.unlink(missing_ok=True)
        for folder in sorted({*folders, going.folder / ROWS, going.folder}, key=lambda one: -len(one.parts)):
            with suppress(OSError):  # something else lies in it
                folder.rmdir()
    if journal.is_alone:
        drop(home.runs, {going.run, *(row.run for row in going.rows)})


def _paths(value: object) -> Iterator[Path]:
    """The files that outputs name."""
    if isinstance(value, Mapping):
        if isinstance(path := value.get("path"), str):
            yield Path(path)
        for one in value.values():
            yield from _paths(one)
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one)
