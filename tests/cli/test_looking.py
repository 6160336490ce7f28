"""`check`, `plan`, `inspect`, `recipes`, `new`, `schema`, `trust`: what can be known without a call."""

import json
from pathlib import Path

import pytest
from servers import free_port, serve

from pipelines.cli.app import app as commands
from pipelines.household.home import find_home

APPS = Path(__file__).parents[1] / "pipelines" / "apps"
CHAIN = """
name: looking
inputs: {word: {kind: text, default: hi}}
steps:
  say: {space: "bench", endpoint: /shout, with: {text: "${{ inputs.word }}!"}}
  again: {space: "bench", endpoint: /shout, with: {text: $say.text}}
  pictures: {space: "bench", endpoint: /draw, with: {colour: green}}
"""


def test_check_says_that_a_right_chain_is_fine(spacechain, write):
    """And makes no call."""
    done = spacechain("check", write(CHAIN), "--json")

    assert done.code == 0
    assert done.json["ok"] is True


def test_check_json_gives_each_problem_its_place(spacechain, write):
    """An editor or an agent goes there."""
    done = spacechain(
        "check", write('steps: {say: {space: "bench", endpoint: /shout, with: {txt: a}}}'), "--json"
    )
    problems = {one["code"]: one for one in done.json["problems"]}

    assert done.code == 2
    assert done.json["ok"] is False
    wrong = problems["unknown-parameter"]
    assert wrong.keys() == {"code", "severity", "message", "hint", "file", "line", "column", "step"}
    assert (wrong["line"], wrong["step"], wrong["severity"]) == (1, "say", "error")


UNFIT = """
inputs:
  count: {kind: number, default: 9}
  shout: {kind: boolean, default: true}
  words: {kind: text, many: true, default: [red, mauve]}
steps:
  say: {space: "bench", endpoint: /shout, with: {text: hi}}
  draw: {space: "bench", endpoint: /draw, needs: [say], with: {count: $inputs.count}}
  maybe: {space: "bench", endpoint: /draw, when: inputs.shout, with: {count: $inputs.count}}
  each: {space: "bench", endpoint: /draw, each: $inputs.words, with: {colour: $item}}
"""


def test_an_input_that_a_later_step_cannot_take_is_refused_before_the_first_call(spacechain, write, tmp_path):
    """What is known before the run is no reason to pay for half of it."""
    file = write(UNFIT)
    checked, planned, ran = (spacechain(command, file, "--json") for command in ("check", "plan", "run"))
    fits = spacechain("run", file, "-i", "count=2", "-i", 'words=["red"]', "--json")
    places = {one["line"]: one for one in checked.json["problems"]}
    column = file.read_text().splitlines()[7].index("$inputs") + 1

    assert checked.code == 0
    assert places.keys() == {8, 9, 10}
    assert places[8]["column"] == column
    assert {one["severity"] for one in places.values()} == {"warning"}
    assert "count is 9, but" in places[8]["message"]
    assert "mauve" in places[10]["message"]
    for done in (planned, ran):
        assert done.code == 2
        assert f"chain.yaml:8:{column}: count is 9, but" in done.err
        assert "takes 1 to 5 [rejected-input]" in done.err
    assert not [one for one in (tmp_path / "outputs").rglob("run.json") if fits.json["run"] not in str(one)]
    assert fits.code == 0, fits.err


def test_what_may_never_be_called_is_not_held_against_its_inputs(spacechain, write):
    """A `when` that is false, what reads from it, and a step that something else can do."""
    file = write("""
        inputs: {count: 9, draws: false}
        steps:
          draw: {space: "bench", endpoint: /draw, when: inputs.draws, with: {count: $inputs.count}}
          look: {space: "bench", endpoint: /measure, with: {picture: $draw.image}}
          more: {space: "bench", endpoint: /draw, needs: [draw], with: {count: $inputs.count}}
          other:
            space: "bench"
            endpoint: /draw
            with: {count: $inputs.count}
            fallback: [{space: "bench", endpoint: /draw, with: {count: 1}}]
    """)
    checked = spacechain("check", file)

    assert checked.code == 0
    assert "rejected-input" not in checked.err


