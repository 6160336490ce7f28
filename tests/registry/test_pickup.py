import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from servers import Server, serve

from spaces_registry import App, Clocks, Registry
from spaces_registry.apps.in_flight import CallsInFlight
from spaces_registry.apps.pickup import Pickup
from spaces_registry.errors import InDoubt
from spaces_registry.network.origin import patience
from spaces_registry.progress import CallEvent, Progress, Queued, Spent

pytestmark = pytest.mark.anyio
FREELY = Clocks()
APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """An app that counts how often it works."""
    with serve(APPS / "slow.py") as server:
        yield server


@pytest.fixture
async def app(slow: Server, registry: Registry) -> App:
    """The connected app."""
    return await registry.connect(slow.url)


async def work(
    app: App,
    folder: Path,
    words: str,
    pickup: Pickup,
    tell: Any = lambda _: None,
    clocks: Clocks = FREELY,
) -> str:
    """Ask for a tenth of a second of work."""
    given = {"words": words, "seconds": 0.1}
    (said,) = await app.call(
        app.space.endpoint("work"), given, folder=folder, clocks=clocks, pickup=pickup, tell=tell
    )
    return str(said)


async def times(app: App, folder: Path, words: str) -> int:
    """How often the app worked on these words."""
    (number,) = await app.call(app.space.endpoint("count"), {"words": words}, folder=folder)
    return int(str(number))


async def send_and_die(app: App, words: str, session: str, seconds: float = 0.1) -> str:
    """What a process does that is killed before it opens the result stream; returns Gradio's event id."""
    asked = {
        "data": [words, seconds],
        "session_hash": session,
        "fn_index": app.space.endpoint("work").wire.index,
    }
    path = f"{app.space.prefix}/queue/join"
    response = await app.origin.send("POST", path, limits=patience(5.0, 5.0), json=asked)
    event_id: str = response.json()["event_id"]
    return event_id


async def test_a_result_outlives_the_process_that_asked_for_it(app, tmp_path):
    """GPU time that was spent is not spent again because a laptop closed its lid."""
    await send_and_die(app, "kept", "session-kept")

    said = await work(app, tmp_path, "kept", Pickup(1.0, {"session": "session-kept", "at": time.time()}))

    assert (said, await times(app, tmp_path, "kept")) == ("KEPT", 1)


async def test_a_call_that_the_app_does_not_know_is_in_doubt(app, tmp_path):
    """After the app's restart nobody can tell whether the work was done; it is not repeated in silence."""
    with pytest.raises(InDoubt):
        await work(app, tmp_path, "lost", Pickup(1.0, {"session": "nobody", "at": time.time()}))

    assert await times(app, tmp_path, "lost") == 0


async def test_a_result_that_was_fetched_before_is_in_doubt_and_not_waited_for(app, tmp_path):
    """Gradio goes on with its signs of life on such a stream, and would do so for ever."""
    await send_and_die(app, "fetched", "session-fetched")
    pickup = Pickup(0.2, {"session": "session-fetched", "at": time.time()})
    await work(app, tmp_path, "fetched", pickup)

    with pytest.raises(InDoubt):
        await work(app, tmp_path, "fetched", pickup, clocks=Clocks(quiet_s=0.5))


async def test_an_answer_that_was_received_is_not_asked_for_again(app, tmp_path):
    """Gradio gives a result once; a process killed while it fetched the files still has the answer."""
    said = await work(app, tmp_path, "answered", Pickup(1.0, {"answer": ["ANSWERED"]}))

    assert (said, await times(app, tmp_path, "answered")) == ("ANSWERED", 0)


async def test_a_call_says_how_it_is_found_again_before_it_is_sent_and_once_it_is_answered(app, tmp_path):
    """What is not on disk before the call leaves cannot be found after a kill."""
    told: list[Any] = []

    await work(app, tmp_path, "told", Pickup(0.3, remember=lambda job: told.append(json.dumps(job))))

    first, last = map(json.loads, told)
    assert set(first) == {"session", "at"}
    assert last == {"answer": ["TOLD"]}


