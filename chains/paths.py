"""Which files a chain may read: those in its own folder. Others are for whoever runs it to hand in."""

import re
from pathlib import Path, PureWindowsPath

_URL = re.compile(r"https?://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether a file is given as an address on the web."""
    return _URL.match(text) is not None


def is_outside(text: str, folder: Path) -> bool:
    """Whether a path written in a chain leads out of the chain's folder, links included."""
    if text.startswith("~") or "://" in text or "\0" in text:
        return True
    if Path(text).is_absolute() or PureWindowsPath(text).drive or text.startswith("\\"):
        return True
    try:
        return not (folder / text).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that no file can have
        return True


def is_missing(text: str, folder: Path) -> bool:
    """Whether there is no file at a path below a folder."""
    try:
        return not (folder / text).is_file()
    except (OSError, ValueError):
        return True