def test_plan_tells_order_arguments_and_what_is_kept(spacechain, write):
    """Before the run everything would be called; after it, nothing."""
    file = write(CHAIN)
    before = spacechain("plan", file, "--json").json
    spacechain("run", file)
    after = spacechain("plan", file, "--json").json

    assert before["order"] == [["say", "pictures"], ["again"]]
    steps = {one["name"]: one for one in before["steps"]}
    assert steps["say"]["arguments"] == {"text": "hi!"}
    assert steps["again"]["needs"] == ["say"]
    assert steps["again"]["arguments"] == {"text": "$say.text"}
    assert [one["cached"] for one in before["steps"]] == [False, False, False]
    assert [one["cached"] for one in after["steps"]] == [True, True, True]


def test_inspect_json_has_the_documented_shape(spacechain, app):
    """The signature that everything else rests on."""
    space = spacechain("inspect", app.url, "--json").json
    endpoints = {one["name"]: one for one in space["endpoints"]}

    assert space.keys() >= {"space", "url", "revision", "stage", "hardware", "gradio", "endpoints"}
    colour, count = endpoints["/draw"]["parameters"]
    assert colour.keys() >= {"name", "label", "kind", "required", "default", "choices", "minimum", "maximum"}
    assert (colour["kind"], colour["choices"], colour["required"]) == (
        "choice",
        ["red", "green", "blue"],
        False,
    )
    assert (count["minimum"], count["maximum"], count["default"]) == (1, 5, 2)
    assert endpoints["/draw"]["returns"][0]["kind"] == "gallery"


def test_inspect_shows_what_the_author_calls_things(spacechain):
    """A parameter named `value` or `param_0` says nothing; its label does."""
    with serve(Path(__file__).parents[1] / "registry" / "apps" / "everything.py") as everything:
        told = spacechain("inspect", everything.url).out

    assert 'value: number "Steps"; default 20; 1 to 50' in told
    assert "→ said: text\n" in told  # its label says the same


def test_a_name_of_ones_own_leads_to_a_space_and_through_its_login(spacechain, tmp_path, monkeypatch, secret):
    """It means in every command what it means in a chain; the password is handed over by a variable."""
    password = secret("password")
    app_file = tmp_path / "club.py"
    app_file.write_text(
        "import os, gradio as gr\n"
        "gr.Interface(lambda x: x.upper(), 'text', 'text', api_name='shout')"
        ".launch(auth=('ada', os.environ['CLUB_PASSWORD']))\n"
    )
    monkeypatch.setenv("CLUB", f"ada:{password}")
    with serve(app_file, env={"CLUB_PASSWORD": password}) as club:
        refused = spacechain("inspect", club.url)
        named = f"club: {{space: '{club.url}', login: $CLUB}}\n"
        (find_home().folder / "spaces.yaml").write_text(named)
        (tmp_path / "c.yaml").write_text(
            "steps: {say: {space: club, endpoint: /shout, with: {x: hello}}}\noutputs: {said: $say.text}\n"
        )
        inspected = spacechain("inspect", "club")
        called = spacechain("call", "club", "/shout", "x=hi")
        ran = spacechain("run", "c.yaml")

    assert (refused.code, "spaces.yaml" in refused.err) == (4, True)
    assert "/shout" in inspected.out
    assert called.out == "output: HI\n"
    assert ran.out == "said: HELLO\n"


def test_inspect_says_that_an_app_offers_nothing(spacechain):
    """An app without an API is not described by silence."""
    with serve(APPS / "mute.py") as mute:
        told = spacechain("inspect", mute.url)
        called = spacechain("call", mute.url, "text=hello")

    assert told.code == 0
    assert "it offers nothing that can be called" in told.out
    assert (called.code, "[no-api]" in called.err, "hint: " in called.err) == (2, True, True)


