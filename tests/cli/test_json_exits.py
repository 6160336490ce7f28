"""Every command with `--json`, at every exit code that can be brought about: one JSON document on stdout."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from web import Answer, Asked, web

NOWHERE = "http://127.0.0.1:9"
FILES = {
    "fine.yaml": "inputs: {seconds: {kind: number, default: 1}}\n"
    "steps: {a: {media: silence, with: {seconds: $inputs.seconds}}}\noutputs: {it: $a.audio}\n",
    "code.yaml": "steps: {a: {python: code.py:go}}\noutputs: {it: $a.value}\n",
    "code.py": "def go() -> str:\n    return 'x'\n",
    "away.yaml": f"steps: {{a: {{space: '{NOWHERE}', endpoint: /x, retry: {{attempts: 1}}, with: {{}}}}}}\n",
    "wrong.yaml": "stepz: {}\nsteps: {a: {media: no_such_operation}}\n",
    "rows.csv": "seconds\n1\n2\n",
    "bad-rows.csv": "seconds\nlong\n",
}
ROWS: list[tuple[int, str]] = [
    (0, "run fine.yaml"),
    (1, "run away.yaml"),
    (2, "run wrong.yaml"),
    (2, "run fine.yaml -i secnds=2"),
    (2, "run fine.yaml --events"),
    (4, "run code.yaml"),
    (0, "resume FINE"),
    (1, "resume AWAY"),
    (2, "resume nothing"),
    (0, "check fine.yaml"),
    (2, "check wrong.yaml"),
    (0, "describe fine.yaml"),
    (2, "describe wrong.yaml"),
    (0, "plan fine.yaml"),
    (0, "plan fine.yaml --mermaid"),
    (2, "plan wrong.yaml --mermaid"),
    (0, "lock fine.yaml"),
    (1, "lock away.yaml"),
    (2, "lock wrong.yaml"),
    (0, "runs"),
    (0, "show FINE"),
    (2, "show nothing"),
    (0, "report FINE"),
    (2, "report nothing"),
    (0, "rm FINE --dry-run"),
    (2, "rm nothing"),
    (0, "store"),
    (0, "store --prune --yes"),
    (2, "store --older soon"),
    (0, "media"),
    (0, "media mux"),
    (2, "media nothing"),
    (0, "services"),
    (0, "services replicate"),
    (2, "services nothing"),
    (0, "recipes"),
    (0, "recipes short-film"),
    (2, "recipes nothing"),
    (0, "new mine"),
    (2, "new fine"),
    (0, "templates"),
    (0, "templates cinematic"),
    (2, "templates nothing"),
    (0, "templates add noir --prompt dark"),
    (2, "templates remove nothing"),
    (0, "trust code.yaml"),
    (0, "trust fine.yaml"),
    (2, "trust wrong.yaml"),
    (0, "usage"),
    (2, "usage --by nothing"),
    (0, "schema"),
    (1, f"inspect {NOWHERE}"),
    (2, "inspect not/an/address"),
    (1, f"call {NOWHERE} /x"),
    (2, f"call {NOWHERE} /x -i x"),
    (1, f"link {NOWHERE} {NOWHERE}"),
    (2, "find cat --category nothing"),
    (2, "models --task nothing"),
    (2, "studio no/such-space"),
    (2, "batch fine.yaml bad-rows.csv"),
    (2, "batch fine.yaml nothing.csv"),
    (2, "no-such-command"),
]


@pytest.fixture
def made(tmp_path, spacechain):
    """The folder with `FILES`, and the words of a row as they are typed there."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)

    def words(row: str) -> list[str]:
        found = row.split()
        for name, file in (("FINE", "fine.yaml"), ("AWAY", "away.yaml")):
            if name in found:
                found[found.index(name)] = spacechain("run", file, "--json").json["run"]
        return found

    return words


