"""Everything that a network can do to a call, on each of the protocol's requests."""

import os
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from faults.conftest import eventually, open_files, threads
from faults.proxy import Fault, Proxy
from PIL import Image
from servers import free_port, serve

from chains.loader import loads
from chains.model import Chain, Pickup
from chains.problems import InvalidChain
from pipelines import Run, run_chain
from pipelines.household.home import find_home
from pipelines.running.run import Options, run_loaded
from pipelines.running.workshop import Settings
from spaces_registry.clocks import Clocks

APPS = Path(__file__).parent / "apps"
REQUESTS = {
    "config": "GET /config",
    "info": "GET /gradio_api/info",
    "upload": "POST /gradio_api/upload",
    "join": "POST /gradio_api/queue/join",
    "stream": "GET /gradio_api/queue/data",
    "download": "GET /gradio_api/file=",
}
EVERYWHERE = ("reset", "half-open", "cut", "429", "500", "502", "503", "html", "json")
COMBINATIONS = [
    *((how, request) for how in EVERYWHERE for request in REQUESTS),
    *((how, "stream") for how in ("broken-frames", "doubled-frames", "swapped-frames")),
    ("cut-upload", "upload"),
    ("drip", "download"),
    ("drip", "stream"),
]
DOCUMENTED = {
    "unreachable", "timed-out", "crashed", "rate-limited", "drifted", "missing", "bad-output",
    "rejected-input", "not-gradio", "busy", "building",
}  # fmt: skip
HARMLESS = {
    ("doubled-frames", "stream"),
    ("swapped-frames", "stream"),
    ("drip", "download"),
    ("drip", "stream"),
    *((how, "info") for how in ("500", "html", "json")),
}
SHORT = Clocks(connect_s=1.0, quiet_s=0.6, wake_s=1.0, queue_s=5.0, run_s=5.0)
CHAIN = """
name: negatives
inputs: {picture: {kind: image}, name: a}
steps:
  negative:
    space: "app"
    endpoint: /invert
    with: {picture: $inputs.picture, name: $inputs.name}
    retry: {attempts: 3, wait: 20ms, up_to: 2s}
outputs: {negative: $negative.image}
"""


@pytest.fixture
def anyio_backend() -> str:
    """Our own loop."""
    return "asyncio"


@pytest.fixture
def negatives(between: Proxy, tmp_path: Path) -> Chain:
    """A chain that sends a file and gets one back, with little patience."""
    chain = loads(CHAIN.replace("app", between.url), file="negatives.yaml", folder=tmp_path)
    step = chain.steps["negative"]
    return replace(chain, steps={"negative": replace(step, timeout=SHORT)})


@pytest.fixture
def run(negatives: Chain, tmp_path: Path) -> Callable[[], Run]:
    """Run it once on a new picture; nothing of it may be left but what it made."""
    return partial(run_once, negatives, tmp_path)


@pytest.fixture
def run_detached(negatives: Chain, tmp_path: Path) -> Callable[[], Run]:
    """The same, with the result left in the app until it is there: how long that takes is known."""
    run_once(negatives, tmp_path)
    left = replace(negatives.steps["negative"], pickup=Pickup("detached"))
    return partial(run_once, replace(negatives, steps={"negative": left}), tmp_path)


def run_once(negatives: Chain, tmp_path: Path) -> Run:
    """Run a chain once."""
    picture = tmp_path / "black.png"
    Image.new("RGB", (8, 8), "black").save(picture)

    async def once() -> Run:
        before = len(anyio.get_running_tasks())
        settings = Settings(token="", clocks=SHORT)
        given = {"picture": picture, "name": secrets.token_hex(4)}
        with anyio.fail_after(40):
            done = await run_loaded(negatives, given, settings, Options(out=tmp_path / "outputs"))
        assert len(anyio.get_running_tasks()) == before
        return done

    files, running = open_files(), threads()
    done = anyio.run(once)
    assert eventually(lambda: open_files() <= files), open_files()
    assert threads() <= running
    scratch = find_home().folder / "scratch"
    assert [one for one in scratch.rglob("*") if one.is_file() and one.name != "door.lock"] == []
    return done


def classes(run: Run) -> set[str]:
    """The classes of the failures that a run met at its one step."""
    told = run.steps["negative"].to_json()
    error = told["error"] or {}
    return {error["code"]} if error else set()


