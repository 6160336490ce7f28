"""The command as its users meet it: words in; exit code, stdout and stderr out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from servers import Server, serve

from pipelines.cli import main

WORKBENCH = Path(__file__).parents[1] / "pipelines" / "apps" / "workbench.py"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

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
