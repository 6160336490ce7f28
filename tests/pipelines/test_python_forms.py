"""How a user's function may be written, held to a limit, and run inside of spacechain."""

import json
import os
import subprocess
import sys

import pytest

from chains.loader import loads
from pipelines import run_chain
from pipelines.engine.results import Failed
from pipelines.household.home import find_home
from pipelines.household.trust import NotTrusted, trust
from pipelines.runners.functions import read_function
from pipelines.running.preflight import static_problems
from spaces_registry.signature import Kind

FUNCTIONS = '''
import os, sys, threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict

@dataclass
class Poem:
    title: str
    lines: list[str]
    length: int

class Pair(NamedTuple):
    left: str
    right: Path

class Facts(TypedDict):
    words: int

def forms(
    mood: Literal["calm", "wild"],
    size: Literal[512, 1024] = 512,
    title: Annotated[str, "What it is called"] = "none",
    note: Optional[str] = None,
    other: "str | None" = None,
    pictures: list[Path] = [],
    facts: dict[str, Any] = {},
    plain=1,
) -> Poem:
    """Write.

    Args:
        mood: how it sounds
        title (str): not this, since the annotation says it
        plain: anything
    """
    return Poem(title, [mood, str(size)], 2)

def pair(text: str) -> Pair:
    Path("right.txt").write_text(text)
    return Pair("left", Path("right.txt"))

def facts(text: str) -> Facts:
    return {"words": len(text.split())}

def short(text: str) -> Poem:
    return {"title": text}

def eat(megabytes: int) -> int:
    return len(bytearray(megabytes * 2**20))

def where(text: str) -> int:
    print("printed", text)
    sys.stdout.write("written too\\n")
    return os.getpid()

def stay(text: str) -> str:
    threading.Event().wait()
'''


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The functions, trusted for a process of their own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    trust(find_home(), tmp_path / "mine.py")
    return tmp_path / "mine.py"


@pytest.fixture
def run(file):
    """Run one function as a chain's only step."""

    def one(function, *beside, **arguments):
        more = "".join(f", {one}" for one in beside)
        text = f'steps: {{x: {{python: "mine.py:{function}", with: {json.dumps(arguments)}{more}}}}}'
        (file.parent / "one.yaml").write_text(text)
        return run_chain("one.yaml")

    return one


def test_annotations_are_kinds_choices_and_help(file):
    """A function says once what it takes; `check` and pages know it then."""
    found = {one.name: one for one in read_function(file, "forms").parameters}

    assert (found["mood"].kind, found["mood"].choices, found["mood"].required) == (
        Kind.CHOICE,
        ("calm", "wild"),
        True,
    )
    assert (found["size"].choices, found["size"].default) == ((512, 1024), 512)
    assert (found["title"].kind, found["title"].label) == (Kind.TEXT, "What it is called")
    assert [found[one].kind for one in ("note", "other")] == [Kind.TEXT, Kind.TEXT]
    assert (found["pictures"].kind, found["pictures"].many) == (Kind.FILE, True)
    assert (found["facts"].kind, found["plain"].kind) == (Kind.JSON, Kind.ANY)
    assert (found["mood"].label, found["plain"].label) == ("how it sounds", "anything")


def test_a_wrong_choice_is_found_before_the_run(file):
    """At its place in the chain."""
    chain = loads('steps: {x: {python: "mine.py:forms", with: {mood: sad}}}', folder=file.parent)

    assert [one.code for one in static_problems(chain)] == ["not-a-choice"]


def test_fields_are_outputs_by_their_names(run):
    """Of a dataclass, a named tuple, a typed dictionary."""
    poem, pair, facts = run("forms", mood="calm"), run("pair", text="hi"), run("facts", text="a b c")

    assert poem.steps["x"].to_json()["outputs"]["title"]["value"] == "none"
    assert [one["value"] for one in poem.steps["x"].to_json()["outputs"]["lines"]] == ["calm", "512"]
    assert pair.steps["x"].outputs["right"].path.read_text() == "hi"
    assert facts.steps["x"].outputs["words"].value == 3


def test_a_missing_field_is_bad_output(run):
    """A promise that is not kept is told before something else stumbles over it."""
    result = run("short", text="t").steps["x"].result

    assert result.error.code == "bad-output"
    assert "returned no lines" in result.error.message


def test_a_function_is_held_to_its_memory(run):
    """One function must not take the machine down; the message names the limit and the line."""
    fits, fails = run("eat", "memory: 300MB", megabytes=50), run("eat", "memory: 300MB", megabytes=600)
    result = fails.steps["x"].result

    assert fits.ok
    assert isinstance(result, Failed)
    assert result.error.code == "crashed"
    assert "ran out of memory: its limit is 300 MB (line" in result.error.message
    assert "memory" in result.error.hint


def test_inside_needs_trust_of_its_own(run, file):
    """What was trusted in a process of its own was not trusted with ours."""
    with pytest.raises(NotTrusted, match="to run inside of spacechain"):
        run("where", "isolate: false", text="hi")
    trust(find_home(), file, inside=True)

    assert run("where", "isolate: false", text="hi").steps["x"].outputs["output"].value == os.getpid()


def test_the_command_says_what_it_allows(file):
    """Whoever allows something knows what."""
    (file.parent / "one.yaml").write_text(
        'steps: {x: {python: "mine.py:where", isolate: false, with: {text: hi}}}'
    )
    command = [sys.executable, "-m", "pipelines.cli", "trust", "one.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "mine.py may read and write your files and reach the network" in done.stderr
    assert "runs inside spacechain itself" in done.stderr


def test_what_it_prints_inside_is_no_result(file):
    """`--json` stays JSON whatever a function says."""
    trust(find_home(), file, inside=True)
    (file.parent / "one.yaml").write_text(
        'steps: {x: {python: "mine.py:where", isolate: false, with: {text: hi}}}'
    )
    command = [sys.executable, "-m", "pipelines.cli", "run", "one.yaml", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["status"] == "succeeded"
    assert "printed hi\n" in done.stderr
    assert "written too\n" in done.stderr


def test_a_timeout_inside_says_that_the_function_goes_on(file):
    """It cannot be ended, and the command ends all the same."""
    trust(find_home(), file, inside=True)
    step = '{python: "mine.py:stay", isolate: false, timeout: 0.2s, with: {text: hi}}'
    (file.parent / "one.yaml").write_text(f"steps: {{x: {step}}}")
    command = [sys.executable, "-m", "pipelines.cli", "run", "one.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "cannot end it: it goes on" in done.stderr
    assert "isolate: true" in done.stderr
