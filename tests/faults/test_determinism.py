"""The same chain with the same inputs: the same bytes and the same keys, however many calls run at once."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
from faults.conftest import APPS
from servers import Server, serve

from chains import load
from pipelines import Run
from pipelines.cli import main
from pipelines.engine.results import Succeeded
from pipelines.running.run import Options, run_loaded
from pipelines.running.workshop import Settings

pytestmark = pytest.mark.timeout(480)  # the machine may have other things to do
RUNS = 10
TEXTS = [f"text {number}" for number in range(16)]
QUESTIONS = len(TEXTS) * 5 + 1
CHAIN = """
name: mint
inputs: {texts: {kind: text, many: true, default: TEXTS}}
limits: {"APP": {concurrency: LIMIT}}
steps:
  press: {space: "APP", endpoint: /press, each: $inputs.texts, with: {text: $item}}
  melt:
    space: "APP"
    endpoint: /melt
    matrix: {file: $press.file, number: [1, 2.5, 7, 50]}
    with: {file: $item.file, number: $item.number}
  stamp: {space: "APP", endpoint: /stamp, with: {text: "${{ melt.json.sha256 }} ${{ melt.json.size }}"}}
outputs: {melted: $melt.file, told: $melt.json, stamp: $stamp.text}
"""


@pytest.fixture(scope="module")
def app() -> Iterator[Server]:
    """An app that gives the same for the same, and counts."""
    with serve(APPS / "mint.py") as server:
        yield server


def counted(app: Server) -> dict[str, int]:
    """How often the app was asked what, since the last time; a new count begins."""
    found: dict[str, int] = httpx2.post(f"{app.url}/gradio_api/run/counts", json={"data": []}).json()["data"][
        0
    ]
    httpx2.post(f"{app.url}/gradio_api/run/forget", json={"data": []}).raise_for_status()
    return found


def facts(run: Run) -> str:
    """All that may not differ, as one hash: every output's bytes or value in order, and every call's key."""
    assert run.ok, run.to_json()
    told = hashlib.sha256()
    for name, step in run.steps.items():
        assert isinstance(step.result, Succeeded)
        told.update(repr((name, [(one.item, one.key) for one in step.result.calls])).encode())
    for output in run.outputs["melted"]:
        told.update(hashlib.sha256(output.path.read_bytes()).digest())
    for name in ("told", "stamp"):
        told.update(repr(run.to_json()["outputs"][name]).encode())
    return told.hexdigest()


def run(file: Path, out: Path, *, fresh: bool) -> Run:
    """Run the chain in the file with nothing but what its lock names."""
    settings, options = Settings(frozen=True, token=""), Options(out, fresh=fresh)
    return anyio.run(lambda: run_loaded(load(file), {}, settings, options))


def test_ten_runs_at_every_concurrency_give_the_same(app, tmp_path, told):
    """Results are kept by their questions: a question that came out otherwise would be paid for again."""
    file, found, most = tmp_path / "mint.yaml", dict[str, int](), list[int]()
    for limit in (1, 8, 64):
        text = CHAIN.replace("APP", app.url).replace("LIMIT", str(limit)).replace("TEXTS", str(TEXTS))
        file.write_text(text)
        if limit == 1:
            with pytest.raises(SystemExit, match="0"):
                main(["lock", str(file)])
        for number in range(RUNS):
            what = facts(run(file, tmp_path / f"{limit}-{number}", fresh=True))
            found[what] = found.get(what, 0) + 1
        counts = counted(app)
        most.append(counts.pop("most at once"))
        assert most[-1] <= limit
        assert {*counts.values()} == {RUNS}
        assert len(counts) == QUESTIONS

        kept = run(file, tmp_path / f"{limit}-kept", fresh=False)
        assert facts(kept) in found
        assert all(call.cached for step in kept.steps.values() for call in step.result.calls)
        assert set(counted(app)) <= {"most at once"}, "a second run asks nothing"
    told(
        f"determinism: {3 * RUNS} runs of {QUESTIONS} calls at 1, 8 and 64 at once (really {most}), "
        f"{len(found)} different outcome, 0 calls of 3 runs more"
    )
    assert len(found) == 1
