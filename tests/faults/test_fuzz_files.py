"""Everything that people write, with mistakes in it: an answer or an error of ours, never a traceback."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from faults.campaign import ODD, WOUNDS, Campaign, changed, changes, tries, wounded
from hypothesis import given
from hypothesis import strategies as st

from chains import InvalidChain, loads, show
from chains.graph import mermaid, order
from chains.lock.file import lock_text, parse_lock
from chains.lock.locked import Lock, LockedStep, outdated
from chains.prompts import PromptTemplate, UnfilledTemplate, fill
from chains.services import read_service
from chains.text.reader import read
from chains.text.source import plain
from pipelines.household.dotenv import apply_dotenv
from pipelines.household.home import Home
from pipelines.household.templates import add_templates, home_library, remove_template, written
from pipelines.running.preflight import static_problems
from spaces_registry import read_space
from spaces_registry.bookmarks import load_bookmarks

pytestmark = pytest.mark.timeout(480)  # the machine may have other things to do

TESTS = Path(__file__).parents[1]
RECIPES = [
    one.read_text("utf-8")
    for folder in (Path(str(files("chains"))) / "recipes", TESTS / "chains" / "valid")
    for one in sorted(folder.glob("*.yaml"))
]
SERVICES = [
    one.read_text("utf-8")
    for one in sorted((Path(str(files("spaces_registry"))) / "catalog" / "services").glob("*.yaml"))
]
TEMPLATES = [
    one.read_text("utf-8") for one in sorted((Path(str(files("chains"))) / "templates").glob("*.yaml"))
]
SPACES = """
draw: acme/drawing-board
Lab-2:
  space: https://lab.example/draw
  headers: {x-api-key: $LAB_KEY, x-other: $LAB_KEY}
here: http://127.0.0.1:7860
"""
DOTENV = """
# keys
export REPLICATE_API_TOKEN="r8_a\\n$b"
FAL_KEY = 'one
two'
OPENAI_API_KEY=sk-1 # mine
"""
LANGUAGE = """
    name description version inputs steps outputs defaults limits env templates budget space find
    model service media python chain endpoint with when each matrix needs fallback retry timeout
    cache expect pickup isolate task provider among takes gives category kind many default choices
    minimum maximum required help attempts wait up_to queue run wake in on memory url keep_going
    min_seconds min_width not_blank matches concurrency per_minute per_day gpu usd calls prompt
    negative variables bill_to
"""
SERVICE_WORDS = """
    url url_from auth key_from key_optional headers endpoints takes gives ask job stream cancel usage failures
    method path query json form body multipart kind required default from many optional fetch status done id
    every up_to upload limits price header scheme extra uses workflow meanwhile name description limit
"""


def dumped(document: Any) -> str:
    """As a person would write it, as far as it can be written."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10**6)


def spoilt(texts: list[str], keys: list[str]) -> st.SearchStrategy[str]:
    """One of the texts, its tree changed, its characters, or both."""
    trees = [tree(one) for one in texts]

    def make(number: int, how: int, todo: list[Any], wounds: list[Any]) -> str:
        text = texts[number] if how == 0 else dumped(changed(trees[number], todo))
        return text if how == 1 else wounded(text, wounds)

    return st.builds(make, st.integers(0, len(texts) - 1), st.integers(0, 2), changes(ODD, keys), WOUNDS)


def tree(text: str) -> Any:
    """A text's plain values, as our own reader has them."""
    root = read(text, "whole.yaml")[0].root
    assert root is not None
    return plain(root)


def looked_at(text: str, folder: Path) -> None:
    """All that is done with a chain before its first call."""
    try:
        chain = loads(text, file="spoilt.yaml", folder=folder)
    except InvalidChain as invalid:
        for one in invalid.problems:
            show(one, text).encode()
        raise
    for one in static_problems(chain):
        show(one, text).encode()
    order(chain)
    mermaid(chain).encode()


def test_a_recipe_with_mistakes_in_it_is_checked(tmp_path, told):
    """A chain file is the first thing that people get wrong, in every way there is."""
    campaign = Campaign("recipes")

    @tries(2000)
    @given(spoilt(RECIPES, LANGUAGE.split()))
    def survive(text: str) -> None:
        with campaign.example():
            looked_at(text, tmp_path)

    survive()
    told(campaign)


