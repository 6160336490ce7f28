"""What providers say no with, as classes of failure with their own words in them."""

import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest
from leaks import SECRETS
from providers.asking import Asking
from providers.standin import TOKEN
from web import Answer, page, say, web

from spaces_registry.bookmarks import Bookmarks
from spaces_registry.errors import (
    BadOutput,
    Building,
    Busy,
    CallFailed,
    Crashed,
    Missing,
    OutOfQuota,
    RateLimited,
    RejectedInput,
    TimedOut,
    ToolkitError,
    Unauthorized,
    Unreachable,
)
from spaces_registry.progress import Queued, Receiving, Started, Written

SPENT = "You have depleted your monthly included credits. Purchase pre-paid credits to continue."
NOT_ALLOWED = "This authentication method does not have sufficient permissions to call Inference Providers."
KEY = SECRETS.make("fal", "id:")
REFUSALS = [
    (say({"error": "Invalid username or password."}, 401), Unauthorized),
    (say({"error": SPENT}, 402), OutOfQuota),
    (say({"error": NOT_ALLOWED}, 403), Unauthorized),
    (say({"error": "Your request was flagged by our content moderation system"}, 403), RejectedInput),
    (say({"error": "Service Unavailable"}, 503, RateLimit='"api";r=499;t=55'), Unreachable),
    (say({"error": "Model studio/paint is not deployed"}, 404), Missing),
    (say({"error": "The requested model is deprecated"}, 410), Missing),
    (say({"error": "Payload too large"}, 413), RejectedInput),
    (say({"error": {"message": "width must be below 2048", "code": "invalid"}}, 400), RejectedInput),
    (
        say({"detail": [{"loc": ["body", "seed"], "msg": "seed is no integer", "type": "int"}]}, 422),
        RejectedInput,
    ),
    (say({"error": "Rate limit reached"}, 429, Retry_After="17"), RateLimited),
    (say({"error": "You have exceeded your monthly included credits"}, 429), OutOfQuota),
    (say({"error": "CUDA error"}, 500), Crashed),
    (say({"error": "Model studio/paint is currently loading", "estimated_time": 20.5}, 503), Building),
    (say({"error": "Model is overloaded", "error_type": "overloaded"}, 503), Busy),
    (say({"error": "Service Unavailable"}, 503), Unreachable),
    (page("Bad gateway", 502), Unreachable),
    (say({"error": "Gateway timed out"}, 504), TimedOut),
]


def refused(ask: Asking, answer: Answer, model: str = "studio/paint", **written: str) -> CallFailed:
    ask.served.refusals[model] = answer
    with pytest.raises(CallFailed) as caught:
        ask(model, {"prompt": "sea"}, **written)
    return caught.value


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
def test_an_answer_has_a_class_and_keeps_its_words(ask: Asking, answer: Answer, kind: type[CallFailed]):
    """The policy acts on the class, and the user reads the provider's own words."""
    failure = refused(ask, answer, provider="together")

    assert type(failure) is kind
    if answer.type == "application/json":
        told = json.loads(answer.body)
        words = told.get("error") or told["detail"][0]["msg"]
        assert failure.said == (words if isinstance(words, str) else words["message"])
        assert failure.said in failure.message
    assert TOKEN not in f"{failure} {failure.hint} {failure.said}"


def test_a_wait_is_the_providers_own(ask: Asking):
    """A retry that comes too early is refused again, and counts."""
    assert refused(ask, say({"error": "slow down"}, 429, Retry_After="17"), provider="together").wait_s == 17
    assert refused(ask, say({"error": "slow"}, 429, RateLimit='"api";r=0;t=55')).wait_s == 55
    hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < (refused(ask, say({"error": "slow"}, 429, Retry_After=hour)).wait_s or 0) <= 3600
    worded = say({"error": {"message": "Rate limit reached. Please try again in 7m12.5s."}}, 429)
    assert refused(ask, worded, provider="together").wait_s == 432.5
    loading = say({"error": "Model is currently loading", "estimated_time": 20.5}, 503)
    assert refused(ask, loading, provider="hf-inference").wait_s == 20.5


