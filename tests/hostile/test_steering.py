"""What an app or a vendor says steers nobody's terminal where a run keeps or shows it; values stay whole."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import Server, serve
from web import Answer, Asked, say, web

from chains.compose.composition import Composition, Linked, compose
from chains.compose.handed import Given
from chains.compose.written import write
from chains.loader import loads
from pipelines.running.folder import RunFolder
from spaces_registry.signature import Endpoint, Kind, Parameter, Return

EVIL = "a\x1b]52;c;aGk=\x07b\x9b31mc\x9d0;x\x9cd\u202ee\u2066f\u200eg\u200fh\u061ci\x7fj"
READ_BY_PEOPLE = {".json", ".jsonl", ".html", ".yaml"}
SERVICE = """
name: mean
about: A stranger
url: {url}
said: [error]
endpoints:
  say:
    about: A text
    takes: {{word: text}}
    path: /say
    json: {{word: $word}}
    gives: {{said: {{kind: text, from: said}}}}
"""


@pytest.fixture(scope="module")
def app() -> Iterator[Server]:
    """The app."""
    with serve(Path(__file__).parent / "apps" / "steering.py", env={"EVIL": EVIL}) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said, its results to a terminal."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Ran]:
    """Run a command of ours in the test's folder, its results on a terminal."""

    def run(*words: str) -> Ran:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "pipelines.cli", *words]
        with (tmp_path / "said.txt").open("w+b") as said:
            process = subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stderr=said)
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # the end of a terminal
                while piece := os.read(ours, 65_536):
                    shown += piece
            os.close(ours)
            code = process.wait()
            said.seek(0)
            return Ran(code, shown.decode(), said.read().decode())

    return run


def steering(text: str) -> set[str]:
    """What of a text a terminal acts upon, or a person does not see."""
    return {
        one for one in text if one not in "\n\r" and unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp"}
    }


def assert_harmless(folder: Path, *runs: Ran) -> None:
    """Nothing that was printed, and no file that people read, steers a terminal."""
    for one in runs:
        assert "Traceback" not in one.err
        assert not steering(one.out + one.err)
    kept = [one for one in folder.rglob("*") if one.is_file() and one.suffix in READ_BY_PEOPLE]
    assert {one.name for one in kept} >= {"run.json", "report.html"}
    for one in kept:
        assert not steering(one.read_text()), one
    assert not steering(" ".join(str(one) for one in folder.rglob("*")))


def chain(folder: Path, url: str, endpoint: str, outputs: str = "{said: $made.text}") -> None:
    """Write a chain of one call."""
    (folder / "c.yaml").write_text(
        f"name: c\nsteps:\n  made:\n    space: {url}\n    endpoint: {endpoint}\n    with: {{word: hi}}\n"
        f"    retry: {{attempts: 1}}\noutputs: {outputs}\n"
    )


def test_what_an_app_says_beside_its_answer_is_seen_and_its_answer_is_kept(app, tmp_path, command):
    """A text for the next step must be the app's own; whoever reads the record with `cat` sees signs."""
    chain(tmp_path, app.url, "/answer", "{said: $made.text, found: $made.json, kept: $made.file}")
    ran = command("run", "c.yaml", "--out", "out")
    assert ran.code == 0, ran.err
    looked = command("show", "last"), command("show", "last", "--json"), command("inspect", app.url)
    assert_harmless(tmp_path, ran, *looked)

    [record] = tmp_path.rglob("run.json")
    told = json.loads(record.read_text())
    assert told["outputs"]["said"]["value"] == f"text {EVIL}"
    assert told["outputs"]["found"]["value"] == {f"key {EVIL}": [f"value {EVIL}"]}
    assert Path(told["outputs"]["kept"]["path"]).read_text() == f"file {EVIL}"
    [warning] = told["steps"]["made"]["warnings"]
    assert not steering(warning)
    assert "warning a" in warning


@pytest.mark.parametrize("endpoint", ["/refuse", "/break"])
def test_what_an_app_refuses_with_is_seen(app, tmp_path, command, endpoint):
    """A message is for people: what they cannot see in it is a sign that there was something."""
    chain(tmp_path, app.url, endpoint)
    ran = command("run", "c.yaml", "--out", "out")
    assert ran.code == 1, ran.err
    assert_harmless(tmp_path, ran, command("show", "last"), command("run", "c.yaml", "--json"))

    for record in tmp_path.rglob("run.json"):
        error = json.loads(record.read_text())["steps"]["made"]["error"]
        assert "hi a" in error["said"]
        assert not steering(json.dumps(error, ensure_ascii=False))


