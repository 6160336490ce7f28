"""Nothing that a stranger wrote steers the terminal of whoever reads it."""

import io
import json

import pytest
from rich.console import Console

from chains.problems import InvalidChain, Problem, show
from chains.text.source import Position, Source
from pipelines.cli.board import Board
from pipelines.cli.live import draw, watching
from pipelines.cli.show import result, result_json, say, show_error, table
from pipelines.engine.events import CallTold, RunStarted, StepStarted
from spaces_registry.errors import Crashed
from spaces_registry.plain import flat, visible
from spaces_registry.progress import FellBack, Logged, Progress

EVIL = (
    "a\x1b[2J\x1b]8;;http://evil\x07b\x1b]52;c;aGk=\x07c\x9b31md\u202ee\u2066f\rg\x08h\x00i\u2028j\ud800k\x7fl"
    "[bold red]m[/bold red][link=http://evil]n[/link]\u200bo\x1bP0q\x1b\\"
)
STEERING = {chr(one) for one in (*range(9), *range(11, 32), 127, *range(128, 160))} | set(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u2028\u2029\ud800\ufeff"
)


def assert_harmless(shown: str) -> None:
    """Nothing in it steers a terminal; brackets stay what they are."""
    assert not STEERING & set(shown)
    assert "[bold red]m[/bold red]" in shown


@pytest.mark.parametrize("clean", [flat, visible])
def test_the_one_cleaner_leaves_nothing_that_steers(clean):
    """Every text that is shown goes through it."""
    assert_harmless(clean(EVIL))
    assert clean("Käse 日本語 🎬 „x“") == "Käse 日本語 🎬 „x“"
    assert len(visible(EVIL)) == len(EVIL)


def test_whatever_is_said_is_harmless(capsys):
    """Also where somebody forgot to clean it."""
    say(EVIL)
    show_error(Crashed(EVIL, EVIL, said=EVIL + "!", hint=EVIL))
    table(("NAME",), [(EVIL,)])
    shown = capsys.readouterr()

    assert_harmless(shown.err)
    assert_harmless(shown.out)


def test_a_problem_shows_its_line_and_steers_nothing():
    """The chain's own text is a stranger's, too."""
    problem = Problem(Position(EVIL.replace("\n", ""), 1, 1), "x", EVIL, EVIL)

    assert_harmless(show(problem, EVIL))
    assert_harmless(str(InvalidChain([problem], Source("f", EVIL))))


def test_json_says_the_same_and_steers_nothing(capsys):
    """A program reads what was meant; a terminal is not steered by it."""
    result_json({"said": EVIL, "emoji": "🎬"}, is_versioned=False)
    shown = capsys.readouterr().out

    assert not (STEERING - {"\n"}) & set(shown)
    assert "🎬" in shown
    assert json.loads(shown) == {"said": EVIL, "emoji": "🎬"}


def test_half_a_character_is_printed_somehow(capsys):
    """A result must not end in a fault of ours because of one letter."""
    result("half \ud800 a letter")
    assert "half" in capsys.readouterr().out


def events(step: str):
    """Everything that a place may say while it works."""
    yield RunStarted("r", EVIL, EVIL, (step,))
    yield StepStarted(step, EVIL, 1)
    yield CallTold(step, 0, Logged(EVIL, EVIL))
    yield CallTold(step, 0, Progress(1, 2, 0.5, EVIL, EVIL))
    yield CallTold(step, 0, FellBack(EVIL, EVIL, EVIL))


def test_the_lines_of_a_log_steer_nothing(capsys):
    """They go to terminals, and into the logs of others."""
    with watching(["a"], events=False, quiet=False) as tell:
        for event in events("a"):
            tell(event)

    assert_harmless(capsys.readouterr().err)


def test_the_events_steer_nothing(capsys):
    """`--events` on a terminal is JSON on a terminal."""
    with watching(["a"], events=True, quiet=False) as tell:
        for event in events("a"):
            tell(event)
    shown = capsys.readouterr().out

    assert not (STEERING - {"\n"}) & set(shown)
    assert all(json.loads(line) for line in shown.splitlines())


@pytest.mark.parametrize("last", [2, 3, 4, 5])
def test_the_live_board_steers_nothing_and_reads_no_markup(last):
    """It redraws eight times a second what a place said."""
    board = Board.of(["a"])
    for event in [*events("a")][:last]:
        board.hear(event)
    written = io.StringIO()
    Console(file=written, width=400, markup=False, emoji=False).print(draw(board, 400))

    assert not STEERING & set(written.getvalue())
