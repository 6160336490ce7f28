"""How a batch ends that does not end by itself: what is finished stays, and the rest is gone on with."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

CODE = """
import os
def draw(prompt: str, fifo: str, log: str) -> str:
    with open(log, "a") as calls:
        calls.write(prompt + "\\n")
    if prompt == "slow":
        with open(fifo, "w") as told:
            told.write("here\\n")
        with open(fifo + "-go") as held:
            held.read()
    return prompt.upper()
"""
CHAIN = """
name: draw
inputs: {prompt: {kind: text}}
steps:
  draw: {python: "draw.py:draw", with: {prompt: $inputs.prompt, fifo: "FIFO", log: "LOG"}}
outputs: {said: $draw.output}
"""


@pytest.fixture
def start(tmp_path, run):
    """Start a batch whose second row never ends; it is under way when this returns."""
    fifo, log = tmp_path / "fifo", tmp_path / "calls.txt"
    for one in (fifo, tmp_path / "fifo-go"):
        os.mkfifo(one)
    (tmp_path / "draw.py").write_text(CODE)
    (tmp_path / "draw.yaml").write_text(CHAIN.replace("FIFO", str(fifo)).replace("LOG", str(log)))
    (tmp_path / "table.csv").write_text("prompt\na\nslow\nb\n")
    assert run("trust", "draw.yaml").code == 0
    line = [sys.executable, "-m", "pipelines.cli", "batch", "draw.yaml", "table.csv", "--workers", "1"]
    process = subprocess.Popen(
        line, cwd=tmp_path, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    told = os.open(fifo, os.O_RDWR)  # never blocks; so that a process that ends too soon is told here, too
    end = threading.Thread(target=lambda: (process.wait(), os.write(told, b"ended\n")))
    end.start()
    try:
        assert os.read(told, 100) == b"here\n"
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        end.join()
        process.stderr.close()
        os.close(told)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_is_finished_stays_however_a_batch_ends(start, run, tmp_path, sign):
    """A night's work must not hang on one terminal."""
    start.send_signal(sign)
    _, told = start.communicate()
    (tmp_path / "table.csv").write_text("prompt\na\nb\n")
    done = run("batch", "draw.yaml", "table.csv", "--json")

    if sign == signal.SIGKILL:
        assert start.returncode == -signal.SIGKILL
    else:
        assert start.returncode == 130
        assert "go on from there with: spacechain batch --resume outputs/draw/table --workers 1" in told
    assert (done.code, done.lines[-1]["skipped"], done.lines[-1]["succeeded"]) == (0, 1, 1)
    assert (tmp_path / "calls.txt").read_text().split() == ["a", "slow", "b"]
    with (tmp_path / "outputs/draw/table/results.csv").open(newline="") as file:
        assert [(one["prompt"], one["output.said"]) for one in csv.DictReader(file)] == [
            ("a", "A"),
            ("b", "B"),
        ]


def test_a_batch_under_way_says_so_and_one_that_was_killed_how_to_go_on(start, run):
    """Whoever looks from another terminal must see that it lives, and the morning after that it does not."""
    (running,) = json.loads(run("runs", "--json").out)
    rows = json.loads(run("show", "last", "--json").out)["rows"]
    refused = run("rm", "last", "--yes")
    start.send_signal(signal.SIGKILL)
    start.communicate()
    killed = run("runs")

    assert (running["status"], running["counts"]["succeeded"], running["counts"]["rows"]) == ("running", 1, 3)
    assert [(one["row"], one["status"]) for one in rows] == [(1, "succeeded"), (2, "running")]
    assert (refused.code, "under way" in refused.err) == (2, True)
    assert "interrupted, 1 of 3" in killed.out
    assert f"spacechain resume {running['run']}" in killed.err
    assert "1 more row is not begun" in run("show", "last").out


@pytest.mark.usefixtures("start")
def test_two_batches_do_not_write_one_table(run):
    """Their lines would mix, and each would do the other's rows."""
    done = run("batch", "draw.yaml", "table.csv")

    assert done.code == 2
    assert "another batch is writing outputs/draw/table/results.csv now" in done.err
