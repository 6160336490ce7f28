"""The process's own stdin, stdout and stderr: who reads them, or does not, changes nothing about the work.

A stream may be closed before the command begins, its disk may be full, its reader may go away. Output that
nobody can take is dropped, and the work goes on: a run that is paid for is not lost for a line about it.
Whether output was lost is told at the end.
"""

import codecs
import errno
import io
import os
import select
import sys
from dataclasses import dataclass
from typing import Final, TextIO

_CLOSED: Final = OSError(errno.EBADF, "it is closed")
_SPELT: Final = "spacechain.spelt"
_GONE: Final = (errno.EPIPE, errno.ECONNRESET)  # the reader has seen enough, as `| head` has


class Outlet(io.FileIO):
    """A file for output that never refuses: what cannot be written is dropped.

    Attributes:
        refusal: why nothing is written any more; None as long as all is.
        is_lossy: whether anything was dropped.
    """

    def __init__(self, descriptor: int, refusal: OSError | None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.refusal = refusal
        self.is_lossy = False

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]  # any buffer, as it is called
        """Write, or drop; returns how many bytes were taken."""
        while self.refusal is None:
            try:
                taken = super().write(data)
            except OSError as cause:
                self.refusal = cause
            else:
                if taken is not None:
                    return taken
                select.select([], [self], [])  # a pipe that somebody made non-blocking, and that is full
        self.is_lossy = True
        return memoryview(data).nbytes


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of this process.

    Attributes:
        out: what is behind stdout.
    """

    out: Outlet

    def lost(self) -> str | None:
        """Why results could not be written, in words; None if they were, or if their reader went away."""
        sys.stdout.flush()
        if not self.out.is_lossy or self.out.refusal is None or self.out.refusal.errno in _GONE:
            return None
        return (self.out.refusal.strerror or str(self.out.refusal)).lower()


def open_streams() -> Streams:
    """Put streams that never refuse in the place of the process's own, and open those that are closed.

    A closed one is opened on the null device, so that no file that is opened later gets its number, and with
    it the output that is meant for a stream.
    """
    closed = {number for number in (0, 1, 2) if _open_if_closed(number)}
    if sys.stdin is None or 0 in closed:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as we do
    codecs.register_error(_SPELT, _spell)
    out, err = (Outlet(number, _CLOSED if number in closed else None) for number in (1, 2))
    if sys.stdout is sys.__stdout__:  # else a program that called us reads it
        sys.stdout = _stream(out, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(err, sys.stderr)
    return Streams(out)


def _open_if_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)  # noqa: FBT003 - positional only
        return True
    return False


def _stream(outlet: Outlet, before: TextIO | None) -> TextIO:
    """A text stream in front of an outlet, as Python made it at first; None where it was closed."""
    encoding = (before.encoding if before else None) or "utf-8"
    is_prompt = before is None or bool(before.line_buffering) or outlet.isatty()
    buffered = io.BufferedWriter(outlet)  # type: ignore[type-var]  # `write` is annotated more narrowly
    return io.TextIOWrapper(buffered, encoding, _SPELT, line_buffering=is_prompt)


def _spell(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""How letters are written that a stream cannot encode: a file's name by its bytes, others as `\xe9`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    if error.encoding.startswith(("utf-16", "utf-32")):
        return part.encode("ascii", "backslashreplace").decode(), error.end
    spelt = (
        bytes([ord(one) & 0xFF]) if "\udc80" <= one <= "\udcff" else one.encode("ascii", "backslashreplace")
        for one in part
    )
    return b"".join(spelt), error.end
