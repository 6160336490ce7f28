"""The record of calls, in SQLite: what was asked, where, what came of it. Rows are added, never changed."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.artifacts import Artifact, Store
from spaces_registry.errors import ToolkitError
from spaces_registry.progress import Spent
from spaces_registry.signature import Json

NOTHING: Final = Spent()

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
)
_SCHEMA_VERSION = len(_MIGRATIONS)


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
    kind: str
    place: str
    endpoint: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended.

    Attributes:
        failure: its class, as the failure's code; None for a good one.
        at: when, in seconds since the epoch.
        until: until when the place asked to be left alone, or None.
    """

    failure: str | None
    at: float
    until: float | None


@dataclass(frozen=True, slots=True)
class Used:
    """What was used of one place on one day.

    Attributes:
        day: in UTC, e.g. `2026-11-21`.
        kind: `space`, `model`, `service`, `media`, `python` or `chain`.
        place: its address.
        calls: sent.
        failed: of them, those that yielded nothing; one whose end was not seen is not among them.
        gpu_s: seconds of ZeroGPU, as far as the answers said.
        usd: US dollars, as far as the answers said.
    """

    day: str
    kind: str
    place: str
    calls: int
    failed: int
    gpu_s: float
    usd: float


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
        row = (one.run, one.step, one.item, one.key, one.kind, one.place, one.endpoint, one.revision)
        return self._add(
            "INSERT INTO sent (run, step, item, key, kind, place, endpoint, revision, at)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            (*row, time.time()),
        )

    def job(self, call: int, key: str, told: Json) -> None:
        """Record how a call's work is found again; on disk before anybody waits for it."""
        self._add(
            "INSERT INTO jobs (call, key, told, at) VALUES (?,?,?,?)",
            (call, key, json.dumps(told), time.time()),
        )

    def unfinished(self, key: str) -> Json:
        """What was told of the newest job with this key whose end was not seen; None without one."""
        query = (
            "SELECT told FROM jobs WHERE key = ? AND call NOT IN (SELECT call FROM received)"
            " ORDER BY job DESC LIMIT 1"
        )
        row = self._one(query, (key,))
        told: Json = None if row is None else json.loads(row[0])
        return told

    def received(self, call: int, key: str, outputs: Sequence[object], spent: Spent = NOTHING) -> None:
        """Record a call's outputs; their bytes must be in the store already."""
        text = json.dumps([_packed(one) for one in outputs], ensure_ascii=False)
        self._add(
            "INSERT INTO received (call, key, outputs, gpu_s, usd, at) VALUES (?,?,?,?,?,?)",
            (call, key, text, spent.gpu_s, spent.usd, time.time()),
        )

    def failed(
        self,
        call: int,
        key: str,
        failure: str,
        said: str | None,
        *,
        wait_s: float | None = None,
        spent: Spent = NOTHING,
    ) -> None:
        """Record that a call yielded nothing, and why; `wait_s` is what the place asked for."""
        now = time.time()
        until = None if wait_s is None else now + wait_s
        self._add(
            "INSERT INTO received (call, key, failure, said, until, gpu_s, usd, at) VALUES (?,?,?,?,?,?,?,?)",
            (call, key, failure, said, until, spent.gpu_s, spent.usd, now),
        )

    def outcomes(self, place: str, most: int) -> tuple[Outcome, ...]:
        """How the newest calls at a place ended, the newest first, over all runs."""
        query = (
            "SELECT r.failure, r.at, r.until FROM sent s JOIN received r USING (call)"
            " WHERE s.place = ? ORDER BY s.at DESC, s.call DESC LIMIT ?"
        )
        return tuple(Outcome(*row) for row in self._all(query, (place, most)))

    def sent_at(self, place: str, since: float) -> tuple[float, ...]:
        """When calls were sent to a place since a moment (both in seconds since the epoch), oldest first."""
        query = "SELECT at FROM sent WHERE place = ? AND at > ? ORDER BY at"
        return tuple(row[0] for row in self._all(query, (place, since)))

    def expected(self, place: str, endpoint: str, last: int = 20) -> Spent:
        """What a call there took on average, of the last good ones that said so."""
        query = (
            "SELECT avg(gpu_s), avg(usd) FROM (SELECT r.gpu_s, r.usd FROM sent s JOIN received r USING (call)"
            " WHERE s.place = ? AND s.endpoint = ? AND r.outputs IS NOT NULL ORDER BY s.at DESC LIMIT ?)"
        )
        row = self._one(query, (place, endpoint, last))
        return NOTHING if row is None else Spent(*row)

    def used(self, since: float = 0.0) -> tuple[Used, ...]:
        """What was used since a moment (seconds since the epoch), by day and place, newest day first."""
        query = (
            "SELECT date(s.at, 'unixepoch') AS day, s.kind, s.place, count(*), count(r.failure),"
            " coalesce(sum(r.gpu_s), 0.0), coalesce(sum(r.usd), 0.0)"
            " FROM sent s LEFT JOIN received r USING (call) WHERE s.at > ?"
            " GROUP BY day, s.kind, s.place ORDER BY day DESC, s.kind, s.place"
        )
        return tuple(Used(*row) for row in self._all(query, (since,)))

    def result(self, key: str, store: Store) -> tuple[object, ...] | None:
        """The newest outputs of a call with this key, if the store still has every file of them."""
        query = (
            "SELECT outputs FROM received WHERE key = ? AND outputs IS NOT NULL ORDER BY call DESC LIMIT 1"
        )
        row = self._one(query, (key,))
        if row is None:
            return None
        try:
            return tuple(_unpacked(one, store) for one in json.loads(row[0]))
        except (_Gone, ValueError):
            return None

    def _add(self, statement: str, row: tuple[object, ...]) -> int:
        with self._errors(), self._connection:
            return self._connection.execute(statement, row).lastrowid or 0

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._errors():
            found: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return found

    def _all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._connection.execute(query, values).fetchall()

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
        for step in range(version, _SCHEMA_VERSION):
            _migrate(connection, step)
    except sqlite3.Error as cause:
        raise JournalFailed(file, cause) from cause


def _migrate(connection: sqlite3.Connection, step: int) -> None:
    """Bring the journal one version further, wholly or not at all, also where two processes want to."""
    script = f"BEGIN IMMEDIATE;{_MIGRATIONS[step]}PRAGMA user_version = {step + 1};COMMIT;"
    try:
        connection.executescript(script)
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        if connection.execute("PRAGMA user_version").fetchone()[0] <= step:
            raise  # else another process has done it meanwhile


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
