"""Several Spaces that do the same share the items of a step, and take over from one that dies."""

import os
import signal

from conftest import calls_of, story
from stage import acting, done, joins
from web import say, web

ITEMS = 24
CHAIN = f"""
    steps:
      it:
        each: [{", ".join(f"n{one}" for one in range(ITEMS))}]
        space: [ACTOR, SECOND]
        endpoint: /slowly
        with: {{text: $item}}
        retry: {{attempts: 2, wait: 10ms}}
    outputs: {{all: $it.texts}}
"""


def test_items_are_shared_out(run, actor, second_actor):
    """Two Spaces with four slots each do twice the work of one."""
    before = calls_of(actor, "slowly")
    done_ = run(CHAIN, {"SECOND": second_actor.url})

    assert [one.value for one in done_.outputs["all"]] == [f"n{one}" for one in range(ITEMS)]
    mine, other = calls_of(actor, "slowly") - before, calls_of(second_actor, "slowly")
    assert mine + other == ITEMS
    assert min(mine, other) >= ITEMS // 4


def test_a_space_killed_in_mid_run_leaves_its_items_to_the_other(run, second_actor):
    """A run of an hour must not die with one of its Spaces."""
    ended = 0

    def listen(event: object) -> None:
        nonlocal ended
        if type(event).__name__ == "CallSettled":
            ended += 1
            if ended == 4:
                os.kill(second_actor.pid, signal.SIGKILL)

    done_ = run(CHAIN, {"SECOND": second_actor.url}, tell=listen)

    assert done_.ok
    assert [one.value for one in done_.outputs["all"]] == [f"n{one}" for one in range(ITEMS)]
    told = done_.to_json()["steps"]["it"]["story"]
    assert {one["via"] for one in told} == {second_actor.url}
    assert {one["class"] for one in told} <= {"unreachable", "crashed"}


def test_a_step_without_items_takes_the_first_that_is_there(run):
    """Equal places are an order too."""
    with web(acting(config=say({"detail": "no"}, 401))) as closed, web(acting(data=done("hello"))) as open_:
        done_ = run(
            "steps: {it: {space: [CLOSED, OPEN], endpoint: /say, with: {text: x}}}",
            {"CLOSED": closed.url, "OPEN": open_.url},
        )

    assert done_.ok
    assert done_.to_json()["steps"]["it"]["via"] == open_.url
    assert story(done_) == [("unauthorized", "fall-back")]


def test_a_space_that_is_not_there_is_told_once_and_the_others_do_its_share(run):
    """Half as fast as meant, for weeks, is what happens where nobody says so."""
    with web(acting(config=say({"detail": "no"}, 401))) as closed, web(acting(data=done("hello"))) as open_:
        done_ = run(
            "steps: {it: {each: [a, b, c], space: [OPEN, CLOSED], endpoint: /say, with: {text: $item}}}",
            {"CLOSED": closed.url, "OPEN": open_.url},
        )

    step = done_.to_json()["steps"]["it"]
    assert done_.ok
    assert [one["via"] for one in step["calls"]] == [open_.url] * 3
    assert [(one["via"], one["class"], one["then"]) for one in step["story"]] == [
        (closed.url, "unauthorized", "fall-back")
    ]


def test_an_item_may_try_each_of_them_and_does_not_wait_for_one_while_another_is_left(run):
    """A queue that is full here may be empty there."""
    full = say({"detail": "Queue is full. Max size is 3"}, 503)
    with web(acting(join=full)) as busy, web(acting(data=done("hello"))) as free:
        written = "steps: {it: {space: [BUSY, FREE], endpoint: /say, with: {text: x}, retry: PATIENT}}"
        done_ = run(
            written.replace("PATIENT", "{wait: 1h, up_to: 1h}"),
            {"BUSY": busy.url, "FREE": free.url},
        )

    assert done_.ok
    assert story(done_) == [("busy", "fall-back")]
    assert joins(busy.asked) == 1
