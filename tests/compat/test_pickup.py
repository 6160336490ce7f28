"""Results left in the memory of a Gradio 5 app, for whoever comes next."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from servers import Server, serve

from spaces_registry import App, Registry
from spaces_registry.apps.pickup import Pickup
from spaces_registry.errors import InDoubt
from spaces_registry.network.origin import patience

pytestmark = [pytest.mark.compat, pytest.mark.anyio]
ENVIRONMENTS = Path(__file__).parents[2] / ".venvs"
SLOW = Path(__file__).parents[1] / "registry" / "apps" / "slow.py"


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """An app that counts how often it works."""
    with serve(SLOW, python=ENVIRONMENTS / "gradio-5.49.1" / "bin" / "python") as server:
        yield server


@pytest.fixture
async def app(slow: Server, registry: Registry) -> App:
    """The connected app."""
    return await registry.connect(slow.url)


async def send_and_die(app: App, words: str, session: str) -> None:
    """What a process does that is killed before it opens the result stream."""
    index = app.space.endpoint("work").wire.index
    asked = {"data": [words, 0.1], "session_hash": session, "fn_index": index}
    path = f"{app.space.prefix}/queue/join"
    response = await app.origin.send("POST", path, limits=patience(5.0, 5.0), json=asked)
    assert response.is_success


async def test_a_result_outlives_the_process_that_asked_for_it(app, tmp_path):
    """Most Spaces run Gradio 5: what was paid for there is fetched there, too."""
    await send_and_die(app, "kept", "session-kept")
    pickup = Pickup(1.0, {"session": "session-kept", "at": time.time()})
    given = {"words": "kept", "seconds": 0.1}

    (said,) = await app.call(app.space.endpoint("work"), given, folder=tmp_path, pickup=pickup)
    (times,) = await app.call(app.space.endpoint("count"), {"words": "kept"}, folder=tmp_path)

    assert (said, times) == ("KEPT", 1)


async def test_an_interrupted_call_is_taken_out_of_the_queue_or_left_to_be_fetched(app, tmp_path):
    """What is worked on stays there, also while others wait; what never began is sent again."""
    endpoint, jobs = app.space.endpoint("work"), dict[str, Any]()

    async def work(words: str, seconds: float, pickup: Pickup, joined: anyio.Event) -> object:
        given = {"words": words, "seconds": seconds}
        (said,) = await app.call(endpoint, given, folder=tmp_path, pickup=pickup, tell=lambda _: joined.set())
        return said

    async def times(words: str) -> object:
        return (await app.call(app.space.endpoint("count"), {"words": words}, folder=tmp_path))[0]

    async with anyio.create_task_group() as tasks:
        for words in ("first", "second"):
            pickup, joined = Pickup(30.0, remember=partial(jobs.__setitem__, words)), anyio.Event()
            tasks.start_soon(work, words, 1.0, pickup, joined)
            await joined.wait()
            while not await times("first"):
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    said = [await work(words, 1.0, Pickup(1.0, jobs[words]), anyio.Event()) for words in ("first", "second")]

    assert (said, await times("first"), await times("second")) == (["FIRST", "SECOND"], 1, 1)


async def test_a_call_that_the_app_does_not_know_is_in_doubt(app, tmp_path):
    """After a restart nobody can tell whether the work was done."""
    pickup = Pickup(1.0, {"session": "nobody", "at": time.time()})
    given = {"words": "lost", "seconds": 0.1}

    with pytest.raises(InDoubt):
        await app.call(app.space.endpoint("work"), given, folder=tmp_path, pickup=pickup)
