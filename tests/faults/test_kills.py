"""A process killed at any moment: nothing lost, nothing damaged, next to nothing paid twice."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.conftest import eventually
from faults.history import violations
from faults.kills import AT_ONCE, CALLS, Field, kill_runs
from servers import serve

APPS = Path(__file__).parent / "apps"
BUDGET = 24
PACE = os.environ.get("SPACECHAIN_PACE", "10")
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


@pytest.fixture
def slow_farm(field: Field) -> Iterator[str]:
    """The same app, ten times as slow."""
    with serve(APPS / "farm.py", env={"FARM_LOG": str(field.log), "FARM_PACE": PACE}) as server:
        yield server.url


@pytest.mark.timeout(120 + 30 * KILLS)
def test_calls_left_in_the_app_survive_a_kill(field, farm, told):
    """GPU time is scarce and money is money: a killed run's calls are fetched, not made again."""
    field.write_chain(farm, "{detached: 500ms}")

    tally = kill_runs(field, KILLS)

    told(f"detached: {tally}")
    assert tally.kills == KILLS, str(tally)
    assert (tally.lost, tally.wrong) == (0, 0), tally.said
    assert tally.repeated <= max(1, 0.1 * tally.kills), str(tally)
    assert list(violations(field)) == []


@pytest.mark.timeout(240 + 60 * KILLS)
def test_calls_that_are_fetched_just_in_time_survive_a_kill(field, slow_farm, told):
    """The default protects a slow call for nearly all of its work, and makes nobody wait for it."""
    field.write_chain(slow_farm, "auto")

    tally = kill_runs(field, max(3, KILLS // 8), first=20_000, undisturbed=2)

    told(f"auto: {tally}")
    assert (tally.lost, tally.wrong) == (0, 0), tally.said
    assert tally.repeated <= max(AT_ONCE, 0.2 * tally.kills), str(tally)  # one kill may hit all of a moment
    assert list(violations(field)) == []


def test_a_detached_call_outlives_its_command_from_the_first_on(field, slow_farm):
    """How long the endpoint takes is not known yet; whoever says `detached` wants it kept all the same."""
    (field.folder / "film.yaml").write_text(
        f"""
        name: film
        inputs: {{take: a}}
        steps:
          story:
            space: "{slow_farm}"
            endpoint: /tell
            each: [a fox, a hare, an owl]
            pickup: detached
            with: {{words: $item, take: $inputs.take}}
        outputs: {{story: $story.texts}}
        """
    )
    process = field.start("run", "film.yaml", "-i", "take=first", "--json")
    assert eventually(lambda: field.worked("first").total() == 3, within_s=60)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    done = field.finish("resume", field.run_of("first") or "")

    assert done["status"] == "succeeded", done
    assert [one["value"] for one in done["outputs"]["story"]] == [
        f"Once there was {who}." for who in ("a fox", "a hare", "an owl")
    ]
    assert field.worked("first").total() == 3


@pytest.mark.timeout(120 + 30 * KILLS)
def test_calls_that_were_followed_are_repeated_at_most_once_each(field, farm, told):
    """Gradio throws away what is followed and cut off; all that was received stays received."""
    field.write_chain(farm, "attached")

    tally = kill_runs(field, max(3, KILLS // 5), first=10_000)

    told(f"attached: {tally}")
    assert (tally.lost, tally.wrong) == (0, 0), tally.said
    assert tally.worst <= AT_ONCE, str(tally)
    assert list(violations(field)) == []


@pytest.mark.timeout(120 + 30 * KILLS)
def test_a_budget_holds_over_kills(field, farm, told):
    """Killing and resuming is no way around what may be spent, also of calls whose end nobody saw."""
    field.write_chain(farm, "attached", f"budget: {{calls: {BUDGET}}}\n")
    most, stopped, kills = 0, 0, max(3, KILLS // 8)
    for seed in range(kills):
        take = f"take {seed}"
        field.kill(take, random.Random(seed).uniform(1.0, 4.0))  # noqa: S311 - a moment
        for _ in range(2):
            stopped += field.go_on(take)["status"] == "blocked"
        most = max(most, field.worked(take).total())

    told(f"budget of {BUDGET} calls: {kills} kills, {stopped} of {2 * kills} stops, at most {most} calls")
    assert stopped == 2 * kills
    assert most <= BUDGET < CALLS
    assert list(violations(field)) == []
