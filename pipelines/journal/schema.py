"""The journal's file: made, opened, and brought to the newest schema."""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from pipelines.journal.errors import JournalFailed, JournalTooNew
from pipelines.journal.journal import Journal
from pipelines.journal.writing import write_ahead, writing
from spaces_registry.disk import make_private

_PATIENCE_S = 10.0

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
    # `doubts` is no longer written or read: every file is read before it is used again
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
_MAGIC, _HEAD_BYTES = b"SQLite format 3\0", 20
_TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", "".join(_MIGRATIONS)))


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
            _require_whole(file)
            _make_private(file)
            connection = stack.enter_context(closing(sqlite3.connect(file, timeout=patience_s)))
        except (OSError, sqlite3.Error) as cause:
            raise JournalFailed(file, cause) from cause
        _prepare(connection, file, patience_s)
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


def _prepare(connection: sqlite3.Connection, file: Path, patience_s: float) -> None:
    try:
        write_ahead(connection, patience_s)
        connection.execute("PRAGMA synchronous = FULL")  # a result that was paid for survives a power cut
        version = _version(connection)
        _require_ours(connection, file, version)
        if version < SCHEMA_VERSION:
            _migrate(connection)
    except (sqlite3.Error, ValueError) as cause:  # a name that is garbled is no text
        raise JournalFailed(file, cause) from cause


def _require_whole(file: Path) -> None:
    """Refuse what SQLite would take for empty or for read-only, because of its first bytes."""
    if not file.is_file():
        return
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    if head:
        if not head.startswith(_MAGIC) or {*head[18:20]} - {1, 2}:
            raise JournalFailed(
                file, sqlite3.DatabaseError("it is damaged: its first bytes are not SQLite's")
            )
        return
    with suppress(FileNotFoundError):
        if file.with_name(f"{file.name}-wal").stat().st_size:  # SQLite would throw away what the log has
            raise JournalFailed(file, sqlite3.DatabaseError("it is damaged: it is empty, and its log is not"))


def _require_ours(connection: sqlite3.Connection, file: Path, version: int) -> None:
    """Refuse another program's database, one of a newer spacechain, and one whose version was garbled."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not version and not names:
        return  # a new one
    if not names >= {"sent", "received"}:
        raise JournalFailed(file, sqlite3.DatabaseError("it is damaged, or another program's"))
    if not 0 < version <= SCHEMA_VERSION:
        if _shape(connection) != _own_shape():
            raise JournalTooNew(file, version)
        raise JournalFailed(file, sqlite3.DatabaseError(f"it is damaged: {version} is no version of it"))
    if version == SCHEMA_VERSION and not names >= _TABLES:
        raise JournalFailed(file, sqlite3.DatabaseError("it is damaged: tables are missing"))


def _own_shape() -> frozenset[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(_MIGRATIONS))
        return _shape(connection)


def _shape(connection: sqlite3.Connection) -> frozenset[str]:
    """How a database's tables and indexes are defined."""
    return frozenset(sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema") if sql)


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
