"""What a batch must remember of every row, on the disk: a million rows take no more memory than ten."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.artifacts import StorageFailed


class Memory:
    """Counts by name, for any thread.

    Args:
        connection: as `open_memory` makes it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()

    def count(self, what: str, name: str) -> int:
        """Add one to a count; returns what it is now, 1 for the first."""
        with self._turn, _errors():
            row = self._connection.execute(
                "INSERT INTO counts VALUES (?, ?, 1)"
                " ON CONFLICT (what, name) DO UPDATE SET number = number + 1 RETURNING number",
                (what, name),
            ).fetchone()
        return int(row[0])

    def counted(self, what: str, name: str) -> int:
        """A count as it is, 0 for a name that was never counted."""
        with self._turn, _errors():
            row = self._connection.execute(
                "SELECT number FROM counts WHERE what = ? AND name = ?", (what, name)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def take(self, what: str, name: str) -> bool:
        """Take one off a count; False if there is none left."""
        with self._turn, _errors():
            done = self._connection.execute(
                "UPDATE counts SET number = number - 1 WHERE what = ? AND name = ? AND number > 0",
                (what, name),
            )
        return done.rowcount > 0


@contextmanager
def open_memory() -> Iterator[Memory]:
    """An empty memory in a temporary file of SQLite's own, gone at the end however that comes.

    Raises:
        StorageFailed: there is no room for it.
    """
    with _errors():
        connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # a private file
    try:
        with _errors():
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute(
                "CREATE TABLE counts (what TEXT, name TEXT, number INTEGER, PRIMARY KEY (what, name))"
                " WITHOUT ROWID"
            )
        yield Memory(connection)
    finally:
        connection.close()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as cause:
        folder = Path("the temporary folder")
        raise StorageFailed(folder, OSError(0, str(cause))) from cause