@pytest.mark.parametrize(("code", "row"), ROWS, ids=[row for _, row in ROWS])
def test_a_command_prints_one_document(code, row, made, spacechain):
    """A program reads stdout to its end, and knows by the exit code and the document what happened."""
    done = spacechain(*made(row), "--json")

    told = done.json
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    if isinstance(told, dict) and row != "schema":
        assert told["version"] == 1
    if code and "problems" not in told and row.split()[0] != "lock":
        assert told["error"].keys() == {"code", "message", "hint", "next"}
    assert not [
        one for one in strings(told, "file", "path", "folder", "written") if not Path(one).is_absolute()
    ]


def strings(value: object, *keys: str) -> list[str]:
    """The texts under some keys, wherever they stand."""
    match value:
        case dict():
            own = [one for key, one in value.items() if key in keys and isinstance(one, str)]
            return own + [text for one in value.values() for text in strings(one, *keys)]
        case list():
            return [text for one in value for text in strings(one, *keys)]
    return []


EVENTS = [
    (2, ("run", "wrong.yaml"), "invalid-chain"),
    (2, ("run", "fine.yaml", "-i", "secnds=2"), "invalid-inputs"),
    (2, ("run", "fine.yaml", "--no-such-option"), "usage"),
    (2, ("run", "nowhere.yaml"), None),
    (2, ("resume", "nothing"), "unknown-run"),
    (4, ("run", "code.yaml"), "not-trusted"),
]


@pytest.mark.parametrize(("code", "words", "why"), EVENTS, ids=[" ".join(words) for _, words, _ in EVENTS])
def test_a_stream_of_events_that_does_not_begin_says_why(code, words, why, made, spacechain):
    """Who reads the stream reads nothing else."""
    made("")
    done = spacechain(*words, "--events")

    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == code
    assert lines[-1]["error"].keys() == {"code", "message", "hint", "next"}
    assert why in (None, lines[-1]["error"]["code"])


def waiting(app) -> int:
    """How many calls of the app's slow endpoint have begun."""
    answer = httpx2.post(f"{app.url}/gradio_api/run/calls", json={"data": []})
    return int(answer.json()["data"][0].get("wait", 0))


@pytest.mark.parametrize("option", ["--json", "--events"])
def test_an_interrupt_is_told_as_json_with_what_goes_on(option, write, app, tmp_path):
    """Ctrl-C is an end like others."""
    file = write('steps: {a: {space: "bench", endpoint: /wait, with: {seconds: 60, text: a}}}\n')
    before = waiting(app)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run", str(file), option],
        cwd=tmp_path,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and waiting(app) == before:
        pass  # the app counts a call when it begins
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    if option == "--json":
        told = json.loads(out)
        assert told["error"]["code"] == "interrupted"
        assert told["next"] == told["error"]["next"] == f"spacechain resume {told['run']}"
    else:
        assert json.loads(out.splitlines()[-1])["status"] == "interrupted"


@pytest.fixture
def process_of_check(tmp_path) -> Iterator["subprocess.Popen[str]"]:
    """`check --json` while it waits for an app that does not answer."""
    asked, released = threading.Event(), threading.Event()

    def silent(_: Asked) -> Answer:
        asked.set()
        released.wait(60)
        return Answer()

    with web(silent) as server:
        file = tmp_path / "chain.yaml"
        file.write_text(f"steps: {{a: {{space: '{server.url}', endpoint: /x, with: {{}}}}}}\n")
        pipe = subprocess.PIPE
        line = [sys.executable, "-m", "pipelines.cli", "check", str(file), "--json"]
        process = subprocess.Popen(line, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True)
        assert asked.wait(60)
        yield process
        released.set()


def test_the_record_of_a_run_says_its_version(made, spacechain):
    """It is read by programs as often as stdout is."""
    made("")
    folder = Path(spacechain("run", "fine.yaml", "--json").json["folder"])

    assert json.loads((folder / "run.json").read_text())["version"] == 1


def test_an_interrupt_before_there_is_a_result_is_told_as_json(process_of_check):
    """So is one of a command that only looks."""
    process_of_check.send_signal(signal.SIGINT)
    out, err = process_of_check.communicate(timeout=60)

    assert process_of_check.returncode == 130
    assert "Traceback" not in err
    assert json.loads(out)["error"]["code"] == "interrupted"
