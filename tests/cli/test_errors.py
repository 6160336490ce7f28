"""Whatever a user gets wrong: one line that says what and where, a hint, the exit code, no traceback."""

import os

import pytest
from hub_standin import TOKEN, ListedSpace, hub_standin
from leaks import SECRETS

PRIVATE = "steps: {say: {space: me/private, endpoint: /shout, with: {text: a}}}"
SLEEPY = """
steps: {say: {space: me/sleepy, endpoint: /shout, with: {text: morning}}}
outputs: {said: $say.text}
"""


@pytest.mark.parametrize(
    ("words", "code", "tells"),
    [
        (["run", "nothing.yaml"], 2, "nothing.yaml"),
        (["run", "short-flim"], 2, "did you mean 'short-film'?"),
        (["run", "short-film", "-i", "prompt"], 2, "NAME=VALUE"),
        (["run", "short-film", "--use", "x"], 2, "SPACE=URL"),
        (["run", "short-film", "--redo", "imagine"], 2, "did you mean 'image'?"),
        (["inspect", "not an id"], 2, "bad-address"),
        (["inspect", "http://127.0.0.1:9"], 1, "unreachable"),
        (["recipes", "stroyboard"], 2, "did you mean 'storyboard'?"),
        (["call", "BENCH", "shuot", "text=a"], 2, "did you mean '/shout'?"),
        (["call", "BENCH", "shout", "txt=a"], 2, "did you mean 'text'?"),
        (["call", "BENCH", "shout"], 2, "text=…"),
        (["call", "BENCH", "draw", "colour=pink"], 2, "red, green, blue"),
        (["call", "BENCH", "draw", "count=7"], 2, "1 to 5"),
        (["call", "BENCH", "draw", "count=x"], 2, "count"),
        (["call", "BENCH", "measure", "picture=no.png"], 2, "no.png"),
        (["call", "BENCH", "refuse", "text=a"], 1, "I do not like 'a'"),
        (["studio", "someone/else"], 2, "Tongyi-MAI/Z-Image-Turbo"),
        (["run", "short-film", "--use", "Qwen/Qwen3-TTTS=http://127.0.0.1:9"], 2, "did you mean"),
        (["run", "short-film", "--json", "--events"], 2, "--events"),
        (["run", "short-film", "-i", "seconds=1e999"], 2, "seconds takes a number"),
        (["run", "short-film", "-i", "seed=Infinity"], 2, "seed takes a whole number"),
        (["run", "x" * 5000], 2, "no recipe named"),
        (["run", ""], 2, "no recipe named"),
        (["new", ""], 2, "needs a name"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(spacechain, app, words, code, tells):
    """No one should have to read our source to know what to type."""
    done = spacechain(*(app.url if one == "BENCH" else one for one in words))

    assert done.code == code
    assert tells in done.err
    assert "Traceback" not in done.err
    assert done.err.startswith("error: ") or code == 1


def test_a_mistake_of_form_hides_none_about_what_is_called(spacechain, tmp_path):
    """Whoever mends the misspelt key must not then learn of the misspelt operation."""
    (tmp_path / "mine.py").write_text("def hi() -> str:\n    return 'hi'\n")
    (tmp_path / "c.yaml").write_text(
        "descripton: x\n"
        "steps:\n"
        "  film: {media: muxx}\n"
        "  hi: {python: 'mine.py:ho'}\n"
        "  draw: {service: replicat}\n"
        "  gone: {python: 'gone.py:ho'}\n"
        "  odd: {media: 3}\n"
    )
    problems = spacechain("check", "c.yaml", "--static", "--json").json["problems"]

    assert [(one["line"], one["code"]) for one in problems] == [
        (1, "unknown-key"),
        (3, "missing-parameter"),  # of `mux`, which was meant
        (3, "missing-parameter"),
        (3, "unknown-operation"),
        (4, "unknown-function"),
        (5, "unknown-service"),
        (6, "missing-file"),
        (7, "wrong-type"),
    ]


def test_a_failure_of_a_call_says_what_to_do(spacechain, app):
    """A place that only says no still leaves its user with a next step."""
    done = spacechain("call", app.url, "/refuse", "text=x")

    assert done.code == 1
    assert "I do not like 'x' [rejected-input]\n  hint: the app itself refuses this: change" in done.err


def test_a_problem_in_a_file_shows_its_line_with_a_caret(spacechain, write):
    """All of them at once, where they stand."""
    done = spacechain(
        "check", write("stepz: {}\nsteps: {a: {space: x/y, with: {text: $b.text}}}\n"), "--static"
    )

    assert done.code == 2
    assert "chain.yaml:1:1: " in done.err
    assert " 2 | steps:" in done.err
    assert "2 errors" in done.err


WRONG = SECRETS.make("wrong")


@pytest.mark.parametrize("token", ["", WRONG])
def test_a_private_space_without_its_token_is_exit_4(at_hub, write, app, token):
    """The hint says where a token comes from, and no token is shown."""
    file = write(PRIVATE)
    with hub_standin({"me/private": ListedSpace(app.url, is_private=True)}) as hub:
        done = at_hub(hub.url, "run", file, token=token)

    assert done.code in (2, 4)
    assert "HF_TOKEN" in done.err or "hf auth login" in done.err
    assert WRONG not in done.err
    assert "Traceback" not in done.err


def test_a_private_space_with_its_token_runs(at_hub, write, app):
    """And the app itself, which is not the Hub's, never sees the token."""
    file = write(PRIVATE + "\noutputs: {said: $say.text}")
    with hub_standin({"me/private": ListedSpace(app.url, is_private=True)}) as hub:
        done = at_hub(hub.url, "run", file, token=TOKEN)

    assert done.code == 0
    assert done.out == "said: A\n"
    assert TOKEN not in done.out + done.err


def test_a_space_that_does_not_exist_is_exit_2_at_its_place_in_the_file(at_hub, write, app):
    """Found before anything is called."""
    file = write("""
        steps:
          fine: {space: me/there, endpoint: /shout, with: {text: a}}
          gone: {space: me/not-there, endpoint: /shout, with: {text: a}}
    """)
    with hub_standin({"me/there": ListedSpace(app.url)}) as hub:
        done = at_hub(hub.url, "run", file, token=TOKEN)

    assert done.code == 2
    assert "chain.yaml:4:" in done.err
    assert "me/not-there" in done.err


@pytest.mark.parametrize(("stage", "code"), [("PAUSED", 2), ("RUNTIME_ERROR", 2), ("BUILD_ERROR", 2)])
def test_a_space_that_only_its_owner_can_start_is_told_with_its_stage(at_hub, write, app, stage, code):
    """Waiting would not help."""
    file = write("steps: {say: {space: me/paused, endpoint: /shout, with: {text: a}}}")
    with hub_standin({"me/paused": ListedSpace(app.url, [stage])}) as hub:
        done = at_hub(hub.url, "run", file)

    assert done.code == code
    assert stage in done.err


def test_a_sleeping_space_is_woken_and_used(at_hub, write, app):
    """The first call of the day finds most Spaces asleep."""
    file = write(SLEEPY)
    stages = ["SLEEPING", "SLEEPING", "APP_STARTING", "RUNNING"]
    with hub_standin({"me/sleepy": ListedSpace(app.url, stages)}) as hub:
        done = at_hub(hub.url, "run", file)

    assert (done.code, done.out) == (0, "said: MORNING\n")
    waits = [one for one in done.err.splitlines() if "waiting for the Space" in one]
    assert waits == [f"say: waiting for the Space: {stage}" for stage in ("sleeping", "app starting")]


def test_check_says_that_a_space_sleeps_and_what_a_run_will_do(at_hub, write, app):
    """It has not waited, and so it does not speak of a wait."""
    file = write(SLEEPY)
    with hub_standin({"me/sleepy": ListedSpace(app.url, ["SLEEPING"])}) as hub:
        asleep = at_hub(hub.url, "check", file)
    with hub_standin({"me/sleepy": ListedSpace(app.url, ["BUILDING"])}) as hub:
        building = at_hub(hub.url, "check", file)

    assert (asleep.code, building.code) == (0, 0)
    assert "warning: me/sleepy is SLEEPING [asleep]" in asleep.err
    assert "hint: a run wakes it and waits for it, up to 5m" in asleep.err
    assert "warning: me/sleepy is BUILDING [building]" in building.err
    assert "hint: a run waits for it, up to 5m" in building.err


def test_an_unwritable_output_folder_is_found_before_the_first_call(spacechain, write, tmp_path):
    """Exit 2: nothing was called."""
    (tmp_path / "file").write_text("")
    file = write('steps: {say: {space: "bench", endpoint: /shout, with: {text: a}}}')
    done = spacechain("run", file, "--out", tmp_path / "file" / "below")

    assert done.code == 2
    assert "storage-failed" in done.err


def test_a_reader_that_goes_away_is_no_error(app, tmp_path):
    """`spacechain schema | head -1`."""
    code = os.system(f"cd {tmp_path} && sh -c 'spacechain schema 2>err | head -1 >out'")  # noqa: S605 - a real pipe

    assert code == 0
    assert "Traceback" not in (tmp_path / "err").read_text()
    del app
