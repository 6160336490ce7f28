"""Opening and closing: what is asked for starts, and nothing outlives its user."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest
from gradio_client import Client
from studio.hosts import (
    NOT_FOR_CHILDREN,
    Running,
    processes_with,
    start_host,
    stop,
    urls_of,
    wait_for_the_end_of,
)

from pipelines.studio import SPACES, NotInStudio, open_studio
from pipelines.studio.folder import PREFIX, studio_folder

VOICE = "Qwen/Qwen3-TTS"


def test_all_apps_are_on_this_machine_only(studio: Mapping[str, str]) -> None:
    """The studio must not be reachable from a network, and its apps must not meet on a port."""
    assert list(studio) == list(SPACES)
    assert all(url.startswith("http://127.0.0.1:") for url in studio.values())
    assert len(set(studio.values())) == len(SPACES)


def test_a_space_that_the_studio_has_not_is_named_with_those_it_has() -> None:
    """A chain that uses another Space must hear at once what to do about it."""

    async def enter() -> None:
        async with open_studio([VOICE, "owner/unknown"]):
            raise AssertionError

    with pytest.raises(NotInStudio, match="owner/unknown") as refusal:
        anyio.run(enter)

    assert refusal.value.code == "not-in-studio"
    assert all(name in (refusal.value.hint or "") for name in SPACES)


def test_a_studio_without_apps_starts_nothing() -> None:
    """A chain whose Spaces are all elsewhere needs no studio."""

    async def enter() -> Mapping[str, str]:
        async with open_studio([]) as urls:
            return urls

    assert anyio.run(enter) == {}


def test_a_normal_end_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """A hundred runs must not leave a hundred folders of pictures behind."""
    host = start_host(VOICE, temporary=tmp_path)
    voice = urls_of(host)[VOICE]
    Client(voice, verbose=False).predict("Hello there.", "Auto", "", api_name="/generate_voice_design")
    apps = [process for process in processes_with(tmp_path) if process != host.pid]
    folders = list(tmp_path.iterdir())

    assert stop(host) == 0

    assert apps
    assert [folder.name.startswith(PREFIX) for folder in folders] == [True]
    assert processes_with(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_killed_program_leaves_no_process_and_the_next_start_its_folder(tmp_path: Path) -> None:
    """Nobody cleans up after `kill -9` but us: apps must end by themselves, folders must not pile up."""
    host = start_host(*SPACES, temporary=tmp_path)
    urls_of(host)
    apps = [process for process in processes_with(tmp_path) if process != host.pid]
    watched = [os.pidfd_open(process) for process in apps]

    host.send_signal(signal.SIGKILL)
    host.communicate()
    wait_for_the_end_of(watched, within_s=20)

    assert len(apps) >= len(SPACES)
    assert processes_with(tmp_path) == []
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    with studio_folder(tmp_path) as fresh:
        assert list(tmp_path.iterdir()) == [fresh]


def test_the_folder_of_a_living_studio_is_left_alone(tmp_path: Path) -> None:
    """Two studios of one user must not take each other's files away."""
    with studio_folder(tmp_path) as first:
        os.utime(first, (0, 0))
        with studio_folder(tmp_path) as second:
            assert first.is_dir()
            assert second.is_dir()


def test_the_apps_get_no_secret(running: Running) -> None:
    """What the apps do not have they cannot leak."""
    apps = [process for process in processes_with(running.folder) if process != running.program]

    assert len(apps) >= len(SPACES)
    assert NOT_FOR_CHILDREN.encode() in Path(f"/proc/{running.program}/environ").read_bytes()
    assert not any(NOT_FOR_CHILDREN.encode() in Path(f"/proc/{app}/environ").read_bytes() for app in apps)


def test_an_app_that_ends_at_its_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """A broken installation must show its reason, not a timeout."""
    broken = tmp_path / "gradio"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('this gradio is broken')")
    script = """
import anyio
from pipelines.studio import StudioFailed, open_studio

async def main():
    try:
        async with open_studio():
            print("opened")
    except StudioFailed as failure:
        print(failure.code, failure.message, sep=": ")

anyio.run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith("studio-failed: ")
    assert "this gradio is broken" in done.stdout
    assert done.stderr == ""


def test_importing_the_studio_imports_none_of_what_it_needs() -> None:
    """The command line lists the studio's Spaces without paying for Gradio."""
    script = "import sys, pipelines.studio; print({'gradio', 'numpy', 'PIL', 'hibari'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """Most people install spacechain without the studio first."""
    script = """
import sys
sys.path = [place for place in sys.path if "site-packages" not in place] + [sys.argv[1]]
import anyio
from pipelines.studio import StudioNotInstalled, open_studio

async def main():
    try:
        async with open_studio():
            print("opened")
    except StudioNotInstalled as failure:
        print(failure.message, failure.hint, sep="; ")

anyio.run(main)
"""
    bare = tmp_path / "site"
    bare.mkdir()
    root = Path(anyio.__file__).parent.parent
    for name in ("anyio", "idna", "sniffio", "typing_extensions.py"):
        if (root / name).exists():
            (bare / name).symlink_to(root / name)
    for name in ("pipelines", "spaces_registry"):
        (bare / name).symlink_to(Path(__file__).parents[2] / name)

    done = subprocess.run(
        [sys.executable, "-c", script, str(bare)], capture_output=True, text=True, check=False
    )

    assert "gradio" in done.stdout
    assert "hibari" in done.stdout
    assert 'pip install "spacechain[studio]"' in done.stdout
