"""Answers that HTTP calls good, and that are no result: each says what it is, in the place's own words."""

from collections.abc import Callable, Mapping

import pytest
from providers.asking import Asking
from web import Answer, page, say, web

from spaces_registry.errors import (
    BadOutput,
    Building,
    CallFailed,
    Crashed,
    OutOfQuota,
    OverBound,
    RateLimited,
    RejectedInput,
    UnexpectedAnswer,
)
from spaces_registry.signature import File, Value

NSFW = "NSFW content detected"
ASKED: Mapping[str, tuple[str, str, dict[str, Value]]] = {  # a task: the model, a provider, what is asked
    "text-to-image": ("studio/paint", "hf-inference", {"prompt": "sea"}),
    "text-to-speech": ("studio/speak", "hf-inference", {"text": "ahoy"}),
    "text-to-video": ("studio/film", "novita", {"prompt": "waves"}),
    "text-generation": ("studio/tell", "together", {"prompt": "A sea"}),
    "translation": ("studio/translation", "hf-inference", {"text": "sea"}),
    "question-answering": ("studio/question-answering", "hf-inference", {"question": "?", "context": "sea"}),
    "text-classification": ("studio/text-classification", "hf-inference", {"text": "sea"}),
    "feature-extraction": ("studio/embed", "hf-inference", {"text": "sea"}),
    "sentence-similarity": (
        "studio/sentence-similarity",
        "hf-inference",
        {"sentence": "sea", "other_sentences": ("ocean",)},
    ),
}
WITH_FILES: Mapping[str, tuple[str, str, dict[str, str]]] = {
    "image-to-image": ("studio/edit", "together", {"image": "picture"}),
    "image-to-video": ("studio/move", "together", {"image": "picture"}),
    "automatic-speech-recognition": ("studio/listen", "hf-inference", {"audio": "sound"}),
    "image-segmentation": ("studio/image-segmentation", "hf-inference", {"image": "picture"}),
    "audio-to-audio": ("studio/audio-to-audio", "hf-inference", {"audio": "sound"}),
}


def failed(ask: Asking, model: str, arguments: dict[str, Value], **written: str) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        ask(model, arguments, **written)
    return caught.value


@pytest.fixture
def answered(ask: Asking, given: Callable[[str], File]) -> Callable[[str, Answer], CallFailed]:
    """How a task fails that is answered so."""

    def answer(task: str, answer: Answer) -> CallFailed:
        if task in ASKED:
            model, provider, arguments = ASKED[task]
        else:
            model, provider, names = WITH_FILES[task]
            arguments = {name: given(value) for name, value in names.items()}
        ask.served.refusals[model] = answer
        return failed(ask, model, arguments, task=task, provider=provider)

    return answer


@pytest.mark.parametrize("task", [*ASKED, *WITH_FILES])
def test_an_error_in_place_of_a_result_has_its_class_and_words(answered, task):
    """A content filter that answers with HTTP 200 is no reason to ask again."""
    failure = answered(task, say({"error": NSFW}))

    assert type(failure) is RejectedInput
    assert failure.said == NSFW


@pytest.mark.parametrize("task", [*ASKED, *WITH_FILES])
@pytest.mark.parametrize(
    "answer", [page("Sorry"), Answer(b"Sorry", type="text/plain"), say({"message": "Sorry"})], ids=str
)
def test_words_in_place_of_a_result_are_told(answered, task, answer):
    """`cannot identify image file` tells nobody what is wrong; the place did."""
    failure = answered(task, answer)

    assert isinstance(failure, BadOutput)
    assert "Sorry" in failure.message
    is_page = answer.body.startswith(b"<")  # a proxy's: not what the model said, so not kept as its answer
    assert (type(failure) is BadOutput) == is_page
    assert is_page or failure.answer in ("Sorry", {"message": "Sorry"})


