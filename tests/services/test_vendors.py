"""The shipped service files against emulations of their vendors: what a user gets from each."""

import json

import pytest
from services.vendors.automatic1111 import Automatic1111
from services.vendors.comfyui import ComfyUi
from services.vendors.deepinfra import DeepInfra
from services.vendors.media import encoded, film, picture, pixels, repainted, speech
from services.vendors.openai import OpenAi
from services.vendors.replicate import VERSION, Replicate
from services.vendors.stability import Stability

from chains.services import read_service
from spaces_registry.progress import Queued, Spent, Written

PROMPT = "a lighthouse at dusk, cinematic"
PAINTED = pixels(encoded(picture(PROMPT)))

PAINTERS = {
    "replicate": {"with": {"prompt": PROMPT}},
    "replicate, one picture": {"with": {"prompt": PROMPT, "model": "black-forest-labs/flux-1.1-pro"}},
    "replicate, webp": {"with": {"prompt": PROMPT, "output_format": "webp"}},
    "replicate, a version": {
        "endpoint": "run-version",
        "with": {"version": f"stability-ai/sdxl:{VERSION}", "prompt": PROMPT, "width": 1024, "height": 1024},
        "gives": "file",
    },
    "replicate, any model": {
        "endpoint": "run",
        "with": {"model": "black-forest-labs/flux-dev", "prompt": PROMPT, "go_fast": True},
        "gives": "file",
    },
    "fal": {"with": {"prompt": PROMPT}},
    "fal, a data URI": {"with": {"prompt": PROMPT, "model": "fal-ai/flux/dev", "sync_mode": True}},
    "fal, any model": {
        "endpoint": "run",
        "with": {"model": "fal-ai/flux/dev", "prompt": PROMPT, "image_size": {"width": 1024, "height": 1024}},
        "gives": "file",
    },
    "deepinfra": {"with": {"prompt": PROMPT}},
    "stability": {"with": {"prompt": PROMPT}},
    "stability, ultra as webp": {"with": {"prompt": PROMPT, "model": "ultra", "output_format": "webp"}},
    "automatic1111": {"with": {"prompt": PROMPT, "width": 1024, "height": 1024}},
    "comfyui": {"with": {"workflow": "workflow.json", "6.text": PROMPT}},
    "comfyui, by title": {"with": {"workflow": "workflow.json", "Positive.text": PROMPT, "Sampler.seed": 7}},
    "comfyui, any file": {
        "endpoint": "files",
        "with": {"workflow": "workflow.json", "6.text": PROMPT},
        "gives": "file",
    },
    "cogview": {"with": {"prompt": PROMPT}},
    "cogview, as a task": {
        "endpoint": "text-to-image-async",
        "with": {"prompt": PROMPT, "model": "glm-image"},
    },
    "wizmodel": {"with": {"prompt": PROMPT, "width": 1024, "height": 1024}},
    "openai, base64": {"with": {"prompt": PROMPT}},
    "openai, an address": {"with": {"prompt": PROMPT, "model": "dall-e-3", "size": "1024x1024"}},
    "openai, a compatible one": {
        "with": {"prompt": PROMPT, "model": "dall-e-2", "response_format": "b64_json", "size": "1024x1024"}
    },
    "endpoints": {"with": {"prompt": PROMPT, "steps": 4}},
}


def test_every_service_file_is_one_and_can_be_pointed_elsewhere(catalogue, vendors):
    """A mistake in a shipped file would be told to a user who cannot mend it."""
    services = {name: read_service(text, file=name) for name, text in catalogue.items()}

    assert set(services) == set(vendors.by_name)
    for name, one in services.items():
        assert one.name == name
        assert one.about
        assert one.home.startswith("https://")
        assert one.url_from in vendors.environment()
        assert one.auth is not None
        assert one.auth.get_one


@pytest.mark.parametrize("which", PAINTERS)
def test_a_picture_from_words_is_the_one_that_was_painted(ask, vendors, which):
    """Whatever way a vendor answers (bytes, base64, data URI, address), these are the pixels, made once."""
    service = which.split(",")[0]

    made = ask(service, **PAINTERS[which])

    assert [pixels(one) for one in made.files] == [PAINTED]
    assert vendors.by_name[service].creates == 1


def test_a_job_that_is_done_in_the_first_answer_is_not_asked_about(ask, vendors, home):
    """A user's own copy of a file comes first; with `Prefer: wait` Replicate answers in one request."""
    own = home / "services" / "replicate.yaml"
    path = "    path: &of-model /v1/models/${{ model }}/predictions\n"
    own.write_text(own.read_text().replace(path, f"{path}    headers: {{Prefer: wait=5}}\n"))

    made = ask("replicate", **{"with": {"prompt": PROMPT}})

    assert [pixels(one) for one in made.files] == [PAINTED]
    assert [one.method for one in vendors.get(Replicate).asked] == ["POST"]


