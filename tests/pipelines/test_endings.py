"""How a command ends that does not end by itself: nothing goes on behind it, and nothing is left lying."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest
from PIL import Image

from pipelines.programs.ffmpeg import find_ffmpeg

CHAIN = """
name: show
inputs: {images: {kind: image, many: true, default: [one.png, two.png]}}
steps:
  show:
    media: slideshow
    with: {images: $inputs.images, seconds: 300, motion: zoom}
"""


@pytest.fixture
def show(tmp_path, monkeypatch):
    """A chain whose slide show takes minutes; its ffmpeg holds a named pipe open as long as it lives."""
    for name, colour in (("one.png", "red"), ("two.png", "blue")):
        Image.new("RGB", (1280, 720), colour).save(tmp_path / name)
    (tmp_path / "show.yaml").write_text(CHAIN)
    fifo, script = tmp_path / "fifo", tmp_path / "ffmpeg"
    os.mkfifo(fifo)
    told = f'case "$*" in *-progress*) exec 9>"{fifo}"; echo here >&9;; esac'  # not when it is only asked
    script.write_text(f'#!/bin/sh\n{told}\nexec "{find_ffmpeg()}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("SPACECHAIN_FFMPEG", str(script))
    return fifo


@pytest.fixture
def start(tmp_path):
    """Start `spacechain run` with what is given to `Popen`."""
    started = []

    def begin(**how):
        line = [sys.executable, "-m", "pipelines.cli", "run", "show.yaml"]
        process = subprocess.Popen(line, cwd=tmp_path, **how)
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        started.append((process, watchdog))
        return process

    yield begin
    for process, watchdog in started:
        watchdog.cancel()
        process.kill()
        process.wait()


def test_ffmpeg_ends_with_a_command_that_is_killed_and_the_next_run_tidies_up(show, start, home):
    """An encoder that nobody waits for burns hours, and its files fill the disk."""
    first = start(stderr=subprocess.DEVNULL)
    with show.open("rb") as reader:
        assert reader.readline() == b"here\n"
        first.kill()
        assert reader.read().strip(b"here\n") == b""
    first.wait()
    (left,) = folders(home)
    second = start(stderr=subprocess.DEVNULL)
    with show.open("rb") as reader:
        assert reader.readline() == b"here\n"
        (now,) = folders(home)
        third = start(stderr=subprocess.DEVNULL)
        with show.open("rb") as other:
            assert other.readline() == b"here\n"
            at_once = folders(home)
            for process in (second, third):
                process.send_signal(signal.SIGTERM)
            assert [second.wait(), third.wait()] == [130, 130]

    assert now != left
    assert now in at_once
    assert len(at_once) == 2
    assert folders(home) == set()


def folders(home):
    return {one.name for one in (home / "scratch").iterdir() if one.is_dir()}


def test_closing_the_terminal_interrupts_a_run_in_good_order(show, start, tmp_path):
    """Whoever closes the window finds the run recorded, and can go on from there."""
    master, slave = pty.openpty()
    process = start(stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=own_terminal)
    os.close(slave)
    with show.open("rb") as reader:
        assert reader.readline() == b"here\n"
        os.close(master)
        assert reader.read().strip(b"here\n") == b""

    assert process.wait() == 130
    (record,) = (tmp_path / "outputs" / "show").glob("*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"


def own_terminal():
    """Make standard input the terminal that the new session is controlled by."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))
