"""Answers of any shape: their files, whatever they are called; what is no file, told as what it is."""

import json

import pytest
from services.vendors.fal import GLB, Fal
from services.vendors.media import encoded, film, picture, pixels, speech
from services.vendors.replicate import Replicate

from pipelines.services.leaves import fitting, form_of, leaves
from spaces_registry.progress import Logged
from spaces_registry.signature import Kind

PROMPT = "a lighthouse at dusk, cinematic"
PAINTED, MASK = pixels(encoded(picture(PROMPT))), pixels(encoded(picture("mask")))

SHAPES = {
    "replicate: an object": ("riffusion/riffusion", [speech(PROMPT), PAINTED]),
    "replicate: lists in a list": ("schananas/grounded_sam", [PAINTED, MASK]),
    "replicate: objects in a list": ("andreasjansson/illusion", [PAINTED]),
    "fal: a picture and its mask": ("fal-ai/sam", [PAINTED, MASK]),
    "fal: a mesh": ("fal-ai/trellis", [GLB]),
    "fal: a bare address": ("fal-ai/sound", [speech(PROMPT)]),
    "fal: videos": ("fal-ai/films", [film()]),
}


def shown(data: bytes) -> object:
    """What a file is compared by: a picture by its pixels, all else by its bytes."""
    return pixels(data) if data.startswith((b"\x89PNG", b"RIFF....WEBP")) else data


@pytest.mark.parametrize("which", SHAPES)
def test_every_file_of_an_answer_is_kept_whatever_it_is_called(ask, vendors, which):
    """`run` is for any model, and each has names of its own: a mask that is dropped was paid for."""
    service, (model, files) = which.split(":")[0], SHAPES[which]

    made = ask(service, "files", endpoint="run", **{"with": {"model": model, "prompt": PROMPT}})

    assert [shown(one) for one in made.files] == files
    assert vendors.by_name[service].creates == 1


def test_the_whole_answer_can_be_read_too_with_its_files_in_their_places(ask):
    """Which of two pictures is the mask is said by its name alone; facts are no files."""
    given = {"model": "fal-ai/sam", "prompt": PROMPT}
    mask = ask("fal", "answer.mask_image.url", endpoint="run", **{"with": given})
    given = {**given, "model": "andreasjansson/illusion"}
    rated = ask("replicate", "answer[0].score", endpoint="run", **{"with": given})

    assert [pixels(one) for one in mask.files] == [MASK]
    assert rated.text == 0.5


def test_a_kind_is_found_among_files_of_several_kinds(ask):
    """Speech comes with a picture of itself from some models, in whatever order."""
    given = {"model": "riffusion/riffusion", "prompt": PROMPT, "text": PROMPT}

    made = ask("replicate", "audio", endpoint="text-to-speech", **{"with": given})

    assert made.files == [speech(PROMPT)]


@pytest.mark.parametrize("how", ["blackened-1", "blackened-2"])
@pytest.mark.parametrize("endpoint", ["text-to-image", "run"])
def test_a_picture_that_a_checker_made_black_is_left_out_wherever_it_stands(ask, vendors, how, endpoint):
    """A black square is no result; the good picture beside it was paid for."""
    vendors.get(Fal).fail(how)
    given = {"prompt": PROMPT, "num_images": 2, "model": "fal-ai/flux/dev", "image_size": "square_hd"}

    made = ask("fal", "files", endpoint=endpoint, **{"with": given})

    assert [pixels(one) for one in made.files] == [PAINTED]
    assert any("held back 1 of 2" in one.message for one in made.told if isinstance(one, Logged))


def test_other_vendors_mark_black_pictures_under_other_names(ask, vendors):
    """DeepInfra has a list beside the pictures, too."""
    made = ask("deepinfra", "images", **{"with": {"prompt": PROMPT, "num_images": 2}})
    vendors.by_name["deepinfra"].fail("blackened")
    error = ask("deepinfra", **{"with": {"prompt": PROMPT}}).error

    assert [pixels(one) for one in made.files] == [PAINTED]
    assert error["code"] == "rejected-input"
    assert "nsfw_content_detected" in error["said"]


