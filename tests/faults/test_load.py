"""Many runs at once, in one process and in several, and many one after the other: nothing lost or leaked."""

import gc
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from faults.conftest import APPS, open_files, threads
from servers import Server, serve

from chains import Chain, loads
from pipelines import run_chain, run_chain_async
from pipelines.household.home import find_home
from pipelines.journal import open_journal

AT_ONCE, PROCESSES, EACH, RUNS, WARM = 64, 8, 6, 2000, 200
HUNDRED = 100
SLACK_KB = 4_000  # of resident memory, over 1,800 runs: what an allocator keeps, 2 kB a run at most
SLACK_OBJECTS = 300  # that the garbage collector watches: caches with a bound that fill up
CHAIN = """
name: mint
inputs: {text: a, texts: {kind: text, many: true, default: [x]}}
limits: {"APP": {concurrency: 8}}
steps:
  same:
    space: "APP"
    endpoint: /stamp
    each: ["${{ inputs.text }}!", "${{ inputs.text }}!"]
    with: {text: $item}
  press: {space: "APP", endpoint: /press, with: {text: $inputs.text}}
  melt: {space: "APP", endpoint: /melt, with: {file: $press.file, number: 3}}
  stamp: {space: "APP", endpoint: /stamp, with: {text: "${{ melt.json.sha256 }}"}}
outputs: {melted: $melt.file, stamp: $stamp.text, same: $same.text}
"""
TRIVIAL = """
name: trivial
steps:
  one: {space: "APP", endpoint: /stamp, cache: false, with: {text: a}}
outputs: {one: $one.text}
"""


@pytest.fixture(scope="module")
def _app() -> Iterator[Server]:
    with serve(APPS / "mint.py") as server:
        yield server


@pytest.fixture
def app(_app: Server) -> Server:
    """An app that counts, from nothing."""
    httpx2.post(f"{_app.url}/gradio_api/run/forget", json={"data": []}).raise_for_status()
    return _app


def counted(app: Server) -> dict[str, int]:
    """How often the app was asked what."""
    answer = httpx2.post(f"{app.url}/gradio_api/run/counts", json={"data": []})
    found: dict[str, int] = answer.json()["data"][0]
    return found


def sha256(text: str) -> str:
    """As the app makes it."""
    return hashlib.sha256(text.encode()).hexdigest()


def right(text: str) -> dict[str, Any]:
    """What the chain must give for a text."""
    pressed = f"{text}\n" * 100
    return {
        "melted": pressed[:4].encode() * 3,
        "stamp": sha256(sha256(pressed)),
        "same": [sha256(f"{text}!")] * 2,
    }


def asked_for(text: str) -> dict[str, int]:
    """What the app must have been asked for it, and how often."""
    pressed = sha256(f"{text}\n" * 100)
    return dict.fromkeys([f"stamp {text}!", f"press {text}", f"melt {pressed} 3", f"stamp {pressed}"], 1)


def given(document: dict[str, Any]) -> dict[str, Any]:
    """What a run gave, by its `run --json`."""
    outputs = document["outputs"]
    return {
        "melted": Path(outputs["melted"]["path"]).read_bytes(),
        "stamp": outputs["stamp"]["value"],
        "same": [one["value"] for one in outputs["same"]],
    }


def chain_of(text: str, app: Server, folder: Path) -> Chain:
    """A chain that calls this app."""
    return loads(text.replace("APP", app.url), file="mint.yaml", folder=folder)


def test_many_runs_at_once_in_one_process_lose_nothing(app, tmp_path, told):
    """A server or a notebook starts runs as they come; each must get its own answers, and pay once."""
    chain = chain_of(CHAIN, app, tmp_path)
    texts = [f"text {number}" for number in range(AT_ONCE)]
    made: dict[str, Any] = {}

    async def one(text: str) -> None:
        made[text] = (await run_chain_async(chain, {"text": text}, out=tmp_path / "out", token="")).to_json()

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for text in texts:
                group.start_soon(one, text)

    before, began = (open_files(), threads()), time.monotonic()
    anyio.run(all_of_them)
    took_s = time.monotonic() - began

    ended = {text for text, document in made.items() if document["status"] == "succeeded"}
    right_ones = [text for text in texts if text in ended and given(made[text]) == right(text)]
    counts = counted(app)
    counts.pop("most at once")
    told(
        f"runs at once in one process: {AT_ONCE} tried, {len(right_ones)} right, "
        f"{AT_ONCE - len(right_ones)} lost, {sum(counts.values())} calls for {len(counts)} questions,"
        f" {took_s:.1f} s"
    )
    assert right_ones == texts
    assert counts == {name: times for text in texts for name, times in asked_for(text).items()}
    assert (open_files(), threads()) == before


