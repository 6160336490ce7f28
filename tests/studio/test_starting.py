"""An app of the studio starts at its first call: what calls nothing waits for none."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import pytest
from studio.record import facts_of

from pipelines import run_chain
from pipelines.cli import main
from pipelines.studio import SPACES, idle_studio
from pipelines.studio.described import described, kept_facts

SAY = """
steps:
  say: {space: Qwen/Qwen3-TTS, endpoint: /generate_voice_design, with: {text: Hello there.}}
outputs: {voice: $say.generated_audio}
"""


def test_what_is_kept_of_the_apps_is_what_they_say(studio: Mapping[str, str]) -> None:
    """A chain is checked by the one and called by the other. After a change: `tests/studio/record.py`."""
    said = anyio.run(facts_of, studio)

    assert {space: kept_facts(described(space)) for space in SPACES} == said


@pytest.fixture
def started() -> Iterator[list[str]]:
    """The programs that are started by this process, by the module they run."""
    names: list[str] = []

    def hear(event: str, words: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and watching[0] and isinstance(words[1], list):
            names.append(str(words[1][-1]))

    watching = [True]
    sys.addaudithook(hear)  # it cannot be taken away again
    yield names
    watching[0] = False


@pytest.mark.parametrize("command", ["check", "plan", "describe"])
def test_what_only_looks_starts_no_app(
    command: str, started: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To look at a chain must take no longer in the studio than elsewhere."""
    file = tmp_path / "say.yaml"
    file.write_text(SAY)
    with pytest.raises(SystemExit) as end:
        main([command, str(file), *(["--local"] if command != "describe" else [])])

    assert not end.value.code, capsys.readouterr().err
    assert "pipelines.studio.serve" not in started


def test_a_search_and_a_look_at_a_space_start_no_app(started: list[str]) -> None:
    """They call nothing either."""
    for words in (["find", "speak a text", "--local"], ["inspect", "Qwen/Qwen3-TTS", "--local"]):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert not end.value.code

    assert "pipelines.studio.serve" not in started


def test_a_run_of_which_everything_is_kept_starts_no_app(started: list[str], tmp_path: Path) -> None:
    """The second run of a chain is there at once."""
    file = tmp_path / "say.yaml"
    file.write_text(SAY)
    first = run_chain(file, local=True, out=tmp_path / "out")
    assert started.count("pipelines.studio.serve") == 1
    second = run_chain(file, local=True, out=tmp_path / "out")

    assert first.outputs["voice"].sha256 == second.outputs["voice"].sha256
    assert started.count("pipelines.studio.serve") == 1


def test_only_what_is_asked_for_starts() -> None:
    """A chain that calls one app need not wait for the others."""
    asked = "Qwen/Qwen3-TTS"
    told: list[str] = []

    async def start() -> None:
        async with idle_studio(SPACES, tell=told.append) as studio:
            await studio.start(asked)

    anyio.run(start)

    assert [line.split(" is ready at ")[0] for line in told if "ready" in line] == [asked]


def test_an_app_that_does_not_start_fails_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made before is kept, and the words say what is wrong."""
    broken = tmp_path / "gradio"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('this gradio is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    file = tmp_path / "say.yaml"
    file.write_text(SAY)
    run = run_chain(file, local=True, out=tmp_path / "out")

    assert run.status == "failed"
    error = run.to_json()["steps"]["say"]["error"]  # type: ignore[index, call-overload]
    assert error["code"] == "studio-failed"
    assert "this gradio is broken" in error["message"]
