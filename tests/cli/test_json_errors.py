"""`--json` prints JSON on stdout however a command ends; other people's programs read nothing else."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pipelines.cli.app import app

_EVERY = get_command(app).commands  # type: ignore[attr-defined]  # a group of commands has them
COMMANDS = sorted({*_EVERY} - {"help"})  # which only prints how commands are written
NOWHERE = "http://127.0.0.1:9"
WRONG: dict[str, tuple[str, ...]] = {  # what each command takes and cannot work with
    "batch": ("nowhere.yaml", "table.csv"),
    "call": (NOWHERE, "/say", "text=a"),
    "check": ("wrong.yaml", "--static"),
    "describe": ("wrong.yaml",),
    "find": ("a cat", "--category", "no-such-category"),
    "inspect": (NOWHERE,),
    "link": (NOWHERE, NOWHERE),
    "lock": ("wrong.yaml",),
    "media": ("no-such-operation",),
    "models": ("--task", "no-such-task"),
    "new": ("made", "--from", "no-such-recipe"),
    "plan": ("wrong.yaml",),
    "recipes": ("no-such-recipe",),
    "report": ("20260101-000000-ffffff",),
    "resume": ("20260101-000000-ffffff",),
    "rm": ("20260101-000000-ffffff",),
    "run": ("wrong.yaml",),
    "services": ("no-such-service",),
    "show": ("20260101-000000-ffffff",),
    "store": ("--prune", "--unused", "no-duration"),
    "studio": ("no/such-space",),
    "templates": ("no-such-template",),
    "trust": ("nowhere.yaml",),
    "usage": ("--by", "no-such-thing"),
}
ALWAYS_WORK = {"runs", "schema", "doctor"}  # whatever they are given


def document(out: str) -> dict[str, Any]:
    """The one JSON document on stdout, with its error or its problems."""
    told: dict[str, Any] = json.loads(out)
    assert told["version"] == 1
    if "problems" in told and "error" not in told:
        assert told["ok"] is False
        assert {"code", "message", "hint"} <= told["problems"][0].keys()
    else:
        assert told["error"].keys() >= {"code", "message", "hint"}
        assert told["error"]["message"]
    return told


def test_the_table_has_every_command():
    """A new command is tried here before anybody writes a program for it."""
    assert {*WRONG} | ALWAYS_WORK == {*COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_there_is_not_is_told_as_json(command, spacechain):
    """A program that was written for another version must learn it."""
    done = spacechain(command, "--json", "--no-such-option")

    assert done.code == 2
    assert document(done.out)["error"]["code"] == "usage"


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"doctor"}))  # which tells it as a finding
def test_an_environment_that_cannot_be_read_is_told_as_json(command, spacechain, tmp_path):
    """It is looked at before any command."""
    (tmp_path / ".env").write_text("this is no line\n")
    done = spacechain(command, "--json")

    assert done.code == 2
    assert ".env" in document(done.out)["error"]["message"]


@pytest.mark.parametrize("command", sorted(WRONG))
def test_what_a_command_cannot_work_with_is_told_as_json(command, spacechain, tmp_path):
    """Words on stderr alone are for people."""
    (tmp_path / "wrong.yaml").write_text("stepz: {}\nsteps: {a: {media: no_such_operation}}\n")
    (tmp_path / "table.csv").write_text("word\na\n")
    done = spacechain(command, *WRONG[command], "--json")

    assert done.code in (1, 2)
    document(done.out)


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_problems_of_a_chain_come_all_with_an_absolute_path(command, spacechain, tmp_path):
    """A program that shows them opens the file."""
    (tmp_path / "wrong.yaml").write_text("stepz: {}\nsteps: {a: {media: no_such_operation}}\n")
    done = spacechain(command, "wrong.yaml", "--json")

    problems = document(done.out)["problems"]
    assert {one["code"] for one in problems} == {"unknown-key", "unknown-operation"}
    assert {one["file"] for one in problems} == {str(tmp_path / "wrong.yaml")}


def test_a_failed_run_is_its_document_with_the_command_that_goes_on(spacechain, write):
    """It has more to tell than its error."""
    file = write('steps: {bad: {space: "bench", endpoint: /refuse, with: {text: a}}}\n')
    done = spacechain("run", file, "--json")

    assert (done.code, done.json["status"]) == (1, "failed")
    assert done.json["next"] == f"spacechain resume {done.json['run']}"


def test_a_table_that_does_not_fit_is_told_with_its_problems(spacechain, write, tmp_path):
    """As a chain's are."""
    (tmp_path / "table.csv").write_text("seed\ntwelve\n")
    chain = write("inputs: {seed: {kind: integer}}\nsteps: {a: {media: silence, with: {seconds: 1}}}\n")
    done = spacechain("batch", chain, "table.csv", "--json")

    told = document(done.out)
    assert (done.code, told["error"]["code"]) == (2, "invalid-table")
    assert "twelve" in told["problems"][0]["message"]


def test_paths_are_current_where_a_runs_folder_was_moved(spacechain, write, tmp_path):
    """People sort what they made."""
    file = write('steps: {a: {space: "bench", endpoint: /draw, with: {colour: red, count: 2}}}\n'
        "outputs: {all: $a.images}\n")  # fmt: skip
    made = spacechain("run", file, "--json").json
    folder = tmp_path / "kept" / "here"
    folder.parent.mkdir()
    shutil.move(made["folder"], folder)
    told = spacechain("show", folder, "--json").json

    paths = [one["path"] for one in told["outputs"]["all"]]
    assert told["folder"] == str(folder)
    assert [Path(one).parent for one in paths] == [folder, folder]
    assert all(Path(one).is_file() for one in paths)


def test_calls_name_their_items_and_outputs(spacechain, write):
    """Which file came of which row must not be guessed by order, where one failed."""
    file = write(
        'steps: {a: {each: {in: [x, bad, y], keep_going: true}, space: "bench", endpoint: /picky,'
        " with: {text: $item}}}\n"
    )
    calls = spacechain("run", file, "--json").json["steps"]["a"]["calls"]

    given = [[one["value"] for one in call["outputs"].values()] for call in calls]
    assert [call["item"] for call in calls] == [0, 1, 2]
    assert given == [["x"], [], ["y"]]
