"""A step that goes on without items that failed: every view says how many are missing, and which."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.cli.board import Board
from pipelines.cli.live import draw
from pipelines.engine.events import CallSettled, StepSettled, StepStarted
from pipelines.engine.losses import loss_words
from pipelines.engine.outputs import StepOutputs
from pipelines.engine.results import CallDone, Succeeded
from spaces_registry.errors import Crashed

CHAIN = """
name: lossy
steps:
  all:
    each: {in: [a, bad, b, bad, bad, c], keep_going: true}
    space: "bench"
    endpoint: /picky
    retry: {attempts: 1}
    with: {text: $item}
outputs: {said: $all.text}
"""
WORDS = "3 of 6, 3 failed (items 2, 4-5)"


@pytest.fixture
def done(spacechain, write):
    """A run that lost three of six items, as people see its end."""
    return spacechain("run", write(CHAIN))


@pytest.mark.parametrize(
    ("items", "failed", "words"),
    [
        (6, [1, 3, 4], WORDS),
        (2, [0], "1 of 2, 1 failed (item 1)"),
        (9, [8, 0, 1, 2], "5 of 9, 4 failed (items 1-3, 9)"),
    ],
)
def test_items_are_told_by_number_counted_from_one(items, failed, words):
    """Whoever has a thousand items reads which, not one by one."""
    assert loss_words(items, failed) == words


def test_the_end_of_a_run_tells_each_loss_with_its_reason_and_how_to_ask_again(done):
    """Three of six looked like all of them: a green tick, and an exit code of 0."""
    assert done.code == 0
    assert f"step all: {WORDS}\n" in done.err
    assert re.search(r"^  item 2: .*that one is bad.* \[\w+", done.err, re.MULTILINE)
    assert re.search(r"again with: spacechain resume \d{8}-\d{6}-\w{6}$", done.err, re.MULTILINE)


def test_a_log_tells_a_loss_where_the_step_ends(done):
    """Whoever reads only that line must not take it for whole."""
    assert re.search(rf"^all: done in [\d.]+ s: {re.escape(WORDS)}$", done.err, re.MULTILINE)


@pytest.mark.usefixtures("done")
def test_show_tells_losses_in_its_table_and_one_by_one(spacechain):
    """Tomorrow it must be known, too."""
    shown = spacechain("show", "last").out

    assert re.search(r"^all +3 of 6 failed ", shown, re.MULTILINE)
    assert f"all: {WORDS}\n  item 2: " in shown


@pytest.mark.usefixtures("done")
def test_the_list_of_runs_tells_that_something_is_lost(spacechain):
    """It is where one run is chosen before another."""
    assert "succeeded, 3 lost" in spacechain("runs").out


@pytest.mark.usefixtures("done")
def test_the_page_of_a_run_tells_losses(spacechain):
    """It is what others are sent."""
    page = Path(spacechain("report", "last").out.strip()).read_text(encoding="utf-8")

    assert f'<span class="mark partly">all: {WORDS}</span>' in page
    assert '<span class="small mark partly">partly</span>' in page
    assert "<li>item 2: " in page


def test_json_tells_losses_of_the_run_and_of_the_step(spacechain, write):
    """Programs count, too."""
    told = spacechain("run", write(CHAIN), "--json").json

    assert told["status"] == "succeeded"
    (lost,) = told["lost"]
    assert (lost["step"], lost["items"], [one["item"] for one in lost["failed"]]) == ("all", 6, [1, 3, 4])
    assert "that one is bad" in lost["failed"][0]["message"]
    assert (told["steps"]["all"]["items"], told["steps"]["all"]["failed_items"]) == (6, [1, 3, 4])


def test_a_chain_around_the_step_tells_its_losses(spacechain, write):
    """The outer step looks whole, and what it gives is not."""
    write(CHAIN, "inner.yaml")
    told = spacechain("run", write("steps: {one: {chain: inner.yaml}}\n"), "--json").json

    assert [(one["step"], one["items"]) for one in told["lost"]] == [("one/all", 6)]


def test_a_row_of_a_batch_warns_of_losses(spacechain, write, tmp_path):
    """Nobody opens the runs of a thousand rows."""
    (tmp_path / "rows.csv").write_text("word\nx\n")
    chain = CHAIN.replace("steps:", "inputs: {word: {kind: text}}\nsteps:").replace("[a,", "[$inputs.word,")
    done = spacechain("batch", write(chain), "rows.csv", "--workers", 1)

    assert f"row 1: warning: all: {WORDS}" in done.err


@pytest.mark.usefixtures("done")
def test_only_what_was_lost_is_asked_for_again(spacechain):
    """The end of a run says that `resume` does it."""
    again = spacechain("resume", "last", "--json").json

    calls = [(one["item"], one["cached"]) for one in again["steps"]["all"]["calls"]]
    assert calls == [(0, True), (1, False), (2, True), (3, False), (4, False), (5, True)]


def test_a_line_of_the_live_view_tells_losses_in_place_of_a_tick():
    """A green tick says that all is there."""
    board = Board.of(["all"])
    board.hear(StepStarted("all", "owner/picky", 2))
    board.hear(CallSettled("all", 0, ok=False, cached=False))
    console = Console(width=80, force_terminal=False, markup=False)
    with console.capture() as working:
        console.print(draw(board, 80))
    bad = _call(0, Crashed("owner/picky", "owner/picky: bad"))
    outputs = StepOutputs((), (), {})
    board.hear(StepSettled("all", Succeeded("all", outputs, (bad, _call(1)), 2.0)))
    with console.capture() as ended:
        console.print(draw(board, 80))

    assert "1/2, 1 failed" in working.get()
    assert re.match(r"! all +2\.0 s owner/picky  1 of 2, 1 failed \(item 1\)\s*$", ended.get())


def _call(item: int, failure: Crashed | None = None) -> CallDone:
    return CallDone(
        item, "owner/picky", None, "/picky", None, cached=False, seconds=1.0, key=None, failure=failure
    )
