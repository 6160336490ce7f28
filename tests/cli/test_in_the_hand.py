"""What a new user types first: help, what a chain wants, inputs out of files, completion."""

import json
import os
import subprocess
import sys

import pytest

from pipelines.cli.app import GROUPS, app

CHAIN = """
name: shouted
description: Says it loudly.
inputs:
  text: {kind: text, help: What is said}
  often: {kind: integer, default: 2, minimum: 1, maximum: 9}
  mood: {kind: choice, choices: [calm, loud], default: calm}
steps:
  say:
    space: bench
    endpoint: /shout
    with: {text: $inputs.text}
    fallback: [{model: some/model, with: {prompt: $inputs.text}}]
  seen: {media: probe, with: {file: a.png}}
outputs:
  said: $say.text
  facts: $seen.json
"""

SHOUTED = "".join(line for line in CHAIN.splitlines(keepends=True) if "seen" not in line)


def test_describe_tells_what_a_chain_takes_gives_and_calls(spacechain, write):
    """A chain of somebody else's is used without reading its YAML."""
    file = write(CHAIN)
    done = spacechain("describe", file)

    assert done.code == 0
    assert done.out.startswith("shouted: Says it loudly.\n")
    assert "text:  text, required; What is said" in done.out
    assert "often: integer, default 2; 1 to 9" in done.out
    assert "mood:  choice, default calm; one of calm, loud" in done.out
    assert "facts: json, $seen.json" in done.out
    assert "/shout or model some/model" in done.out
    assert f"spacechain run {file} -i text=…" in done.err


def test_describe_as_json_has_the_documented_shape(spacechain, write):
    """Programs that offer chains build their forms out of it."""
    told = spacechain("describe", write(CHAIN), "--json").json

    assert [one["name"] for one in told["inputs"] if one["required"]] == ["text"]
    assert told["inputs"][2]["choices"] == ["calm", "loud"]
    assert told["outputs"] == [
        {"name": "said", "kind": None, "many": None, "from": "$say.text"},
        {"name": "facts", "kind": "json", "many": False, "from": "$seen.json"},
    ]
    assert [(one["name"], one["kind"]) for one in told["steps"]] == [("say", "space"), ("seen", "media")]
    assert told["steps"][0]["fallback"] == [{"kind": "model", "via": "some/model", "endpoint": None}]


def test_media_lists_operations_and_shows_the_parameters_of_one(spacechain):
    """Nobody should have to find the page on the web to learn what `mux` takes."""
    every = spacechain("media")
    one = spacechain("media", "mux")
    wrong = spacechain("media", "muxx")

    assert every.code == one.code == 0
    assert "mux " in every.out
    assert "video:      video; required" in one.out
    assert (wrong.code, "did you mean 'mux'?" in wrong.err) == (2, True)
    assert {each["name"] for each in spacechain("media", "--json").json} >= {"mux", "concat"}


def test_an_input_is_what_a_file_holds(spacechain, write, tmp_path):
    """A long prompt is not pasted into a command line."""
    (tmp_path / "words.txt").write_text("so it is\n")
    file = write(SHOUTED)
    held = spacechain("run", file, "-i", "text=@words.txt")
    literal = spacechain("run", file, "-i", "text=@@words.txt")
    missing = spacechain("run", file, "-i", "text=@word.txt")

    assert held.out == "said: SO IT IS\n"
    assert literal.out == "said: @WORDS.TXT\n"
    assert missing.code == 2
    assert "there is no file 'word.txt'" in missing.err
    assert "@@" in missing.err


@pytest.mark.parametrize("name", ["in.yaml", "in.json"])
def test_inputs_come_out_of_one_file_and_the_command_line_comes_first(spacechain, write, tmp_path, name):
    """The same inputs again are a file, and one of them changed is a word."""
    held = {"text": "from the file", "often": 3, "mood": "loud"}
    (tmp_path / name).write_text(json.dumps(held))
    file = write(SHOUTED)

    assert spacechain("run", file, "--inputs", name).out == "said: FROM THE FILE\n"
    assert spacechain("run", file, "--inputs", name, "-i", "text=nearer").out == "said: NEARER\n"
    planned = spacechain("plan", file, "--inputs", name, "--json").json
    assert planned["steps"][0]["arguments"] == {"text": "from the file"}


@pytest.mark.parametrize("text", ["[1, 2]", "text: [", "just words"])
def test_a_file_of_inputs_that_is_none_is_told(spacechain, write, tmp_path, text):
    """With its name, and before anything is called."""
    (tmp_path / "in.yaml").write_text(text)
    done = spacechain("run", write(CHAIN), "--inputs", "in.yaml")

    assert done.code == 2
    assert "in.yaml" in done.err
    assert "Traceback" not in done.err


