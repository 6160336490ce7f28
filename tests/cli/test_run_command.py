"""`run`: what it prints, where its files are, how it ends."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
from web import Answer, web

SAY = """
name: say
inputs: {word: {kind: text}, loud: {kind: boolean, default: true}}
steps:
  pictures: {space: "bench", endpoint: /draw, with: {colour: green, count: 2}}
  say: {when: inputs.loud, space: "bench", endpoint: /shout, with: {text: $inputs.word}}
outputs: {pictures: $pictures.images, said: $say.text}
"""


def test_json_has_the_documented_shape(spacechain, write, app):
    """Other people's scripts read it."""
    done = spacechain("run", write(SAY), "-i", "word=hello", "--json")
    run = done.json

    assert done.code == 0
    assert run["chain"] == "say"
    assert run["status"] == "succeeded"
    assert run["version"] == 1
    assert Path(run["folder"]) == Path.cwd() / "outputs" / "say" / run["run"]
    assert run["outputs"]["said"] == {"kind": "text", "value": "HELLO"}
    first = run["outputs"]["pictures"][0]
    assert first.keys() == {"kind", "path", "mime", "sha256", "size_bytes"}
    assert (first["kind"], first["mime"], first["size_bytes"]) == (
        "image",
        "image/png",
        Path(first["path"]).stat().st_size,
    )
    step = run["steps"]["say"]
    assert step.keys() >= {"status", "cached", "via", "endpoint", "attempts", "seconds", "outputs", "error"}
    assert (step["via"], step["endpoint"], step["attempts"], step["error"]) == (app.url, "/shout", 1, None)
    assert step["outputs"] == {"answer": {"kind": "text", "value": "HELLO"}}


def test_the_chains_first_output_is_on_the_last_line(spacechain, write):
    """`spacechain run … | tail -1` is the film."""
    done = spacechain("run", write(SAY), "-i", "word=hi", "--out", "there")

    assert done.code == 0
    last = Path(done.out.splitlines()[-1])
    assert last.parts[0] == "there"
    assert last.read_bytes().startswith(b"\x89PNG")


def test_events_are_json_lines_from_the_start_to_the_end(spacechain, write):
    """A program can follow a run."""
    done = spacechain("run", write(SAY), "-i", "word=events", "--events")
    events = [json.loads(line) for line in done.out.splitlines()]

    assert events[0]["event"] == "run-started"
    assert events[-1]["event"] == "run-settled"
    assert events[-1]["status"] == "succeeded"
    assert {one["step"] for one in events if one["event"] == "step-settled"} == {"pictures", "say"}


def test_a_failed_step_ends_with_exit_1_its_words_and_the_command_that_goes_on(spacechain, write):
    """What is done is kept, and the user knows how to go on."""
    file = write("""
        steps:
          good: {space: "bench", endpoint: /shout, with: {text: good}}
          bad: {space: "bench", endpoint: /refuse, with: {text: "[red]evil\\e[31m"}}
        outputs: {good: $good.text}
    """)
    done = spacechain("run", file)

    assert done.code == 1
    assert "good: GOOD" in done.out
    assert "[rejected-input]" in done.err
    assert "I do not like" in done.err
    assert "run the chain again with other inputs" in done.err  # the same would be refused again
    assert "spacechain resume" in done.err
    assert "\x1b" not in done.err
    assert "Traceback" not in done.err


def test_an_error_in_json_keeps_the_apps_own_words(spacechain, write):
    """An agent decides by them."""
    done = spacechain(
        "run", write('steps: {bad: {space: "bench", endpoint: /refuse, with: {text: x}}}'), "--json"
    )
    error = done.json["steps"]["bad"]["error"]

    assert done.code == 1
    assert error.keys() == {"code", "message", "hint", "said", "attempts"}
    assert error["said"] == "I do not like 'x'"
    assert error["attempts"][0].keys() == {"via", "class", "said", "seconds"}


def test_ctrl_c_cancels_the_call_in_the_app_records_the_run_and_exits_130(write, app, tmp_path):
    """A generator that nobody waits for must not go on burning GPU time."""
    file = write('name: long\nsteps: {slow: {space: "bench", endpoint: /crawl, with: {seconds: 50}}}')
    line = [sys.executable, "-m", "pipelines.cli", "run", str(file), "--events"]
    process = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        for event in process.stdout:
            if json.loads(event).get("told") == "yielded":
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        watchdog.cancel()
    record = json.loads(next((tmp_path / "outputs" / "long").glob("*/run.json")).read_text())

    assert process.returncode == 130
    assert record["status"] == "interrupted"
    assert json.loads(out.splitlines()[-1])["status"] == "interrupted"
    assert "go on from there with" in err
    assert ticks_stop(app.url)


