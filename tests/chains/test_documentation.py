"""The user's page of the language says what is so."""

import re
from pathlib import Path

import pytest

from chains import check, loads
from chains.language.functions import functions
from chains.meaning.parts import FILE_PARTS, PLURAL, SINGULAR
from chains.prompt_reader import shipped
from chains.shape.forms import ACTIONS, FAILURES
from chains.shape.keys import PLACES
from chains.shape.keys import keys as all_keys

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_chain_without_a_problem(example: str, tmp_path: Path) -> None:
    """People copy examples before they read anything."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "colour.py").touch()

    assert check(loads(example, file="example.yaml", folder=tmp_path)) == ()


def test_every_function_is_on_the_page_as_it_is() -> None:
    """The page and the language must not drift apart."""
    listed = re.findall(r"^\| `(\w+\(.*?\))` \| (.*?) \|$", PAGE, re.MULTILINE)

    assert listed == [(one.usage, one.about) for one in functions().values()]


def test_every_key_and_part_is_on_the_page() -> None:
    """A key that nobody reads about is a key that nobody uses."""
    words = set(re.findall(r"[\w]+", PAGE))
    keys = {key for place in PLACES for key in all_keys(place)}

    assert keys - words == set()
    assert set(FAILURES) | set(ACTIONS) <= set(re.findall(r"[a-z-]+", PAGE))
    assert set(shipped()) <= words
    assert {*FILE_PARTS, *PLURAL, *SINGULAR} - words == set()


ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
CHAINS = [
    (page.name, block)
    for page in PAGES
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if re.search(r"^steps:", block, re.MULTILINE) and not block.startswith("lock:")
]


@pytest.mark.parametrize(("page", "text"), CHAINS, ids=[page for page, _ in CHAINS])
def test_a_chain_on_any_page_has_no_mistake(page: str, text: str, tmp_path: Path) -> None:
    """The first thing that a new user copies must not be a mistake."""
    problems = check(loads(text, file=page, folder=tmp_path))

    assert [one.message for one in problems if one.severity == "error" and one.code != "missing-file"] == []
