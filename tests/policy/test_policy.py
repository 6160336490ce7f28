"""What is done about each class of failure: the table itself, without a clock and without chance."""

import pytest

from chains.model import Retry
from pipelines.engine.policy import RULES, Action, Decision, decide
from spaces_registry import errors
from spaces_registry.errors import CallFailed, ToolkitError

USUAL = Retry(attempts=3, wait_s=2.0, up_to_s=60.0)
KINDS = {
    one.code: one
    for one in reversed([*vars(errors).values()])  # the first one of a code is the class itself
    if isinstance(one, type) and issubclass(one, CallFailed)
}


def failure(code: str, wait_s: float | None = None) -> CallFailed:
    """A failure of that class."""
    if code == "in-doubt":
        return errors.InDoubt("acme/app")
    if code == "unexpected-answer":
        return errors.UnexpectedAnswer("acme/app", "it failed", {"text": "words"})
    return KINDS[code]("acme/app", "it failed", wait_s=wait_s)


def after(
    code: str, tries: int = 1, *, wait_s: float | None = None, retry: Retry = USUAL, chance: float = 1.0
):
    """The decision, with chance held still."""
    return decide(failure(code, wait_s), tries, retry, chance=lambda: chance)


@pytest.mark.parametrize(
    ("code", "tries", "wait_s", "expected"),
    [
        ("asleep", 1, None, Decision(Action.FALL_BACK)),
        ("building", 1, None, Decision(Action.FALL_BACK)),
        ("building", 1, 20.0, Decision(Action.RETRY, 21.0)),
        ("building", 1, 61.0, Decision(Action.FALL_BACK, 61.0)),
        ("paused", 1, None, Decision(Action.FALL_BACK)),
        ("missing", 1, None, Decision(Action.FALL_BACK)),
        ("drifted", 1, None, Decision(Action.FALL_BACK)),
        ("unauthorized", 1, None, Decision(Action.FALL_BACK)),
        ("out-of-quota", 1, None, Decision(Action.FALL_BACK)),
        ("out-of-quota", 1, 5.0, Decision(Action.FALL_BACK, 5.0)),
        ("busy", 1, None, Decision(Action.RETRY, 2.0)),
        ("busy", 2, None, Decision(Action.RETRY, 4.0)),
        ("busy", 3, None, Decision(Action.FALL_BACK)),
        ("rate-limited", 1, 10.0, Decision(Action.RETRY, 10.5)),
        ("rate-limited", 1, 3600.0, Decision(Action.FALL_BACK, 3600.0)),
        ("rate-limited", 3, 10.0, Decision(Action.FALL_BACK, 10.0)),
        ("unreachable", 2, None, Decision(Action.RETRY, 4.0)),
        ("crashed", 1, None, Decision(Action.RETRY, 1.0)),
        ("crashed", 2, None, Decision(Action.FALL_BACK)),
        ("bad-output", 1, None, Decision(Action.RETRY, 1.0)),
        ("bad-output", 2, None, Decision(Action.FALL_BACK)),
        ("unexpected-answer", 1, None, Decision(Action.FALL_BACK)),
        ("timed-out", 1, None, Decision(Action.FALL_BACK)),
        ("rejected-input", 1, None, Decision(Action.FALL_BACK)),
        ("in-doubt", 1, None, Decision(Action.RETRY, 0.0)),
        ("in-doubt", 2, None, Decision(Action.FALL_BACK)),
    ],
)
def test_each_class_is_met_as_the_table_has_it(code, tries, wait_s, expected):
    """What is repeated in vain costs GPU time; what is given up too early loses the result."""
    found = after(code, tries, wait_s=wait_s)
    assert found.action == expected.action
    assert found.wait_s == (None if expected.wait_s is None else pytest.approx(expected.wait_s))


