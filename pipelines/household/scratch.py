"""A run's folder for files under way: locked while the run lives, removed at its end or by the next run."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pipelines.artifacts import StorageFailed
from spaces_registry.disk import make_private
from spaces_registry.errors import ToolkitError

_LOCK = "in-use.lock"
_DOOR = "door.lock"  # held while folders are made and swept, so that no folder is seen without its lock


class StillRunning(ToolkitError):
    """Another process works on the run at this moment."""

    code = "still-running"

    def __init__(self, run: str) -> None:
        super().__init__(
            f"run {run} is under way in another process", hint="wait for it, or interrupt it there"
        )


def lives(root: Path, run: str) -> bool:
    """Whether a process works on a run at this moment."""
    try:
        return not _is_free(root / run / _LOCK)
    except OSError:
        return False


@contextmanager
def scratch_folder(root: Path, run: str) -> Iterator[Path]:
    """An empty folder of a run's own below `root`, on the same file system as all that is kept there.

    Folders that killed runs left behind are removed first; one whose run lives is never touched. The system
    gives the lock back in whatever way a process ends.

    Raises:
        StillRunning: a process that lives works on this run.
        StorageFailed: no folder can be made there.
    """
    try:
        make_private(root)
        with _opened(root / _DOOR) as door:
            with suppress(OSError):  # a file system without locks: then nothing is ever swept there
                fcntl.flock(door, fcntl.LOCK_EX)
            _sweep_all(root)
            folder = root / run
            if folder.exists():
                raise StillRunning(run)
            folder.mkdir(mode=0o700)
            lock = _opened(folder / _LOCK)
            _try_lock(lock.fileno())
    except OSError as cause:
        raise StorageFailed(root, cause) from cause
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # what resists is the next run's to remove


def _opened(lock: Path) -> IO[str]:
    """A file that is there to be locked, its owner's alone whatever the umask says."""
    return os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")


def sweep(root: Path) -> int:
    """Remove what killed runs left behind; returns how many folders went."""
    if not root.exists():
        return 0
    with _opened(root / _DOOR) as door:
        with suppress(OSError):
            fcntl.flock(door, fcntl.LOCK_EX)
        return _sweep_all(root)


def _sweep_all(root: Path) -> int:
    removed = 0
    for folder in root.iterdir():
        with suppress(OSError):  # not ours to look into
            if folder.is_dir() and not folder.is_symlink() and _is_free(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _is_free(lock: Path) -> bool:
    if not lock.exists():
        return True  # killed between making and locking it
    with lock.open("a") as file:
        return _try_lock(file.fileno())


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody holds it, or there is no telling
        return False
    return True