def test_processes_share_a_home_folder(app, tmp_path, told):
    """Eight terminals, one journal and one store: nobody waits for ever, loses a result or breaks a file."""
    (tmp_path / "mint.yaml").write_text(CHAIN.replace("APP", app.url))
    words = [sys.executable, "-c", RUNNER, str(tmp_path), str(EACH)]
    began = time.monotonic()
    processes = [
        subprocess.Popen([*words, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    said = [process.communicate(timeout=110) for process in processes]
    took_s = time.monotonic() - began

    assert [one.returncode for one in processes] == [0] * PROCESSES, [err[-500:] for _, err in said if err]
    made = {text: document for out, _ in said for text, document in json.loads(out).items()}
    texts = [f"{number} {turn}" for number in range(PROCESSES) for turn in range(EACH)]
    right_ones = [text for text in texts if given(made[text]) == right(text)]
    counts = counted(app)
    counts.pop("most at once")
    told(
        f"processes in one home folder: {len(texts)} runs of {PROCESSES} tried, {len(right_ones)} right, "
        f"{len(texts) - len(right_ones)} lost, {sum(counts.values())} calls for {len(counts)} questions,"
        f" {took_s:.1f} s"
    )
    assert right_ones == texts
    assert counts == {name: times for text in texts for name, times in asked_for(text).items()}
    with open_journal(find_home().journal) as journal:
        assert journal.health() is None
        assert journal.calls() == sum(counts.values())


@pytest.mark.timeout(480)
def test_a_hundred_runs_at_once_in_a_new_home_wait_for_each_other(app, tmp_path, told):
    """Begun by a script's loop, each with its process: all are made and recorded, and readable meanwhile."""
    (tmp_path / "trivial.yaml").write_text(TRIVIAL.replace("APP", app.url))
    program = [sys.executable, "-m", "pipelines.cli"]
    began = time.monotonic()
    processes = [
        subprocess.Popen(
            [*program, "run", "trivial.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(HUNDRED)
    ]
    looked = dict.fromkeys([("runs",), ("usage",), ("store",), ("doctor", "--offline")], 0)
    while any(process.poll() is None for process in processes):
        for words in looked:
            look = subprocess.run(
                [*program, *words, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert look.returncode in (0, 1), look.stderr
            assert "journal" not in look.stderr, look.stderr
            looked[words] += 1
    said = [process.communicate() for process in processes]
    took_s = time.monotonic() - began

    refused = [err.decode()[-500:] for (_, err), one in zip(said, processes, strict=True) if one.returncode]
    told(f"runs at once in a new home: {HUNDRED} tried, {len(refused)} refused, {took_s:.1f} s")
    assert not refused
    assert looked[("usage",)]
    with open_journal(find_home().journal) as journal:
        assert journal.health() is None
        assert journal.calls() == HUNDRED
    assert len(find_home().runs.read_text().splitlines()) == HUNDRED


RUNNER = """
import json, sys
from pathlib import Path
from pipelines import run_chain

folder, each, number = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
made = {}
for turn in range(each):
    text = f"{number} {turn}"
    run = run_chain(folder / "mint.yaml", {"text": text}, out=folder / "out", token="")
    assert run.ok, run.to_json()
    made[text] = run.to_json()
print(json.dumps(made))
"""


def resident_kb() -> int:
    """Of this process, in kB."""
    text = Path("/proc/self/status").read_text("utf-8")
    return int(text.split("VmRSS:")[1].split()[0])


def standing() -> tuple[int, int, int, set[str]]:
    """What a process holds on to: memory in kB, watched objects, open files, threads."""
    gc.collect()
    return resident_kb(), len(gc.get_objects()), open_files(), threads()


@pytest.mark.timeout(480)
def test_a_process_that_runs_chains_for_ever_stays_as_it_is(app, tmp_path, told):
    """A server runs for weeks: a connection, a thread or a kilobyte left behind by each run ends it."""
    chain = chain_of(TRIVIAL, app, tmp_path)

    def many(number: int) -> float:
        began = time.monotonic()
        for _ in range(number):
            assert run_chain(chain, out=tmp_path / "out", token="").ok
        return (time.monotonic() - began) / number * 1000

    first_ms = many(WARM)
    memory, objects, files, names = standing()
    middle_ms = many(RUNS - 2 * WARM)
    last_ms = many(WARM)
    after = standing()

    told(
        f"runs one after the other: {RUNS} tried, {counted(app)['stamp a']} calls, 0 lost;"
        f" from run {WARM} to {RUNS}: memory {after[0] - memory:+d} kB of {memory // 1000} MB, objects"
        f" {after[1] - objects:+d}, "
        f"files {after[2] - files:+d}, threads {len(after[3]) - len(names):+d}; "
        f"a run took {first_ms:.0f}, {middle_ms:.0f} and at last {last_ms:.0f} ms"
    )
    assert counted(app)["stamp a"] == RUNS
    assert after[2:] == (files, names)
    assert after[1] - objects < SLACK_OBJECTS
    assert after[0] - memory < SLACK_KB