def test_an_app_that_is_not_there_is_told_with_what_to_do(spacechain):
    """One line and a hint, whatever is wrong."""
    done = spacechain("inspect", f"http://127.0.0.1:{free_port()}")

    assert done.code == 1
    assert "no connection" in done.err
    assert "hint: see that it runs and that its address is right" in done.err


@pytest.mark.parametrize("name", ["short-film", "storyboard", "narrated-still", "variations", "starter"])
def test_every_recipe_is_listed_printed_and_fine(spacechain, name):
    """A bundled chain with a mistake in it would be a bad teacher."""
    listed = spacechain("recipes")
    printed = spacechain("recipes", name)
    checked = spacechain("check", name, "--static")

    assert name in listed.out
    assert f"name: {name}" in printed.out
    assert checked.code == 0


def test_new_writes_a_chain_that_is_fine_and_never_overwrites(spacechain, tmp_path):
    """The first minute with the tool."""
    made = spacechain("new", "mine")
    again = spacechain("new", "mine")

    assert Path(made.out.strip()).name == "mine.yaml"
    assert spacechain("check", "mine.yaml", "--static").code == 0
    assert "name: mine" in (tmp_path / "mine.yaml").read_text()
    assert again.code == 2
    assert "is there already" in again.err


def test_every_command_prints_json(spacechain, tmp_path):
    """A program that drives the tool never has to read prose."""
    (tmp_path / "mine.py").write_text("def hi() -> str:\n    return 'hi'\n")
    (tmp_path / "c.yaml").write_text('steps: {hi: {python: "mine.py:hi"}}\n')
    names = [one.name or one.callback.__name__ for one in commands.registered_commands if not one.hidden]
    without = [one for one in names if "--json" not in spacechain(one, "--help").out]

    assert len(names) > 20
    assert without == []
    assert spacechain("new", "other", "--json").json["written"] == str(tmp_path / "other.yaml")
    (trusted,) = spacechain("trust", "c.yaml", "--json").json["trusted"]
    assert trusted["file"] == str(tmp_path / "mine.py")
    assert len(trusted["sha256"]) == 64
    assert spacechain("schema", "--json").json == spacechain("schema").json


def test_schema_is_json_schema(spacechain):
    """Editors complete chains by it."""
    schema = json.loads(spacechain("schema").out)

    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"name", "inputs", "steps", "outputs"} <= schema["properties"].keys()


def test_trust_lets_a_chains_code_run_as_it_is_now(spacechain, tmp_path):
    """Exit 4 before; 0 after; 4 again when the file changes."""
    (tmp_path / "mine.py").write_text("def hi(name: str) -> str:\n    return 'hi ' + name\n")
    (tmp_path / "c.yaml").write_text(
        'steps: {hi: {python: "mine.py:hi", with: {name: you}}}\noutputs: {said: $hi.text}\n'
    )
    refused = spacechain("run", "c.yaml")
    trusted = spacechain("trust", "c.yaml")
    ran = spacechain("run", "c.yaml")
    (tmp_path / "mine.py").write_text("def hi(name: str) -> str:\n    return 'ho ' + name\n")
    changed = spacechain("run", "c.yaml")

    assert (refused.code, trusted.code, ran.code, changed.code) == (4, 0, 0, 4)
    assert "spacechain trust c.yaml" in refused.err
    assert ran.out == "said: hi you\n"


def test_the_shell_completes_commands_and_chains(process, tmp_path):
    """What bash asks for when the user presses Tab."""
    (tmp_path / "story.yaml").write_text("steps: {}\n")
    words = {"_MAIN_COMPLETE": "complete_bash", "_SPACECHAIN_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    chains = process(COMP_WORDS="spacechain run s", **words)
    commands = process(COMP_WORDS="spacechain re", **{**words, "COMP_CWORD": "1"})

    assert chains.out.split() == ["short-film", "starter", "story.yaml", "storyboard"]
    assert {"recipes", "report"} <= {*commands.out.split()}