def test_a_token_without_the_permission_is_told_where_to_get_one(ask: Asking):
    """The most frequent refusal of all: the link makes a token that is right at once."""
    failure = refused(ask, say({"error": NOT_ALLOWED}, 403))

    assert "inference.serverless.write" in failure.hint
    assert "https://huggingface.co/settings/tokens/new?ownUserPermissions=" in failure.hint


def test_a_model_that_is_not_there_names_who_else_serves_it(ask: Asking):
    """A 404 of one provider is no reason to look for another model."""
    failure = refused(ask, say({"error": "no such model"}, 404), provider="together")

    assert "fal-ai" in failure.hint
    assert "together" not in failure.hint


def test_an_address_that_is_no_more_names_what_took_its_place(ask: Asking):
    """Old models' pages, and old programs, still name it."""
    words = "https://api-inference.huggingface.co is no longer supported. Please use another."
    failure = refused(ask, say({"error": words}, 410))

    assert "router.huggingface.co" in (failure.hint or "")


def test_a_gated_model_names_its_page(ask: Asking):
    """Another token would not help: its terms must be agreed to."""
    failure = refused(ask, say({"error": "Access to this model is gated"}, 403))

    assert "https://huggingface.co/studio/paint" in (failure.hint or "")


def test_a_host_of_ones_own_gets_its_headers(ask: Asking):
    """A server at home has a door of its own; what it wants to see is in `spaces.yaml`."""
    url, key = f"{ask.served.url}/own/v1", SECRETS.make("door", "key-")
    ask.own = Bookmarks(headers={url: {"x-api-key": key}})
    ask(url, {"prompt": "sea"})

    assert ask.served.posts[-1].headers["x-api-key"] == key
    assert "authorization" not in ask.served.posts[-1].headers


def test_a_url_is_not_asked_through_a_provider(ask: Asking):
    """Both together say two things."""
    with pytest.raises(ToolkitError) as caught:
        ask(f"{ask.served.url}/own/v1", {"prompt": "sea"}, provider="groq")

    assert caught.value.code == "bad-model"
    assert not ask.served.asked


def test_a_chat_is_refused_in_the_same_words(ask: Asking):
    """A stream that is refused before it begins has the same classes."""
    assert isinstance(refused(ask, say({"error": SPENT}, 402), "studio/talk"), OutOfQuota)


@pytest.mark.parametrize(
    ("error_type", "kind"),
    [
        ("overloaded", Busy),
        ("validation", RejectedInput),
        ("incomplete_generation", Crashed),
        ("generation", Crashed),
    ],
)
def test_an_error_within_a_stream_has_a_class(ask: Asking, error_type: str, kind: type[CallFailed]):
    """text-generation-inference breaks a stream off with an error of its own."""
    line = f'data: {{"error": "it went wrong", "error_type": "{error_type}"}}\n\n'
    failure = refused(ask, Answer(line.encode(), type="text/event-stream"), "studio/talk")

    assert type(failure) is kind
    assert "it went wrong" in (failure.said or "")


def test_a_cold_model_is_still_building(ask: Asking):
    """Replicate answers within a minute, whether the model has started or not."""
    cold = say({"id": "p", "status": "starting", "output": None, "model": "r/cold"}, 201)
    failure = refused(ask, cold, provider="replicate")

    assert isinstance(failure, Building)
    assert "cold state" in (failure.said or "")


def test_a_job_that_failed_says_why(ask: Asking):
    """A failed job comes with HTTP 200."""
    failed = say({"id": "z1", "task_status": "FAIL"})

    assert isinstance(refused(ask, failed, provider="zai-org"), Crashed)


@pytest.mark.parametrize(
    "body", [b'{"images": []}', b"<html>proxy</html>", b"{}", b'{"data": [{"b64_json": "////"}]}']
)
def test_an_answer_that_is_no_picture_is_bad_output(ask: Asking, body: bytes):
    """Neither a bug of the library's nor a page of a proxy's ends as a crash of ours."""
    assert isinstance(refused(ask, Answer(body), provider="fal-ai"), BadOutput)
    assert isinstance(refused(ask, Answer(body), provider="together"), BadOutput)


