"""A process killed at any moment: nothing lost, nothing damaged, next to nothing paid twice."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.history import violations
from faults.kills import AT_ONCE, Field, kill_runs
from servers import serve

APPS = Path(__file__).parent / "apps"
KILLS = int(os.environ.get("SPACECHAIN_KILLS", "25"))


@pytest.fixture
def field(tmp_path: Path) -> Field:
    """A field of its own."""
    return Field(tmp_path, tmp_path / "farm.log")


@pytest.fixture
def farm(field: Field) -> Iterator[str]:
    """The app that makes everything, and counts."""
    with serve(APPS / "farm.py", env={"FARM_LOG": str(field.log)}) as server:
        yield server.url


@pytest.mark.timeout(120 + 20 * KILLS)
def test_calls_left_in_the_app_survive_a_kill(field, farm, told):
    """GPU time is scarce and money is money: a killed run's calls are fetched, not made again."""
    field.write_chain(farm, "detached")

    tally = kill_runs(field, range(KILLS))

    told(f"detached: {tally}")
    assert (tally.lost, tally.wrong) == (0, 0), tally.said
    assert tally.repeated <= max(1, 0.1 * tally.kills), str(tally)
    assert list(violations(field)) == []


@pytest.mark.timeout(120 + 20 * KILLS)
def test_calls_that_were_followed_are_repeated_at_most_once_each(field, farm, told):
    """Gradio throws away what is followed and cut off; all that was received stays received."""
    field.write_chain(farm, "attached")

    tally = kill_runs(field, range(1000, 1000 + max(3, KILLS // 5)))

    told(f"attached: {tally}")
    assert (tally.lost, tally.wrong) == (0, 0), tally.said
    assert tally.worst <= AT_ONCE, str(tally)
    assert list(violations(field)) == []
