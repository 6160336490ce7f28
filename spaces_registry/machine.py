"""What the machine refuses, as an ordinary error with a hint: files, folders, limits, memory."""

import errno
import os
import re
from collections.abc import Iterator
from typing import Final

from spaces_registry.disk import what_to_do
from spaces_registry.errors import ToolkitError

_NO_THREAD: Final = "can't start new thread"
_NO_USER: Final = "determine home directory"
_IN_FULL: Final = "write the path in full, or set HOME"
_LETTERS: Final = "rename it, or write it with letters of UTF-8"
_HALF: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 60  # characters before what cannot be written
_MORE_FILES: Final = "allow more (ulimit -n 4096), or run less at once"
_MORE_PROCESSES: Final = "allow more (ulimit -u), end other programs, or run less at once"
_MORE_MEMORY: Final = "end other programs, allow more (ulimit -v), or run less at once"
# what files, folders, disks and limits answer; what a network answers comes to nobody but its own callers
_OF_FILES: Final = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS),
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV),
    }
)


class MachineRefused(ToolkitError):
    """The machine does not give what the work needs."""

    code = "machine-refused"


class StorageRefused(MachineRefused):
    """A file or folder cannot be used."""

    code = "storage-failed"


class OutOfResources(MachineRefused):
    """The machine has no more memory, processes or open files for this command."""

    code = "out-of-resources"


class NoCurrentFolder(MachineRefused):
    """The folder in which the command is run does not exist any more."""

    code = "no-current-folder"


class NoUserFolder(MachineRefused):
    """A path begins with `~`, and that user is not there or has no home folder."""

    code = "no-home"


class NotUnicode(MachineRefused):
    """A name on the command line, or of a file, stands where text is needed and has bytes that are none."""

    code = "not-unicode"


def require_current_folder() -> None:
    """Refuse to work in a folder that was removed: every path of the command line would lead nowhere.

    Raises:
        NoCurrentFolder: it was, or a folder above it may not be looked into.
    """
    try:
        os.getcwd()  # noqa: PTH109 - nothing but whether it is there
    except OSError as cause:
        raise NoCurrentFolder(
            f"the current folder cannot be used: {_reason(cause)}",
            hint="it was removed or moved; go to one that is there (cd) and run the command again",
        ) from cause


def refusal_in(fault: BaseException) -> ToolkitError | None:
    """What the machine refused, if an exception says nothing else; None for what is a fault of ours.

    Args:
        fault: what nobody expected; of a group, all of it must be such.
    """
    told = [_told(one) for one in _leaves(fault)]
    return next((one for one in told if one is not None), None) if None not in told else None


def _told(fault: BaseException) -> ToolkitError | None:
    match fault:
        case ToolkitError():
            return fault
        case MemoryError():
            return OutOfResources("there is not enough memory", hint=_MORE_MEMORY)
        case RuntimeError() if _NO_THREAD in str(fault):
            return OutOfResources("no further thread may be started", hint=_MORE_PROCESSES)
        case RuntimeError() if _NO_USER in str(fault):
            return NoUserFolder("there is no home folder for a path that begins with ~", hint=_IN_FULL)
        case UnicodeEncodeError() if _HALF.search(fault.object):
            what = f"{_beginning(fault)!r} is no text: it has bytes that are no UTF-8"
            return NotUnicode(what, hint=_LETTERS)
        case OSError() if type(fault).__module__ == "builtins":  # others have numbers of their own, as `ssl`
            return _told_of_the_system(fault)
    return None


def _told_of_the_system(fault: OSError) -> ToolkitError | None:
    match fault.errno:
        case errno.EMFILE | errno.ENFILE:
            return StorageRefused("too many files are open", hint=_MORE_FILES)
        case errno.EAGAIN if fault.filename is None:
            return OutOfResources("no further process may be started", hint=_MORE_PROCESSES)
        case errno.ENOMEM:
            return OutOfResources("there is not enough memory", hint=_MORE_MEMORY)
        case code if code in _OF_FILES:
            where = f"{os.fsdecode(fault.filename)}: " if isinstance(fault.filename, str | bytes) else ""
            return StorageRefused(f"{where}{_reason(fault)}", hint=what_to_do(code))
    return None


def _beginning(fault: UnicodeEncodeError) -> str:
    """As much of a text as tells which it is, with the first half of a character in it."""
    return fault.object[max(0, fault.start - _SHOWN) : fault.start + 1]


def _reason(cause: OSError) -> str:
    return (cause.strerror or str(cause)).lower()


def _leaves(fault: BaseException) -> Iterator[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        for one in fault.exceptions:
            yield from _leaves(one)
    else:
        yield fault
