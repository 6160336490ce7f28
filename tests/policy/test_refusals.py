"""Each class of failure as its place really says it: the class, the words that are kept, what is done."""

import socket
from threading import Event

import pytest
from conftest import calls_of, story
from stage import acting, done
from web import Answer, page, say, stream, web

FREE = (
    "You have exceeded your free ZeroGPU quota (60s requested vs. 3s left). Try again in 1:23:45. "
    "Subscribe to Hugging Face PRO to get 40 min of ZeroGPU quota a day"
)
NO_GPU = "No GPU was available after 60s. Try re-running outside of examples"
LONG = "The requested GPU duration (300s) is larger than the maximum allowed"
DEPLETED = "You have depleted your monthly included credits. Purchase pre-paid credits to continue."

HELD_S = 20.0

CHAIN = """
    steps:
      it:
        space: PLACE
        endpoint: /say
        with: {text: hello}
        timeout: {wake: 1s, queue: 20s, run: 20s}
        retry: {attempts: 2, wait: 10ms, up_to: 1s}
        fallback: [{space: ACTOR, endpoint: /say, with: {text: from the other}}]
    outputs: {said: $it.text}
"""


@pytest.mark.parametrize(
    ("words", "title", "code", "tries", "wait_s"),
    [
        (FREE, "ZeroGPU quota exceeded", "out-of-quota", 1, 5025.0),
        (FREE.replace("1:23:45", "1 day, 2:03:04"), "ZeroGPU quota exceeded", "out-of-quota", 1, 93784.0),
        (
            "You have exceeded your Pro ZeroGPU quota (1s left)",
            "ZeroGPU quota exceeded",
            "out-of-quota",
            1,
            None,
        ),
        ("You have exceeded your ZeroGPU runs limit. ", "ZeroGPU quota exceeded", "out-of-quota", 1, None),
        (
            "Space app has reached its GPU limit. Try re-running",
            "ZeroGPU quota exceeded",
            "out-of-quota",
            1,
            None,
        ),
        ("You have exceeded your GPU quota. Retry in 0:09:48", "Error", "out-of-quota", 1, 588.0),
        ("Pay what you owe", "ZeroGPU pending credits exceeded", "out-of-quota", 1, None),
        (NO_GPU, "ZeroGPU quota exceeded", "busy", 2, None),
        ("No GPU was available after 60s. Retry later", "ZeroGPU queue timeout", "busy", 2, None),
        ("No GPU was available", "ZeroGPU client error", "busy", 2, None),
        ("Expired ZeroGPU proxy token", "ZeroGPU client error", "busy", 2, None),
        (LONG, "ZeroGPU illegal duration", "rejected-input", 1, None),
        ("NSFW content detected", "Error", "rejected-input", 1, None),
        ("CUDA out of memory", "Error", "rejected-input", 1, None),
        ("No face in this picture", "Error", "rejected-input", 1, None),
        ("All our GPUs are busy", "Sorry", "busy", 2, None),
        ("The upstream Gradio app has raised an exception but", "Error", "crashed", 2, None),
    ],
)
def test_what_a_space_says_has_its_class_and_its_consequence(run, words, title, code, tries, wait_s):
    """ZeroGPU says much in few headings, and a queue's timeout comes under the heading of quota."""
    asked = f"space: ACTOR\n        endpoint: /refuse\n        with: {{words: {words!r}, title: {title!r}}}"
    written = CHAIN.replace("space: PLACE\n        endpoint: /say\n        with: {text: hello}", asked)
    with web(acting(data=done("from the other"))) as other:
        done_ = run(written.replace("[{space: ACTOR", f"[{{space: {other.url}"))

    told = done_.to_json()["steps"]["it"]["story"]
    assert done_.outputs["said"].value == "from the other"
    assert [one["class"] for one in told] == [code] * tries
    assert all(one["said"] == words.strip() or one["said"] == words for one in told)
    assert [one["then"] for one in told] == ["retry"] * (tries - 1) + ["fall-back"]
    assert told[-1]["wait_s"] == wait_s


