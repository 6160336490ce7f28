"""Ctrl-C in good order: the first ends the work and lets it be recorded, the second ends the process."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

INTERRUPTED = 130
_OUTPUTS = (1, 2)


@dataclass(slots=True)
class Interrupt:
    """Whether the work was interrupted."""

    happened: bool = False


@asynccontextmanager
async def interruptible(*, watch_signals: bool) -> AsyncIterator[Interrupt]:
    """Run the body until it ends or SIGINT, SIGTERM or SIGHUP comes; then cancel it and go on behind it.

    Args:
        watch_signals: False leaves signals alone, as outside the main thread.

    Yields:
        What tells afterwards which of the two it was.
    """
    interrupt = Interrupt()
    if not watch_signals:
        yield interrupt
        return
    async with anyio.create_task_group() as tasks:
        body = anyio.CancelScope()
        tasks.start_soon(_watch, body, interrupt)
        with body:
            yield interrupt
        tasks.cancel_scope.cancel()


async def _watch(body: anyio.CancelScope, interrupt: Interrupt) -> None:
    terminals = [one for one in _OUTPUTS if os.isatty(one)]
    with anyio.open_signal_receiver(*_heard()) as signals:
        async for sign in signals:
            if sign == signal.SIGHUP:
                _forget_closed(terminals)
            if interrupt.happened:
                os._exit(INTERRUPTED)  # the second time means: now; children see the closed pipe and stop
            interrupt.happened = True
            body.cancel()


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
