"""What a run looks like on a terminal while it goes on: a line a step."""

import os
import pty
import re
import subprocess
import sys

import pytest
from rich.console import Console

from pipelines.cli.board import Board
from pipelines.cli.live import draw
from pipelines.engine.events import CallSettled, CallTold, StepSettled, StepStarted
from pipelines.engine.outputs import StepOutputs
from pipelines.engine.results import CallDone, Failed, Skipped, Succeeded
from spaces_registry.errors import Crashed
from spaces_registry.progress import Logged, Progress, Queued, Started

STEPS = ("image", "clip", "voice", "film")


@pytest.fixture
def board():
    """A board on which the first step has begun."""
    board = Board.of(STEPS)
    board.hear(StepStarted("image", "owner/draw", 1))
    return board


def shown(board: Board, width: int = 80, height: int = 24) -> list[str]:
    """The lines of a terminal of that size."""
    console = Console(width=width, force_terminal=False, markup=False)
    with console.capture() as captured:
        console.print(draw(board, width, height))
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Queued(2, 5, 40.2), "in the queue behind 2, about 40 s"),
        (Queued(0, 1), "next in the queue"),
        (Started(12.0), "working, about 12 s"),
        (Progress(3, 8, 0.375, "steps", "light"), "━━━━────────  38%  light 3/8 steps"),
        (Progress(0.2666667, 3.3333, 0.62, "seconds"), "62%  0.3/3.3 seconds"),
        (Progress(1024, 4096.0, 0.25), "25%  1024/4096"),
        (Logged("info", "Waiting for a GPU to become available"), "Waiting for a GPU to become available"),
    ],
)
def test_a_line_tells_what_the_space_says_of_itself(board, told, words):
    """Position, estimate and progress are the Space's own; whoever waits wants to know how long."""
    board.hear(CallTold("image", 0, told))

    first, *others = shown(board)
    assert re.match(r"▸ image +\d\.\d s owner/draw  ", first)
    assert words in first
    assert others == ["· clip", "· voice", "· film"]


def test_a_line_tells_how_a_step_ended(board):
    """What failed stands beside what was skipped for it, and neither breaks the line."""
    board.hear(StepStarted("voice", "owner/speak", 3))
    board.hear(CallSettled("voice", 0, ok=True, cached=False))
    error = Crashed("owner/draw", "owner/draw: " + "out of memory " * 20)
    board.hear(StepSettled("image", Failed("image", error, (), 2.5)))
    board.hear(StepSettled("clip", Skipped("clip", "step 'image' failed", by_choice=False)))

    lines = shown(board)
    assert re.match(r"✗ image +2\.5 s owner/draw: out of memory", lines[0])
    assert lines[1].split(maxsplit=2) == ["-", "clip", "step 'image' failed"]
    assert "owner/speak  1/3" in lines[2]
    assert max(map(len, lines)) <= 80


def test_a_narrow_terminal_tells_how_far_it_is_rather_than_where(board):
    """The place was in the chain; the progress is nowhere else."""
    board.hear(CallTold("image", 0, Progress(3, 8, 0.375, "steps")))

    (first, *_) = shown(board, width=52)
    assert "38%  3/8 steps" in first


def test_a_step_that_warned_says_so_when_it_is_done(board):
    """The line of a step is the last that its user sees of it on a terminal."""
    done = CallDone(
        item=0,
        via="owner/draw",
        url=None,
        endpoint="/go",
        revision=None,
        cached=False,
        seconds=1.0,
        key="key",
        warnings=("the text is cut off",),
    )
    board.hear(StepSettled("image", Succeeded("image", StepOutputs((), (), {}), (done,), 1.0)))

    (first, *_) = shown(board, width=100)
    assert "warning: the text is cut off" in first


def test_a_low_terminal_shows_what_works_and_counts_the_rest():
    """Forty steps on a terminal of ten lines must not scroll away."""
    board = Board.of([f"step{number}" for number in range(40)])
    board.hear(StepStarted("step30", "owner/draw", 1))

    lines = shown(board, height=10)
    assert len(lines) <= 9
    assert any(line.startswith("▸ step30") for line in lines)
    assert lines[-1].strip() == "… and 33 waiting"


def test_a_run_on_a_terminal_ends_with_a_line_a_step(write, tmp_path):
    """The real thing, on a real pseudo-terminal."""
    chain = write(
        "steps:\n"
        '  say: {space: "bench", endpoint: /shout, with: {text: hello}}\n'
        '  bad: {space: "bench", endpoint: /refuse, retry: {attempts: 1}, with: {text: $say.text}}\n'
        '  after: {space: "bench", endpoint: /shout, with: {text: $bad.text}}\n'
        "outputs: {said: $say.text}\n"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run", chain],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "100", "LINES": "24", "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = _read(ours)
        out = process.stdout.read().decode()

    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).splitlines()]
    assert process.returncode == 1
    assert out == "said: HELLO\n"
    assert any(re.match(r"✓ say +\d\.\d s http://127.0.0.1:\d+$", line) for line in lines)
    assert any(re.match(r"✗ bad .* I do not like 'HELLO'$", line) for line in lines)
    assert any(re.match(r"- after +step 'bad' failed$", line) for line in lines)
    assert "spacechain resume " in lines[-1]


def test_what_ends_before_the_first_call_leaves_no_rows_on_the_terminal(write, tmp_path):
    """Steps that seem to wait, above an error, look like work that goes on."""
    file = write(
        "inputs: {a: {kind: text}}\n"
        'steps: {first: {space: "bench", endpoint: /shout, with: {text: $inputs.a}}}\n'
    )
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "pipelines.cli", "run", str(file)]
    env = {**os.environ, "COLUMNS": "100", "LINES": "24", "TERM": "xterm"}
    process = subprocess.Popen(line, cwd=tmp_path, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = re.sub(r"\x1b\[[0-9;]*m", "", _read(ours))

    assert process.wait() == 2
    assert "· first" in seen
    assert "a is missing" in seen
    assert "· first" not in seen.rpartition("\x1b[2K")[2]  # what was drawn is wiped


def _read(terminal: int) -> str:
    """All that comes to a terminal until its program has gone."""
    seen = b""
    try:
        while chunk := os.read(terminal, 65536):
            seen += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(terminal)
    return seen.decode()
