"""Every task once: what arrives at the provider, and what comes back."""

import base64
import inspect
from typing import get_args, get_type_hints
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.inference import _client
from huggingface_hub.inference._providers import PROVIDERS as LIBRARY
from leaks import SECRETS
from providers.asking import Asking
from providers.standin import MODELS, PLAIN, TALKERS, WORDS

from spaces_registry.hub.providers import PROVIDERS
from spaces_registry.hub.tasks import TASKS
from spaces_registry.progress import Logged, Written
from spaces_registry.signature import File

LIBRARY_NAMES = {"np": np, "Image": object, **vars(_client)}  # what only its type checker knows


def content(value: object) -> bytes:
    assert isinstance(value, File)
    return value.path.read_bytes()


@pytest.mark.parametrize(
    "provider", ["fal-ai", "replicate", "together", "nscale", "wavespeed", "zai-org", "hf-inference"]
)
def test_every_provider_gives_the_same_picture(ask: Asking, files, provider):
    """A picture's bytes are the provider's own, whatever envelope it comes in; nothing is encoded anew."""
    (image,) = ask("studio/paint", {"prompt": "a lighthouse", "seed": 7}, provider=provider)

    assert content(image) == files["picture"].read_bytes()
    assert image.name == "image.png"
    assert "lighthouse" in ask.served.posts[-1].body.decode()


@pytest.mark.parametrize("provider", ["fal-ai", "replicate", "together", "wavespeed", "hf-inference"])
def test_a_picture_is_changed(ask: Asking, files, given, provider):
    """The picture goes out whole, and the answer comes back."""
    arguments = {"image": given("picture"), "prompt": "at night", "width": 64, "height": 32}
    (image,) = ask("studio/edit", arguments, provider=provider)

    assert content(image) == files["picture"].read_bytes()
    assert base64.b64encode(files["picture"].read_bytes()) in ask.served.posts[-1].body
    assert b"at night" in ask.served.posts[-1].body


@pytest.mark.parametrize("provider", ["fal-ai", "novita", "replicate", "together", "wavespeed"])
def test_a_clip_is_made(ask: Asking, files, provider):
    """Videos come out of queues; the bytes are the provider's."""
    (video,) = ask("studio/film", {"prompt": "waves", "num_frames": 24}, provider=provider)

    assert content(video) == files["clip"].read_bytes()
    assert video.name == "video.mp4"


@pytest.mark.parametrize("provider", ["fal-ai", "wavespeed", "together"])
def test_a_picture_is_moved(ask: Asking, files, given, provider):
    """The first frame and what is to happen arrive together."""
    (video,) = ask("studio/move", {"image": given("picture"), "prompt": "push in"}, provider=provider)

    assert content(video) == files["clip"].read_bytes()
    assert ask.served.sent["prompt"] == "push in"


@pytest.mark.parametrize("provider", ["fal-ai", "replicate", "together", "deepinfra", "hf-inference"])
def test_a_text_is_spoken(ask: Asking, files, provider):
    """The sound's format is told by its bytes, because providers do not say it."""
    (audio,) = ask("studio/speak", {"text": "ahoy", "extra_body": {"voice": "alto"}}, provider=provider)

    assert content(audio) == files["sound"].read_bytes()
    assert audio.name == "audio.wav"
    assert "alto" in ask.served.posts[-1].body.decode()  # what only this provider knows


@pytest.mark.parametrize("provider", ["hf-inference", "fal-ai", "replicate", "deepinfra"])
def test_a_recording_is_written_down(ask: Asking, given, provider):
    """Every provider's own way to send a recording ends in the same text."""
    text, _ = ask("studio/listen", {"audio": given("sound")}, provider=provider)

    assert text == "a light"


PLAINLY = {
    "translation": ({"text": "sea", "src_lang": "en", "tgt_lang": "fr"}, "mer"),
    "summarization": ({"text": "long"}, "short"),
    "image-to-text": ({"image": "picture"}, "a lighthouse"),
    "text-classification": ({"text": "waves", "top_k": 2}, "sea"),
    "zero-shot-classification": ({"text": "waves", "candidate_labels": ("sea", "rain")}, "sea"),
    "image-classification": ({"image": "picture"}, "sea"),
    "zero-shot-image-classification": ({"image": "picture", "candidate_labels": ("sea", "rain")}, "sea"),
    "audio-classification": ({"audio": "sound"}, "sea"),
    "token-classification": ({"text": "in Kiel"}, PLAIN["token-classification"]),
    "fill-mask": ({"text": "the [MASK]"}, "the sea"),
    "question-answering": ({"question": "where?", "context": "at sea"}, "at sea"),
    "document-question-answering": ({"image": "picture", "question": "how many?"}, "42"),
    "visual-question-answering": ({"image": "picture", "question": "which?"}, "blue"),
    "table-question-answering": ({"table": {"ships": ["3"]}, "query": "how many?"}, "3"),
    "sentence-similarity": ({"sentence": "sea", "other_sentences": ("ocean", "hill")}, [0.9, 0.1]),
    "object-detection": ({"image": "picture", "threshold": 0.5}, PLAIN["object-detection"]),
    "tabular-classification": ({"table": {"depth": ["3"]}}, ["7"]),
}