def test_files_in_a_file_of_inputs_lie_beside_it(spacechain, write, tmp_path):
    """A folder with inputs and their files can be used from anywhere."""
    from PIL import Image  # noqa: PLC0415

    (tmp_path / "set").mkdir()
    Image.new("RGB", (7, 5)).save(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "in.yaml").write_text("picture: a.png\n")
    write(
        "inputs: {picture: {kind: image}}\n"
        "steps: {seen: {media: probe, with: {file: $inputs.picture}}}\n"
        "outputs: {facts: $seen.json}\n"
    )

    assert '"width": 7' in spacechain("run", "chain.yaml", "--inputs", "set/in.yaml").out


def test_call_takes_inputs_as_run_does(spacechain, app, tmp_path):
    """Whoever has learnt `-i` need not learn another spelling."""
    (tmp_path / "words.txt").write_text("hello")
    address = app.url.removeprefix("http://")

    assert spacechain("call", address, "/shout", "-i", "text=@words.txt").out.endswith("HELLO\n")
    assert spacechain("call", address, "/shout", "text=@words.txt").out.endswith("HELLO\n")
    assert spacechain("inspect", address).out.startswith(app.url)


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["help"], []])
def test_help_groups_the_commands_with_an_example_each(spacechain, words):
    """Thirty commands in a row are not read."""
    done = spacechain(*words)
    told = done.out + done.err

    assert all(f"\n{title}:\n" in told for title in GROUPS)
    # an example that is wider than the terminal goes on in the next line
    spaced = " ".join(told.split())
    assert all(f"$ {example}" in spaced for group in GROUPS.values() for example in group.values())


@pytest.mark.parametrize("words", [["run", "-h"], ["help", "run"], ["run", "--help"]])
def test_help_of_a_command_ends_with_an_example(spacechain, words):
    """An example says more than a list of options."""
    done = spacechain(*words)

    assert done.code == 0
    assert done.out.rstrip().endswith("Example: spacechain run short-film --local")


def test_every_command_is_in_a_group():
    """A command that `--help` does not show is not there."""
    grouped = {command.__name__ for group in GROUPS.values() for command in group}

    assert {one.callback.__name__ for one in app.registered_commands if not one.hidden} == grouped


def test_every_example_names_options_that_there_are(spacechain):
    """An example that is refused is worse than none."""
    for group in GROUPS.values():
        for command, example in group.items():
            told = spacechain("help", command.__name__).out
            options = [word for word in example.split() if word.startswith("-")]
            assert all(option in told for option in options), example


def test_python_starts_it_by_its_name(tmp_path):
    """Where the script is not on PATH, people type what they would type for any package."""
    done = subprocess.run(
        [sys.executable, "-m", "spacechain", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith("spacechain ")


@pytest.fixture
def offered(tmp_path):
    """What a shell offers for the last word of a command line."""

    def complete(*words: str) -> list[str]:
        env = {
            **os.environ,
            "_SPACECHAIN_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("spacechain", *words)),
            "COMP_CWORD": str(len(words)),
        }
        line = [sys.executable, "-c", "from pipelines.cli.app import app; app(prog_name='spacechain')"]
        done = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert not done.stderr
        return done.stdout.split()

    return complete


def test_a_shell_completes_what_there_is(offered, spacechain, write, tmp_path):
    """Ids of runs and names of steps are nothing to type by hand."""
    file = write(
        SHOUTED,
        "said.yaml",
    )
    run = spacechain("run", file, "-i", "text=a", "--json").json["run"]
    (tmp_path / "said.lock.yaml").write_text("")

    assert offered("run", "sa") == ["said.yaml"]
    assert "short-film" in offered("recipes", "short")
    assert offered("show", run[:4]) == [run]
    assert offered("run", "said.yaml", "--only", "s") == ["say"]
    assert offered("run", "said.yaml", "-i", "te") == ["text="]
    assert offered("services", "repl") == ["replicate"]
    assert offered("find", "x", "--gives", "vi") == ["video"]
    assert offered("media", "mu") == ["mux"]
    assert offered("run", "gone.yaml", "--only", "s") == []


def test_a_wrong_value_is_not_answered_with_how_other_inputs_are_given(spacechain, write):
    """A hint about `text` under a mistake in `mood` sends its reader the wrong way."""
    file = write(SHOUTED)
    wrong = spacechain("run", file, "-i", "text=a", "-i", "mood=glad")
    missing = spacechain("run", file, "-i", "mood=calm")

    assert (wrong.code, "may be one of: calm, loud" in wrong.err, "hint" in wrong.err) == (2, True, False)
    assert "hint: give them as -i text=…" in missing.err


def test_who_was_refused_is_not_sent_to_ask_the_same_again(spacechain, write):
    """The app said no to the input; `resume` has no other one."""
    step = "{space: bench, endpoint: /refuse, with: {text: $inputs.text}}"
    file = write(f"inputs: {{text: {{kind: text}}}}\nsteps: {{no: {step}}}\n")
    told = spacechain("run", file, "-i", "text=a").err
    shown = spacechain("show", "last").err

    assert "run the chain again with other inputs" in told
    assert "run the chain again with other inputs" in shown
    assert "go on from there" not in told + shown
