"""Writing into the journal: one process at a time, and the others wait for as long as it is written."""

import sqlite3
import time
from typing import Final

_PRIMARY: Final = 0xFF  # SQLite's codes say more in the higher bits
_PAUSE_S: Final = 0.01


def writing(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection within a transaction that writes; as a context manager it commits, or takes all back.

    SQLite has no queue: of a hundred processes on a slow disk some wait for much longer than the connection's
    timeout. While others finish their transactions, the turn comes; one holder that does not finish is given
    up on after twice the timeout.

    Raises:
        sqlite3.OperationalError: another program holds the journal and does not finish.
    """
    seen = None
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as cause:
            if not _is_busy(cause):
                raise
            commits = connection.execute("PRAGMA data_version").fetchone()[0]  # changes when others commit
            if commits == seen:
                raise
            seen = commits
        else:
            return connection


def write_ahead(connection: sqlite3.Connection, patience_s: float) -> None:
    """Let readers read while one writes; who changes the mode must be alone for that moment.

    SQLite does not wait for that lock. Whoever holds it changes the mode too, or writes as of old: waiting
    for the right to write waits for both. Several may wait so, of whom one gets on first.

    Args:
        connection: just opened.
        patience_s: how long to try while others hold the journal without writing.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as cause:
            if not _is_busy(cause) or time.monotonic() > until:
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
            time.sleep(_PAUSE_S)
        else:
            return


def _is_busy(cause: sqlite3.Error) -> bool:
    """Whether another connection was in the way."""
    return getattr(cause, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_BUSY