@pytest.mark.parametrize("task", PLAINLY)
def test_what_hugging_face_itself_serves(ask: Asking, given, task):
    """The likeliest answer is a text to go on with, and all of them are there as JSON."""
    written, told = PLAINLY[task]
    arguments = {
        name: given(value) if value in ("picture", "sound") else value for name, value in written.items()
    }
    first, *_ = ask(f"studio/{task}", arguments)

    assert first == told
    assert ask.served.posts[-1].path == f"/hf-inference/models/studio/{task}" + (
        "/pipeline/sentence-similarity" if task == "sentence-similarity" else ""
    )


@pytest.mark.parametrize("provider", ["together", "hf-inference", "deepinfra", "scaleway"])
def test_a_text_becomes_numbers(ask: Asking, provider):
    """An embedding is plain JSON, whatever array the library makes of it."""
    (embedding,) = ask("studio/embed", {"text": "sea"}, provider=provider)

    assert embedding in ([0.5, -1.0], [[0.5, -1.0]])


def test_a_picture_is_cut_into_its_parts(ask: Asking, files, given):
    """Masks are pictures, side by side with what each one is."""
    masks, segments = ask("studio/image-segmentation", {"image": given("picture")})

    assert [content(one) for one in masks] == [files["picture"].read_bytes()]
    assert segments == [{"label": "sky", "score": 0.7}]


def test_a_queue_gives_masks_too(ask: Asking, files, given):
    """The provider with a queue hands its mask over inside JSON."""
    masks, segments = ask("studio/cut", {"image": given("picture")})

    assert [content(one) for one in masks] == [files["picture"].read_bytes()]
    assert segments[0]["label"] == "mask"


def test_a_sound_is_taken_apart(ask: Asking, files, given):
    """Sounds come as one file each, with their labels beside them."""
    sounds, labels = ask("studio/audio-to-audio", {"audio": given("sound")})

    assert [content(one) for one in sounds] == [files["sound"].read_bytes()]
    assert labels[0]["label"] == "voice"


def test_a_chat_is_told_as_it_is_written(ask: Asking):
    """A long answer is seen while it is written, and the step's output is the whole of it."""
    text, _ = ask("studio/talk", {"prompt": "begin", "system": "briefly", "temperature": 0.2})

    assert text == "".join(WORDS)
    assert [one.text for one in ask.events if isinstance(one, Written)] == [*WORDS]
    assert Logged("info", "groq answers") in ask.events
    assert ask.served.sent["stream"] is True  # the gateway gives up on answers that come in one piece
    assert ask.served.sent["messages"] == [
        {"role": "system", "content": "briefly"},
        {"role": "user", "content": "begin"},
    ]


@pytest.mark.parametrize("provider", TALKERS)
def test_every_provider_converses(ask: Asking, provider):
    """Each has a path of its own, and a name of its own for the model."""
    text, _ = ask("studio/talk", {"prompt": "begin"}, provider=provider)

    assert text == "".join(WORDS)
    assert ask.served.sent["stream"] is True
    assert ask.served.posts[-1].path.startswith(f"/{provider}/")


def test_openai_converses_with_its_own_key(ask: Asking, monkeypatch):
    """It is not behind the router, and knows no token but its own."""
    key = SECRETS.make("openai", "sk-")
    monkeypatch.setenv("OPENAI_API_KEY", key)
    ask.hosts = {"https://api.openai.com": f"{ask.served.url}/own"}
    text, _ = ask("gpt-4o", {"prompt": "begin"}, provider="openai")

    assert text == "".join(WORDS)
    assert ask.served.sent["model"] == "gpt-4o"
    assert ask.served.posts[-1].headers["authorization"] == f"Bearer {key}"


def test_a_chat_sees_pictures(ask: Asking, files, given):
    """A vision model gets the words and every picture in one message."""
    ask("studio/talk", {"prompt": "what is it?", "images": (given("picture"),)})

    words, picture = ask.served.sent["messages"][-1]["content"]
    assert words == {"type": "text", "text": "what is it?"}
    encoded = base64.b64encode(files["picture"].read_bytes()).decode()
    assert picture["image_url"]["url"] == f"data:image/png;base64,{encoded}"


def test_a_chat_goes_on_where_it_was(ask: Asking):
    """A whole conversation can be handed in; the prompt is its next word."""
    before = ({"role": "user", "content": "hi"}, {"role": "assistant", "content": "ahoy"})
    ask("studio/talk", {"messages": before, "prompt": "and now?"}, provider="groq")

    assert [one["content"] for one in ask.served.sent["messages"]] == ["hi", "ahoy", "and now?"]
    assert ask.served.posts[-1].path == "/groq/openai/v1/chat/completions"