def test_another_vendor_stands_in_with_the_same_endpoint_and_the_same_picture(ask, vendors):
    """Credit is used up at the worst moment; vendors' words for one thing are one word here."""
    vendors.by_name["replicate"].fail("402")
    vendors.by_name["fal"].fail("429")
    others = [{"service": one, "with": {"prompt": PROMPT}} for one in ("fal", "openai")]

    made = ask("replicate", endpoint="text-to-image", fallback=others, **{"with": {"prompt": PROMPT}})

    assert [pixels(one) for one in made.files] == [PAINTED]
    assert [vendors.by_name[one].creates for one in ("replicate", "fal", "openai")] == [0, 0, 1]
    tried = [(one.via.split()[0], one.failure) for one in made.run.steps["made"].result.calls[0].attempts]
    assert tried == [("replicate", "out-of-quota"), ("fal", "rate-limited")]


def test_several_pictures_of_one_call_all_come_out(ask, vendors):
    """Who asks for three gets, and is charged for, three."""
    made = ask("automatic1111", gives="images", **{"with": {"prompt": PROMPT, "batch_size": 3}})

    assert len(made.files) == 3
    assert json.loads(vendors.get(Automatic1111).last().body)["batch_size"] == 3


def test_a_file_delivered_by_another_host_is_fetched_without_the_key(ask, vendors):
    """A key that goes to a delivery network is in somebody else's log."""
    for service in ("replicate", "fal", "cogview"):
        assert ask(service, **PAINTERS[service]).files

    assert len(vendors.fetched) == 3
    assert not any("authorization" in one.headers for one in vendors.fetched)


def test_arguments_that_are_not_given_are_not_sent(ask, vendors):
    """What a vendor does without an argument is the vendor's to know; `null` is refused by most."""
    ask("replicate", **{"with": {"prompt": PROMPT}})
    ask("openai", **{"with": {"prompt": PROMPT}})
    ask("deepinfra", **{"with": {"prompt": PROMPT, "aspect_ratio": "1:1"}})

    sent = json.loads(vendors.get(Replicate).last().body)
    assert sent == {"input": {"prompt": PROMPT, "output_format": "png"}}
    assert json.loads(vendors.get(OpenAi).last().body) == {"model": "gpt-image-1", "prompt": PROMPT}
    assert json.loads(vendors.get(DeepInfra).last().body) == {"prompt": PROMPT, "aspect_ratio": "1:1"}


EDITORS = {
    "replicate": {"endpoint": "image-to-image"},
    "fal": {"endpoint": "image-to-image"},
    "stability": {"endpoint": "image-to-image"},
    "automatic1111": {"endpoint": "image-to-image"},
    "openai": {"endpoint": "image-to-image"},
    "comfyui": {
        "with": {"workflow": "image_workflow.json", "6.text": PROMPT, "Load Image.image": "$inputs.photo"}
    },
}


@pytest.mark.parametrize("service", EDITORS)
def test_a_picture_of_the_users_reaches_the_vendor_whole(ask, vendors, photo, service):
    """Upload, data URI, base64, form: each vendor wants files its own way, and repaints what it was given."""
    step = {"with": {"image": "$inputs.photo", "prompt": PROMPT}, **EDITORS[service]}

    made = ask(service, inputs={"photo": photo}, **step)

    assert vendors.by_name[service].files == [photo.read_bytes()]
    assert [pixels(one) for one in made.files] == [pixels(encoded(repainted(photo.read_bytes(), PROMPT)))]


@pytest.mark.parametrize("service", ["replicate", "fal", "stability"])
def test_a_film_is_made_of_a_picture(ask, vendors, photo, service):
    """Films are always jobs; what comes out is a film by its bytes."""
    given = {"image": "$inputs.photo", **({} if service == "stability" else {"prompt": PROMPT})}

    made = ask(service, "video", {"photo": photo}, endpoint="image-to-video", **{"with": given})

    assert made.files == [film()]
    assert vendors.by_name[service].files == [photo.read_bytes()]


@pytest.mark.parametrize("service", ["replicate", "fal", "deepinfra", "openai"])
def test_a_text_is_spoken(ask, vendors, service):
    """Sound comes as an address, as a data URI, or as the answer itself."""
    made = ask(service, "audio", endpoint="text-to-speech", **{"with": {"text": PROMPT}})

    assert made.files == [speech(PROMPT)]
    assert vendors.by_name[service].creates == 1


