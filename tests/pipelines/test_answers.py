"""What comes out of Gradio apps: values in every shape, and how a chain reads them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from PIL import Image, ImageColor
from servers import Server, free_port, serve

from chains.loader import loads
from chains.problems import InvalidChain
from pipelines import Run, run_chain
from pipelines.artifacts import Store, artifacts_in
from pipelines.doctor.proofs import proven_by
from pipelines.engine.results import Failed, Succeeded
from pipelines.household.home import find_home
from pipelines.household.listing import find_run
from spaces_registry.errors import ToolkitError

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def answers() -> Iterator[Server]:
    """The app of `apps/answers.py`."""
    with serve(APPS / "answers.py") as app:
        yield app


@pytest.fixture
def run(answers, tmp_path):
    """Run a chain given as YAML; `app` in it stands for the app's URL."""

    def run_text(text: str, inputs: dict[str, object] | None = None, **options: object) -> Run:
        chain = loads(dedent(text).replace('"app"', f'"{answers.url}"'), file="chain.yaml", folder=tmp_path)
        return run_chain(chain, inputs, out=tmp_path / "outputs", **options)

    return run_text


def values(done: Run) -> dict[str, object]:
    """The outputs that are no files, by name; lists of them as lists."""
    return {
        name: [inner.value for inner in one] if isinstance(one, tuple) else one.value
        for name, one in done.outputs.items()
    }


def test_a_query_steps_into_every_list_of_an_answer(run):
    """A detector's boxes lie in lists in lists; null in their place would go on as if it were data."""
    done = run("""
        steps:
          found:
            space: "app"
            endpoint: /detect
            with: {prompt: x}
            outputs: {first: "[0][0].label", all: "[0][].label", box: "[0][1].box[2]", few: "length([0])"}
          scores:
            space: "app"
            endpoint: /classify
            with: {prompt: x}
            outputs: {best: "[0].label", second: "[0].confidences[1].label"}
          table:
            space: "app"
            endpoint: /table
            with: {prompt: x}
            outputs: {word: "[0].data[0][0]", words: "[0].data[*][0]"}
        outputs:
          first: $found.first
          all: $found.all
          box: $found.box
          few: $found.few
          best: $scores.best
          second: $scores.second
          word: $table.word
          words: $table.words
    """)

    assert values(done) == {
        "first": "cat",
        "all": ["cat", "dog"],
        "box": 7,
        "few": 2,
        "best": "cat",
        "second": "dog",
        "word": "sea",
        "words": ["sea", "salt"],
    }


def test_a_query_over_items_gives_one_flat_list(run):
    """The parts of a step that runs over items are lists, and lists in them are flattened, however found."""
    done = run("""
        steps:
          found:
            each: [x, y]
            space: "app"
            endpoint: /detect
            with: {prompt: $item}
            outputs: {all: "[0][].label"}
        outputs: {all: $found.all}
    """)

    assert values(done) == {"all": ["cat", "dog", "cat", "dog"]}


EMPTY = """
    steps:
      found:
        space: "app"
        endpoint: /detect
        with: {prompt: x}
        outputs: {third: "[0][2].label"}
"""


def test_a_query_that_finds_nothing_is_a_warning_of_its_step(run):
    """A misspelt query looks like an empty answer: the run's own record must say which it was."""
    done = run(EMPTY + "    outputs: {third: $found.third}\n")

    assert done.status == "succeeded"
    assert done.to_json()["outputs"]["third"] == {"kind": "json", "value": None}
    assert done.to_json()["steps"]["found"]["warnings"] == [
        "`third` is empty: the query `[0][2].label` finds nothing in the answer"
    ]
    assert "finds nothing in the answer" in (done.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "reader",
    [
        "with: {prompt: $found.third}",
        'with: {prompt: "a ${{ found.third }}"}',
        "each: $found.third\n        with: {prompt: $item}",
        'with: {prompt: "${{ [found.third][0] }}"}',
    ],
)
def test_a_step_that_reads_a_query_which_found_nothing_is_refused(run, reader: str):
    """A call with null in place of the words that were meant is paid, and its result is wrong."""
    done = run(
        EMPTY
        + f"""
      next:
        space: "app"
        endpoint: /chat
        {reader}
    """
    )
    result = done.steps["next"].result

    assert isinstance(result, Failed)
    assert "`third` is empty: the query `[0][2].label` finds nothing" in result.error.message
    assert not result.calls


def test_an_expression_may_say_what_stands_for_a_query_that_found_nothing(run):
    """Where an answer may be empty, the chain's author says so, and a null that is meant is written."""
    done = run(
        EMPTY
        + """
      otherwise: {space: "app", endpoint: /reply, with: {prompt: "${{ found.third or 'nothing' }}"}}
      never: {when: found.third, space: "app", endpoint: /reply, with: {prompt: x}}
      always: {when: found.third == null, space: "app", endpoint: /reply, with: {prompt: y}}
    outputs: {text: "${{ otherwise.json.text }}"}
    """
    )

    assert values(done) == {"text": "nothing!"}
    assert [name for name, one in done.steps.items() if isinstance(one.result, Succeeded)] == [
        "found",
        "otherwise",
        "always",
    ]


