"""The vendors' own client libraries against the same emulations: what they send and read is the truth."""

import json

import pytest
from services.vendors.fal import Fal
from services.vendors.media import encoded, film, picture, pixels, repainted, speech
from services.vendors.replicate import VERSION, Replicate

PROMPT = "a lighthouse at dusk, cinematic"
PAINTED = pixels(encoded(picture(PROMPT)))


@pytest.fixture
def replicate(vendors):
    """Replicate's client, pointed at the emulation."""
    from replicate.client import Client  # noqa: PLC0415 - slow to import
    from replicate.exceptions import ModelError, ReplicateError  # noqa: PLC0415

    client = Client(api_token=Replicate.key, base_url=vendors.address("replicate"))
    client.poll_interval = 0.01
    client.refused, client.failed = ReplicateError, ModelError
    yield client
    client._client.close()  # noqa: SLF001 - it has no other way to be closed


@pytest.fixture
def fal(vendors, monkeypatch):
    """Fal's client, pointed at the emulation: its hosts can be chosen by variables, but not without TLS."""
    from fal_client import client  # noqa: PLC0415 - slow to import

    monkeypatch.setattr(client, "QUEUE_URL_FORMAT", f"{vendors.address('fal')}/queue/")
    monkeypatch.setattr(client, "RUN_URL_FORMAT", f"{vendors.address('fal')}/")
    made = client.SyncClient(key=Fal.key)
    made.__dict__["refused"] = client.FalClientHTTPError
    yield made
    made._client.close()  # noqa: SLF001 - it has no other way to be closed


def addresses(value):
    """Every address in an output, in its order."""
    match value:
        case str():
            return [value] if value.startswith("http") else []
        case dict():
            return [one for inner in value.values() for one in addresses(inner)]
        case list():
            return [one for inner in value for one in addresses(inner)]
    return []


def posts(vendor):
    """The requests that create work: path, body, key."""
    asked = [one for one in vendor.asked if one.method == "POST"]
    return [(one.path, json.loads(one.body), one.headers["authorization"]) for one in asked]


MODELS = [
    "black-forest-labs/flux-dev",
    "black-forest-labs/flux-1.1-pro",
    "riffusion/riffusion",
    "schananas/grounded_sam",
    "andreasjansson/illusion",
]


@pytest.mark.parametrize("model", MODELS)
def test_replicates_client_gets_as_many_files_as_a_step(ask, vendors, replicate, model):
    """What its `transform_output` takes for a file is one: every address, at any depth."""
    output = replicate.run(model, input={"prompt": PROMPT}, use_file_output=False)

    made = ask("replicate", "files", endpoint="run", **{"with": {"model": model, "prompt": PROMPT}})

    assert len(made.files) == len(addresses(output))
    theirs, ours = posts(vendors.get(Replicate))
    assert theirs == ours


def test_replicates_client_runs_a_version_as_a_step_does(ask, vendors, replicate):
    """Models that are not official are called by a version."""
    pictures = list(replicate.run(f"stability-ai/sdxl:{VERSION}", input={"prompt": PROMPT}))

    given = {"version": VERSION, "prompt": PROMPT}
    made = ask("replicate", "files", endpoint="run-version", **{"with": given})

    assert len(pictures) == len(made.files) == 1
    theirs, ours = posts(vendors.get(Replicate))
    assert theirs == ours


def test_replicates_client_uploads_a_file_as_a_step_does(ask, vendors, replicate, photo):
    """Large files go up on their own, and the input holds their address."""
    vendor, model = vendors.get(Replicate), "black-forest-labs/flux-kontext-dev"
    with photo.open("rb") as stream:
        output = replicate.run(model, input={"input_image": stream, "prompt": PROMPT}, use_file_output=False)
    given = {"image": "$inputs.photo", "prompt": PROMPT}
    made = ask("replicate", inputs={"photo": photo}, endpoint="image-to-image", **{"with": given})

    assert vendor.files == [photo.read_bytes()] * 2
    assert len(addresses(output)) == 1
    assert [pixels(one) for one in made.files] == [pixels(encoded(repainted(photo.read_bytes(), PROMPT)))]
    uploads = [one for one in vendor.asked if one.path == "/v1/files"]
    assert all(b'name="content"; filename="photo.png"' in one.body for one in uploads)
    assert all(b"Content-Type: image/png" in one.body for one in uploads)


def test_replicates_client_reads_words_as_a_step_does(ask, replicate):
    """A language model gives pieces."""
    given = {"prompt": "hello there"}
    pieces = replicate.run("meta/meta-llama-3-8b-instruct", input=given)

    assert "".join(pieces) == ask("replicate", "text", endpoint="chat", **{"with": given}).text


