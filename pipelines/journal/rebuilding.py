"""A new journal in place of a damaged one, of what can be read of it, and of what runs' records prove."""

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipelines.artifacts import artifacts_in
from pipelines.artifacts.disk import flush_folder
from pipelines.journal.errors import JournalFailed
from pipelines.journal.packing import facts, packed_text
from pipelines.journal.salvage import COLUMNS, Found, checkpointed, salvage
from pipelines.journal.schema import open_journal


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of a damaged journal.

    Attributes:
        aside: where it is now.
        saved: how many rows of each table were saved.
        lost: how many calls are known to be missing, by their numbers.
    """

    aside: Path
    saved: Mapping[str, int]
    lost: int


@dataclass(frozen=True, slots=True)
class Proven:
    """A result that a run's record and the store prove.

    Attributes:
        run: which run.
        step: which of its steps.
        item: which of the step's calls.
        key: the question.
        kind: the kind of place.
        place: its address.
        endpoint: what was called.
        revision: in which state.
        outputs: files as artifacts.
        at: when, in seconds since the epoch.
    """

    run: str
    step: str
    item: int
    key: str
    kind: str
    place: str
    endpoint: str
    revision: str | None
    outputs: Sequence[object] = field(repr=False)
    at: float


def rebuild(file: Path) -> Rebuilt:
    """Put a damaged journal aside and make a new one of what can be read of it.

    Dying at any moment of it leaves the damaged one, or the new one, or a new one that is named `.new` and is
    read the next time.

    Raises:
        JournalFailed: the folder cannot be written.
    """
    new = file.with_name(f"{file.name}.new")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".repair-") as folder:
            fresh = Path(folder) / "journal.db"
            saved, lost = _fill(fresh, [*_rows(file, Path(folder)), *_rows_of(new)])
            fresh.replace(new)
        aside = _put_aside(file)
        new.replace(file)
        flush_folder(file.parent)
    except (OSError, sqlite3.Error) as cause:
        raise JournalFailed(file, cause) from cause
    return Rebuilt(aside, saved, lost)


def restore(file: Path, proven: Iterator[Proven]) -> int:
    """Record results that the journal does not have; returns how many.

    Raises:
        JournalFailed: the journal cannot be written.
    """
    with open_journal(file):
        pass
    restored = 0
    try:
        with closing(sqlite3.connect(file)) as connection, connection:
            for one in proven:
                restored += _restore(connection, one)
    except sqlite3.Error as cause:
        raise JournalFailed(file, cause) from cause
    return restored


def _restore(connection: sqlite3.Connection, one: Proven) -> bool:
    known = "SELECT 1 FROM received WHERE key = ? AND outputs IS NOT NULL LIMIT 1"
    if connection.execute(known, (one.key,)).fetchone() is not None:
        return False
    # an answer whose call was lost keeps its number, which no other call may get
    last = (
        "SELECT max(coalesce((SELECT max(call) FROM sent), 0), coalesce((SELECT max(call) FROM received), 0))"
    )
    call = connection.execute(last).fetchone()[0] + 1
    called = (one.run, one.step, one.item, one.key, one.kind, one.place, one.endpoint, one.revision, one.at)
    connection.execute(
        "INSERT INTO sent (call, run, step, item, key, kind, place, endpoint, revision, at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        (call, *called),
    )
    text = packed_text(one.outputs)
    received = (call, one.key, text, one.at)
    connection.execute("INSERT INTO received (call, key, outputs, at) VALUES (?,?,?,?)", received)
    connection.executemany(
        "INSERT INTO artifacts (sha256, size_bytes, run, call, kind, mime, name, at)"
        " VALUES (?,?,?,?,?,?,?,?)",
        [(*its[:2], one.run, call, *its[2:], one.at) for its in map(facts, artifacts_in(one.outputs))],
    )
    return True


def _rows(file: Path, folder: Path) -> Iterator[Found]:
    """The rows of the file as it lies there, and of a copy that SQLite brought its log into, if it could."""
    if not file.is_file():
        return
    copy = folder / "damaged.db"
    shutil.copyfile(file, copy)
    with suppress(FileNotFoundError):
        shutil.copyfile(_log(file), _log(copy))
    if checkpointed(copy):
        yield from salvage(copy)
    yield from salvage(file)


def _rows_of(file: Path) -> Iterator[Found]:
    if file.exists():
        yield from salvage(file)


def _fill(fresh: Path, found: Sequence[Found]) -> tuple[Mapping[str, int], int]:
    with open_journal(fresh):
        pass
    with closing(sqlite3.connect(fresh)) as connection:
        with connection:
            for table, columns in COLUMNS.items():
                names, marks = ", ".join(columns), ",".join("?" * len(columns))
                is_numbered = columns[0] in ("call", "job")
                rows = [(one.rowid, *one.row) for one in found if one.table == table]
                if is_numbered:  # by the row's own number
                    rows = [row[1:] for row in rows]
                else:
                    names, marks = f"rowid, {names}", f"?,{marks}"
                into = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - ours
                connection.executemany(into, rows)
        saved = Counter(
            {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
                for table in COLUMNS
            }
        )
        newest = max(
            connection.execute(f"SELECT coalesce(max(call), 0) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            for table in ("sent", "received", "jobs", "artifacts")
        )
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, whole, to be renamed
    return saved, newest - saved["sent"]


def _put_aside(file: Path) -> Path:
    aside = _unused(file.with_name(f"{file.name}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}"))
    if file.is_dir():
        file.rename(aside)
        return aside
    try:
        os.link(file, aside)
    except OSError:  # a file system without links
        shutil.copyfile(file, aside)
    with suppress(FileNotFoundError):  # a log that lies beside another journal would be taken for its own
        _log(file).replace(_log(aside))
    file.with_name(f"{file.name}-shm").unlink(missing_ok=True)
    return aside


def _unused(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number, free = number + 1, path.with_name(f"{path.name}-{number + 1}")
    return free


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")
