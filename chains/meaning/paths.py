"""Which files a chain may read: those in its own folder. Others are for whoever runs it to hand in."""

import errno
import os
import re
import stat
from pathlib import Path, PureWindowsPath

from spaces_registry.network.bounds import Bounds

_LONGEST = 4096  # characters of a path; no system takes a longer one, and each part of it would be looked up
_UNUSABLE = {
    errno.ELOOP: "leads through links in a circle",
    errno.ENAMETOOLONG: "has a part that is too long for a name",
}
_URL = re.compile(r"https?://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether a file is given as an address on the web."""
    return _URL.match(text) is not None


def unusable(text: str, folder: Path) -> str | None:
    """Why nothing can lie at a path below a folder, whatever is there, in words that follow "the path"."""
    if "\0" in text:
        return "holds a null character"
    if len(text) > _LONGEST:
        return f"is longer than {_LONGEST:,} characters"
    try:
        (folder / text).stat()
    except OSError as cause:
        return _UNUSABLE.get(cause.errno or 0)
    except ValueError:
        return "holds half a character"
    return None


def expanded(text: str) -> Path:
    """A path of the user's, with the home folder for `~`; that of nobody stays as it is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def is_outside(text: str, folder: Path) -> bool:
    """Whether a path written in a chain leads out of the chain's folder, links included."""
    if text.startswith("~") or "://" in text or "\0" in text or len(text) > _LONGEST:
        return True
    if Path(text).is_absolute() or PureWindowsPath(text).drive or text.startswith("\\"):
        return True
    try:
        return not (folder / text).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that no file can have
        return True


def is_hidden(text: str, folder: Path) -> bool:
    """Whether a path in a chain's folder has a hidden part, links included: `.env`, `.ssh/id_ed25519`.

    Keys lie in such files, and a chain may have come into a folder that has some.
    """
    if len(text) > _LONGEST:
        return False
    try:
        inside = (folder / text).resolve().relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # outside, or no name of a file
        return False
    written = [one for one in Path(text).parts if one not in (".", "..")]
    return any(one.startswith(".") for one in (*written, *inside.parts))


def is_missing(text: str, folder: Path) -> bool:
    """Whether there is no file at a path below a folder."""
    if len(text) > _LONGEST:
        return True
    try:
        return not (folder / text).is_file()
    except (OSError, ValueError):
        return True


def read_file(path: Path, most_bytes: int = Bounds().chain_bytes, *, pipes: bool = False) -> bytes:
    """The bytes of a file of text, or of one that is too large its beginning: one byte more than may be.

    Args:
        path: the file; never a device, and never waited for.
        most_bytes: of it.
        pipes: whether it may be a pipe, which the user's own shell makes of `<(…)`.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode) and not (pipes and stat.S_ISFIFO(found.st_mode)):
        raise OSError(errno.EINVAL, "it is no regular file")
    flags = os.O_RDONLY | (0 if pipes else os.O_NONBLOCK)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        return stream.read(most_bytes + 1)
