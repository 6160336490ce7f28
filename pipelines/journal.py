"""The record of calls, in SQLite: what was asked, where, what came of it. Rows are added, never changed."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.artifacts import Artifact, Store
from spaces_registry.errors import ToolkitError

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
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
CREATE TABLE IF NOT EXISTS received (
    call    INTEGER PRIMARY KEY REFERENCES sent (call),
    key     TEXT NOT NULL,
    outputs TEXT,
    failure TEXT,
    said    TEXT,
    at      REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS received_key ON received (key, call) WHERE outputs IS NOT NULL;
"""


class JournalFailed(ToolkitError):
    """The journal cannot be read or written; going on would lose results."""

    code = "journal-failed"

    def __init__(self, file: Path, cause: Exception) -> None:
        super().__init__(
            f"the journal {file} cannot be used: {cause}",
            hint="free some space or make the folder writable, or name another one in SPACECHAIN_HOME",
        )


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be sent; journalled first, so that a crash leaves a trace."""

    run: str
    step: str
    item: int
    key: str
    place: str
    endpoint: str
    revision: str | None


class Journal:
    """One connection to the journal; use it from one thread.

    Args:
        connection: as `open_journal` makes it.
        file: where it lies, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._file = file

    def sent(self, intent: Intent) -> int:
        """Record a call before it is made; returns its number."""
        one = intent
        row = (one.run, one.step, one.item, one.key, one.place, one.endpoint, one.revision, time.time())
        return self._add(
            "INSERT INTO sent (run, step, item, key, place, endpoint, revision, at) VALUES (?,?,?,?,?,?,?,?)",
            row,
        )

    def received(self, call: int, key: str, outputs: Sequence[object]) -> None:
        """Record a call's outputs; their bytes must be in the store already."""
        text = json.dumps([_packed(one) for one in outputs], ensure_ascii=False)
        self._add(
            "INSERT INTO received (call, key, outputs, at) VALUES (?,?,?,?)", (call, key, text, time.time())
        )

    def failed(self, call: int, key: str, failure: str, said: str | None) -> None:
        """Record that a call yielded nothing, and why."""
        self._add(
            "INSERT INTO received (call, key, failure, said, at) VALUES (?,?,?,?,?)",
            (call, key, failure, said, time.time()),
        )

    def result(self, key: str, store: Store) -> tuple[object, ...] | None:
        """The newest outputs of a call with this key, if the store still has every file of them."""
        query = (
            "SELECT outputs FROM received WHERE key = ? AND outputs IS NOT NULL ORDER BY call DESC LIMIT 1"
        )
        with self._errors():
            row = self._connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        try:
            return tuple(_unpacked(one, store) for one in json.loads(row[0]))
        except (_Gone, ValueError):
            return None

    def _add(self, statement: str, row: tuple[object, ...]) -> int:
        with self._errors(), self._connection:
            return self._connection.execute(statement, row).lastrowid or 0

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as cause:
            raise JournalFailed(self._file, cause) from cause


@contextmanager
def open_journal(file: Path) -> Iterator[Journal]:
    """The journal at `file`, made if it is not there.

    Raises:
        JournalFailed: it cannot be opened, is damaged, or was written by a newer spacechain.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=10)
    except (OSError, sqlite3.Error) as cause:
        raise JournalFailed(file, cause) from cause
    try:
        _prepare(connection, file)
        yield Journal(connection, file)
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a result that was paid for survives a power cut
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            message = f"it was written by a newer spacechain (schema {version})"
            raise JournalFailed(file, ValueError(message))
        if version < _SCHEMA_VERSION:
            with connection:
                connection.executescript(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    except sqlite3.Error as cause:
        raise JournalFailed(file, cause) from cause


class _Gone(Exception):
    """The store no longer has a file of a recorded result."""


def _packed(value: object) -> object:
    """JSON in which a file stands under a key that no plain mapping is left with."""
    match value:
        case Artifact():
            return {"artifact": value.to_json()}
        case Mapping():
            return {"mapping": {str(name): _packed(one) for name, one in value.items()}}
        case None | bool() | int() | float() | str():
            return value
        case Sequence():
            return [_packed(one) for one in value]
        case _:
            raise TypeError(type(value).__name__)  # ours: runners return values only


def _unpacked(value: object, store: Store) -> object:
    match value:
        case {"artifact": Mapping() as facts}:
            if (artifact := Artifact.from_json(store, facts)) is None:
                raise _Gone
            return artifact
        case {"mapping": Mapping() as inner}:
            return {name: _unpacked(one, store) for name, one in inner.items()}
        case list():
            return tuple(_unpacked(one, store) for one in value)
        case _:
            return value
