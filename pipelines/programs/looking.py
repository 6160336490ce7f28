"""Asking a program about a medium while we wait: within a time, in few bytes, and gone when this returns."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from pipelines.programs.environment import environment_for_children
from pipelines.programs.ffmpeg import wardened

_PIECE: Final = 65_536


def look(
    program: Path,
    arguments: Sequence[str],
    hear: Callable[[bytes], object],
    complain: Callable[[bytes], object],
    *,
    within_s: float,
    most_bytes: int,
) -> None:
    """Run ffmpeg to its end and hear what it writes. Blocking.

    Args:
        program: the ffmpeg.
        arguments: its arguments.
        hear: gets each piece of its standard output.
        complain: gets each piece of its standard error.
        within_s: how long it may take.
        most_bytes: how much it may write to either stream; what comes after that ends it.

    Raises:
        TimeoutError: it took longer.
        OSError: it cannot be started.
    """
    lifeline, ours = os.pipe()  # it ends when we do, and the program with it
    try:
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, no shell; `source` makes the paths inert
                wardened(program, arguments, is_look=True),
                stdin=lifeline,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment_for_children(),
                start_new_session=True,
            )
        finally:
            os.close(lifeline)
        with process:
            try:
                assert process.stdout is not None  # noqa: S101 - asked for above
                assert process.stderr is not None  # noqa: S101 - asked for above
                streams = {process.stdout: hear, process.stderr: complain}
                if not _read(streams, time.monotonic() + within_s, most_bytes):
                    _kill(process)
                process.wait(timeout=within_s)
            except BaseException as cause:  # Ctrl-C as well: nothing goes on behind us
                _kill(process)
                if isinstance(cause, subprocess.TimeoutExpired):
                    raise TimeoutError from cause
                raise
    finally:
        os.close(ours)


def _read(streams: dict[IO[bytes], Callable[[bytes], object]], until: float, most_bytes: int) -> bool:
    """Read the streams to their end; whether they came to it before they had said too much."""
    taken = dict.fromkeys(streams, 0)
    with selectors.DefaultSelector() as ready:
        for stream in streams:
            ready.register(stream, selectors.EVENT_READ)
        while ready.get_map():
            if (left := until - time.monotonic()) <= 0:
                raise TimeoutError
            for key, _ in ready.select(left):
                stream = next(one for one in streams if one is key.fileobj)
                piece = os.read(stream.fileno(), _PIECE)
                if not piece:
                    ready.unregister(stream)
                    continue
                taken[stream] += len(piece)
                if taken[stream] > most_bytes:
                    return False
                streams[stream](piece)
    return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it ended this very moment
        os.killpg(process.pid, signal.SIGKILL)