def test_replicates_client_is_refused_as_a_step_is(ask, vendors, replicate):
    """Its errors are read from the same fields."""
    vendor, model = vendors.get(Replicate), "black-forest-labs/flux-schnell"
    vendor.fail("moderated", "moderated")
    with pytest.raises(replicate.failed) as failed:
        replicate.run(model, input={"prompt": PROMPT}, wait=False)
    ours = ask("replicate", **{"with": {"prompt": PROMPT}}).error
    vendor.fail("402", "402")
    with pytest.raises(replicate.refused) as refused:
        replicate.run(model, input={"prompt": PROMPT})
    broke = ask("replicate", **{"with": {"prompt": PROMPT}}).error

    assert failed.value.prediction.error in ours["said"]
    assert ours["code"] == "rejected-input"
    assert (refused.value.detail, refused.value.status) == (broke["said"], 402)


def test_replicates_client_cancels_as_a_step_does(vendors, replicate):
    """By the address of the prediction."""
    vendor = vendors.get(Replicate)
    vendor.fail("never")
    prediction = replicate.models.predictions.create(
        model="black-forest-labs/flux-schnell", input={"prompt": PROMPT}, wait=False
    )
    prediction.cancel()

    assert prediction.status == "canceled"
    vendor.cancelled.wait()


APPS = [
    "fal-ai/flux/dev",
    "fal-ai/sam",
    "fal-ai/trellis",
    "fal-ai/sound",
    "fal-ai/films",
    "workflows/me/portraits",
]


@pytest.mark.parametrize("app", APPS)
def test_fals_client_gets_as_many_files_as_a_step(ask, vendors, fal, app):
    """It hands the answer over as it is; every address in it that is said to be a file's is one."""
    output = fal.subscribe(app, {"prompt": PROMPT})

    made = ask("fal", "files", endpoint="run", **{"with": {"model": app, "prompt": PROMPT}})

    assert len(made.files) == len(addresses(output))
    theirs, ours = posts(vendors.get(Fal))
    assert theirs == ours
    asked = [(one.method, one.path.rpartition("/")[2]) for one in vendors.get(Fal).asked]
    half = len(asked) // 2
    assert [one for one, _ in asked[:half]] == [one for one, _ in asked[half:]]


def test_fals_client_reads_logs_as_a_step_does(fal, vendors, ask):
    """The same question with the same word for yes."""
    told = []
    fal.subscribe("fal-ai/flux/dev", {"prompt": PROMPT}, with_logs=True, on_queue_update=told.append)
    ask("fal", **{"with": {"prompt": PROMPT, "model": "fal-ai/flux/dev"}})

    assert any(
        one["message"] == "loading the weights"
        for status in told
        for one in getattr(status, "logs", None) or ()
    )
    looks = {one.query for one in vendors.get(Fal).asked if one.path.endswith("/status")}
    assert looks == {"logs=true", "logs=false"}  # its last questions do without


@pytest.mark.parametrize(("how", "type_"), [("moderated", "content_policy_violation"), ("402", None)])
def test_fals_client_is_refused_as_a_step_is(ask, vendors, fal, how, type_):
    """A queue says COMPLETED, and refuses to whoever fetches the result."""
    vendors.get(Fal).fail(how, how)
    with pytest.raises(fal.refused) as refused:
        fal.subscribe("fal-ai/flux/dev", {"prompt": PROMPT})
    error = ask("fal", **{"with": {"prompt": PROMPT, "model": "fal-ai/flux/dev"}}).error

    said = refused.value.message
    assert refused.value.error_type == type_
    assert error["said"] == (said if isinstance(said, str) else f"prompt: {said[0]['msg']}")


def test_fals_client_cancels_as_a_step_does(vendors, fal):
    """By PUT at the address that the queue named."""
    vendors.get(Fal).fail("never")
    fal.submit("fal-ai/flux/dev", {"prompt": PROMPT}).cancel()

    vendors.get(Fal).cancelled.wait()


def test_fals_client_sends_a_file_as_a_step_may(ask, vendors, fal, photo):
    """Its `encode_file` makes a data URI, as our file does; an upload elsewhere is for larger ones."""
    from fal_client import encode_file  # noqa: PLC0415 - slow to import

    app = "fal-ai/flux/dev/image-to-image"
    fal.subscribe(app, {"image_url": encode_file(photo), "prompt": PROMPT})
    given = {"image": "$inputs.photo", "prompt": PROMPT}
    ask("fal", inputs={"photo": photo}, endpoint="image-to-image", **{"with": given})

    theirs, ours = posts(vendors.get(Fal))
    assert theirs == ours


def test_what_both_fetch_is_what_was_made(ask, replicate, fal):
    """Films and speech, by both."""
    spoken = replicate.run("minimax/speech-02-turbo", input={"text": PROMPT}, use_file_output=False)
    filmed = fal.subscribe("fal-ai/films", {"prompt": PROMPT})

    assert ask("replicate", "audio", endpoint="text-to-speech", **{"with": {"text": PROMPT}}).files == [
        speech(PROMPT)
    ]
    assert len(addresses(spoken)) == len(addresses(filmed)) == 1
    made = ask("fal", "video", endpoint="run", **{"with": {"model": "fal-ai/films", "prompt": PROMPT}})
    assert made.files == [film()]
