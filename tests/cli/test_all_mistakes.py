"""All mistakes of a chain come at once, and each of them once."""

import json
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"

WRONG = """\
descripton: a chain with a mistake of every sort
inputs:
  prompt: {kind: text, default: a}
steps:
  draw:
    space: bench
    endpoint: /drew
    with: {colour: pink, cuont: 2, title: $inputs.promt}
  again:
    space: bench
    endpoint: /shout
    with: {txt: 5}
outputs:
  picture: $draw.pictur
  said: $again.video
"""


def _codes(done):
    return [(one["line"], one["code"]) for one in done.json["problems"]]


def test_what_places_tell_comes_with_mistakes_of_form(spacechain, write):
    """Whoever mends a key must not then learn of an endpoint, and after that of a choice and an output."""
    assert _codes(spacechain("check", write(WRONG), "--json")) == [
        (1, "unknown-key"),
        (7, "unknown-endpoint"),
        (8, "not-a-choice"),
        (8, "unknown-parameter"),
        (8, "unknown-parameter"),
        (8, "unknown-input"),
        (12, "unknown-parameter"),
        (14, "unknown-part"),
        (15, "unknown-part"),
    ]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_run_and_plan_tell_the_mistakes_that_check_tells(spacechain, write, command):
    """Whoever forgets `check` mends a chain in one go, too."""
    file = write(WRONG)
    checked = spacechain("check", file)

    assert spacechain(command, file).err == checked.err
    assert "unknown-endpoint" in checked.err


def test_check_without_the_network_asks_no_place(spacechain, tmp_path):
    """`--static` is for those who are offline."""
    (tmp_path / "c.yaml").write_text(
        "descripton: x\nsteps: {a: {space: 'http://127.0.0.1:9', endpoint: /a, with: {}}}\n"
    )

    assert _codes(spacechain("check", "c.yaml", "--static", "--json")) == [(1, "unknown-key")]


def test_a_search_is_not_made_for_a_chain_that_is_wrong_and_all_else_is_looked_at(spacechain, write):
    """A search would go by the mistakes; an endpoint beside it is as wrong as it ever was."""
    file = write(
        "steps:\n"
        "  film: {find: turn a picture into a clip, gives: video, with: {image: $draw.imgae}}\n"
        "  draw: {space: bench, endpoint: /drew, with: {}}\n"
        "  more: {media: muxx, with: {}}\n"
    )

    assert [one for one in _codes(spacechain("check", file, "--json")) if one[1] != "unreachable"] == [
        (2, "unknown-part"),
        (3, "unknown-endpoint"),
        (4, "missing-parameter"),
        (4, "missing-parameter"),
        (4, "unknown-operation"),
    ]


def test_a_misspelt_input_on_the_command_line_is_not_also_missing(spacechain, tmp_path):
    """Two complaints about one word send people looking for a second mistake."""
    (tmp_path / "e.yaml").write_text(
        "inputs: {prompt: {kind: text}}\n"
        "steps: {a: {media: subtitle, with: {video: a.mp4, text: $inputs.prompt}}}\n"
    )
    done = spacechain("run", "e.yaml", "-i", "promt=a")

    assert "did you mean 'prompt'?" in done.err
    assert "is missing" not in done.err


def test_the_sample_of_the_readme_is_what_comes(spacechain, elsewhere, tmp_path):
    """A reader who tries the sample and sees something else trusts nothing that follows."""
    text = README.read_text(encoding="utf-8")
    chain = re.search(r"```yaml\n(name: short-film\n.*?)```", text, re.DOTALL)[1]
    for right, wrong in (
        ("{prompt: $in", "{promt: $in"),
        ("_video\n", "_vidoe\n"),
        ("$film.video", "$clip.vidio"),
    ):
        assert right in chain
        chain = chain.replace(right, wrong)
    (tmp_path / "film.yaml").write_text(chain, encoding="utf-8")
    sample = re.search(r"```\n(film\.yaml:.*?)```", text, re.DOTALL)[1]

    assert spacechain("check", "film.yaml", *elsewhere).err == sample
    assert json.loads(spacechain("check", "film.yaml", *elsewhere, "--json").out)["ok"] is False