async def test_waiting_for_a_result_is_shown_against_what_is_expected(app, tmp_path):
    """Nobody should stare at a still line for minutes."""
    told: list[CallEvent] = []

    await work(app, tmp_path, "shown", Pickup(0.5), told.append)

    assert any(isinstance(one, Progress) and one.total for one in told)
    assert next(one.work_s for one in told if isinstance(one, Spent)) >= 0.1


@asynccontextmanager
async def busy(app: App, folder: Path, words: str, seconds: float = 1.0) -> AsyncIterator[None]:
    """The app works on something else, to its end."""

    async def ahead() -> None:
        given = {"words": words, "seconds": seconds}
        await app.call(app.space.endpoint("work"), given, folder=folder)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ahead)
        while not await times(app, folder, words):
            await anyio.lowlevel.checkpoint()
        yield


async def test_words_that_are_left_of_a_call_that_was_lost_are_not_waited_on(app, tmp_path):
    """A stream that broke leaves words behind, and no result follows: half an hour of waiting, else."""
    async with busy(app, tmp_path, "before"):
        event_id = await send_and_die(app, "gone", "session-gone")
        asked = {"event_id": event_id, "session_hash": "nobody", "fn_index": 0}
        await app.origin.send("POST", f"{app.space.prefix}/cancel", limits=patience(5.0, 5.0), json=asked)

    pickup = Pickup(0.1, {"session": "session-gone", "at": 1.0}, silent_least_s=0.3)
    with anyio.fail_after(20), pytest.raises(InDoubt):
        await work(app, tmp_path, "gone", pickup)


async def test_an_interrupted_call_that_waited_in_the_queue_is_sent_again_without_a_doubt(app, tmp_path):
    """It never began, which the app tells: nothing is paid twice, and nobody has to be asked."""
    jobs: list[Any] = []
    async with busy(app, tmp_path, "first"), anyio.create_task_group() as behind:
        heard = anyio.Event()
        pickup = Pickup(30.0, remember=jobs.append)
        behind.start_soon(work, app, tmp_path, "second", pickup, lambda _: heard.set())
        await heard.wait()
        behind.cancel_scope.cancel()
    never = await times(app, tmp_path, "second")

    said = await work(app, tmp_path, "second", Pickup(0.1, jobs[-1]), clocks=Clocks(quiet_s=0.5))

    assert (never, said, await times(app, tmp_path, "second")) == (0, "SECOND", 1)


async def test_an_interrupted_call_that_is_worked_on_is_kept_while_others_wait(app, tmp_path):
    """On a Space that many use somebody always waits; what was paid for is fetched all the same."""
    jobs: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, app, tmp_path, "mine", Pickup(30.0, remember=jobs.append))
        while not await times(app, tmp_path, "mine"):
            await anyio.lowlevel.checkpoint()
        await send_and_die(app, "theirs", "session-theirs")
        tasks.cancel_scope.cancel()

    said = await work(app, tmp_path, "mine", Pickup(0.1, jobs[-1]))

    assert (said, await times(app, tmp_path, "mine")) == ("MINE", 1)


async def test_a_call_that_was_found_again_is_left_once_more(app, tmp_path):
    """Whoever resumes a run may be interrupted, too."""
    await send_and_die(app, "twice", "session-twice")
    jobs: list[Any] = []
    job = {"session": "session-twice", "at": time.time()}
    async with anyio.create_task_group() as tasks:
        heard = anyio.Event()
        pickup = Pickup(30.0, job, jobs.append)
        tasks.start_soon(work, app, tmp_path, "twice", pickup, lambda _: heard.set())
        await heard.wait()
        tasks.cancel_scope.cancel()

    said = await work(app, tmp_path, "twice", Pickup(0.1, (jobs or [job])[-1]))

    assert (said, await times(app, tmp_path, "twice")) == ("TWICE", 1)


