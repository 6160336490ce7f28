"""The command as its users meet it: words in; exit code, stdout and stderr out."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from leaks import assert_no_secret
from servers import Server, serve

from pipelines.cli import main

WORKBENCH = Path(__file__).parents[1] / "pipelines" / "apps" / "workbench.py"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        """What a command printed is seen by the test alone, so the watch over secrets is called here."""
        assert_no_secret("stdout", self.out)
        assert_no_secret("stderr", self.err)

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def app() -> Iterator[Server]:
    """A running Gradio app."""
    with serve(WORKBENCH) as server:
        yield server


@pytest.fixture
def spacechain(tmp_path, monkeypatch, capsys):
    """Run the command in this process, through the border that turns errors into text."""
    monkeypatch.chdir(tmp_path)

    def command(*words: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(one) for one in words])
        said = capsys.readouterr()
        return Done(int(end.value.code or 0), said.out, said.err)

    return command


@pytest.fixture
def process(tmp_path):
    """Run the command in a process of its own, with an environment of its own."""

    def command(*words: object, **env: str) -> Done:
        line = [sys.executable, "-m", "pipelines.cli", *(str(one) for one in words)]
        done = subprocess.run(
            line,
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return command


@pytest.fixture
def write(tmp_path, app):
    """Write a chain file; `bench` in it stands for the app's URL."""

    def write_text(text: str, name: str = "chain.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text.replace("bench", app.url), encoding="utf-8")
        return path

    return write_text


@pytest.fixture(scope="session")
def studio() -> Iterator[Mapping[str, str]]:
    """The studio as `spacechain studio` starts it: Space id to URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "studio", "--json"], stdout=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("}"):
                break
        watchdog.cancel()
        yield json.loads("".join(lines))
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def elsewhere(studio) -> list[str]:
    """Options that send the recipes' Spaces to the running studio."""
    return [word for space, url in studio.items() for word in ("--use", f"{space}={url}")]


@pytest.fixture
def at_hub(spacechain, monkeypatch):
    """Run the command in this process, as a user whose Hub is the stand-in."""

    def command(hub: str, *words: object, token: str = "") -> Done:
        monkeypatch.setenv("HF_ENDPOINT", hub)
        monkeypatch.setenv("HF_TOKEN", token)
        return spacechain(*words)

    return command
