"""`link`: Spaces chained from the command line, on the studio's real apps and on a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hub_standin import ListedSpace, hub_standin

from pipelines.artifacts.probe import measure

PICTURES, FILMS, VOICES = "Tongyi-MAI/Z-Image-Turbo", "alexnasa/ltx-2-TURBO", "Qwen/Qwen3-TTS"
SMALL = ["-i", "resolution=256x256 ( 1:1 )", "-i", "duration=1"]
WIRING = """\
image  Tongyi-MAI/Z-Image-Turbo /generate
         prompt      ← input prompt
         resolution  ← input resolution
clip   alexnasa/ltx-2-TURBO /generate_video
         first_frame ← image.image
         prompt      ← input prompt
         duration    ← input duration
"""
FILM = """\
name: film
description: An image by Tongyi-MAI/Z-Image-Turbo, then a clip by alexnasa/ltx-2-TURBO.

inputs:
  prompt: {kind: text, default: a lighthouse}
  resolution: {kind: text, default: "256x256 ( 1:1 )"}
  duration: {kind: number, default: 1, minimum: 1, maximum: 10, help: Duration (seconds)}

steps:
  image:
    space: Tongyi-MAI/Z-Image-Turbo
    endpoint: /generate
    with:
      prompt: $inputs.prompt
      resolution: $inputs.resolution

  clip:
    space: alexnasa/ltx-2-TURBO
    endpoint: /generate_video
    with:
      first_frame: $image.image
      prompt: $inputs.prompt
      duration: $inputs.duration

outputs:
  clip: $clip.video
"""
# the terminal becomes the process's own, so that Ctrl-C there is meant for it
AT_A_TERMINAL = "import os; os.login_tty(os.dup(0)); from pipelines.cli import main; main()"


def on_a_terminal(words: Sequence[object], keys: Sequence[tuple[str, str]], folder: Path) -> tuple[int, str]:
    """Run the command with a terminal of its own.

    Args:
        words: of the command.
        keys: what to type once a text has been shown, in this order.
        folder: where to run it.

    Returns:
        The exit code, and all that was shown.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *map(str, words)],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, waiting, since = "", list(keys), 0
    try:
        while True:
            try:
                shown += os.read(ours, 4096).decode(errors="replace")
            except OSError:  # how a terminal says that nobody is there any more
                break
            if waiting and waiting[0][0] in shown[since:]:
                since = len(shown)
                os.write(ours, waiting.pop(0)[1].encode())
        return process.wait(), shown.replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_two_spaces_make_a_film_and_a_file_that_runs_unchanged(process, elsewhere, tmp_path):
    """One line instead of a file; and the file, for whoever wants to go on from there."""
    linked = process(
        "link", PICTURES, FILMS, "-i", "prompt=a lighthouse", *SMALL, "--save", "film.yaml", *elsewhere
    )

    assert linked.code == 0, linked.err
    assert WIRING in linked.err
    film = tmp_path / linked.out.splitlines()[-1]
    assert measure(film).seconds == pytest.approx(1, abs=0.2)
    assert [one.name for one in sorted((film.parent / "steps").iterdir())] == ["clip.mp4", "image.png"]
    assert (tmp_path / "film.yaml").read_text() == FILM

    checked = process("check", "film.yaml", *elsewhere)
    again = process("run", "film.yaml", "--json", *elsewhere)

    assert checked.code == 0, checked.err
    assert again.code == 0, again.err
    assert {one["cached"] for one in again.json["steps"].values()} == {True}


def test_a_dry_run_calls_nothing(process, elsewhere, tmp_path):
    """What would happen is known before it costs."""
    done = process("link", PICTURES, FILMS, "-i", "prompt=a lighthouse", *SMALL, "--dry-run", *elsewhere)

    assert (done.code, done.out) == (0, WIRING)
    assert not (tmp_path / "outputs").exists()


def test_a_dry_run_as_json_has_the_chain(process, elsewhere):
    """Programs link too."""
    done = process(
        "link",
        PICTURES,
        FILMS,
        "-i",
        "prompt=a lighthouse",
        *SMALL,
        "--name",
        "film",
        "--dry-run",
        "--json",
        *elsewhere,
    )

    assert done.code == 0, done.err
    assert done.json["chain"] == "film"
    assert done.json["yaml"] == FILM
    assert done.json["steps"][1]["with"]["first_frame"] == "$image.image"


