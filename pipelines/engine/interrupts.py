"""Ctrl-C in good order: the first ends the work and lets it be recorded, the second ends the process."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import anyio

from spaces_registry.machine import refusal_in
from spaces_registry.plain import lines

INTERRUPTED = 130
_OUTPUTS = (1, 2)
_STDERR = 2
_CURSOR = "\r\x1b[?25h\x1b[K"


@dataclass(slots=True)
class Interrupt:
    """Whether the work was interrupted."""

    happened: bool = False


@asynccontextmanager
async def interruptible(
    *, watch_signals: bool, last_words: Callable[[], Sequence[str]] = tuple
) -> AsyncIterator[Interrupt]:
    """Run the body until it ends or SIGINT, SIGTERM or SIGHUP comes; then cancel it and go on behind it.

    Args:
        watch_signals: False leaves signals alone, as outside the main thread.
        last_words: lines for stderr where a second signal ends the process: what was made, how to go on.

    Yields:
        What tells afterwards which of the two it was.
    """
    interrupt = Interrupt()
    if not watch_signals:
        yield interrupt
        return
    with one_error():
        async with anyio.create_task_group() as tasks:
            body = anyio.CancelScope()
            tasks.start_soon(_watch, body, interrupt, last_words)
            with body:
                yield interrupt
            tasks.cancel_scope.cancel()


@contextmanager
def one_error() -> Iterator[None]:
    """Let what tasks say of the disk, the journal or the machine be the one error that it is, and no bug."""
    try:
        yield
    except Exception as fault:
        refusal = refusal_in(fault)
        if refusal is None or refusal is fault:
            raise
        raise refusal from fault


async def _watch(
    body: anyio.CancelScope, interrupt: Interrupt, last_words: Callable[[], Sequence[str]]
) -> None:
    terminals = [one for one in _OUTPUTS if os.isatty(one)]
    with anyio.open_signal_receiver(*_heard()) as signals:
        async for sign in signals:
            if sign == signal.SIGHUP:
                _forget_closed(terminals)
            if interrupt.happened:
                _say_at_last(last_words())
                os._exit(INTERRUPTED)  # the second time means: now; children see the closed pipe and stop
            interrupt.happened = True
            body.cancel()


def _say_at_last(told: Sequence[str]) -> None:
    """Write past all buffers and live views: what ends now closes nothing in good order."""
    shows = _CURSOR if os.isatty(_STDERR) else ""  # a live view hides it
    text = shows + "".join(f"{lines(line)}\n" for line in told)
    with suppress(OSError):
        os.write(_STDERR, text.encode("utf-8", "replace"))


def _heard() -> list[signal.Signals]:
    """The signals that interrupt; `nohup` says that closing the terminal shall not be one."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    return heard


def _forget_closed(terminals: Sequence[int]) -> None:
    """Let nothing more be written to a terminal that is gone: the error would spoil the end of the run."""
    for one in terminals:
        if not os.isatty(one):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, one)
            os.close(nothing)
