"""What goes wrong with the journal, and what helps."""

import errno
import sqlite3
from pathlib import Path

from spaces_registry.errors import ToolkitError

_FREE = "free some space, or name another folder in SPACECHAIN_HOME"
_WRITABLE = "make the file and its folder writable, or name another one in SPACECHAIN_HOME"
_DAMAGED = (
    "move it away and a new one is begun: files that were made stay in the store, but calls are made again"
)
_HELD = "another program holds it; let that end, or name another folder in SPACECHAIN_HOME"
_HINTS = {
    sqlite3.SQLITE_FULL: _FREE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
}
_PRIMARY = 0xFF  # SQLite's codes say more in the higher bits


class JournalFailed(ToolkitError):
    """The journal cannot be read or written; going on would lose results."""

    code = "journal-failed"

    def __init__(self, file: Path, cause: Exception, *, hint: str | None = None) -> None:
        super().__init__(f"the journal {file} cannot be used: {cause}", hint=hint or _hint(cause))
        self.file = file


class JournalTooNew(JournalFailed):
    """The journal was written by a newer spacechain, which may have kept there what this one cannot read."""

    def __init__(self, file: Path, version: int) -> None:
        super().__init__(
            file,
            ValueError(f"it was written by a newer spacechain (schema {version})"),
            hint="bring this one up to date (pip install -U spacechain), or set SPACECHAIN_HOME",
        )


def _hint(cause: Exception) -> str:
    if isinstance(cause, OSError):
        return _FREE if cause.errno == errno.ENOSPC else _WRITABLE
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return _DAMAGED if isinstance(cause, sqlite3.Error) else _WRITABLE
    return _HINTS.get(code & _PRIMARY, _WRITABLE)
