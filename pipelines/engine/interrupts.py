"""Ctrl-C in good order: the first ends the work and lets it be recorded, the second ends the process."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

INTERRUPTED = 130


@dataclass(slots=True)
class Interrupt:
    """Whether the work was interrupted."""

    happened: bool = False


@asynccontextmanager
async def interruptible(*, watch_signals: bool) -> AsyncIterator[Interrupt]:
    """Run the body until it ends or SIGINT or SIGTERM comes; then cancel it and go on behind it.

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
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if interrupt.happened:
                os._exit(INTERRUPTED)  # the second time means: now; children see the closed pipe and stop
            interrupt.happened = True
            body.cancel()