def test_a_lock_and_a_linked_chain_hold_no_steering_label(app, tmp_path, command):
    """A lock is read by people before it is committed."""
    (tmp_path / "c.yaml").write_text(
        f"name: c\nsteps:\n  made:\n    space: {app.url}\n    endpoint: /choose\n"
        "    with: {choice: b}\noutputs: {said: $made.text}\n"
    )
    locked = command("lock", "c.yaml")
    for one in tmp_path.rglob("*.yaml"):
        assert not steering(one.read_text()), one
    checked = command("check", "c.yaml")
    for one in (locked, checked):
        assert not steering(one.out + one.err)


@pytest.mark.parametrize("status", [400, 500])
def test_what_a_vendor_says_is_seen(tmp_path, command, status):
    """A vendor over HTTP is a stranger like any app."""
    with web(lambda _: say({"error": f"error {EVIL}"}, status=status)) as served:
        (tmp_path / "mean.yaml").write_text(SERVICE.format(url=served.url))
        (tmp_path / "c.yaml").write_text(
            "name: c\nsteps:\n  made:\n    service: mean.yaml\n    endpoint: say\n    with: {word: hi}\n"
            "    retry: {attempts: 1}\noutputs: {said: $made.said}\n"
        )
        ran = command("run", "c.yaml", "--out", "out")
    assert ran.code == 1, ran.err
    assert_harmless(tmp_path, ran, command("show", "last"))
    [record] = tmp_path.rglob("run.json")
    told = json.loads(record.read_text())
    assert "error a" in told["steps"]["made"]["error"]["said"]
    assert not steering(json.dumps(told["steps"]["made"]["error"], ensure_ascii=False))


def test_a_chain_that_is_linked_holds_no_steering_text():
    """It is kept and read by people; what a label or a default says comes back as it was."""
    endpoint = Endpoint(
        "/go",
        (Parameter("word", Kind.TEXT, f"label {EVIL}", default=EVIL),),
        (Return("said", Kind.TEXT),),
    )
    made = compose([Linked("me/one", (endpoint,)), Linked("me/two", (endpoint,))], [Given("word", (EVIL,))])
    assert isinstance(made, Composition)
    text = write(made, "x")

    assert not steering(text)
    assert loads(text, folder=Path()).inputs["word"].default == EVIL


def test_a_long_value_in_a_file_of_its_own_steers_nothing(tmp_path):
    """The file is JSON, and JSON has escapes: its value is the same."""
    made = RunFolder(tmp_path / "run").publish_output("all", [EVIL] * 2000)
    text = made.path.read_text()

    assert not steering(text)
    assert json.loads(text) == [EVIL] * 2000


def answered(asked: Asked) -> Answer:
    """An answer to whom it likes, an error to others."""
    word = json.loads(asked.body)["word"]
    return say({"said": EVIL}) if word == "good" else say({"error": f"error {EVIL}"}, status=400)


@pytest.mark.parametrize("results", ["results.jsonl", "results.csv"])
def test_the_results_of_a_batch_tell_what_a_vendor_says_harmlessly(tmp_path, command, results):
    """Also after the batch went on, which writes the table anew without the rows that failed."""
    (tmp_path / "t.csv").write_text("word\ngood\nbad\n")
    with web(answered) as served:
        (tmp_path / "mean.yaml").write_text(SERVICE.format(url=served.url))
        (tmp_path / "c.yaml").write_text(
            "name: c\ninputs: {word: {kind: text}}\nsteps:\n  made:\n    service: mean.yaml\n"
            "    endpoint: say\n    with: {word: $inputs.word}\n    retry: {attempts: 1}\n"
            "outputs: {said: $made.said}\n"
        )
        for _ in range(2):
            ran = command("batch", "c.yaml", "t.csv", "--results", results)
            assert ran.code == 1, ran.err
            text = (tmp_path / results).read_text()
            if results.endswith(".csv"):
                _, failed = csv.DictReader(io.StringIO(text))
                assert "error a" in failed["error"]
                assert not steering(failed["error"])
            else:
                good, failed = map(json.loads, text.splitlines())
                assert good["outputs"]["said"]["value"] == EVIL
                assert "error a" in failed["error"]["message"]
                assert not steering(text)


def test_what_a_lost_item_was_refused_with_is_seen(tmp_path, command):
    """The step went on without it, and the record says why."""
    with web(answered) as served:
        (tmp_path / "mean.yaml").write_text(SERVICE.format(url=served.url))
        (tmp_path / "c.yaml").write_text(
            "name: c\nsteps:\n  made:\n    service: mean.yaml\n    endpoint: say\n"
            "    each: {in: [good, bad], keep_going: true}\n    with: {word: $item}\n"
            "    retry: {attempts: 1}\noutputs: {said: $made.said}\n"
        )
        ran = command("run", "c.yaml", "--out", "out")
    assert_harmless(tmp_path, ran, command("show", "last"))
    [record] = tmp_path.rglob("run.json")
    [_, lost] = json.loads(record.read_text())["steps"]["made"]["calls"]

    assert "error a" in lost["error"]["message"]
    assert not steering(lost["error"]["message"])