def test_where_a_checker_made_all_pictures_black_the_input_is_refused(ask, vendors):
    """The same words would be refused again, so they are not tried again."""
    vendors.get(Fal).fail("blackened")

    error = ask("fal", **{"with": {"prompt": PROMPT, "num_images": 2}}).error

    assert error["code"] == "rejected-input"
    assert "has_nsfw_concepts" in error["said"]


def test_words_that_could_be_base64_are_words(ask, vendors):
    """`Once` is four letters of base64; a language model's text became a file of three bytes."""
    given = {"model": "meta/meta-llama-3-8b-instruct", "prompt": "Once"}

    error = ask("replicate", "files", endpoint="run", **{"with": given}).error

    assert error["code"] == "unexpected-answer"
    assert "the text 'You said: Once'" in error["message"]
    assert vendors.get(Replicate).creates == 1


PNG = encoded(picture("x", 8, 8))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Once", None),
        ("upon a time", None),
        ("https://a.example/x.png", "url"),
        ("see https://a.example/x.png", None),
        ("https://a.example/x and more", None),
        ("data:image/png;base64,AAAA", "data-uri"),
        ("/files/x.png", "url"),
        ("/and/or what", None),
        ("QUJDRA==" * 40, None),  # base64 of a text
        ("", None),
    ],
)
def test_a_text_stands_for_a_file_only_if_it_says_so(text, form):
    """Anything can be said in words, and words must stay words."""
    assert form_of(text) == form


@pytest.mark.parametrize("data", [PNG, film(), speech("x"), GLB, encoded(picture("x", 8, 8), "jpeg")])
def test_base64_is_known_by_the_medium_that_comes_out_of_it(data):
    """A JPEG's base64 begins with a slash as a path does; lines are broken after 76 letters by some."""
    import base64  # noqa: PLC0415 - for this test alone

    assert form_of(base64.b64encode(data).decode()) == "base64"
    assert form_of(base64.encodebytes(data).decode()) == "base64"


def test_one_file_in_several_forms_is_one_file():
    """`url` and `b64_json` side by side are the same picture; a thumbnail beside them is another."""
    value = {"url": "https://a/x.png", "b64_json": "AAAA", "thumb": {"url": "https://a/t.png"}, "seed": 3}

    assert [one.value for one in leaves(value)] == ["https://a/x.png", "https://a/t.png"]


def test_what_cannot_be_of_a_kind_is_passed_over_unless_there_is_nothing_else():
    """A media type or a name tells much; what tells nothing may be anything."""
    found = [*leaves(["https://a/x.wav", "https://a/y.png", "https://a/z"])]

    assert [one.value for one in fitting(found, Kind.IMAGE)] == ["https://a/y.png", "https://a/z"]
    assert [one.value for one in fitting(found[:1], Kind.IMAGE)] == ["https://a/x.wav"]
    assert len(fitting(found, Kind.FILE)) == 3


FIELDS = [("fal", "run", {"model": "fal-ai/flux/dev"}, "prompt: Field required")]


@pytest.mark.parametrize(("service", "endpoint", "given", "words"), FIELDS)
def test_a_refusal_names_the_field(ask, service, endpoint, given, words):
    """`Field required` without the field's name leaves a user to guess."""
    error = ask(service, "files", endpoint=endpoint, **{"with": given}).error

    assert error["said"] == words


SIZES = [
    ({}, (200, 120), (200, 120)),
    ({}, (203, 117), (200, 120)),
    ({}, (4000, 3000), (2048, 1536)),
    ({}, (40, 20), (128, 64)),
    ({"width": 512}, (200, 120), (512, 304)),
    ({"height": 240}, (200, 120), (400, 240)),
    ({"width": 640, "height": 640}, (200, 120), (640, 640)),
]


@pytest.mark.parametrize(("given", "own", "size"), SIZES)
def test_a_picture_made_of_a_picture_has_its_size(ask, vendors, tmp_path, given, own, size):
    """The web UI makes it 512 x 512 unless it is told, which squeezes every other shape."""
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(picture("a photo", *own)))
    words = {"image": "$inputs.photo", "prompt": PROMPT, **given}

    ask("automatic1111", inputs={"photo": photo}, endpoint="image-to-image", **{"with": words})

    sent = json.loads(vendors.by_name["automatic1111"].last().body)
    assert (sent["width"], sent["height"]) == size