def ticks_stop(url: str) -> bool:
    """Whether the app's generator stands still: two looks with the same count between them."""
    last = -1
    for _ in range(100):
        counts = (
            httpx2.post(f"{url}/gradio_api/run/wait", json={"data": [0.2, ""]})
            and httpx2.post(f"{url}/gradio_api/run/calls", json={"data": []}).json()["data"][0]
        )
        if counts.get("crawl-ticks", 0) == last:
            return "crawl-ended" not in counts
        last = counts.get("crawl-ticks", 0)
    return False


def test_a_repeated_name_is_a_list_where_the_input_takes_many(spacechain, write):
    """As people write it on a command line."""
    file = write("""
        inputs: {words: {kind: text, many: true}}
        steps: {all: {each: $inputs.words, space: "bench", endpoint: /shout, with: {text: $item}}}
        outputs: {all: $all.text}
    """)
    repeated = spacechain("run", file, "-i", "words=a", "-i", "words=b", "--json")
    listed = spacechain("run", file, "-i", 'words=["c", "d"]', "--json")

    assert [one["value"] for one in repeated.json["outputs"]["all"]] == ["A", "B"]
    assert [one["value"] for one in listed.json["outputs"]["all"]] == ["C", "D"]


def test_a_file_input_is_a_path_or_a_url(spacechain, write, app):
    """What the user hands in is uploaded; a URL is fetched first."""
    file = write("""
        inputs: {face: {kind: image}}
        steps: {width: {space: "bench", endpoint: /measure, with: {picture: $inputs.face}}}
        outputs: {width: $width.integer}
    """)
    made = spacechain("call", app.url, "draw", "colour=red", "count=1", "--json").json["outputs"]["pictures"][
        0
    ]
    picture = Path(made["path"]).read_bytes()
    with web(lambda _: Answer(picture, type="image/png")) as site:
        by_url = spacechain("run", file, "-i", f"face={site.url}/face.png", "--json")
    by_path = spacechain("run", file, "-i", f"face={made['path']}", "--json")

    assert by_path.json["outputs"]["width"]["value"] == 32
    assert by_url.json["outputs"]["width"]["value"] == 32


def test_an_input_of_kind_json_is_parsed(spacechain, write):
    """And what is no JSON is refused before anything is called."""
    file = write("""
        inputs: {facts: {kind: json, default: {}}}
        steps: {say: {space: "bench", endpoint: /shout, with: {text: "${{ inputs.facts.a[0] }}"}}}
        outputs: {said: $say.text, facts: $inputs.facts}
    """)
    good = spacechain("run", file, "-i", 'facts={"a": ["one"]}', "--json")
    bad = spacechain("run", file, "-i", 'facts={"a":')

    assert good.json["outputs"]["said"]["value"] == "ONE"
    assert good.json["outputs"]["facts"] == {"kind": "json", "value": {"a": ["one"]}}
    assert bad.code == 2
    assert "JSON" in bad.err


def test_a_file_of_the_users_that_does_not_fit_is_not_blamed_on_a_space(spacechain, write, tmp_path):
    """Nothing was called, and the mistake is theirs to mend."""
    (tmp_path / "notes.txt").write_text("not a picture")
    file = write("""
        inputs: {face: {kind: image}}
        steps: {width: {space: "bench", endpoint: /measure, with: {picture: $inputs.face}}}
    """)
    done = spacechain("run", file, "-i", "face=notes.txt")

    assert done.code == 2
    assert "notes.txt" in done.err
    assert "should be an image" in done.err
    assert "place" not in done.err


def test_every_mistake_is_told_in_one_pass(spacechain, write):
    """A misspelt parameter is not hidden behind a misspelt operation and untrusted code."""
    (write("x").parent / "mine.py").write_text("def f(a: str) -> str:\n    return a\n")
    file = write("""
        steps:
          say: {space: "bench", endpoint: /shout, with: {txt: a}}
          cut: {media: trimm, with: {}}
          own: {python: "mine.py:f", with: {a: x}}
    """)
    done = spacechain("check", file)

    assert done.code == 2
    assert all(one in done.err for one in ("txt", "trimm", "spacechain trust"))


def test_a_long_list_of_outputs_is_folded_for_a_person_and_whole_for_a_program(write, tmp_path):
    """Four hundred paths push the error above them off the screen; a pipe wants each of them."""
    words = json.dumps([f"w{number}" for number in range(30)])
    file = write(
        f"inputs: {{words: {{kind: text, many: true, default: {words}}}}}\n"
        "steps: {seen: {media: silence, with: {seconds: 1}}}\n"
        "outputs: {all: $inputs.words}\n"
    )
    line = [sys.executable, "-m", "pipelines.cli", "run", str(file)]
    piped = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    ours, theirs = pty.openpty()
    subprocess.run(line, cwd=tmp_path, stdout=theirs, stderr=subprocess.DEVNULL, check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb") as screen:
        shown = screen.read1().decode().splitlines()

    assert len(piped.stdout.splitlines()) == 30
    assert len(shown) == 5
    assert "… 26 more of all in outputs" in shown[3]
    assert shown[-1] == "all: w29"
