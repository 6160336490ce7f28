"""What goes wrong with the journal, and what helps."""

import errno
import os
import resource
import shutil
import sqlite3
from pathlib import Path

from spaces_registry.errors import ToolkitError

_FREE = "free some space, or name another folder in SPACECHAIN_HOME"
_WRITABLE = "make the file and its folder writable, or name another one in SPACECHAIN_HOME"
_DAMAGED = (
    "what can be read of it is saved by: spacechain doctor --repair; files that were made stay in the store"
)
_OPEN = "too many files are open: allow more (ulimit -n 4096), or run less at once"
_CAPPED = (
    "files may grow to a limit only: allow larger ones (ulimit -f), or name another folder in SPACECHAIN_HOME"
)
_BROKEN = "the disk may be failing: look at it, then at what is kept there with: spacechain doctor"
_ELSEWHERE = "look at that folder and its disk, or name another folder in SPACECHAIN_HOME"
_HELD = "another program holds it; let that end, or name another folder in SPACECHAIN_HOME"
_HINTS = {
    sqlite3.SQLITE_FULL: _FREE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_IOERR: _BROKEN,
    sqlite3.SQLITE_CANTOPEN: _ELSEWHERE,
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_PERM: _WRITABLE,
    sqlite3.SQLITE_AUTH: _WRITABLE,
}
_OF_THE_SYSTEM = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.ENAMETOOLONG: "choose a folder with a shorter path in SPACECHAIN_HOME",
    errno.EMFILE: _OPEN,
    errno.ENFILE: _OPEN,
    errno.EIO: _BROKEN,
    errno.EISDIR: "a folder stands where the journal should be; remove it or choose another folder",
    errno.ENOTDIR: "a file stands where a folder is needed; remove it or choose another folder",
    errno.EEXIST: "a file stands where a folder is needed; remove it or choose another folder",
}
_PRIMARY = 0xFF  # SQLite's codes say more in the higher bits


class JournalFailed(ToolkitError):
    """The journal cannot be read or written; going on would lose results."""

    code = "journal-failed"

    def __init__(self, file: Path, cause: Exception, *, hint: str | None = None) -> None:
        super().__init__(f"the journal {file} cannot be used: {cause}", hint=hint or _hint(cause, file))
        self.file = file


class JournalTooNew(JournalFailed):
    """The journal was written by a newer spacechain, which may have kept there what this one cannot read."""

    def __init__(self, file: Path, version: int) -> None:
        super().__init__(
            file,
            ValueError(f"it was written by a newer spacechain (schema {version})"),
            hint="bring this one up to date (pip install -U spacechain), or set SPACECHAIN_HOME",
        )


def _hint(cause: Exception, file: Path) -> str:
    if isinstance(cause, OSError):
        return _OF_THE_SYSTEM.get(cause.errno or 0, _WRITABLE)
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return _DAMAGED
    if code & _PRIMARY in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):  # it does not always say why
        if _are_all_open():
            return _OPEN
        if _is_full(file.parent):
            return _FREE
        if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
            return _CAPPED
    return _HINTS.get(code & _PRIMARY, _DAMAGED)


def _are_all_open() -> bool:
    """Whether this process may open no further file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as cause:
        return cause.errno in (errno.EMFILE, errno.ENFILE)
    return False


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free == 0
    except OSError:
        return False
