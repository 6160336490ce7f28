"""Folders for what is private, and what to do about a disk that does not take the bytes."""

import errno
from pathlib import Path

PRIVATE = 0o700


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, open to their owner alone, whatever the umask.

    One that is there stays as it is. `mkdir(mode, parents=True)` would leave those above it open to others.

    Raises:
        OSError: it cannot be made, or a file stands in its place.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=PRIVATE, exist_ok=True)
    folder.mkdir(mode=PRIVATE, exist_ok=True)  # tells a file in its place


def what_to_do(code: int | None) -> str:
    """What helps when the system refuses to write, by its `errno`."""
    match code:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "free some space, or point SPACECHAIN_HOME or --out at another disk"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return "choose a folder you may write to, through SPACECHAIN_HOME or --out"
        case errno.ENAMETOOLONG:
            return "choose a folder with a shorter path"
        case errno.EMFILE | errno.ENFILE:
            return "too many files are open: allow more (ulimit -n 4096), or run less at once"
        case errno.EIO:
            return "the disk may be failing: look at it, then at what is kept there with: spacechain doctor"
        case errno.ENOTDIR | errno.EEXIST:
            return "a file stands where a folder is needed; remove it or choose another folder"
        case _:
            return "look at that folder and its disk, or choose another through SPACECHAIN_HOME or --out"