def test_a_tool_call_is_put_together(ask: Asking):
    """What a model wants called arrives in pieces of JSON."""
    tools = [{"type": "function", "function": {"name": "tide", "parameters": {}}}]
    _, calls = ask("studio/talk", {"prompt": "the tide?", "tools": tools})

    assert calls == [{"id": "c1", "name": "tide", "arguments": '{"at":"Kiel"}'}]


@pytest.mark.parametrize("provider", ["together", "novita", "deepinfra", "featherless-ai", "hf-inference"])
def test_a_text_is_gone_on_with(ask: Asking, provider):
    """Plain completion, where a provider offers it."""
    (text,) = ask(
        "studio/tell", {"prompt": "A sea", "max_new_tokens": 9}, task="text-generation", provider=provider
    )

    assert text == " and a light"
    assert ask.served.sent.get("prompt", ask.served.sent.get("inputs")) == "A sea"


def test_text_generation_of_a_chat_model_is_a_chat(ask: Asking):
    """The Hub calls chat models text-generation, so that is what people write."""
    arguments = {"prompt": "A sea", "max_new_tokens": 9, "top_k": 3}
    (text,) = ask("studio/talk", arguments, task="text-generation")

    assert text == "".join(WORDS)
    assert ask.served.sent["max_tokens"] == 9
    assert ask.served.sent["top_k"] == 3  # what a chat's method does not name, its provider may know


def test_an_endpoint_of_ones_own_is_asked_as_it_stands(ask: Asking, files):
    """A URL is an endpoint; chats find their path below it, other tasks are posted to it."""
    (image,) = ask(f"{ask.served.url}/own/paint", {"prompt": "sea"}, task="text-to-image")
    text, _ = ask(f"{ask.served.url}/own/v1", {"prompt": "sea"})

    assert content(image) == files["picture"].read_bytes()
    assert text == "".join(WORDS)
    assert [one.path for one in ask.served.posts] == ["/own/paint", "/own/v1/chat/completions"]
    assert not any("authorization" in one.headers for one in ask.served.posts)  # the token is the Hub's


def test_the_table_of_tasks_is_the_librarys():
    """`check` reads a table, so that it need not import the client: the two must not drift apart."""
    ours = {
        "chat-completion": {"prompt", "system", "images"},
        "image-to-image": {"width", "height", "extra_body"},
        "image-to-video": {"width", "height", "extra_body"},
    }
    left_out = {
        "chat-completion": {"stream", "n", "logprobs", "top_logprobs"},  # one answer, always streamed
        "text-generation": {"stream", "details", "decoder_input_details"},
        "image-to-image": {"target_size", "kwargs"},
        "image-to-video": {"target_size", "kwargs"},
    }
    for task in TASKS.values():
        taken = {*inspect.signature(getattr(InferenceClient, task.method)).parameters} - {"self", "model"}
        named = {one.name for one in task.parameters}
        assert named - ours.get(task.name, set()) == taken - left_out.get(task.name, set()), task.name
        for one in inspect.signature(getattr(InferenceClient, task.method)).parameters.values():
            parameter = task.endpoint.parameter(one.name)
            if parameter is not None and one.name != "messages":
                assert parameter.required == (one.default is one.empty), (task.name, one.name)
    methods = {name for name, _ in inspect.getmembers(InferenceClient, inspect.isfunction) if name[0] != "_"}
    elsewhere = {
        "close",
        "get_endpoint_info",
        "health_check",
        "tabular_regression",
    }  # the last: nobody serves it
    assert methods - elsewhere == {one.method for one in TASKS.values()}


def test_the_table_of_providers_is_the_librarys():
    """The same for who serves what, and for the hosts that get a provider's own key."""
    library = {
        name: ({*tasks}, {urlsplit(one.base_url).hostname for one in tasks.values()})
        for name, tasks in LIBRARY.items()
    }
    assert library.keys() == PROVIDERS.keys()
    for name, (tasks, hosts) in library.items():
        assert PROVIDERS[name].tasks == tasks, name
        assert {*PROVIDERS[name].hosts} == hosts - {"router.huggingface.co"}, name


def test_every_task_of_every_provider_is_served_here(ask: Asking):
    """What the library learns to ask, the tests above must ask, too."""
    listed = {one: httpx2.get(f"{ask.served.url}/api/models/{one}").json() for one in MODELS}
    served = {
        (provider, offer["task"])
        for one in listed.values()
        for provider, offer in one["inferenceProviderMapping"].items()
    }

    assert served | {("openai", "conversational")} == {
        (name, task) for name, tasks in LIBRARY.items() for task in tasks
    }


def test_choices_are_the_librarys():
    """A choice that is offered is one that the library's own types name."""
    for task in TASKS.values():
        hints = get_type_hints(getattr(InferenceClient, task.method), globalns=LIBRARY_NAMES)
        for one in task.parameters:
            if one.choices is not None:
                assert {*one.choices} == {*_literals(hints[one.name])}, (task.name, one.name)


def _literals(hint: object) -> set[object]:
    found = get_args(hint)
    return {one for one in found if isinstance(one, str)} | {x for one in found for x in _literals(one)}
