"""A place that fails twice in a row rests, so that not every item and every run finds out anew."""

import pytest
from conftest import story
from stage import acting, done, joins
from web import say, web

from pipelines.cli.board import words
from pipelines.engine.breaker import MEMORY_S, REST_S, Breaker, resting
from pipelines.engine.events import CallTold, RunEvent
from pipelines.journal import Outcome
from spaces_registry.progress import CallEvent, FellBack

NOW = 1_000_000.0


def outcomes(*failures: str | None, at: float = NOW, until: float | None = None) -> tuple[Outcome, ...]:
    """The newest first, all at one time."""
    return tuple(Outcome(one, at, until) for one in failures)


@pytest.mark.parametrize(
    ("known", "rests"),
    [
        (outcomes(), False),
        (outcomes("crashed"), False),
        (outcomes("crashed", None), False),
        (outcomes(None, "crashed", "crashed"), False),
        (outcomes("crashed", "unreachable"), True),
        (outcomes("busy", "timed-out"), True),
        (outcomes("bad-output", "building"), True),
        (outcomes("rejected-input", "crashed"), False),
        (outcomes("crashed", "rejected-input"), False),
        (outcomes("out-of-quota", "out-of-quota"), False),
        (outcomes("out-of-quota", until=NOW + 3600), True),
        (outcomes("rate-limited", until=NOW + 3600), True),
        (outcomes("rate-limited", until=NOW + 20), False),
        (outcomes("crashed", "crashed", at=NOW - REST_S - 1), False),
    ],
)
def test_a_place_rests_only_for_reasons_of_its_own(known, rests):
    """An input that it refused says nothing against the place."""
    rest, _ = resting(known, NOW, patience_s=60.0)
    assert (rest is not None) is rests


def test_a_named_moment_is_kept_to_the_second():
    """A quota that comes back in an hour needs no try every two minutes."""
    rest, _ = resting(outcomes("out-of-quota", until=NOW + 3600), NOW, 60.0)
    assert rest is not None
    assert rest.left_s == 3600


def test_after_its_rest_one_try_at_a_time_is_let_through():
    """Twenty items that all try a broken Space at once are no trial."""
    breaker = Breaker(lambda *_: outcomes("crashed", "crashed", at=NOW - REST_S - 1), now=lambda: NOW)
    assert breaker.rest("acme/app") is None
    with breaker.under_way("acme/app"):
        assert breaker.rest("acme/app") is not None
    assert breaker.rest("acme/app") is None


def test_what_happened_long_ago_is_forgotten():
    """Yesterday's outage must not hold today's items back."""
    breaker = Breaker(lambda *_: outcomes("crashed", "crashed", at=NOW - MEMORY_S - 1), now=lambda: NOW)
    with breaker.under_way("acme/app"):
        assert breaker.rest("acme/app") is None


CHAIN = """
    steps:
      it:
        space: BROKEN
        endpoint: /say
        with: {text: TEXT}
        retry: {attempts: 2, wait: 10ms}
        fallback: [{space: ACTOR, endpoint: /say, with: {text: TEXT}}]
"""


def test_the_next_run_does_not_ask_a_place_that_failed_twice(run):
    """Two crashes told it all; the third would only cost time."""
    told: list[CallEvent] = []

    def listen(event: RunEvent) -> None:
        if isinstance(event, CallTold):
            told.append(event.event)

    with web(acting(data=done(None, error="out of memory"))) as broken:
        first = run(CHAIN, {"BROKEN": broken.url, "TEXT": "one"})
        second = run(CHAIN, {"BROKEN": broken.url, "TEXT": "two"}, tell=listen)

    assert story(first) == [("crashed", "retry"), ("crashed", "fall-back")]
    assert story(second) == [("crashed", "fall-back")]
    [skipped] = second.to_json()["steps"]["it"]["story"]
    assert skipped["seconds"] == 0
    assert "not asked" in skipped["said"]
    assert joins(broken.asked) == 2
    assert second.ok
    assert [words(one).partition(";")[0] for one in told if isinstance(one, FellBack)] == [
        f"{broken.url} rests: crashed"
    ]


def test_an_app_that_refuses_on_purpose_does_not_rest_for_it(run):
    """It works, and the next arguments may suit it; two bad rows must not cost a batch the good place."""
    text = """
        steps:
          it:
            space: ACTOR
            endpoint: WHICH
            with: WITH
            fallback: [{space: ACTOR, endpoint: /slowly, with: {text: other}}]
        outputs: {said: $it.text}
    """
    bad = text.replace("WHICH", "/refuse").replace("WITH", "{words: no face, title: WORDS}")
    for title in ("one", "two"):
        assert story(run(bad.replace("WORDS", title))) == [("rejected-input", "fall-back")]

    good = run(text.replace("WHICH", "/say").replace("WITH", "{text: a face}"))

    assert good.outputs["said"].value == "a face"
    assert story(good) == []


def test_the_last_way_is_always_tried(run):
    """A step without another place has nothing to lose."""
    alone = CHAIN.partition("fallback")[0]
    with web(acting(join=say({"detail": "no"}, 500))) as broken:
        run(alone, {"BROKEN": broken.url, "TEXT": "one"})
        again = run(alone, {"BROKEN": broken.url, "TEXT": "two"})

    assert story(again) == [("crashed", "retry"), ("crashed", "stop")]
    assert joins(broken.asked) == 4


def test_a_resting_place_is_asked_when_nothing_else_works(run):
    """Better a doubtful place than none."""
    broken_now = True
    both = CHAIN.replace("ACTOR", "OTHER")

    def answer():
        return done(None, error="out of memory") if broken_now else done("well again")

    with web(acting(data=answer)) as broken, web(acting(join=say({"detail": "no"}, 401))) as other:
        places = {"BROKEN": broken.url, "OTHER": other.url}
        run(both, {**places, "TEXT": "one"})
        broken_now = False
        again = run(both, {**places, "TEXT": "two"})

    assert again.ok
    assert story(again) == [("crashed", "fall-back"), ("unauthorized", "fall-back")]
