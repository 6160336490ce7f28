"""What can go wrong around a run: one line each, nothing lost, and nothing called in vain."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from web import page, web

from chains.problems import InvalidChain
from pipelines import run_chain
from pipelines.artifacts import StorageFailed
from pipelines.cli.exits import Exit, exit_for
from pipelines.engine.events import RunStarted
from pipelines.engine.inputs import InvalidInputs
from pipelines.engine.results import Failed, Succeeded
from pipelines.household.home import find_home
from pipelines.household.trust import trust_content
from pipelines.household.variables import VariableNotTrusted
from pipelines.journal import JournalFailed
from pipelines.programs.environment import MissingVariable
from spaces_registry.errors import ToolkitError

SAY = 'steps: {say: {space: "bench", endpoint: /shout, with: {text: hello}}}'


@pytest.mark.parametrize(
    ("step", "code", "hint"),
    [
        ('{space: "bench", endpoint: /shuot, with: {text: a}}', "unknown-endpoint", "/shout"),
        ('{space: "bench", endpoint: /shout, with: {txt: a}}', "unknown-parameter", "text"),
        ('{space: "bench", endpoint: /shout}', "missing-parameter", "text"),
        ('{space: "bench", endpoint: /draw, with: {colour: pink}}', "not-a-choice", "red"),
        ('{space: "bench", endpoint: /draw, with: {count: 9}}', "out-of-range", ""),
        ('{space: "bench", endpoint: /draw, with: {count: many}}', "wrong-literal", ""),
        ('{space: "bench"}', "ambiguous-endpoint", "/shout"),
        ("{media: mix}", "unknown-operation", "mux"),
    ],
)
def test_what_does_not_fit_the_place_is_refused_before_any_call(run, workbench, step, code, hint):
    """A wrong chain costs no second of GPU time, also not in its right parts."""
    before = workbench.calls("shout")
    with pytest.raises(InvalidChain) as invalid:
        run(f'steps: {{fine: {{space: "bench", endpoint: /shout, with: {{text: fine}}}}, one: {step}}}')

    problem = next(one for one in invalid.value.problems if one.code == code)
    assert problem.step == "one"
    assert hint in (problem.hint or "")
    assert workbench.calls("shout") == before


def test_kinds_that_do_not_fit_across_an_edge_are_refused_before_any_call(run):
    """A picture where a text is wanted: both sides are named."""
    with pytest.raises(InvalidChain) as invalid:
        run("""
            steps:
              pictures: {space: "bench", endpoint: /draw, with: {colour: red}}
              say: {space: "bench", endpoint: /shout, with: {text: $pictures.image}}
        """)

    assert "image" in str(invalid.value)
    assert "text" in str(invalid.value)


def test_a_value_that_is_known_only_at_run_time_is_refused_before_its_call(run, workbench):
    """The app is not asked for what it is known not to offer."""
    before = workbench.calls("draw")
    done = run("""
        steps:
          colour: {space: "bench", endpoint: /shout, with: {text: pink}}
          pictures: {space: "bench", endpoint: /draw, with: {colour: $colour.text}}
    """)

    error = done.steps["pictures"].result.error
    assert error.code == "rejected-input"
    assert "PINK" in error.message
    assert workbench.calls("draw") == before


def test_an_app_that_dies_in_mid_call_fails_its_step_with_a_class(run, workbench_of_its_own):
    """The rest of the chain goes on."""
    done = run(f"""
        steps:
          dies: {{space: {workbench_of_its_own.url}, endpoint: /die, with: {{text: "3"}}}}
          lives: {{space: "bench", endpoint: /shout, with: {{text: alive}}}}
    """)

    assert done.steps["dies"].result.error.code == "unreachable"
    assert isinstance(done.steps["lives"].result, Succeeded)


def test_a_place_that_is_not_there_fails_its_step_and_spares_the_others(run):
    """A Space that is down now may be needed only for one branch."""
    done = run("""
        steps:
          gone: {space: "http://127.0.0.1:9", endpoint: /x}
          lives: {space: "bench", endpoint: /shout, with: {text: alive}}
    """)

    assert done.steps["gone"].result.error.code == "unreachable"
    assert isinstance(done.steps["lives"].result, Succeeded)


def test_missing_unknown_and_wrong_inputs_are_told_all_at_once(run):
    """One look, one correction."""
    with pytest.raises(InvalidInputs) as invalid:
        run(
            """
            inputs: {prompt: {kind: text, help: What to say}, count: {kind: integer, default: 1, maximum: 4}}
            steps:
              say: {space: "bench", endpoint: /shout, with: {text: "${{ inputs.prompt }}${{ inputs.count }}"}}
            """,
            {"cuont": 2, "count": 9},
        )

    assert invalid.value.problems == (
        "cuont is not an input of this chain (did you mean 'count'?)",
        "prompt is missing (What to say)",
        "count is 9, and must be at most 4",
    )


def test_a_file_that_is_not_there_is_named_with_the_nearest_one(run, tmp_path):
    """The commonest mistake of all."""
    (tmp_path / "portrait.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ToolkitError) as refused:
        run(
            """
            inputs: {face: {kind: image}}
            steps: {width: {space: "bench", endpoint: /measure, with: {picture: $inputs.face}}}
            """,
            {"face": tmp_path / "potrait.png"},
        )

    assert refused.value.code == "file-not-found"
    assert "portrait.png" in refused.value.hint


def test_a_file_of_another_kind_is_refused_before_it_is_sent(run, tmp_path, workbench):
    """A text is no picture, whatever it is called, and whether the input says `image` or only `file`."""
    (tmp_path / "face.png").write_text("not a picture")
    chain = """
        inputs: {face: {kind: KIND}}
        steps: {width: {space: "bench", endpoint: /measure, with: {picture: $inputs.face}}}
    """
    before = workbench.calls("measure")
    with pytest.raises(ToolkitError) as refused:
        run(chain.replace("KIND", "image"), {"face": tmp_path / "face.png"})
    with pytest.raises(InvalidChain) as unfit:
        run(chain.replace("KIND", "file"), {"face": tmp_path / "face.png"})

    assert refused.value.code == "wrong-file"
    assert refused.value.message == f"{tmp_path / 'face.png'} should be an image, but it is plain text"
    (problem,) = unfit.value.problems
    assert (problem.code, problem.step) == ("rejected-input", "width")
    assert problem.message.endswith("takes image, and got text file (face.txt)")
    assert workbench.calls("measure") == before


def test_a_run_that_can_store_no_more_says_how_to_go_on(run, workbench):
    """The disk filled up in the middle; what was made is there when there is room, and is not made again."""
    folders = []

    def spoil(event):
        if isinstance(event, RunStarted):
            folders.append(Path(event.folder))
            (folders[0] / "steps").write_text("in the way")

    chain = """
        steps: {draw: {space: "bench", endpoint: /draw, with: {colour: red, count: 5}}}
        outputs: {pictures: $draw.images}
    """
    with pytest.raises(StorageFailed) as failed:
        run(chain, tell=spoil)
    calls = workbench.calls("draw")

    assert failed.value.hint.endswith(f"; then: spacechain resume {folders[0].name}")
    assert exit_for(failed.value) == Exit.STEP_FAILED
    assert run(chain).ok
    assert workbench.calls("draw") == calls


def test_a_chain_reads_no_file_outside_its_folder(run, tmp_path_factory):
    """A recipe from a stranger must not send the user's files away."""
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n")
    steps = f'steps: {{width: {{space: "bench", endpoint: /measure, with: {{picture: "{secret}"}}}}}}'
    try:
        done = run(steps)
    except InvalidChain as refused:
        assert "outside" in str(refused)  # noqa: PT017 - refused before the run is as good
    else:
        assert isinstance(done.steps["width"].result, Failed)
        assert "outside" in done.steps["width"].result.error.message


