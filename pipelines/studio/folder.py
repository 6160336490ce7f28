"""The studio's own temporary folder: one per studio, locked while it is in use, removed afterwards."""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "spacechain-studio-"
_LOCK = "in-use.lock"
_YOUNG_S = 60.0  # a folder this young may not have its lock yet


@contextmanager
def studio_folder(root: Path | None = None) -> Iterator[Path]:
    """A folder below `root` (default: the system's temporary folder) for one studio; removed at the end.

    Folders that a killed studio of the same user left behind are removed first.
    """
    root = root or Path(tempfile.gettempdir())
    remove_stale(root)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    try:
        with (folder / _LOCK).open("w") as lock:
            _try_lock(lock.fileno())
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what resists is stale, and the next start's business


def remove_stale(root: Path) -> None:
    """Remove this user's studio folders below `root` that no living studio holds the lock of."""
    if sys.platform == "win32":  # no such locks, and no way to tell
        return
    for folder in root.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another start was faster, or the folder is not ours to look into
            facts = folder.lstat()
            ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
            if ours and time.time() - facts.st_mtime > _YOUNG_S and _is_free(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)


def _is_free(lock: Path) -> bool:
    if not lock.exists():
        return True
    with lock.open("r+") as file:
        return _try_lock(file.fileno())


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl  # noqa: PLC0415 - POSIX only

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
