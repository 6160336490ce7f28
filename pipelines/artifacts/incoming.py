"""Files on their way into the store: each in a folder that is locked while its process lives.

store/incoming/…/…   half-written; what a process that died left behind is removed by whoever comes next
store/door.lock      held together while files get their names, alone while files are removed
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spaces_registry.disk import make_private

_INCOMING = "incoming"


@contextmanager
def aside(store: Path) -> Iterator[Path]:
    """A new name on the store's own disk; whatever bears it afterwards is removed."""
    incoming = store / _INCOMING
    make_private(store)
    incoming.mkdir(exist_ok=True)
    while True:
        folder = Path(tempfile.mkdtemp(dir=incoming, prefix=""))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue  # swept before it could be opened
        _lock(lock, fcntl.LOCK_EX)
        if folder.exists():
            break
        os.close(lock)  # swept between opening and locking it
    try:
        yield folder / "file"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep_incoming(store: Path) -> int:
    """Remove what processes that died left half-written; returns how many files went."""
    try:
        left = [*(store / _INCOMING).iterdir()]
    except OSError:
        return 0
    return sum(_sweep(one) for one in left)


@contextmanager
def door(store: Path, *, alone: bool = False) -> Iterator[None]:
    """Give a file its name, or remove one; never both at once, whatever process does it."""
    handle = os.open(store, os.O_RDONLY)
    try:
        _lock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, how: int) -> None:
    # on a file system without locks nothing is swept, as nothing is known to be dead
    with suppress(OSError):
        fcntl.flock(handle, how)


def _sweep(left: Path) -> int:
    try:
        handle = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if left.is_dir():
            files = sum(1 for _ in left.iterdir())
            shutil.rmtree(left, ignore_errors=True)
            return files
        left.unlink()  # as earlier versions left them
    except OSError:
        return 0  # somebody writes it at this moment
    else:
        return 1
    finally:
        os.close(handle)
