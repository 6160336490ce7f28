"""Service files are written by hand from a vendor's page: every mistake is told, at its place."""

import re
from pathlib import Path

import pytest

from chains.language.evaluate import ABSENT
from chains.problems import show
from chains.services import InvalidService, load_service, read_service
from chains.services.values import filled

PROBLEMS = Path(__file__).parent / "problems"
PAGE = Path(__file__).parents[2] / "docs" / "services.md"


@pytest.mark.parametrize("file", sorted(PROBLEMS.glob("*.yaml")), ids=lambda one: one.stem)
def test_a_mistake_is_told_in_words_at_its_place(file):
    """What is said is what the pair file holds: position, source line, hint."""
    with pytest.raises(InvalidService) as caught:
        load_service(file, file.name)

    told = [show(one, caught.value.source.text) for one in caught.value.problems]
    assert "\n".join(told) + "\n" == file.with_suffix(".txt").read_text()


@pytest.mark.parametrize(
    "text",
    re.findall(r"```yaml\n(# \w+\.yaml\n.*?)```", PAGE.read_text(), re.DOTALL),
    ids=lambda one: one[:20],
)
def test_the_examples_of_the_page_are_service_files(text):
    """People begin by copying them."""
    assert read_service(text).endpoints


def test_a_gap_of_a_preset_is_a_reference():
    """Presets that people have are written `{{ prompt }}`; pasting one in must do."""
    service = read_service("""
url: http://127.0.0.1:1
endpoints:
  draw:
    takes: {prompt: text, seed: {kind: integer, required: false}}
    path: /draw
    json: {text: "{{ prompt }}, in oil", seed: "{{seed}}", same: "${{ prompt }}"}
    gives: {image: {kind: image, from: body}}
""")
    body = service.endpoints["draw"].ask.json
    assert filled(body, {"prompt": "a fox", "seed": 7}) == {
        "text": "a fox, in oil",
        "seed": 7,
        "same": "a fox",
    }
    assert filled(body, {"prompt": "a fox", "seed": ABSENT}) == {"text": "a fox, in oil", "same": "a fox"}