async def test_a_cancelled_call_that_still_waits_in_the_queue_never_runs(app, tmp_path):
    """An interrupt must not leave GPU time burning for nobody."""
    blocked = anyio.Event()

    def hear(event: CallEvent) -> None:
        if isinstance(event, Queued):
            blocked.set()

    async with busy(app, tmp_path, "ahead", seconds=4.0), anyio.create_task_group() as behind:
        behind.start_soon(work, app, tmp_path, "behind", Pickup(30.0), hear)
        await blocked.wait()
        behind.cancel_scope.cancel()

    assert await times(app, tmp_path, "behind") == 0


async def test_a_cancelled_call_that_is_worked_on_is_left_to_be_fetched_later(app, tmp_path):
    """What cannot be stopped should at least not be lost."""
    jobs: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, app, tmp_path, "left", Pickup(30.0, remember=jobs.append))
        while not await times(app, tmp_path, "left"):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    said = await work(app, tmp_path, "left", Pickup(0.1, jobs[-1]))

    assert (said, await times(app, tmp_path, "left")) == ("LEFT", 1)


async def test_a_result_is_not_left_a_moment_longer_than_it_takes(app, tmp_path):
    """The default must cost nobody a second: the stream is open before the result can be there."""
    told: list[CallEvent] = []

    pickup = Pickup(0.4, earliest_s=0.4)
    (said,) = await app.call(
        app.space.endpoint("work"),
        {"words": "soon", "seconds": 0.5},
        folder=tmp_path,
        pickup=pickup,
        tell=told.append,
    )

    assert said == "SOON"
    assert pickup.closed_s < 0.4
    assert any(isinstance(event, Progress) and event.total == pickup.closed_s for event in told)


async def test_a_queue_that_shrinks_faster_than_expected_is_not_waited_out(app, tmp_path):
    """Where nothing is known of an endpoint, calls of a second waited minutes for those ahead of them."""
    told: list[CallEvent] = []
    pickup = Pickup(4.0)

    async with busy(app, tmp_path, "quick", 1.0):
        await work(app, tmp_path, "behind", pickup, told.append)

    waited = [event for event in told if isinstance(event, Progress) and event.total]
    assert any(isinstance(event, Queued) for event in told)
    assert waited[-1].total < pickup.closed_s + 4.0


async def test_a_call_behind_others_of_ours_is_left_alone_until_its_work_begins(app, tmp_path):
    """If the wait of a call in a row counted as work, its stream would be open for all of its work."""
    seen: dict[str, list[CallEvent]] = {}
    least_s, seconds = 0.7, 0.8

    async def ask(words: str, joined: anyio.Event) -> None:
        def hear(event: CallEvent) -> None:
            seen.setdefault(words, []).append(event)
            joined.set()

        pickup, asked = Pickup(least_s, earliest_s=least_s), {"words": words, "seconds": seconds}
        await app.call(app.space.endpoint("work"), asked, folder=tmp_path, pickup=pickup, tell=hear)

    for row in ("first", "second"):  # the first row tells how many the app works on at once
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                joined = anyio.Event()
                tasks.start_soon(ask, f"{row} {number}", joined)
                await joined.wait()

    first, *others = seen["second 2"]
    assert isinstance(first, Queued), "it was taken for working while two others were before it"
    assert any(isinstance(event, Progress) for event in others), "its stream was opened as its work began"


def test_an_app_that_works_on_several_at_once_is_believed_to():
    """A call that is taken for waiting while it is worked on would be fetched too late."""

    async def calls_at_once(*spans: tuple[float, float, float]) -> float:
        in_flight = CallsInFlight()
        for sent_at, began_at, ended_at in spans:
            in_flight.learn(sent_at, began_at, ended_at)
        return in_flight.at_once

    one_by_one = anyio.run(calls_at_once, (0, 0, 4), (0, 4, 8), (0, 8, 12))
    two = anyio.run(calls_at_once, (0, 0, 4), (0, 0, 4), (0, 4, 8), (0, 4, 8))
    never_waited = anyio.run(calls_at_once, (0, 0, 4), (4, 4, 8))

    assert (one_by_one, two, never_waited) == (1, 2, float("inf"))
