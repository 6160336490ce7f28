"""Values that are more than a text or a file, from a chain into an app."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from servers import Server, serve

from chains.problems import InvalidChain
from pipelines import run_chain
from pipelines.engine.inputs import InvalidInputs

APP = Path(__file__).parents[1] / "corpus" / "inputs" / "app.py"


@pytest.fixture(scope="module")
def values() -> Iterator[Server]:
    """An app with a field of every sort."""
    with serve(APP) as server:
        yield server


@pytest.fixture
def say(values, tmp_path):
    """Run a chain of one step; what its endpoint said."""
    Image.new("RGB", (64, 48), "red").save(tmp_path / "photo.png")
    sheet = Image.new("RGBA", (64, 48))
    sheet.paste((255, 255, 255, 255), (10, 10, 30, 30))
    sheet.save(tmp_path / "hole.png")

    def of_one_step(endpoint: str, given: str, **inputs: object) -> str:
        file = tmp_path / "chain.yaml"
        file.write_text(
            "inputs: {photo: {kind: image, required: false}, hole: {kind: image, required: false},"
            " nothing: {kind: any, required: false}, data: {kind: json, required: false},"
            " words: {kind: text, default: what}}\n"
            f'steps: {{s: {{space: "{values.url}", endpoint: {endpoint}, with: {given}}}}}\n'
            "outputs: {said: $s.text}\n"
        )
        run = run_chain(file, inputs, out=tmp_path / "outputs")
        assert run.status == "succeeded", [one.result for one in run.steps.values()]
        return str(getattr(run.outputs["said"], "value", None))

    return of_one_step


@pytest.mark.parametrize(
    "kind", ["image", "audio", "number", "dropdown", "multi", "text", "editor", "message"]
)
@pytest.mark.parametrize(
    "given",
    ["{value: null}", '{value: "${{ null }}"}', "{value: $inputs.nothing}"],
    ids=["null", "sum", "input"],
)
def test_null_leaves_a_field_empty(say, kind, given):
    """Reference pictures, seeds, voices: half of all fields are optional, and the app alone says so."""
    assert say(f"/empty_{kind}", given) == "None"


@pytest.mark.parametrize("kind", ["image", "number", "dropdown", "editor"])
def test_a_field_without_default_may_be_left_out_as_on_the_page(say, kind):
    """Whoever clicks the button without a picture sends none."""
    assert say(f"/empty_{kind}", "{}") == "None"


def test_a_text_without_default_may_not_be_forgotten(say):
    """To forget the prompt is a mistake; to want none can be said."""
    with pytest.raises(InvalidChain, match="lacks `value`"):
        say("/empty_text", "{}")


@pytest.mark.parametrize(
    ("given", "files"),
    [
        ('{value: {text: $inputs.words, files: ["$inputs.photo", hole.png]}}', ["photo.png", "hole.png"]),
        ("{value: {text: what, files: $inputs.photo}}", ["photo.png"]),
        ("{value: {text: what, files: [photo.png]}}", ["photo.png"]),
        ("{value: $inputs.words}", []),
    ],
)
def test_a_message_takes_words_and_files(say, tmp_path, given, files):
    """A chat that can see is shown a picture, the user's or one beside the chain."""
    said = json.loads(say("/look", given, photo=tmp_path / "photo.png"))

    assert (said["text"], [name for name, _ in said["files"]]) == ("what", files)


def test_a_message_takes_a_picture_alone(say, tmp_path):
    """Words may be missing, as on the page."""
    said = json.loads(say("/look", "{value: $inputs.photo}", photo=tmp_path / "photo.png"))

    assert (said["text"], [name for name, _ in said["files"]]) == ("", ["photo.png"])


@pytest.mark.parametrize(
    "given",
    [
        "{value: {image: $inputs.photo, mask: $inputs.hole}}",
        "{value: {image: photo.png, mask: hole.png}}",
        "{value: {image: $inputs.photo, mask: hole.png}}",
        '{value: {background: $inputs.photo, layers: ["$inputs.hole"], composite: $inputs.photo}}',
    ],
)
def test_an_editor_gets_its_mask(say, tmp_path, given):
    """An inpainting app reads the first layer; without it, it paints nothing."""
    said = say("/editor", given, photo=tmp_path / "photo.png", hole=tmp_path / "hole.png")

    assert json.loads(said) == {"background": [64, 48], "layers": [400], "composite": [64, 48]}


def test_a_file_inside_of_json_that_is_handed_in_goes_up(say, tmp_path):
    """From Python a path inside of a chat's history is a file; from a text it never is."""
    history = [{"role": "user", "content": tmp_path / "photo.png"}]

    said = json.loads(say("/hear", "{value: $inputs.data}", data=history))

    assert [(role, one["file"][0]) for role, (one,) in said] == [("user", "photo.png")]


@pytest.mark.parametrize(
    "given",
    [
        '{value: {text: what, files: ["$inputs.words"]}}',
        "{value: {text: $inputs.photo}}",
        "{value: {words: what}}",
        "{value: {files: [nowhere.png]}}",
    ],
)
def test_what_a_message_does_not_take_is_refused_before_any_call(say, tmp_path, given):
    """Kinds are compared through the object, so that nothing is found out by a call that costs."""
    with pytest.raises(InvalidChain):
        say("/look", given, photo=tmp_path / "photo.png")


def test_an_object_that_names_a_file_is_data_where_no_command_line_wrote_it(say, tmp_path):
    """What a program hands on may be a stranger's, and must not read this machine's files."""
    history = [{"role": "user", "content": {"@file": str(tmp_path / "photo.png")}}]

    said = json.loads(say("/json", "{value: $inputs.data}", data=history))

    assert said == history


def test_a_path_that_is_not_there_is_told(say, tmp_path):
    """Also deep inside of a value."""
    with pytest.raises((InvalidInputs, Exception), match="does not exist"):
        say("/hear", "{value: $inputs.data}", data=[[tmp_path / "gone.png", None]])
