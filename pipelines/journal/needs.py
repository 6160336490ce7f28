"""Which runs need which files of the store, for whoever clears away."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.journal.rows import Rows, maybe, moment, path, text, whole
from pipelines.journal.writing import writing


@dataclass(frozen=True, slots=True)
class Use:
    """What the journal says of a file.

    Attributes:
        runs: that were given it, made it, or built on it.
        is_result: whether it is of a result that may be used again.
        kind: image, audio, ….
        used_at: when it was last made, given or built on, in seconds since the epoch.
    """

    runs: frozenset[str]
    is_result: bool
    kind: str
    used_at: float


class Needs:
    """The needs of one journal's runs; use it from the journal's thread.

    Args:
        connection: the journal's.
        file: where it lies, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._rows = Rows(connection, file)

    def uses(self) -> Mapping[str, Use]:
        """What is known of each file, by its SHA-256."""
        query = (
            "SELECT a.sha256, group_concat(DISTINCT a.run), max(r.outputs IS NOT NULL), max(a.kind),"
            " max(a.at) FROM artifacts a LEFT JOIN received r USING (call) GROUP BY a.sha256"
        )
        rows = self._rows.all(query, (), text, text, maybe(whole), text, moment)
        return {
            sha256: Use(frozenset(runs.split(",")), bool(is_result), kind, at)
            for sha256, runs, is_result, kind, at in rows
        }

    def folders(self) -> Mapping[str, str]:
        """The folder of each run that is known."""
        rows = self._rows.all("SELECT run, folder FROM runs", (), text, path)
        return {run: os.fsdecode(folder) for run, folder in rows}

    def newest(self) -> int:
        """A mark: what is recorded from now on is `since` it."""
        found = self._rows.first("SELECT coalesce(max(rowid), 0) FROM artifacts", (), whole)
        return 0 if found is None else int(found[0])

    @contextmanager
    def still(self, since: int) -> Iterator[frozenset[str]]:
        """Let nobody record a need meanwhile; yields the files whose need was recorded since a mark."""
        with self._rows.errors():
            writing(self._connection)
            try:
                rows = self._connection.execute("SELECT sha256 FROM artifacts WHERE rowid > ?", (since,))
                yield frozenset(sha256 for (sha256,) in rows.fetchall())
            finally:
                self._connection.rollback()

    def forget(self, run: str) -> None:
        """Forget how a run was begun, with what, and what happened in it; its calls and results stay."""
        with self._rows.errors():
            self._connection.execute("PRAGMA secure_delete = ON")  # inputs are the user's own words
            with writing(self._connection) as connection:
                connection.execute("DELETE FROM runs WHERE run = ?", (run,))
                connection.execute("DELETE FROM happened WHERE run = ?", (run,))
                connection.execute("DELETE FROM artifacts WHERE run = ? AND call IS NULL", (run,))