def test_a_result_that_is_gone_is_bad_output(ask: Asking):
    """The library takes a page that says 404 for the picture."""
    with web(lambda _: page("Gone", 404)) as elsewhere:
        made = say({"images": [{"url": f"{elsewhere.url}/picture.png"}]})
        failure = refused(ask, made, provider="fal-ai")

    assert isinstance(failure, BadOutput)
    assert "HTTP 404" in failure.message


def test_without_a_token_nothing_is_sent(ask: Asking):
    """A call that must be refused is refused here, with where to get a token."""
    ask.token = ""
    with pytest.raises(Unauthorized) as caught:
        ask("studio/paint", {"prompt": "sea"})

    assert "HF_TOKEN" in (caught.value.hint or "")
    assert not ask.served.posts


def test_a_token_that_is_none_of_the_hubs_goes_nowhere(ask: Asking):
    """The library takes it for a provider's own key, and would send it to the provider."""
    ask.token = SECRETS.make("org", "api_org_")
    with pytest.raises(Unauthorized):
        ask("studio/paint", {"prompt": "sea"}, provider="together")

    assert not ask.served.posts


def test_a_result_elsewhere_is_fetched_without_the_token(ask: Asking, files):
    """What a provider's answer names may lie with anybody."""
    picture = Answer(files["picture"].read_bytes(), type="image/png")
    with web(lambda _: picture) as elsewhere:
        ask.served.refusals["studio/paint"] = say({"images": [{"url": f"{elsewhere.url}/picture.png"}]})
        ask("studio/paint", {"prompt": "sea"}, provider="fal-ai", bill_to="acme")
        asked = elsewhere.asked

    assert [one.path for one in asked] == ["/picture.png"]
    assert TOKEN not in str(asked)
    assert "acme" not in str(asked)
    assert ask.served.posts[-1].headers["authorization"] == f"Bearer {TOKEN}"
    assert ask.served.posts[-1].headers["x-hf-bill-to"] == "acme"
    assert any(isinstance(one, Receiving) for one in ask.events)


def test_a_providers_own_key_goes_to_the_provider_and_the_token_does_not(ask: Asking, files, monkeypatch):
    """Who has a key asks the provider directly; neither secret is seen by the other one."""
    monkeypatch.setenv("FAL_KEY", KEY)
    made = say({"images": [{"url": f"{ask.served.url}/media/picture.png"}]})
    with web(lambda _: made) as own:
        ask.hosts = {"https://fal.run": own.url}
        place = ask.place("studio/paint", provider="fal-ai")
        (image,) = ask("studio/paint", {"prompt": "sea"}, provider="fal-ai")
        asked = own.asked

    assert image.path.read_bytes() == files["picture"].read_bytes()
    assert asked[-1].headers["authorization"] == f"Key {KEY}"
    assert TOKEN not in str(asked)
    assert not ask.served.posts  # the router is not asked
    assert KEY not in str(ask.served.asked)
    assert KEY not in repr(place)
    assert TOKEN not in repr(place)


def test_a_key_is_not_used_where_no_provider_is_named(ask: Asking, monkeypatch):
    """`auto` is the router's business and the user's account there."""
    monkeypatch.setenv("FAL_KEY", KEY)
    ask("studio/paint", {"prompt": "sea"})

    assert ask.served.posts[-1].path == "/fal-ai/fal-ai/paint-v1"
    assert KEY not in str(ask.served.asked)


def test_a_key_that_a_provider_repeats_is_not_told(ask: Asking):
    """Some answers hold the request's own headers."""
    failure = refused(ask, say({"error": f"bad header: Bearer {TOKEN}"}, 400), provider="together")

    assert TOKEN not in f"{failure} {failure.said}"


