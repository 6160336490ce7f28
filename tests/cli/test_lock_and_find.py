"""Authors change their Spaces, and Spaces pause: what a lock tells, and how a search goes on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_standin import ListedSpace, hub_standin
from servers import Server, serve

VERSIONS = Path(__file__).parents[1] / "pipelines" / "apps" / "versions.py"
CHAIN = """
name: said
steps:
  say:
    space: me/app
    endpoint: /say
    with: {text: hello, style: fancy}
outputs: {said: $say.text}
"""
FIND = """
name: found
steps:
  say: {find: say a text aloud, with: {text: hello}, gives: text}
outputs: {said: $say.text}
"""


@pytest.fixture(scope="session")
def versions() -> Iterator[Server]:
    """The app in all its versions, each under its own path."""
    with serve(VERSIONS) as server:
        yield server


@pytest.fixture
def changing(versions, at_hub, tmp_path):
    """Run commands while the Space `me/app` is the version that was last named."""
    (tmp_path / "said.yaml").write_text(CHAIN)
    listed = ListedSpace(f"{versions.url}/first")
    with hub_standin({"me/app": listed}) as hub:

        def command(*words: str, version: str = "first", revision: str = ""):
            listed.host = f"{versions.url}/{version}"
            listed.revision = revision or version.ljust(40, "0")
            return at_hub(hub.url, *words)

        assert command("lock", "said.yaml").code == 0
        yield command


def test_a_lock_changes_nothing_while_the_world_stays_as_it_was(changing):
    """Frozen or not, the run is the same."""
    assert changing("check", "said.yaml", "--frozen").code == 0
    done = changing("run", "said.yaml", "--frozen")

    assert (done.code, done.out) == (0, "said: fancy: hello\n")
    assert "up to date" in changing("lock", "said.yaml").out


@pytest.mark.parametrize(
    ("version", "tells"),
    [
        ("renamed", "prompt"),
        ("required", "voice"),
        ("choices", "fancy"),
        ("gone", "/speak"),
        ("other", "another app"),
    ],
)
def test_what_broke_is_found_by_check_by_frozen_and_by_run_before_any_call(changing, version, tells):
    """With the position of the step, and what has changed in words."""
    for words in (["check", "said.yaml"], ["run", "said.yaml", "--frozen"], ["run", "said.yaml"]):
        done = changing(*words, version=version)

        assert done.code == 2, done.err
        assert "said.yaml:" in done.err
        assert "[drifted]" in done.err
        assert tells in done.err


def test_another_revision_alone_stops_only_a_frozen_run(changing):
    """Nothing that the chain depends on is different, so that it is told and no more."""
    frozen = changing("run", "said.yaml", "--frozen", revision="b" * 40)
    free = changing("run", "said.yaml", revision="b" * 40)
    shown = changing("lock", "said.yaml", revision="b" * 40)
    accepted = changing("lock", "said.yaml", "--update", revision="b" * 40)

    assert frozen.code == 2
    assert "bbbbbbb" in frozen.err
    assert free.code == 0
    assert shown.code == 2
    assert accepted.code == 0
    assert changing("run", "said.yaml", "--frozen", revision="b" * 40).code == 0


@pytest.mark.parametrize("version", ["renamed", "required", "choices", "gone", "other"])
def test_what_broke_since_the_lock_is_told_once(changing, version):
    """A name that is gone is not also a name that is wrong and another that is missing."""
    problems = changing("check", "said.yaml", "--json", version=version).json["problems"]

    assert len([one for one in problems if one["severity"] == "error"]) == 1


def test_a_renamed_parameter_is_repaired_in_the_lock_and_not_in_the_chain(changing, tmp_path):
    """One plausible successor: the mapping is written, and the chain runs as it stands."""
    shown = changing("lock", "said.yaml", version="renamed")
    checked = changing("check", "said.yaml", version="renamed")
    alone = changing("lock", "said.yaml", "--repair", version="renamed")
    repaired = changing("lock", "said.yaml", "--update", "--repair", version="renamed")
    done = changing("run", "said.yaml", "--frozen", version="renamed")

    assert shown.code == 2
    assert re.search(r"with: spacechain lock said.yaml --update \w+ --repair$", shown.err, re.MULTILINE)
    assert "--repair` takes the new name" in checked.err
    assert (alone.code, "--repair goes with --update" in alone.err) == (2, True)
    assert "text" in shown.out
    assert "prompt" in shown.out
    assert repaired.code == 0
    assert (tmp_path / "said.yaml").read_text() == CHAIN
    assert "text: prompt" in (tmp_path / "said.lock.yaml").read_text()
    assert (done.code, done.out) == (0, "said: fancy: hello\n")


def test_a_break_that_a_name_does_not_mend_is_not_repaired(changing, tmp_path):
    """The lock stays as it was."""
    before = (tmp_path / "said.lock.yaml").read_text()
    done = changing("lock", "said.yaml", "--update", "--repair", version="required")

    assert done.code == 2
    assert "cannot be repaired" in done.err
    assert (tmp_path / "said.lock.yaml").read_text() == before


def test_frozen_needs_a_lock(spacechain, write):
    """And says how to write one."""
    done = spacechain(
        "run", write('steps: {a: {space: "bench", endpoint: /shout, with: {text: a}}}'), "--frozen"
    )

    assert done.code == 2
    assert "spacechain lock" in done.err


def test_a_damaged_lock_is_one_problem_with_its_place(changing, tmp_path):
    """Hands and merges damage files."""
    path = tmp_path / "said.lock.yaml"
    path.write_text(path.read_text().replace("kind: text", "kind: txt", 1))
    done = changing("run", "said.yaml")

    assert done.code == 2
    assert "said.lock.yaml:" in done.err
    assert "Traceback" not in done.err


def test_a_search_whose_first_choice_is_paused_goes_on_with_the_second(versions, at_hub, tmp_path):
    """And the run tells which Space it was, and why not the other one."""
    (tmp_path / "found.yaml").write_text(FIND)
    spaces = {
        "best/paused": ListedSpace(f"{versions.url}/first", ["PAUSED"], relevance=0.99),
        "good/other": ListedSpace(f"{versions.url}/other", relevance=0.9),
        "fair/right": ListedSpace(f"{versions.url}/renamed", relevance=0.8),
    }
    with hub_standin(spaces) as hub:
        planned = at_hub(hub.url, "plan", "found.yaml", "--json")
        shown = at_hub(hub.url, "plan", "found.yaml")
        done = at_hub(hub.url, "run", "found.yaml", "--json")

    assert done.code == 0, done.err
    step = json.loads((tmp_path / done.json["folder"] / "run.json").read_text())["steps"]["say"]
    assert step["via"] == "fair/right"
    assert step["binding"] == {"text": "prompt"}
    passed = {one["space"]: one["why"] for one in step["passed_over"]}
    assert "PAUSED" in passed["best/paused"]
    assert "good/other" in passed
    assert planned.json["steps"][0]["binding"] == {"text": "prompt"}
    assert "80% relevant to the words" in planned.json["steps"][0]["reasons"]
    assert "     text → prompt: hello" in shown.out
    assert "     found: 80% relevant to the words; takes text as prompt" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_what_a_search_found_stays_locked(versions, at_hub, tmp_path):
    """A better Space tomorrow does not change a chain that was locked today."""
    (tmp_path / "found.yaml").write_text(FIND)
    spaces = {"fair/right": ListedSpace(f"{versions.url}/renamed", relevance=0.5)}
    with hub_standin(spaces) as hub:
        locked = at_hub(hub.url, "lock", "found.yaml")
        spaces["best/new"] = ListedSpace(f"{versions.url}/first", relevance=0.99, likes=900)
        done = at_hub(hub.url, "run", "found.yaml", "--frozen", "--json")

    assert locked.code == 0, locked.err
    assert done.code == 0, done.err
    assert done.json["steps"]["say"]["via"] == "fair/right"


def test_nothing_that_fits_is_told_with_the_reasons(versions, at_hub, tmp_path):
    """At the place of the words, before any call."""
    (tmp_path / "found.yaml").write_text(FIND.replace("gives: text", "gives: video"))
    with hub_standin({"fair/right": ListedSpace(f"{versions.url}/first")}) as hub:
        done = at_hub(hub.url, "run", "found.yaml")

    assert done.code == 2
    assert "found.yaml:4:" in done.err
    assert "gives no video" in done.err