def test_endpoints_are_told_by_what_fits_and_json_is_that_of_run(spacechain, app):
    """Of an app with ten endpoints only one draws in a colour, and only one looks at a picture."""
    done = spacechain("link", app.url, app.url, "-i", "colour=green", "--json")

    assert done.code == 0, done.err
    assert [one["endpoint"] for one in done.json["steps"].values()] == ["/draw", "/measure"]
    assert done.json["outputs"] == {"step": {"kind": "integer", "value": 32}}


def test_a_chain_whose_run_fails_is_kept_and_goes_on_by_its_file(spacechain, app, tmp_path):
    """What was worked out is not lost with the run."""
    ends = ["--endpoint", f"{app.url}=/shout", "--endpoint", f"{app.url}=/refuse"]
    done = spacechain("link", app.url, app.url, "-i", "prompt=hello", *ends, "--save", "kept")

    assert done.code == 1
    assert "I do not like 'HELLO'" in done.err
    assert "go on from there with: spacechain run kept.yaml -i prompt=hello" in done.err
    assert "report: outputs/kept/" in done.err
    assert "text: $text.text" in (tmp_path / "kept.yaml").read_text()


def test_a_file_beside_the_chain_is_its_default_and_another_is_not_named(spacechain, app, tmp_path):
    """A chain that is given away must not name a path of whoever made it."""
    spacechain("call", app.url, "/draw", "colour=red", "count=1")
    picture = next(tmp_path.rglob("*.png"))
    picture.rename(tmp_path / "me.png")
    (tmp_path / "chains").mkdir()
    words = ["link", app.url, app.url, "-i", "picture=me.png", "-i", "text=x", "--dry-run"]
    ends = [
        "--endpoint",
        f"{app.url}=/measure",
        "--endpoint",
        f"{app.url}=/wait",
        "--wire",
        "seconds=step.width",
    ]

    beside = spacechain(*words, *ends, "--save", "film.yaml")
    away = spacechain(*words, *ends, "--save", "chains/film.yaml")

    assert (beside.code, away.code) == (0, 0), away.err
    assert "picture: {kind: image, default: me.png}" in (tmp_path / "film.yaml").read_text()
    assert "picture: {kind: image}" in (tmp_path / "chains" / "film.yaml").read_text()


