"""The journal's file: made, opened, and brought to the newest schema."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from pipelines.journal.errors import JournalFailed, JournalTooNew
from pipelines.journal.journal import Journal
from pipelines.journal.writing import write_ahead, writing
from spaces_registry.disk import make_private

_PATIENCE_S = 10.0
_DOUBTED_S = 60.0  # before a power cut; disks that lie about what they hold do not lie for longer

# what each schema version adds to the one before; a journal is brought from its own version to the newest
_MIGRATIONS = (
    """
    CREATE TABLE sent (
        call     INTEGER PRIMARY KEY,
        run      TEXT NOT NULL,
        step     TEXT NOT NULL,
        item     INTEGER NOT NULL,
        key      TEXT NOT NULL,
        place    TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        revision TEXT,
        at       REAL NOT NULL
    );
    CREATE TABLE received (
        call    INTEGER PRIMARY KEY REFERENCES sent (call),
        key     TEXT NOT NULL,
        outputs TEXT,
        failure TEXT,
        said    TEXT,
        at      REAL NOT NULL
    );
    CREATE INDEX received_key ON received (key, call) WHERE outputs IS NOT NULL;
    """,
    """
    ALTER TABLE sent ADD COLUMN kind TEXT NOT NULL DEFAULT 'space';
    ALTER TABLE received ADD COLUMN gpu_s REAL;
    ALTER TABLE received ADD COLUMN usd REAL;
    ALTER TABLE received ADD COLUMN until REAL;
    CREATE INDEX sent_place ON sent (place, at);
    CREATE TABLE jobs (
        job  INTEGER PRIMARY KEY,
        call INTEGER NOT NULL REFERENCES sent (call),
        key  TEXT NOT NULL,
        told TEXT NOT NULL,
        at   REAL NOT NULL
    );
    CREATE INDEX jobs_key ON jobs (key, job);
    """,
    # turns are counted by every name that a limit may speak of; what was sent in the last day counts already
    """
    CREATE TABLE turns (
        name TEXT NOT NULL,
        at   REAL NOT NULL
    );
    CREATE INDEX turns_name ON turns (name, at);
    CREATE INDEX received_until ON received (until) WHERE until IS NOT NULL;
    INSERT INTO turns (name, at)
        SELECT lower(place), at FROM sent
        WHERE kind NOT IN ('media', 'python', 'chain') AND at > strftime('%s', 'now') - 86400;
    """,
    # what a run needs to go on after its process died, and which of them needs which file of the store
    """
    ALTER TABLE received ADD COLUMN work_s REAL;
    CREATE TABLE runs (
        run     TEXT PRIMARY KEY,
        chain   TEXT NOT NULL,
        file    TEXT NOT NULL,
        beside  TEXT NOT NULL,
        text    TEXT NOT NULL,
        folder  TEXT NOT NULL,
        inputs  TEXT NOT NULL,
        options TEXT NOT NULL,
        at      REAL NOT NULL
    );
    CREATE TABLE happened (
        run     TEXT NOT NULL REFERENCES runs (run),
        what    TEXT NOT NULL,
        step    TEXT,
        told    TEXT,
        at      REAL NOT NULL
    );
    CREATE INDEX happened_run ON happened (run);
    CREATE TABLE artifacts (
        sha256     TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        run        TEXT NOT NULL,
        call       INTEGER REFERENCES sent (call),
        kind       TEXT NOT NULL,
        mime       TEXT NOT NULL,
        name       TEXT NOT NULL,
        at         REAL NOT NULL
    );
    CREATE INDEX artifacts_sha256 ON artifacts (sha256);
    CREATE INDEX artifacts_run ON artifacts (run);
    CREATE INDEX sent_run ON sent (run, step, item);
    CREATE INDEX sent_key ON sent (key);
    """,
    # when the machine went down in the middle of work: files that were made just before are read before use
    """
    CREATE TABLE doubts (
        since REAL NOT NULL,
        until REAL NOT NULL
    );
    CREATE INDEX artifacts_call ON artifacts (call) WHERE call IS NOT NULL;
    """,
    # what of a call's arguments can decide how long it takes: comparable calls tell when a result is there
    """
    ALTER TABLE sent ADD COLUMN size TEXT;
    """,
    # whole answers of a shape that was not expected: paid for, and read once the chain is mended
    """
    CREATE TABLE unexpected (
        call   INTEGER PRIMARY KEY REFERENCES sent (call),
        key    TEXT NOT NULL,
        asked  TEXT NOT NULL,
        answer TEXT NOT NULL,
        why    TEXT NOT NULL,
        at     REAL NOT NULL
    );
    CREATE INDEX unexpected_key ON unexpected (key);
    CREATE INDEX unexpected_asked ON unexpected (asked) WHERE asked != '';
    """,
)
SCHEMA_VERSION = len(_MIGRATIONS)


@contextmanager
def open_journal(file: Path, *, patience_s: float = _PATIENCE_S, alone: bool = False) -> Iterator[Journal]:
    """The journal at `file`, made if it is not there, readable by its owner alone.

    Args:
        file: where.
        patience_s: how long to wait for others while none of them finishes what it writes.
        alone: let nobody else open it meanwhile, if nobody has it open now: see `Journal.is_alone`.

    Raises:
        JournalFailed: it cannot be opened, is damaged, or was written by a newer spacechain.
    """
    with ExitStack() as stack:
        try:
            make_private(file.parent)
            is_alone = stack.enter_context(_at_work(file.parent, alone=alone))
            _make_private(file)
            went_down_at = _went_down_at(file)
            connection = stack.enter_context(closing(sqlite3.connect(file, timeout=patience_s)))
        except (OSError, sqlite3.Error) as cause:
            raise JournalFailed(file, cause) from cause
        _prepare(connection, file, went_down_at, patience_s)
        yield Journal(connection, file, is_alone=is_alone)


@contextmanager
def _at_work(folder: Path, *, alone: bool) -> Iterator[bool]:
    """Hold a folder together with others who work in it, or alone if nobody does; yields which."""
    handle, is_alone = os.open(folder, os.O_RDONLY), False
    try:
        if alone:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_alone = True
        if not is_alone:
            with suppress(OSError):  # a file system without locks: then nobody is ever alone
                fcntl.flock(handle, fcntl.LOCK_SH)
        yield is_alone
    finally:
        os.close(handle)


def _make_private(file: Path) -> None:
    """Prompts and results are nobody else's; the files that SQLite puts beside this one get its mode."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            with suppress(OSError):  # somebody else's file, or a file system without modes
                os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _went_down_at(file: Path) -> float | None:
    """When the machine went down while somebody wrote here; None if it did not, or somebody looked already.

    The last one to close the journal removes its log. A log that is there and older than this machine's boot
    was left by nobody who closed.
    """
    try:
        found = file.with_name(f"{file.name}-wal").stat()
        booted_at = time.time() - time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    except OSError:
        return None
    return found.st_mtime if found.st_size and found.st_mtime < booted_at else None


def _prepare(
    connection: sqlite3.Connection, file: Path, went_down_at: float | None, patience_s: float
) -> None:
    try:
        write_ahead(connection, patience_s)
        connection.execute("PRAGMA synchronous = FULL")  # a result that was paid for survives a power cut
        if (version := _version(connection)) > SCHEMA_VERSION:
            raise JournalTooNew(file, version)
        if version < SCHEMA_VERSION:
            _migrate(connection)
        if went_down_at is not None:
            with writing(connection):
                doubt = (went_down_at - _DOUBTED_S, went_down_at + 1.0)
                connection.execute("INSERT INTO doubts (since, until) VALUES (?,?)", doubt)
    except sqlite3.Error as cause:
        raise JournalFailed(file, cause) from cause


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the journal to the newest version, wholly or not at all, also where several processes want to."""
    with writing(connection):
        for script in _MIGRATIONS[_version(connection) :]:  # another process may have done it meanwhile
            for statement in script.split(";"):
                connection.execute(statement)
        if _version(connection) < SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