@pytest.mark.parametrize(
    ("answers", "code", "then", "words"),
    [
        ({"join": say({"error": DEPLETED}, 402)}, "out-of-quota", ["fall-back"], "depleted"),
        ({"join": say({"detail": "slow"}, 429, Retry_After="3600")}, "rate-limited", ["fall-back"], "slow"),
        (
            {"join": say({"detail": "slow"}, 429, RateLimit='"api";r=0;t=900')},
            "rate-limited",
            ["fall-back"],
            "slow",
        ),
        (
            {"join": say({"detail": "Your rate limit resets in ~30s."}, 429)},
            "rate-limited",
            ["fall-back"],
            "~30s",
        ),
        (
            {"join": say({"error": {"message": "Rate limit reached. Please try again in 6m0s."}}, 429)},
            "rate-limited",
            ["fall-back"],
            "6m0s",
        ),
        ({"join": say({"detail": "slow"}, 429)}, "rate-limited", ["retry", "fall-back"], "slow"),
        (
            {"join": say({"error": "Model a/b is currently loading", "estimated_time": 20.0}, 503)},
            "building",
            ["fall-back"],
            "loading",
        ),
        (
            {"join": say({"error": "is currently loading", "estimated_time": 0.01}, 503)},
            "building",
            ["retry", "fall-back"],
            "loading",
        ),
        (
            {"join": say({"detail": "Queue is full. Max size is 3"}, 503)},
            "busy",
            ["retry", "fall-back"],
            "full",
        ),
        ({"join": say({"error": "Model is overloaded"}, 503)}, "busy", ["retry", "fall-back"], "overloaded"),
        (
            {"join": say({"detail": "Queue is stopped."}, 503)},
            "unreachable",
            ["retry", "fall-back"],
            "stopped",
        ),
        (
            {"join": say({"detail": "no"}, 503, RateLimit='"api";r=9;t=55')},
            "unreachable",
            ["retry", "fall-back"],
            "no",
        ),
        (
            {"join": say({"detail": "Not authenticated"}, 401)},
            "unauthorized",
            ["fall-back"],
            "Not authenticated",
        ),
        (
            {"join": say({"name": "content_moderation", "errors": ["flagged by moderation"]}, 403)},
            "rejected-input",
            ["fall-back"],
            "moderation",
        ),
        (
            {"join": say({"error": {"message": "You exceeded your current quota"}}, 429)},
            "out-of-quota",
            ["fall-back"],
            "quota",
        ),
        ({"join": say({"error": "no longer supported"}, 410)}, "drifted", ["fall-back"], "no longer"),
        ({"join": say({"detail": "not there"}, 404)}, "drifted", ["fall-back"], "not there"),
        (
            {"join": say({"detail": [{"msg": "too short"}]}, 422)},
            "rejected-input",
            ["fall-back"],
            "too short",
        ),
        ({"join": page("504 Gateway Time-out", 504)}, "timed-out", ["fall-back"], "Gateway"),
        ({"join": page("502 Bad Gateway", 502)}, "unreachable", ["retry", "fall-back"], "Bad Gateway"),
        ({"config": say({"detail": "Not Found"}, 404)}, "missing", ["fall-back"], "Not Found"),
        ({"data": page("Sign in")}, "unreachable", ["retry", "fall-back"], "Sign in"),
    ],
)
def test_what_http_says_has_its_class_and_its_consequence(run, answers, code, then, words):
    """Proxies, routers and vendors speak in statuses; a wait that is named tells patience from leaving."""
    with web(acting(**answers)) as place:
        done_ = run(CHAIN, {"PLACE": place.url})

    told = done_.to_json()["steps"]["it"]["story"]
    assert done_.outputs["said"].value == "from the other"
    assert [(one["class"], one["then"]) for one in told] == [(code, one) for one in then]
    assert all(words in one["said"] for one in told)


def test_a_call_that_takes_too_long_is_left_and_not_repeated(run, actor):
    """A repeat would cost as much again."""
    slow = "space: ACTOR\n        endpoint: /slowly\n        with: {text: hello}"
    written = CHAIN.replace("space: PLACE\n        endpoint: /say\n        with: {text: hello}", slow)
    before = calls_of(actor, "slowly")
    done_ = run(written.replace("run: 20s", "run: 50ms").replace("other}}]", "other}, timeout: 1m}]"))

    (told,) = done_.to_json()["steps"]["it"]["story"]
    assert done_.outputs["said"].value == "from the other"
    assert (told["class"], told["then"]) == ("timed-out", "fall-back")
    assert "0.05 s" in told["said"]
    assert calls_of(actor, "slowly") == before + 1


def test_a_call_that_waits_too_long_is_left_too(run):
    """A queue that does not move is no reason to stand in it again."""
    waiting, released = stream({"msg": "estimation", "event_id": "e", "rank": 7, "queue_size": 8}), Event()

    def held() -> Answer:
        released.wait(HELD_S)
        return waiting

    with web(acting(data=held)) as place:
        done_ = run(CHAIN.replace("queue: 20s", "queue: 200ms"), {"PLACE": place.url})
        released.set()

    assert done_.ok
    assert story(done_) == [("timed-out", "fall-back")]


def test_nobody_at_the_address_is_tried_again_and_left(run):
    """Connections break and come back, and some never do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{probe.getsockname()[1]}"
    done_ = run(CHAIN, {"PLACE": gone})

    assert done_.ok
    assert story(done_) == [("unreachable", "retry"), ("unreachable", "fall-back")]


def test_bad_luck_once_is_mended_by_asking_again(run, actor):
    """Most crashes of shared Spaces are a matter of the moment."""
    done_ = run("""
        steps: {it: {space: ACTOR, endpoint: /once_bad, with: {name: luck}, retry: {wait: 10ms}}}
    """)

    assert done_.ok
    assert story(done_) == [("crashed", "retry")]
    assert done_.to_json()["steps"]["it"]["attempts"] == 2
    assert calls_of(actor, "luck") == 2


def test_a_step_that_fails_everywhere_fails_with_the_last_failure_and_tells_all(run):
    """Whoever mends it must see every place's own words."""
    crashing, closed = acting(data=done(None, error="out of memory")), acting(join=say({"detail": "no"}, 401))
    with web(crashing) as first, web(closed) as second:
        failed = run(CHAIN.replace("ACTOR", second.url), {"PLACE": first.url})

    error = failed.to_json()["steps"]["it"]["error"]
    assert error["code"] == "unauthorized"
    assert [one["said"] for one in error["attempts"]] == [
        "out of memory",
        "out of memory",
        "no",
    ]
    assert failed.to_json()["steps"]["it"]["story"][-1]["then"] == "stop"
