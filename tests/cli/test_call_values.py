"""`call` with values that are more than a text or a file."""

from pathlib import Path

import pytest
from PIL import Image
from servers import serve


@pytest.fixture(scope="module")
def fields():
    """An app whose fields take more than texts and files."""
    with serve(Path(__file__).parents[1] / "corpus" / "inputs" / "app.py") as server:
        yield server


@pytest.mark.parametrize(
    ("endpoint", "words", "said"),
    [
        ("/empty_image", ["value=null"], "None"),
        ("/empty_text", ["value=null"], "None"),
        ("/empty_files", ["value=null"], "None"),
        ("/empty_image", [], "None"),
        ("/look", ["value=hello"], '{"text": "hello", "files": []}'),
        ("/look", ["value=see", "value.files=a.png"], '{"text": "see", "files": [["a.png", SIZE]]}'),
        ("/look", ["value.files=a.png"], '{"text": "", "files": [["a.png", SIZE]]}'),
        (
            "/look",
            ['value={"text": "x", "files": [{"@file": "a.png"}]}'],
            '{"text": "x", "files": [["a.png", SIZE]]}',
        ),
        (
            "/editor",
            ["value=a.png", "value.mask=a.png"],
            '{"background": [8, 6], "layers": [48], "composite": [8, 6]}',
        ),
        ("/editor", ["value=a.png"], '{"background": [8, 6], "layers": [], "composite": [8, 6]}'),
        (
            "/hear",
            ['value=[[{"@file": "a.png"}, "nice"]]'],
            '[["user", [{"file": ["a.png", SIZE]}]], ["assistant", ["nice"]]]',
        ),
        ("/hang", ["value=a.png", "value=a.png"], "[[[8, 6], null], [[8, 6], null]]"),
    ],
)
def test_a_call_takes_values_that_are_more_than_a_text_or_a_file(
    spacechain, fields, tmp_path, endpoint, words, said
):
    """A chat is shown a picture, an editor gets a mask, and an optional field stays empty, by hand too."""
    Image.new("RGB", (8, 6), "red").save(tmp_path / "a.png")

    done = spacechain("call", fields.url, endpoint, *words)

    assert done.code == 0, done.err
    assert said.replace("SIZE", str((tmp_path / "a.png").stat().st_size)) in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["value=a", "value.file=b.png"], "did you mean 'files'?"),
        (['value={"text": "a"}', "value.files=b.png"], "as a whole and in parts"),
        (["value.files=gone.png"], "gone.png"),
        (['value={"text": "x", "files": [{"@file": "gone.png"}]}'], "gone.png"),
    ],
)
def test_a_part_that_is_written_wrong_is_told_before_the_call(spacechain, fields, words, told):
    """Nothing is sent with half of what was meant."""
    done = spacechain("call", fields.url, "/look", *words)

    assert done.code == 2
    assert told in done.err