def test_a_folder_that_cannot_be_written_is_refused_before_any_call(chain, tmp_path, workbench):
    """To learn it after ten minutes of GPU time would be late."""
    (tmp_path / "taken").write_text("a file, not a folder")
    before = workbench.calls("shout")
    with pytest.raises(StorageFailed):
        run_chain(chain(SAY), out=tmp_path / "taken")

    assert workbench.calls("shout") == before


def test_a_damaged_journal_is_one_clear_error(run, home):
    """Not a traceback of SQLite's."""
    home.mkdir(parents=True)
    (home / "journal.db").write_bytes(b"this is no database, and never was one" * 100)
    with pytest.raises(JournalFailed) as refused:
        run(SAY)

    assert "doctor --repair" in refused.value.hint


FULL_DISK = """
import json, sys
from pathlib import Path
from chains.loader import loads
from pipelines import run_chain
url, disk = sys.argv[1:]
text = f'''
steps:
  small: {{space: "{url}", endpoint: /shout, with: {{text: small}}}}
  large: {{space: "{url}", endpoint: /bulk, with: {{megabytes: 12}}, needs: [small]}}
'''
run = run_chain(loads(text, file="disk.yaml", folder=Path(disk)), out=Path(disk) / "out")
print(json.dumps({name: step.to_json() for name, step in run.steps.items()}))
"""


def test_a_full_disk_fails_the_step_and_keeps_what_is_there(workbench, tmp_path):
    """A real, small file system that fills up in the middle of a download."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size=4m none "$1" && SPACECHAIN_HOME="$1/home" exec "$2" -c "$3" "$4" "$1"'
    words = [str(disk), sys.executable, FULL_DISK, workbench.url]
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", mount, "sh", *words],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    assert steps["small"]["status"] == "succeeded"
    assert steps["large"]["error"]["code"] == "storage-failed"
    assert "No space left" in steps["large"]["error"]["message"]


def test_an_environment_variable_that_is_not_set_is_named(run, monkeypatch):
    """Before any call."""
    monkeypatch.delenv("STUDIO_STYLE", raising=False)
    with pytest.raises(MissingVariable) as refused:
        run("""
            env: [STUDIO_STYLE]
            steps: {say: {space: "bench", endpoint: /shout, with: {text: $env.STUDIO_STYLE}}}
        """)

    assert "STUDIO_STYLE" in str(refused.value)


def test_the_value_of_an_environment_variable_is_in_no_file_of_the_run(run, monkeypatch):
    """Values of `env` are secret, even where a place repeats them."""
    monkeypatch.setenv("STUDIO_STYLE", "QUITE-SECRET-VALUE")
    chain = """
        env: [STUDIO_STYLE]
        steps: {say: {space: "bench", endpoint: /shout, with: {text: $env.STUDIO_STYLE}}}
        outputs: {said: $say.text}
    """
    with pytest.raises(VariableNotTrusted) as asked:
        run(chain)
    for one in asked.value.handings:
        trust_content(find_home(), one.sha256, one.told)
    done = run(chain)

    assert done.ok
    written = b"".join(one.read_bytes() for one in done.folder.rglob("*") if one.is_file())
    assert b"QUITE-SECRET-VALUE" not in written


def test_html_in_place_of_an_app_is_told_as_such(run):
    """A proxy's error page is not an app."""
    with web(lambda _: page("Bad gateway")) as site:
        done = run(f"steps: {{say: {{space: {site.url}, endpoint: /shout, with: {{text: a}}}}}}")

    error = done.steps["say"].result.error
    assert error.code == "unreachable"
    assert "Bad gateway" in f"{error.said} {error.message}"