CHAT = """
    steps:
      chat: {space: "app", endpoint: /chat, with: {prompt: a cat}}
      small: {media: resize, with: {image: $chat.image, width: 32}}
      exact: {media: resize, with: {image: "${{ chat.json[1].content[0].file }}", width: 16}}
    outputs: {all: $chat.images, talk: $chat.talk, small: $small.image, exact: $exact.image}
"""


def test_pictures_in_a_chat_are_fetched_and_read_by_kind_and_by_place(run):
    """An app forgets its files; what a chat names by the app's own path is lost with them."""
    done = run(CHAT)
    [picture] = done.outputs["all"]
    talk = done.to_json()["outputs"]["talk"]

    assert done.status == "succeeded"
    assert [size_of(done.outputs[one].path)[0] for one in ("small", "exact")] == [32, 16]
    assert size_of(picture.path) == (64, 48)
    assert talk[1]["value"]["content"][0]["file"].keys() == {"kind", "path", "mime", "sha256", "size_bytes"}
    assert Path(talk[1]["value"]["content"][0]["file"]["path"]).is_relative_to(done.folder)


def test_files_in_values_are_kept_like_any_others(run):
    """A run that goes on from kept results must find the files within them, too."""
    first, again = run(CHAT), run(CHAT)
    page = (again.folder / "report.html").read_text(encoding="utf-8")

    assert again.steps["chat"].result.calls[0].cached
    assert again.outputs["all"][0].sha256 == first.outputs["all"][0].sha256
    assert again.outputs["all"][0].path.is_relative_to(again.folder)
    assert '<img src="./talk.png"' in page


def test_a_damaged_file_in_a_value_is_made_again(run):
    """What is kept is verified however deep it lies."""
    first = run(CHAT)
    kept = first.steps["chat"].result.outputs.part("image").path
    kept.chmod(0o600)
    kept.write_bytes(b"else")

    again = run(CHAT)

    assert not again.steps["chat"].result.calls[0].cached
    assert again.outputs["all"][0].sha256 == first.outputs["all"][0].sha256


def test_an_update_that_was_kept_as_data_is_not_used(run):
    """Version 0.1 kept `gr.update()` for a result; nobody would ever get the real one."""
    text = """
        steps: {a: {space: "app", endpoint: /only_label, with: {prompt: kept}}}
        outputs: {scores: "${{ a.json.label }}"}
    """
    run(text)
    with closing(sqlite3.connect(find_home().journal)) as journal, journal:
        update = json.dumps(["done", {"mapping": {"__type__": "update", "visible": True}}])
        journal.execute("UPDATE received SET outputs = ? WHERE outputs IS NOT NULL", (update,))

    again = run(text)

    assert not again.steps["a"].result.calls[0].cached
    assert again.outputs["scores"].value == "cat"


def test_what_a_run_proves_holds_the_files_in_its_values(run):
    """A damaged journal is made anew out of runs' records; a chat without its picture is called again."""
    done = run(CHAT)
    home = find_home()
    record = find_run(home, "last")
    [chat] = [one for one in proven_by(record, Store(home.store)) if one.step == "chat"]
    [picture] = artifacts_in(chat.outputs)

    assert picture.sha256 == done.outputs["all"][0].sha256


def test_files_of_a_message_are_read_by_kind(run):
    """A reply of words and files is what chat apps give."""
    done = run("""
        steps:
          reply: {space: "app", endpoint: /reply, with: {prompt: hi}}
        outputs: {text: "${{ reply.json.text }}", pictures: $reply.images, files: $reply.files}
    """)

    assert done.outputs["text"].value == "hi!"
    assert [one.kind for one in done.outputs["pictures"]] == ["image"]
    assert [one.kind for one in done.outputs["files"]] == ["image", "file"]


def test_an_annotated_picture_has_its_masks_and_labels(run):
    """The masks are what a segmenter is called for; the picture itself the user has."""
    done = run("""
        steps:
          found:
            space: "app"
            endpoint: /parts
            with: {prompt: cat}
            outputs: {mask: "[0].annotations[0].image", labels: "[0].annotations[].label"}
          mask: {media: resize, with: {image: "${{ found.parts.annotations[1].image }}", width: 32}}
        outputs:
          picture: $found.image
          by_query: $found.mask
          labels: $found.labels
          masks: $found.image.annotations.image
          mask: $mask.image
    """)
    picture = done.to_json()["outputs"]["picture"]

    assert [one.value for one in done.outputs["labels"]] == ["cat", "dog"]
    assert size_of(done.outputs["by_query"].path) == (64, 48)
    assert len(done.outputs["masks"]) == 2
    assert [one["label"] for one in picture["extra"]["annotations"]] == ["cat", "dog"]
    assert (done.folder / "picture-annotations-02.png").exists()
    assert colour_of(done.outputs["picture"].path) == "teal"