def test_a_service_file_with_mistakes_in_it_is_read(told):
    """Vendors change their interfaces, and users edit these files by hand."""
    campaign = Campaign("service files")

    @tries(2000)
    @given(spoilt(SERVICES, SERVICE_WORDS.split()))
    def survive(text: str) -> None:
        with campaign.example():
            try:
                service = read_service(text, file="spoilt.yaml")
            except InvalidChain as invalid:
                for one in invalid.problems:
                    show(one, text).encode()
                raise
            for name in service.endpoints:
                service.endpoint(name).signature  # noqa: B018 - it is worked out on demand

    survive()
    told(campaign)


def recorded_lock() -> str:
    """A lock of three real apps."""
    steps = {}
    for number, one in enumerate(sorted((TESTS / "corpus" / "recorded").glob("*.json"))[:3]):
        said = json.loads(one.read_text("utf-8"))
        told = next(iter(said.values()))
        space = read_space(
            "acme/app", "http://app", told.get("config"), told.get("info"), told.get("openapi")
        )
        steps[f"step{number}"] = LockedStep.of("acme/app", space.endpoints[0], "abc123")
    return lock_text(Lock(steps, chain="short-film"), Path("a.lock.yaml"))


def test_a_lock_with_mistakes_in_it_is_read(tmp_path, told):
    """Locks are merged by hand, and by programs that know nothing of them."""
    campaign, chain = Campaign("locks"), loads(RECIPES[1], file="a.yaml", folder=tmp_path)

    @tries(500)
    @given(spoilt([recorded_lock()], ["steps", "parameters", "kind", "binding", "choices", "lock", "found"]))
    def survive(text: str) -> None:
        with campaign.example():
            try:
                lock = parse_lock(text, "a.lock.yaml")
            except InvalidChain as invalid:
                for one in invalid.problems:
                    show(one, text).encode()
                raise
            list(outdated(chain, lock))
            lock_text(lock, Path("a.lock.yaml"))

    survive()
    told(campaign)


def test_a_library_of_templates_with_mistakes_in_it_is_read_and_changed(tmp_path, told):
    """It is the file that its owner edits most, and commands edit it too."""
    campaign, home = Campaign("templates.yaml"), Home(tmp_path)
    words = ["prompt", "negative", "variables", "help", "subject", "{subject}"]

    @tries(500)
    @given(spoilt(TEMPLATES, words), st.text(max_size=20))
    def survive(text: str, value: str) -> None:
        home.templates.write_text(text, "utf-8", errors="replace", newline="")
        with campaign.example():
            try:
                found = home_library(home)
            except InvalidChain as invalid:
                for one in invalid.problems:
                    show(one, text).encode()
                raise
            for one in found.values():
                filled(one, value)
            for name in found:
                add_templates(home, written(found[name]), "new", replace=True)
                remove_template(home, name)
            assert home_library(home) == {}

    survive()
    told(campaign)


def filled(template: PromptTemplate, value: str) -> None:
    """Fill every gap of it with the same."""
    try:
        fill(template, dict.fromkeys(template.variables, value))
    except UnfilledTemplate:
        return


def test_names_of_spaces_with_mistakes_in_them_are_read(tmp_path, told):
    """`spaces.yaml` is read at the start of every command that calls something."""
    campaign, path = Campaign("spaces.yaml"), tmp_path / "spaces.yaml"

    @tries(400)
    @given(spoilt([SPACES], ["space", "headers", "x-key", "Host", "a b", "~"]))
    def survive(text: str) -> None:
        path.write_text(text, "utf-8", errors="replace")
        with campaign.example():
            load_bookmarks(path, {"LAB_KEY": "secret"})

    survive()
    told(campaign)


def test_a_dotenv_with_mistakes_in_it_is_read(tmp_path, told):
    """`.env` is read before everything else, also before there is anything that could show an error."""
    campaign, path = Campaign(".env"), tmp_path / ".env"

    @tries(400)
    @given(WOUNDS, st.binary(max_size=4), st.integers(0, 60))
    def survive(wounds: list[Any], odd: bytes, at: int) -> None:
        content = wounded(DOTENV, wounds).encode(errors="replace")
        path.write_bytes(content[:at] + odd + content[at:])
        with campaign.example():
            environ: dict[str, str] = {}
            apply_dotenv(environ, tmp_path, Home(tmp_path / "home"))
            for name, value in environ.items():
                assert "=" not in name
                assert "\0" not in value, "the system takes none"

    survive()
    told(campaign)