def test_an_answer_that_is_larger_than_is_taken_is_not_asked_for_again():
    """The next one would be as large, and costs as much."""
    found = decide(errors.OverBound("acme/app", "it gives more than 512 MB"), 1, USUAL, chance=lambda: 1.0)

    assert found.action == Action.FALL_BACK


def test_a_chat_that_only_thought_is_not_paid_for_again():
    """Its thoughts took all the tokens that it may have, and would again."""
    thought = errors.NothingWritten("acme/llm", "it thought, and wrote nothing")

    assert decide(thought, 1, USUAL, chance=lambda: 1.0).action is Action.FALL_BACK


def test_what_may_happen_once_is_not_charged_with_what_happened_before():
    """A connection that broke is no crash, and to ask for a call that was sent is no call."""
    twice = Retry(attempts=2, wait_s=2.0, up_to_s=60.0)

    assert decide(failure("crashed"), 2, USUAL, alike=1, chance=lambda: 1.0).action is Action.RETRY
    assert decide(failure("crashed"), 2, USUAL, alike=2, chance=lambda: 1.0).action is Action.FALL_BACK
    assert decide(failure("in-doubt"), 2, twice, alike=1, chance=lambda: 1.0) == Decision(Action.RETRY, 0.0)
    assert decide(failure("in-doubt"), 2, twice, alike=2, chance=lambda: 1.0).action is Action.FALL_BACK
    assert after("in-doubt", retry=Retry(attempts=1, wait_s=2.0, up_to_s=60.0)).action is Action.FALL_BACK


def test_the_table_knows_every_class_of_failure():
    """A class that is added without a rule would be given up without a thought."""
    assert {*KINDS} - {"call-failed"} == {*RULES}


@pytest.mark.parametrize("tries", [1, 2, 3, 4, 50])
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_waits_double_are_jittered_and_never_exceed_the_longest(tries, chance):
    """A hundred clients that all come back after exactly two seconds bring a Space down again."""
    retry = Retry(attempts=100, wait_s=2.0, up_to_s=60.0)
    doubled = min(60.0, 2.0 * 2 ** (tries - 1))
    assert after("busy", tries, retry=retry, chance=chance).wait_s == doubled * (0.5 + chance / 2)


def test_a_wait_that_the_place_names_wins_and_is_never_shortened():
    """To come before the named time only prolongs the ban."""
    assert after("rate-limited", wait_s=7.0, chance=0.0).wait_s == 7.0


@pytest.mark.parametrize(
    ("code", "tries", "own", "action"),
    [
        ("crashed", 2, "retry", Action.RETRY),
        ("crashed", 3, "retry", Action.FALL_BACK),
        ("timed-out", 1, "retry", Action.RETRY),
        ("busy", 1, "fall-back", Action.FALL_BACK),
        ("busy", 1, "stop", Action.STOP),
        ("rejected-input", 1, "stop", Action.STOP),
        ("asleep", 1, "retry", Action.RETRY),
    ],
)
def test_a_step_may_say_otherwise(code, tries, own, action):
    """Only the author knows that this Space crashes now and then and is worth three tries."""
    assert after(code, tries, retry=Retry(attempts=3, on={code: own})).action == action


def test_one_try_is_one_try():
    """`attempts: 1` is how a chain says: no repeats, they cost."""
    for code in ("busy", "crashed", "unreachable", "bad-output"):
        assert after(code, retry=Retry(attempts=1)).action == Action.FALL_BACK


def test_what_is_no_places_fault_stops():
    """A mistake in the chain is the same mistake at every place."""
    assert decide(ToolkitError("no such file"), 1, USUAL, chance=lambda: 0.0) == Decision(Action.STOP)


def test_a_program_of_this_machine_is_not_asked_twice():
    """It would fail in the same words."""
    for code in ("crashed", "bad-output", "unreachable"):
        decision = decide(failure(code), 1, USUAL, is_here=True, chance=lambda: 0.0)
        assert decision.action == Action.FALL_BACK
