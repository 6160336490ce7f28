"""Ctrl-C in good order: the first ends the work and lets it be recorded, the second ends the process."""

import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import anyio

from spaces_registry.errors import ToolkitError

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
    with one_error():
        async with anyio.create_task_group() as tasks:
            body = anyio.CancelScope()
            tasks.start_soon(_watch, body, interrupt)
            with body:
                yield interrupt
            tasks.cancel_scope.cancel()


@contextmanager
def one_error() -> Iterator[None]:
    """Let what a group of tasks says of the disk or the journal be the one error that it is, and no bug."""
    try:
        yield
    except ExceptionGroup as group:
        ours, others = group.split(ToolkitError)
        if ours is None or others is not None:
            raise
        raise next(_leaves(ours)) from group


def _leaves(group: ExceptionGroup[ToolkitError]) -> Iterator[ToolkitError]:
    for one in group.exceptions:
        if isinstance(one, ExceptionGroup):
            yield from _leaves(one)
        else:
            yield one


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