def test_own_short_names_are_linked_and_called(spacechain, app, tmp_path):
    """A name of one's own in `spaces.yaml` is as good as an id, also where no chain is."""
    (tmp_path / "spaces.yaml").write_text(f"bench: {app.url}\n")
    words = ["-i", "colour=green", "--endpoint", "bench=/draw", "--endpoint", "bench=/measure", "--dry-run"]
    linked = spacechain("link", "bench", "bench", *words, "--json")
    called = spacechain("call", "bench", "/shout", "text=hi")
    shown = spacechain("inspect", "bench", "--json")
    unknown = spacechain("inspect", "bensh")

    assert linked.code == 0, linked.err
    assert [one["space"] for one in linked.json["steps"]] == [app.url, app.url]
    assert (called.code, called.out) == (0, "answer: HI\n"), called.err
    assert shown.json["space"] == app.url
    assert "did you mean 'bench'?" in unknown.err


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        ([PICTURES], "too-few-spaces", "spacechain call"),
        ([PICTURES, "z-imag", "-i", "prompt=x"], "bad-address", "did you mean 'z-image'?"),
        ([PICTURES, FILMS], "missing-inputs", "give -i prompt=…"),
        ([VOICES, FILMS, "-i", "text=x"], "not-connected", "alexnasa/ltx-2-TURBO takes first_frame (image)"),
        ([PICTURES, FILMS, "-i", "prompt=x", "-i", "promt=x"], "unused-input", "did you mean 'prompt'?"),
        ([PICTURES, FILMS, "-i", "prompt=x", "-i", "prompt=y"], "unused-input", "takes one value"),
        ([PICTURES, FILMS, "-i", "prompt=x", "-i", "duration=99"], "unfit-input", "at most 10"),
        ([PICTURES, FILMS, "-i", "prompt=x", "-i", "a-b=1"], "unfit-input", "letters, digits and `_`"),
        ([PICTURES, FILMS, "-i", "prompt=x", "--wire", "frame=image.image"], "unknown-wire", "first_frame"),
        (
            [PICTURES, FILMS, "-i", "scene=x", "-i", "motion=y"],
            "undecided",
            "--wire image.prompt=inputs.scene",
        ),
        ([PICTURES, FILMS, "-i", "prompt=x", "--endpoint", "flux=/go"], "not-linked", FILMS),
        (
            [PICTURES, FILMS, "-i", "prompt=x", "--endpoint", f"{FILMS}=/go"],
            "unknown-endpoint",
            "/generate_video",
        ),
        ([PICTURES, FILMS, "-i", "prompt=x", "--name", "a/b"], "bad-option", "letters, digits"),
        ([PICTURES, FILMS, "-i", "prompt=x", "--save", "there.yaml"], "not-written", "choose another name"),
        ([PICTURES, FILMS, "-i", "prompt=x", "--save", "no/there.yaml"], "not-written", "create it first"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_hint_and_nothing_is_called(
    spacechain, elsewhere, tmp_path, words, code, hint
):
    """Whoever links Spaces writes no file in which a mistake could be shown."""
    (tmp_path / "there.yaml").write_text("mine")
    done = spacechain("link", *words, *elsewhere)

    assert done.code == 2
    told = [one for one in done.err.splitlines() if not one.startswith("looking at")]
    assert told[0].startswith("error: ")
    assert told[0].endswith(f"[{code}]")
    assert hint in " ".join(told)
    assert len(told) <= 2
    assert (tmp_path / "there.yaml").read_text() == "mine"
    assert not (tmp_path / "outputs").exists()


def test_a_space_by_words_is_the_one_that_suits_them_best(process, studio):
    """Who knows no Space says what it should do."""
    listed = {
        PICTURES: ListedSpace(studio[PICTURES], relevance=0.9, about="Pictures from a text"),
        FILMS: ListedSpace(studio[FILMS], relevance=0.2, about="A film that starts with a picture"),
    }
    with hub_standin(listed) as hub:
        done = process("link", "text to image", FILMS, "-i", "prompt=x", "--dry-run", HF_ENDPOINT=hub.url)

    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == f"image  {PICTURES} /generate"


def test_on_a_terminal_it_asks_and_then_runs(elsewhere, tmp_path):
    """Two texts, two prompts: a person knows which is which."""
    words = ["link", PICTURES, FILMS, "-i", "scene=a lake", "-i", "motion=pan left", *SMALL, *elsewhere]
    keys = [("none)? ", "7\n"), ("none)? ", "1\n"), ("none)? ", "2\n"), ("n to stop)? ", "\n")]
    code, shown = on_a_terminal([*words, "--save", "film.yaml"], keys, tmp_path)

    assert code == 0, shown
    assert "input scene or input motion could go to prompt of image:" in shown
    assert "  1  prompt ← input scene\n  2  prompt ← input motion\n" in shown
    assert "7 is none of them" in shown
    assert "prompt: $inputs.scene" in (tmp_path / "film.yaml").read_text()
    assert "prompt: $inputs.motion" in (tmp_path / "film.yaml").read_text()
    assert next(tmp_path.glob("outputs/film/*/clip.mp4"))


def test_on_a_terminal_enter_takes_none_and_n_stops(elsewhere, tmp_path):
    """No answer is never taken for a yes to one of them."""
    words = ["link", PICTURES, FILMS, "-i", "scene=a lake", "-i", "motion=pan left", *elsewhere]
    none, told = on_a_terminal(words, [("none)? ", "\n"), ("none)? ", "\n")], tmp_path)
    stopped, _ = on_a_terminal(
        ["link", PICTURES, FILMS, "-i", "prompt=x", *elsewhere], [("n to stop)? ", "n\n")], tmp_path
    )

    assert none == 2, told
    assert "[unused-input]" in told
    assert stopped == 0
    assert not (tmp_path / "outputs").exists()


def test_a_question_can_be_left_by_ctrl_c(elsewhere, tmp_path):
    """A command that waits for an answer must let go at once."""
    words = ["link", PICTURES, FILMS, "-i", "scene=a lake", "-i", "motion=pan left", *elsewhere]
    ended, shown = on_a_terminal(words, [("none)? ", "\x03")], tmp_path)

    assert ended == 130
    assert "Traceback" not in shown