def test_a_key_that_a_chat_repeats_word_by_word_is_not_told(ask: Asking):
    """Its words come in pieces, and a key may be cut in two."""
    pieces = ["it is ", TOKEN[:9], TOKEN[9:], ", no?"]
    events = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": one}}]} for one in pieces]
    lines = "".join(f"data: {json.dumps(one)}\n\n" for one in events)
    answer = Answer(f"{lines}data: [DONE]\n\n".encode(), type="text/event-stream")
    ask.served.refusals["studio/talk"] = ask.served.refusals["groq/talk"] = answer
    text, _ = ask("studio/talk", {"prompt": "what is it?"}, provider="groq")

    assert text == "it is ***, no?"
    assert TOKEN not in "".join(one.text for one in ask.events if isinstance(one, Written))


def test_a_queue_is_told_of(ask: Asking):
    """Videos take minutes; the user sees how many are ahead."""
    ask("studio/film", {"prompt": "waves"}, provider="fal-ai")

    assert Started() in ask.events
    assert Queued(2, 3) in ask.events


def test_a_job_is_found_again_and_not_paid_twice(ask: Asking, files):
    """A run that was killed while a video was made asks for that very job."""
    ask("studio/film", {"prompt": "waves"}, provider="fal-ai")
    (job,) = ask.remembered
    ask.served.asked.clear()
    (video,) = ask("studio/film", {"prompt": "waves"}, provider="fal-ai", job=json.loads(json.dumps(job)))

    assert video.path.read_bytes() == files["clip"].read_bytes()
    assert not ask.served.posts
    assert TOKEN not in str(job)


def test_a_job_that_is_forgotten_is_asked_for_anew(ask: Asking, files):
    """Providers keep a result for an hour or so; a run may be resumed a day later."""
    ask("studio/film", {"prompt": "waves"}, provider="fal-ai")
    (job,) = ask.remembered
    gone = {**job["answer"], "response_url": f"{ask.served.url}/fal-ai/film/requests/gone"}
    ask.served.asked.clear()
    (video,) = ask("studio/film", {"prompt": "waves"}, provider="fal-ai", job={**job, "answer": gone})

    assert video.path.read_bytes() == files["clip"].read_bytes()
    assert len(ask.served.posts) == 1


def test_what_an_answer_needs_is_missed_before_the_call(ask: Asking, monkeypatch):
    """A picture that cannot be taken in is paid all the same."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ToolkitError) as caught:
        ask("studio/paint", {"prompt": "sea"})

    assert caught.value.code == "not-installed"
    assert not ask.served.posts


def test_a_call_that_takes_too_long_ends_and_leaves_nothing(ask: Asking):
    """The library waits for ever, in a thread that cannot be broken off; ours ends with the call."""
    before = set(threading.enumerate())
    ask.served.hold = threading.Event()
    try:
        with pytest.raises(TimedOut) as caught:
            ask("studio/paint", {"prompt": "sea"}, provider="together", run_s=0.2)
    finally:
        ask.served.hold.set()
        ask.served.hold = None

    assert "0.2 s" in caught.value.message
    ours = [one for one in threading.enumerate() if one.name.startswith("AnyIO") and one not in before]
    for one in ours:
        one.join(5)
    assert not any(one.is_alive() for one in ours)


def test_a_cancelled_call_ends_while_it_is_answered(ask: Asking):
    """Ctrl-C does not wait for a provider."""
    ask.served.hold = threading.Event()
    ask.served.held.clear()

    async def interrupted() -> bool:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_ask_quietly, ask)
            await anyio.to_thread.run_sync(ask.served.held.wait, 10)
            tasks.cancel_scope.cancel()
        return tasks.cancel_scope.cancelled_caught

    try:
        assert anyio.run(interrupted)
    finally:
        ask.served.hold.set()
        ask.served.hold = None


async def _ask_quietly(ask: Asking) -> None:
    await ask.call("studio/paint", {"prompt": "sea"}, provider="together")


def test_a_router_that_is_not_there_is_unreachable(ask: Asking, monkeypatch):
    """No traceback of an HTTP library's."""
    monkeypatch.setenv("SPACECHAIN_ROUTER", "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        ask("studio/paint", {"prompt": "sea"})


def test_width_without_height_is_refused_before_anything_is_sent(ask: Asking, given):
    """A provider would answer with a picture of another shape, and charge for it."""
    with pytest.raises(RejectedInput):
        ask("studio/edit", {"image": given("picture"), "width": 64})

    assert not ask.served.posts
