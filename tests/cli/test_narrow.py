"""What a terminal of 80 columns shows: no line is longer, and no word is cut in two."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

COLUMNS = 80


def shown(folder: Path, *words: str) -> list[str]:
    """The lines that a command prints on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    line = [sys.executable, "-m", "pipelines.cli", *words]
    with subprocess.Popen(line, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how a terminal says that nobody writes any more
                break
            if not part:
                break
            said += part
    os.close(ours)
    assert process.returncode == 0, said.decode()
    return said.decode().replace("\r", "").splitlines()


@pytest.mark.parametrize(
    "words",
    ["describe short-film", "media", "media mux", "inspect z-image --local", "plan short-film --local"],
)
def test_a_view_fits_and_keeps_its_words_whole(words, tmp_path):
    """A terminal breaks a line wherever it ends."""
    lines = shown(tmp_path, *words.split())

    assert lines
    assert not [line for line in lines if len(line) > COLUMNS]


def test_the_list_of_runs_shows_ids_and_times_uncut(spacechain, tmp_path):
    """Both are what a person looks for."""
    text = "steps: {a: {media: silence, with: {seconds: 1}}}\noutputs: {" + ", ".join(
        f"a_long_name_{at}: $a.audio" for at in range(9)
    )
    (tmp_path / "a-chain-of-a-very-long-name.yaml").write_text(text + "}\n")
    run = spacechain("run", "a-chain-of-a-very-long-name.yaml", "--json").json["run"]
    head, row = shown(tmp_path, "runs")

    assert len(row) <= COLUMNS
    assert row.startswith(run)
    assert re.match(r"\d+ \w{3} \d\d:\d\d ", row[head.index("WHEN") :])