def test_an_edited_picture_has_its_background_layers_and_composite(run):
    """An editor's parts are three, and a mask is one of its layers."""
    done = run("""
        steps:
          made: {space: "app", endpoint: /edited, with: {prompt: x}}
        outputs:
          whole: $made.image
          composite: $made.image.composite
          background: $made.edited.background
          layers: $made.image.layers
    """)
    layers = done.outputs["layers"]

    assert done.outputs["whole"].sha256 == done.outputs["composite"].sha256
    assert [colour_of(done.outputs[one].path) for one in ("whole", "background")] == ["white", "red"]
    assert [colour_of(one.path) for one in layers] == ["green", "blue"]


def colour_of(path: Path) -> str:
    """The name of the colour that a flat picture has."""
    with Image.open(path) as image:
        found = image.convert("RGB").getpixel((5, 5))
    return {ImageColor.getrgb(one): one for one in ("white", "red", "green", "blue", "teal")}[found]


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture."""
    with Image.open(path) as image:
        return image.size


def test_a_file_in_a_value_of_an_unknown_shape_is_kept(run, answers):
    """Apps put files into JSON of their own; where one lies is the chain author's to say."""
    done = run(f"""
        steps:
          found: {{space: "app", endpoint: /link, with: {{prompt: "{answers.url}/theme.css"}}}}
        outputs: {{best: "${{{{ found.json.best }}}}", seed: "${{{{ found.json.seed }}}}"}}
    """)

    assert done.outputs["seed"].value == 3
    assert done.outputs["best"].path.read_bytes()


@pytest.mark.parametrize(
    ("endpoint", "part", "is_there"),
    [
        ("parts", "image.annotations", True),
        ("parts", "image.layers", False),
        ("edited", "edited.layers[0].width", True),
        ("edited", "edited.layers[0].colour", False),
        ("parts", "image.annotations[0].label", True),
        ("parts", "image.annotations[0].colour", False),
        ("film", "video.subtitles", False),
        ("chat", "image.width", True),
        ("classify", "image", False),
    ],
)
def test_check_knows_what_comes_beside_a_file(run, endpoint: str, part: str, is_there: bool):  # noqa: FBT001
    """What `check` calls fine must be there in the run, and what cannot be there is refused before a call."""
    text = f"""
        steps:
          made: {{space: "app", endpoint: /{endpoint}, with: {{prompt: x}}}}
        outputs: {{part: $made.{part}}}
    """
    if is_there:
        assert run(text).status == "succeeded"
        return
    with pytest.raises(InvalidChain) as refused:
        run(text)

    assert {one.code for one in refused.value.problems} & {"unknown-file-part", "unknown-part"}


def test_a_call_whose_file_lies_on_a_host_that_is_not_there_is_not_made_again(run):
    """The app worked, and is paid: it would name the same file again."""
    nowhere = f"127.0.0.1:{free_port()}"
    done = run(f"""
        steps:
          found: {{space: "app", endpoint: /link, with: {{prompt: "http://{nowhere}/a.png"}}}}
    """)
    result = done.steps["found"].result

    assert isinstance(result, Failed)
    assert result.error.code == "file-unavailable"
    assert nowhere in result.error.message
    assert done.steps["found"].to_json()["attempts"] == 1


def test_an_empty_result_file_is_a_file(run):
    """Nothing was said in the recording: the words are the answer, there are no subtitles, and it is paid."""
    done = run("""
        steps:
          heard: {space: "app", endpoint: /transcript, with: {prompt: x}}
        outputs: {words: $heard.text, subtitles: $heard.file}
    """)

    assert done.outputs["words"].value == "(no speech)"
    assert done.outputs["subtitles"].path.read_bytes() == b""
    assert done.outputs["subtitles"].path.suffix == ".srt"
    assert done.steps["heard"].to_json()["attempts"] == 1


GIVEN = """
    inputs: {f: {kind: KIND}}
    steps: {found: {media: probe, with: {file: $inputs.f}}}
    outputs: {f: $inputs.f, size: "${{ found.json.size_bytes }}"}
"""


def test_an_empty_file_can_be_handed_in_where_any_file_is_taken(run, tmp_path):
    """An empty table is a table; what is in it is for the step to say."""
    empty = tmp_path / "empty.csv"
    empty.touch()
    done = run(GIVEN.replace("KIND", "file"), {"f": str(empty)})

    assert done.outputs["size"].value == 0


def test_an_empty_picture_is_none(run, tmp_path):
    """No picture has no bytes."""
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(ToolkitError, match="empty"):
        run(GIVEN.replace("KIND", "image"), {"f": str(empty)})
