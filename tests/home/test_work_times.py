"""How soon a result can be there, told by comparable calls: a guess that is too high makes people wait."""

from pathlib import Path

import pytest

from pipelines.engine.work_times import CallSize, PastCall, WorkTimes, earliest_s, usual_s
from pipelines.journal import Intent, open_journal
from spaces_registry.progress import Spent
from spaces_registry.signature import Endpoint, Kind, Parameter

CLIP = Endpoint(
    "/clip",
    (
        Parameter("prompt", Kind.TEXT),
        Parameter("seconds", Kind.NUMBER),
        Parameter("seed", Kind.INTEGER),
        Parameter("quality", Kind.CHOICE, choices=("fast", "best")),
    ),
    (),
)


def size(prompt: str = "a fox", seconds: float = 4, seed: int = 1, quality: str = "best") -> CallSize:
    """The size of a call."""
    return CallSize.of(CLIP, {"prompt": prompt, "seconds": seconds, "seed": seed, "quality": quality})


def one_after_another(*calls: tuple[CallSize, float]) -> list[PastCall]:
    """Calls of a size and a time, each sent when the one before was answered."""
    at, past = 0.0, []
    for of, work_s in calls:
        past.append(PastCall(of, work_s, at, at + work_s))
        at += work_s
    return past


def test_the_shortest_of_comparable_calls_tells_when_a_result_can_be_there():
    """A stream that is opened by then costs nobody a second."""
    past = one_after_another((size(seed=7), 12.4), (size("a hare"), 12.0), (size(seed=3), 12.9))

    assert earliest_s(past, size(seed=99)) == 12.0


@pytest.mark.parametrize("known", [0, 1, 2])
def test_fewer_than_three_calls_tell_nothing(known):
    """One slow call may have been a cold start."""
    assert earliest_s(one_after_another(*[(size(), 12.0)] * known), size()) is None


def test_calls_that_were_sent_together_tell_nothing_alone():
    """They may all have waited for the same model to be loaded."""
    together = [PastCall(size(), 12.0, 0.0, 12.0)] * 8

    assert earliest_s(together, size()) is None
    assert earliest_s([*together, PastCall(size(), 1.0, 20.0, 21.0)], size()) == 1.0


@pytest.mark.parametrize(
    "other", [size(seconds=1), size(quality="fast"), size("x" * 400)], ids=["number", "choice", "long text"]
)
def test_a_call_of_another_size_is_not_compared(other):
    """Forty short calls must not wait because a long one was made before."""
    assert earliest_s(one_after_another(*[(size(), 12.0)] * 5), other) is None


def test_a_longer_text_is_not_compared_with_a_shorter_one():
    """A voice that reads half as much is done sooner: its time is no lower bound the other way round."""
    past = one_after_another(*[(size("x" * 600), 12.0)] * 3)

    assert earliest_s(past, size("x" * 400)) is None
    assert earliest_s(past, size("x" * 800)) == 12.0


def test_numbers_that_change_nothing_do_not_keep_calls_apart():
    """A number may be a seed by another name, or count the pictures of a list."""
    same_time = one_after_another(*[(size(seconds=number), 12.0 + number / 10) for number in range(5)])
    other_times = one_after_another(*[(size(seconds=number), 3.0 * number) for number in range(1, 6)])

    assert earliest_s(same_time, size(seconds=2.5)) == 12.0
    assert earliest_s(same_time, size(seconds=9)) is None  # beyond all that was seen
    assert earliest_s(other_times, size(seconds=2.5)) is None


def test_any_call_tells_how_long_one_usually_takes():
    """Who asked for a result to be left there wants it left, also where nothing is quite alike."""
    past = one_after_another((size(seconds=1), 3.0), (size(seconds=8), 30.0))

    assert usual_s(past, size(seconds=8)) == 30.0
    assert usual_s(past, size(quality="fast", seconds=2)) == 3.0
    assert usual_s([], size()) is None


def test_what_a_run_answers_is_known_at_once_and_to_the_next_run(tmp_path: Path):
    """The journal is read once an endpoint; no text of a prompt is in what it keeps."""
    file = tmp_path / "journal.db"
    with open_journal(file) as journal:
        times = WorkTimes(journal)
        assert times.of("acme/clips", "/clip") == []
        kept = size("a secret prompt").to_json()
        sending = journal.sent(Intent("run", "clip", 0, "k", "space", "acme/clips", "/clip", None, kept))
        journal.received(sending.call, "k", ["done"], Spent(work_s=12.0))
        times.learn("acme/clips", "/clip", size(), 11.0, 1.0)
        times.learn("acme/clips", "/clip", size(), None, 1.0)
        assert [call.work_s for call in times.of("acme/clips", "/clip")] == [11.0]

    with open_journal(file) as journal:
        [call] = WorkTimes(journal).of("acme/clips", "/clip")

    assert (call.size, call.work_s) == (size("a secret prompt"), 12.0)
    assert b"secret prompt" not in file.read_bytes()