@pytest.mark.parametrize("charset", ["idna", "zlib", "undefined"])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("task", ["text-to-image", "text-generation", "translation"])
def test_a_header_that_names_no_encoding_ends_nothing(answered, task, status, charset):
    """Python has codecs that are none of texts; a fault of ours would keep the fallback from being tried."""
    failure = answered(task, Answer(b"Sorry \x80", status, f"text/plain; charset={charset}"))

    assert "Sorry" in failure.message


@pytest.mark.parametrize("task", [*ASKED, *WITH_FILES])
def test_nothing_in_place_of_a_result_is_told(answered, task):
    """An answer without a byte is no empty text, and no file."""
    failure = answered(task, Answer(b"", type="application/octet-stream"))

    assert type(failure) is BadOutput
    assert "nothing" in failure.message


@pytest.mark.parametrize("body", [{}, {"text": None}, None])
def test_a_recording_without_a_text_is_bad_output(answered, body):
    """The library fills in what an answer lacks: `None` is no word that anybody said."""
    assert type(answered("automatic-speech-recognition", say(body))) is UnexpectedAnswer


def test_an_error_beside_an_empty_result_is_an_error(answered):
    """A server that fills in every field of its answer does so for one that failed, too."""
    failure = answered(
        "automatic-speech-recognition", say({"text": "", "error": "the recording is too long"})
    )

    assert type(failure) is Crashed
    assert failure.said == "the recording is too long"


@pytest.mark.parametrize("body", [[], {}, None])
def test_json_is_no_sound(answered, body):
    """Bytes of JSON were kept as a text file in place of a sound."""
    assert type(answered("text-to-speech", say(body))) is UnexpectedAnswer


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "it broke", "code": 500}, Crashed),
        ({"message": "slow down", "code": "429"}, RateLimited),
        ({"message": "no money", "type": "insufficient_quota"}, OutOfQuota),
        ({"message": "wrong seed", "type": "invalid_request_error"}, RejectedInput),
        ("it broke", Crashed),
    ],
)
def test_an_errors_own_code_and_type_are_its_class(answered, error, kind):
    """The status says 200, and the body what it would have been."""
    failure = answered("text-to-image", say({"error": error}))

    assert type(failure) is kind
    assert (error if isinstance(error, str) else error["message"]) in failure.message


@pytest.mark.parametrize("model", ["studio/paint", "studio/speak", "studio/edit", "studio/film"])
def test_a_prediction_that_failed_keeps_its_reason(ask: Asking, given, model: str):
    """The library takes any prediction without an output for a model that still starts."""
    ask.served.refusals[model] = say({"id": "p", "status": "failed", "error": NSFW, "output": None}, 201)
    arguments = {"studio/speak": {"text": "x"}, "studio/edit": {"image": given("picture")}}
    failure = failed(ask, model, arguments.get(model, {"prompt": "x"}), provider="replicate")

    assert type(failure) is RejectedInput
    assert failure.said == NSFW


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"status": "failed", "error": "CUDA out of memory"}, Crashed),
        ({"status": "canceled", "error": None}, Crashed),
        ({"status": "succeeded", "output": None}, UnexpectedAnswer),
        ({"status": "starting", "output": None}, Building),
        ({"status": "processing", "output": None}, Building),
    ],
)
def test_a_prediction_without_an_output_is_what_it_says(ask: Asking, told, kind):
    """Only one that has not ended may still start."""
    ask.served.refusals["studio/paint"] = say({"id": "p", **told}, 201)

    assert type(failed(ask, "studio/paint", {"prompt": "x"}, provider="replicate")) is kind


@pytest.mark.parametrize(
    ("provider", "model", "told"),
    [
        ("wavespeed", "studio/film", {"data": {"status": "failed", "error": NSFW, "outputs": []}}),
        ("zai-org", "studio/paint", {"task_status": "FAIL", "error": {"code": "1301", "message": NSFW}}),
        ("fal-ai", "studio/film", {"error": NSFW}),
    ],
)
def test_a_job_that_failed_keeps_its_reason(ask: Asking, provider: str, model: str, told: object):
    """Jobs fail with HTTP 200, and the library puts its own words before theirs."""
    ask.served.results[provider] = say(told)
    failure = failed(ask, model, {"prompt": "waves"}, provider=provider)

    assert type(failure) is RejectedInput
    assert failure.said == NSFW


