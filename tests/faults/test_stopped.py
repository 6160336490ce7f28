"""An app that is stopped for a while and goes on, as on a machine whose lid closes."""

import os
import signal
import time
from pathlib import Path

import anyio
import pytest
from servers import Server

from spaces_registry import open_registry
from spaces_registry.progress import CallEvent, Spent, Started


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that commands use."""
    return "asyncio"


@pytest.mark.anyio
async def test_the_time_that_an_app_was_stopped_is_not_learned_as_work(lens: Server, tmp_path: Path):
    """Its own clock went on: calls of a second that came later were waited for for minutes."""
    told: list[CallEvent] = []
    async with open_registry(token="") as registry, anyio.create_task_group() as tasks:
        app = await registry.connect(lens.url)
        begun = anyio.Event()

        def hear(event: CallEvent) -> None:
            told.append(event)
            if isinstance(event, Started):
                begun.set()

        async def call() -> None:
            await app.call(app.space.endpoint("linger"), {"seconds": 2.0}, folder=tmp_path, tell=hear)

        tasks.start_soon(call)
        await begun.wait()
        stopped_at = time.monotonic()
        os.kill(lens.pid, signal.SIGSTOP)
        try:
            await anyio.sleep(40.0)  # the fault itself
        finally:
            os.kill(lens.pid, signal.SIGCONT)
        stopped_s = time.monotonic() - stopped_at

    (spent,) = (event for event in told if isinstance(event, Spent))
    assert spent.work_s is not None
    assert spent.work_s < stopped_s / 2