@pytest.mark.parametrize("service", ["openai", "deepinfra", "tgi"])
def test_a_chat_is_shown_as_it_is_written(ask, vendors, service):
    """A person who waits for a long text sees it grow; what is kept is the whole of it."""
    made = ask(service, "text", endpoint="chat", **{"with": {"prompt": "hello there", "system": "Be brief"}})

    assert made.text == "Be brief: You said: hello there"
    pieces = [one.text for one in made.told if isinstance(one, Written)]
    assert len(pieces) > 2
    assert "".join(pieces) == made.text
    assert json.loads(vendors.by_name[service].last().body)["stream"] is True


def test_a_model_without_a_stream_writes_too(ask):
    """Replicate gives a list of pieces, TGI's own dialect one text, an Inference Endpoint a list of one."""
    words = {"prompt": "hello there"}

    assert ask("replicate", "text", endpoint="chat", **{"with": words}).text == "You said: hello there"
    assert ask("tgi", "text", endpoint="text-generation", **{"with": words}).text == "You said: hello there"


def test_an_inference_endpoint_is_called_at_the_steps_own_address(ask, vendors):
    """An endpoint has no address that a catalogue could know; several may be used in one chain."""
    url = vendors.address("endpoints") + "/writer"

    made = ask("endpoints", "text", url=url, endpoint="text-generation", **{"with": {"prompt": "hello"}})

    assert made.text == "You said: hello"


def test_a_chat_is_shown_a_picture(ask, vendors, photo):
    """The same endpoint serves talk with and without a picture."""
    given = {"prompt": "what is this?", "image": "$inputs.photo"}
    seen = ask("openai", "text", {"photo": photo}, endpoint="chat", **{"with": given})
    assert seen.text == "You said: what is this?, with 1 picture"
    assert vendors.get(OpenAi).files == [photo.read_bytes()]

    blind = ask("openai", "text", endpoint="chat", **{"with": {"prompt": "what is this?"}})
    assert blind.text == "You said: what is this?"


def test_a_recording_is_written_down(ask, vendors, tmp_path):
    """Sound goes in as a part of a form, under its own name."""
    voice = tmp_path / "voice.wav"
    voice.write_bytes(speech("hello"))

    made = ask(
        "openai", "text", {"voice": voice}, endpoint="transcribe", **{"with": {"audio": "$inputs.voice"}}
    )

    assert vendors.get(OpenAi).files == [speech("hello")]
    assert made.text.startswith("a recording named ")
    assert made.text.endswith(".wav")


def test_what_a_call_cost_is_told_where_the_vendor_says_it(ask, vendors):
    """Money is counted from the vendor's own words, not from a price list that grows old."""
    painted = ask("deepinfra", **{"with": {"prompt": PROMPT}})
    written = ask("deepinfra", "text", endpoint="chat", **{"with": {"prompt": "hello"}})
    free = ask("openai", **{"with": {"prompt": PROMPT}})

    assert [one.usd for one in painted.told if isinstance(one, Spent)] == [0.0005]
    assert [one.usd for one in written.told if isinstance(one, Spent)] == [0.000021]
    assert not [one for one in free.told if isinstance(one, Spent)]
    assert vendors.get(DeepInfra).creates == 2


def test_the_place_in_the_queue_is_told(ask):
    """Who waits wants to see how many are before; fal says it."""
    made = ask("fal", **{"with": {"prompt": PROMPT}})

    assert [one.position for one in made.told if isinstance(one, Queued)] == [1, 0]


def test_a_form_is_sent_even_without_a_file(ask, vendors):
    """Stability refuses everything else, also for words alone."""
    ask("stability", **{"with": {"prompt": PROMPT}})

    sent = vendors.get(Stability).last()
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b"negative_prompt" not in sent.body


def test_a_workflow_goes_to_comfyui_with_only_the_users_changes(ask, vendors):
    """A saved workflow is the user's work: nothing in it moves but what the step names."""
    ask(
        "comfyui",
        **{"with": {"workflow": "workflow.json", "6.text": PROMPT, "Sampler.seed": 7, "5.width": 512}},
    )

    sent = json.loads(vendors.get(ComfyUi).asked[0].body)["prompt"]
    assert sent["6"]["inputs"]["text"] == PROMPT
    assert sent["3"]["inputs"]["seed"] == 7
    assert sent["5"]["inputs"] == {"width": 512, "height": 1024, "batch_size": 1}
    assert sent["7"]["inputs"]["text"] == "watermark"


def test_an_automatic1111_behind_a_password_is_reached(ask, vendors, monkeypatch):
    """`--api-auth` is what people use who share theirs with friends."""
    vendors.get(Automatic1111).key = "me:secret"
    monkeypatch.setenv("AUTOMATIC1111_AUTH", "me:secret")

    assert ask("automatic1111", **{"with": {"prompt": PROMPT}}).files
