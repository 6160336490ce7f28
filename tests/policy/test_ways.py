"""What is known of a step's ways before and after it runs: preflight, plan, kept results, exit codes."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import calls_of, story
from hub_standin import ListedSpace, hub_standin
from stage import acting, joins
from web import say, web

from chains.problems import InvalidChain

SPACECHAIN = Path(sys.executable).with_name("spacechain")
PAUSED = """
    steps:
      it:
        space: studio/paused
        endpoint: /say
        with: {text: hello}
        fallback: [{space: OTHER, endpoint: /say, with: {text: hello}}]
    outputs: {said: $it.text}
"""


@pytest.fixture
def hub(actor, monkeypatch):
    """A Hub with a paused Space."""
    with hub_standin({"studio/paused": ListedSpace(actor.url, stages=["PAUSED"])}) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


@pytest.mark.usefixtures("hub")
def test_a_first_place_that_is_paused_is_no_mistake_where_another_one_works(run, actor):
    """Its owner may start it again tomorrow; today the run goes on."""
    done = run(PAUSED, {"OTHER": actor.url})

    assert done.ok
    assert story(done) == [("paused", "fall-back")]


@pytest.mark.parametrize(
    ("listed", "code", "words"),
    [
        ({"stages": ["SLEEPING"]}, "asleep", "SLEEPING"),
        ({"stages": ["BUILDING"]}, "building", "BUILDING"),
        ({"stages": ["APP_STARTING"]}, "building", "APP_STARTING"),
        ({"stages": ["RUNTIME_ERROR"], "complaint": "ImportError: torch"}, "paused", "ImportError: torch"),
        ({"refusal": say({"error": "gone"}, 404, X_Error_Code="RepoNotFound")}, "missing", "gone"),
    ],
)
def test_a_space_that_is_not_there_today_is_left_for_another_one(
    run, actor, monkeypatch, listed, code, words
):
    """Each of the Hub's stages is told in its own words, and none is waited for longer than `wake`."""
    spaces = {"studio/ill": ListedSpace(actor.url, **listed)}
    written = PAUSED.replace("studio/paused", "studio/ill").replace(
        "        fallback", "        timeout: {wake: 100ms}\n        fallback"
    )
    with hub_standin(spaces) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        done = run(written, {"OTHER": actor.url})

    assert done.ok
    assert story(done) == [(code, "fall-back")]
    assert words in done.to_json()["steps"]["it"]["story"][0]["said"]


@pytest.mark.usefixtures("hub")
def test_a_first_place_that_is_paused_is_a_mistake_where_no_other_one_works(run):
    """To learn it before the first call costs nothing."""
    with pytest.raises(InvalidChain) as invalid:
        run(PAUSED, {"OTHER": "http://127.0.0.1:9"})

    assert [one.code for one in invalid.value.problems if one.severity == "error"] == ["paused"]


def test_a_typo_stays_a_mistake_although_another_place_works(run, actor):
    """The policy is for places that fail, not for chains that are wrong."""
    with pytest.raises(InvalidChain) as invalid:
        run(PAUSED.replace("studio/paused", actor.url).replace("/say", "/sya", 1), {"OTHER": actor.url})

    assert "unknown-endpoint" in [one.code for one in invalid.value.problems]


def test_the_kept_result_of_a_fallback_is_used_only_when_its_turn_comes(run, actor):
    """The first place is the better one: it is asked anew before the second best is taken from the shelf."""
    text = PAUSED.replace("studio/paused", "FIRST").replace("with: {text: hello}\n", "with: {text: hello}\n"
        "        retry: {attempts: 1}\n")  # fmt: skip
    before = calls_of(actor, "say")
    with web(acting(join=say({"detail": "no"}, 401))) as first:
        run(text, {"FIRST": first.url, "OTHER": actor.url})
        again = run(text, {"FIRST": first.url, "OTHER": actor.url})

    step = again.to_json()["steps"]["it"]
    assert step["cached"]
    assert step["via"] == actor.url
    assert story(again) == [("unauthorized", "fall-back")]
    assert joins(first.asked) == 2
    assert calls_of(actor, "say") == before + 1


def test_arguments_are_bound_to_the_place_that_answers(run):
    """Each way has names of its own for the same thing."""
    with web(acting(join=say({"detail": "no"}, 401))) as first:
        done = run(
            """
            inputs: {line: {kind: text, default: hello}}
            steps:
              it:
                space: FIRST
                endpoint: /say
                with: {text: $inputs.line}
                fallback: [{space: ACTOR, endpoint: /once_bad, with: {name: "${{ upper(inputs.line) }}"}}]
            outputs: {said: $it.text}
            """,
            {"FIRST": first.url},
        )

    assert done.outputs["said"].value == "HELLO"


def test_items_that_fell_back_keep_their_order_and_their_kinds(run, actor):
    """Labels differ from place to place; a list of texts stays one."""
    with web(acting(join=say({"detail": "no"}, 401))) as first:
        done = run(
            """
            steps:
              it:
                each: [a, b, c]
                space: FIRST
                endpoint: /say
                with: {text: $item}
                fallback: [{space: ACTOR, endpoint: /say, with: {text: $item}}]
            outputs: {said: $it.texts}
            """,
            {"FIRST": first.url},
        )

    assert [one.value for one in done.outputs["said"]] == ["a", "b", "c"]
    assert {call.via for call in done.steps["it"].result.calls} == {actor.url}


def test_a_step_is_not_called_elsewhere_where_the_chain_says_stop(run, actor):
    """Some results must come from this very place."""
    with web(acting(join=say({"detail": "no"}, 401))) as first:
        failed = run(
            PAUSED.replace("studio/paused", "FIRST").replace(
                "        fallback", "        retry: {on: {unauthorized: stop}}\n        fallback"
            ),
            {"FIRST": first.url, "OTHER": actor.url},
        )

    assert story(failed) == [("unauthorized", "stop")]


def test_a_blocked_run_exits_with_5_and_says_from_when_it_can_go_on(tmp_path, home):
    """A script parks it; a person reads a time on the clock, and what every place said."""
    limited = say({"detail": "slow down"}, 429, Retry_After="7200")
    with web(acting(join=say({"detail": "no"}, 401))) as closed, web(acting(join=limited)) as place:
        other = f"{{space: {place.url}, endpoint: /say, with: {{text: a}}}}"
        written = f"{{space: {closed.url}, endpoint: /say, with: {{text: a}}, fallback: [{other}]}}"
        (tmp_path / "c.yaml").write_text(f"steps: {{it: {written}}}")
        done = subprocess.run(
            [SPACECHAIN, "run", "c.yaml"],
            cwd=tmp_path,
            env={**os.environ, "SPACECHAIN_HOME": str(home), "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 5, done.stderr
    assert f"tried {closed.url}: unauthorized: no" in done.stderr
    told = done.stderr.partition("it can go on from ")[2].partition(";")[0]
    now = datetime.now(UTC)
    written = f"{now:%Y-%m-%d} {told}" if len(told) == len("12:34:56") else told
    ready_at = datetime.fromisoformat(written).replace(tzinfo=UTC)
    assert timedelta(minutes=118) < ready_at - now < timedelta(minutes=121)