def is_negative(run: Run) -> bool:
    """Whether the black picture became white."""
    with Image.open(run.outputs["negative"].path) as made:
        return made.convert("RGB").getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize(("how", "request_"), COMBINATIONS)
def test_a_fault_that_stays_ends_the_run_with_a_documented_class_and_leaves_nothing(
    run, between, how, request_
):
    """No hang, no leak, no invented result, whatever the network does for as long as it likes."""
    between.set(Fault(how, f"^{REQUESTS[request_]}"))

    met = {"refused before the run"}
    with suppress(InvalidChain):
        done = run()
        met = classes(done)
        assert done.ok == ((how, request_) in HARMLESS)
        assert not done.ok or is_negative(done)

    assert between.befallen
    assert met <= {*DOCUMENTED, "refused before the run"}


@pytest.mark.parametrize(("how", "request_"), COMBINATIONS)
def test_a_fault_that_passes_costs_at_most_another_try(run, between, how, request_):
    """What a second try mends must not cost a user the run."""
    between.set(Fault(how, f"^{REQUESTS[request_]}", times=1))

    done = run()

    assert between.befallen == 1
    assert done.ok, classes(done)
    assert is_negative(done)


@pytest.mark.parametrize("how", [*EVERYWHERE, "drip"])
def test_a_queue_that_cannot_be_looked_at_is_no_fault_of_the_call(run_detached, between, how):
    """How many wait there is news for people; the result is there all the same, and is fetched once."""
    between.set(Fault(how, "^GET /gradio_api/queue/status"))

    done = run_detached()

    assert between.befallen
    assert is_negative(done)
    assert done.steps["negative"].to_json()["attempts"] == 1


@pytest.mark.parametrize("request_", ["join", "stream", "download"])
@pytest.mark.parametrize("how", EVERYWHERE)
def test_a_fault_that_passes_costs_a_call_that_was_left_at_most_another_try(
    run_detached, between, how, request_
):
    """A result that is fetched later meets the same network."""
    between.set(Fault(how, f"^{REQUESTS[request_]}", times=1))

    done = run_detached()

    assert between.befallen == 1
    assert done.ok, classes(done)
    assert is_negative(done)


@pytest.mark.parametrize("how", ["reset", "cut", "half-open", "502"])
def test_a_file_that_breaks_off_is_fetched_again_and_not_made_again(run, between, how):
    """The work was done and paid for; only its file did not come through."""
    between.set(Fault(how, f"^{REQUESTS['download']}", times=1))

    assert run().ok
    assert len([one for one in between.seen if one.startswith(REQUESTS["join"])]) == 1


def test_a_slow_network_is_waited_for(between, tmp_path):
    """Five seconds for every answer are a bad line, and no failure."""
    chain = loads(CHAIN.replace("app", between.url), file="negatives.yaml", folder=tmp_path)
    picture = tmp_path / "black.png"
    Image.new("RGB", (8, 8), "black").save(picture)
    between.set(Fault("latency", "."))

    done = run_chain(chain, {"picture": picture, "name": "slow"}, out=tmp_path / "outputs")

    assert is_negative(done)
    assert done.steps["negative"].to_json()["attempts"] == 1


@pytest.mark.parametrize("moment", ["stream", "download"])
def test_an_app_that_restarts_in_mid_call_costs_another_try(run, between, moment):
    """Its files and its sessions are gone; the file that went in is sent again."""
    with serve(APPS / "lens.py") as old, serve(APPS / "lens.py") as new:
        between.target = old.url

        def restart() -> None:
            os.kill(old.pid, signal.SIGKILL)
            between.target = new.url

        between.when(f"^{REQUESTS[moment]}", restart)

        assert is_negative(run())


def test_nobody_listening_is_unreachable(tmp_path):
    """The commonest fault of all: the app is not there."""
    gone = f"http://127.0.0.1:{free_port()}"
    chain = loads(CHAIN.replace("app", gone), file="negatives.yaml", folder=tmp_path)
    picture = tmp_path / "black.png"
    Image.new("RGB", (8, 8), "black").save(picture)

    done = run_chain(chain, {"picture": picture}, out=tmp_path / "outputs")

    assert (done.status, classes(done)) == ("failed", {"unreachable"})