def test_a_refused_job_names_the_field(ask: Asking):
    """A queue takes the job, completes it, and answers 422 to who fetches the result."""
    told = {"detail": [{"loc": ["body", "num_frames"], "msg": "ensure it is at most 81", "type": "value"}]}
    ask.served.results["fal-ai"] = say(told, 422)
    failure = failed(ask, "studio/film", {"prompt": "waves"}, provider="fal-ai")

    assert type(failure) is RejectedInput
    assert failure.said == "num_frames: ensure it is at most 81"


@pytest.mark.parametrize("is_black", [True, False])
def test_a_picture_that_a_checker_made_black_is_no_result(ask: Asking, is_black):
    """Some hand out a black picture, paid all the same, and say beside it why."""
    url = f"{ask.served.url}/media/picture.png"
    ask.served.refusals["studio/paint"] = say({"images": [{"url": url}], "has_nsfw_concepts": [is_black]})
    ask.served.results["wavespeed"] = say(
        {"data": {"status": "completed", "outputs": [url], "has_nsfw_contents": [is_black]}}
    )
    for model, provider in (("studio/paint", "fal-ai"), ("studio/edit", "wavespeed")):
        arguments: dict[str, Value] = {"prompt": "sea"}
        if model == "studio/edit":
            arguments["image"] = File(ask.folder / "none.png", "none.png")
            (ask.folder / "none.png").write_bytes(b"\x89PNG")
        if is_black:
            assert type(failed(ask, model, arguments, provider=provider)) is RejectedInput
        else:
            ask(model, arguments, provider=provider)


def test_a_result_that_is_a_page_says_so(ask: Asking):
    """What a provider's answer names may have become a page that apologises."""
    with web(lambda _: page("This file has expired")) as elsewhere:
        ask.served.refusals["studio/paint"] = say({"images": [{"url": f"{elsewhere.url}/picture.png"}]})
        failure = failed(ask, "studio/paint", {"prompt": "sea"}, provider="fal-ai")
        ask.served.refusals["studio/speak"] = say({"audio": {"url": f"{elsewhere.url}/sound.wav"}})
        spoken = failed(ask, "studio/speak", {"text": "sea"}, provider="fal-ai")

    assert "This file has expired" in failure.message
    assert "This file has expired" in spoken.message


@pytest.mark.parametrize(
    "answer", [say({"error": NSFW}), page(NSFW), Answer(NSFW.encode(), type="text/plain")]
)
def test_an_endpoint_of_ones_own_is_read_in_the_same_way(ask: Asking, answer: Answer):
    """Servers at home answer with words even more often."""
    with web(lambda _: answer) as server:
        failure = failed(ask, f"{server.url}/paint", {"prompt": "sea"}, task="text-to-image")

    assert type(failure) is RejectedInput
    assert failure.said == NSFW


def test_where_no_provider_is_named_an_answer_is_read_in_the_same_way(ask: Asking):
    """`auto` takes the first one that serves it, here fal."""
    ask.served.refusals["studio/paint"] = say({"error": NSFW})

    assert type(failed(ask, "studio/paint", {"prompt": "sea"})) is RejectedInput


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
@pytest.mark.parametrize(
    "task", ["text-classification", "feature-extraction", "automatic-speech-recognition"]
)
def test_an_answer_of_many_little_objects_is_refused_before_the_library_decodes_it(
    answered, task, media_type
):
    """Four megabytes of them would take a hundred, and four hundred megabytes all there is."""
    body = b"[" + b'{"a":1},' * 500_000 + b"1]"
    failure = answered(task, Answer(body, type=media_type))

    assert type(failure) is OverBound
    assert "would take" in failure.message
