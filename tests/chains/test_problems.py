"""What users read about a mistaken chain file, as pairs of files: `problems/NAME.yaml` beside `NAME.txt`."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from chains import Problem

ProblemsOf = Callable[[Path], tuple[tuple[Problem, ...], str]]

PROBLEMS = Path(__file__).parent / "problems"
VALID = Path(__file__).parent / "valid"
MISTAKEN = sorted(one.name for one in PROBLEMS.glob("*.yaml"))

# these need what no small file can hold; their tests are below and in test_helpers.py
ELSEWHERE = {"too-large"}
# codes of exceptions, which are not problems of a file
EXCEPTIONS = {
    "invalid-chain",
    "chain-not-found",
    "chain-unreadable",
    "evaluation-failed",
    "not-literal",
    "invalid-templates",
    "unfilled-template",
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_a_mistake_is_shown_as_its_pair_says(
    name: str, rendered: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wording, the place and the hint are what a user works with."""
    monkeypatch.chdir(PROBLEMS)

    assert rendered(Path(name)) == Path(name).with_suffix(".txt").read_text(encoding="utf-8")


def test_every_pair_shows_something() -> None:
    """A pair without a problem would specify nothing."""
    assert len(MISTAKEN) > 60
    assert all((PROBLEMS / name).with_suffix(".txt").read_text(encoding="utf-8").strip() for name in MISTAKEN)


def test_every_code_of_the_language_has_a_pair() -> None:
    """A rule without a specified message is a rule nobody has read."""
    chains = Path(__file__).parents[2] / "chains"
    # what a lock and a link say is specified in test_lock, test_drift and test_compose
    sources = [*chains.glob("*.py"), *(chains / "rules").glob("*.py")]
    words = {word for one in sources for word in re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', one.read_text())}
    codes = words - EXCEPTIONS - {"utf-8", "fall-back"}
    shown = {
        code
        for one in PROBLEMS.glob("*.txt")
        for code in re.findall(r"\[([a-z0-9-]+)\]$", one.read_text(), re.MULTILINE)
    }

    assert codes - shown - ELSEWHERE == set()


@pytest.mark.parametrize("name", sorted(one.name for one in VALID.glob("*.yaml")))
def test_a_good_chain_is_met_with_silence(name: str, problems_of: ProblemsOf) -> None:
    """A warning about what is right would teach people not to read warnings."""
    assert problems_of(VALID / name)[0] == ()


def test_a_file_over_a_megabyte_is_refused(tmp_path: Path, problems_of: ProblemsOf) -> None:
    """A recipe from a stranger must not fill the memory."""
    file = tmp_path / "large.yaml"
    file.write_text("# " + "x" * 1_000_000 + "\nsteps: {draw: {space: owner/draw}}\n")

    assert [one.code for one in problems_of(file)[0]] == ["too-large"]
