"""What goes wrong in anybody's first hour: an open home, a sleeping Space, Ctrl-C, no network."""

import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hub_standin import ListedSpace, hub_standin
from servers import free_port, serve

from pipelines.household.home import find_home

WORKBENCH = Path(__file__).parents[1] / "pipelines" / "apps" / "workbench.py"
CHAIN = """
name: slow
steps:
  first: {space: bench, endpoint: /shout, with: {text: a}}
  second: {space: bench, endpoint: /crawl, with: {seconds: 50}, needs: [first]}
outputs: {first: $first.text}
"""


@pytest.mark.parametrize(
    "words",
    [
        ["run", "CHAIN"],
        ["plan", "CHAIN"],
        ["check", "CHAIN"],
        ["inspect", "me/app"],
        ["call", "me/app", "/shout", "text=a"],
        ["find", "say", "a", "text", "--takes", "text"],
        ["lock", "CHAIN"],
        ["usage"],
        ["trust", "CODE"],
        ["templates", "add", "noir", "--prompt", "film noir, {subject}"],
        ["store"],
        ["runs"],
        ["doctor", "--offline"],
    ],
)
def test_a_home_that_any_command_makes_first_is_open_to_its_owner_alone(at_hub, app, home, tmp_path, words):
    """Prompts and pictures are private, and nobody knows which command will be the first."""
    (tmp_path / "c.yaml").write_text("steps: {a: {space: me/app, endpoint: /shout, with: {text: a}}}\n")
    (tmp_path / "mine.py").write_text("def hi() -> str:\n    return 'hi'\n")
    (tmp_path / "code.yaml").write_text("steps: {a: {python: 'mine.py:hi'}}\n")
    files = {"CHAIN": "c.yaml", "CODE": "code.yaml"}
    before = os.umask(0o022)
    try:
        with hub_standin({"me/app": ListedSpace(app.url)}) as hub:
            done = at_hub(hub.url, *(files.get(one, one) for one in words))
    finally:
        os.umask(before)

    assert done.code in (0, 1), done.err
    assert not home.exists() or stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.parametrize(("stage", "word"), [("SLEEPING", "wakes"), ("BUILDING", "waits for")])
def test_inspect_says_at_once_that_a_space_does_not_run_and_how_to_wait(at_hub, app, stage, word):
    """Five minutes of silence look like a program that hangs."""
    with hub_standin({"me/app": ListedSpace(app.url, stages=[stage])}) as hub:
        done = at_hub(hub.url, "inspect", "me/app")

    assert done.code == 1
    assert f"me/app is {stage}" in done.err
    assert f"this {word} it: spacechain inspect me/app --wake 5m" in done.err


def test_inspect_wakes_a_space_when_it_is_asked_to(at_hub, app):
    """And says what it waits for."""
    with hub_standin({"me/app": ListedSpace(app.url, stages=["SLEEPING", "RUNNING"])}) as hub:
        done = at_hub(hub.url, "inspect", "me/app", "--wake", "1m")

    assert done.code == 0, done.err
    assert "me/app: waiting for the Space: sleeping" in done.err
    assert "/shout" in done.out


def test_ctrl_c_twice_says_what_was_made_and_how_to_go_on(tmp_path):
    """Whoever has no patience must not lose the name of the run."""
    with serve(WORKBENCH) as server:
        (tmp_path / "c.yaml").write_text(CHAIN.replace("bench", server.url))
        line = [sys.executable, "-m", "spacechain", "run", "c.yaml", "--events"]
        process = subprocess.Popen(
            line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            for event in process.stdout:
                if '"yielded"' in event:
                    break
            os.kill(server.pid, signal.SIGSTOP)  # an app that does not hear of the cancellation
            while process.poll() is None:  # one signal that comes with another is one
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
            _, err = process.communicate()
        finally:
            os.kill(server.pid, signal.SIGCONT)
            watchdog.cancel()
    run = next((tmp_path / "outputs" / "slow").iterdir()).name

    assert process.returncode == 130
    assert "interrupted; made so far: first; it is kept in outputs/slow/" in err
    assert f"go on from there with: spacechain resume {run}" in err


def test_without_a_network_one_line_says_so(spacechain, monkeypatch):
    """The same line for each of five Spaces hides the one thing to do about it."""
    host = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("HF_ENDPOINT", f"http://{host}")
    checked = spacechain("check", "short-film")
    done = spacechain("run", "short-film")

    assert checked.err.count("the Hub cannot be reached") == 1
    summary = done.err.split("failed in")[1]
    assert summary.count("the Hub cannot be reached") == 1
    assert f"no connection to {host}" in summary
    assert "--local" in summary
    assert find_home().folder.exists()
