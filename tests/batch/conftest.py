"""Batches of chains whose steps are the user's own functions: no server, and a file that counts the calls."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from leaks import assert_no_secret
from servers import Server, serve

from pipelines.cli import main

WORKBENCH = Path(__file__).parents[1] / "pipelines" / "apps" / "workbench.py"
CODE = """
from pathlib import Path

def draw(prompt: str, size: int = 4, log: str = "") -> Path:
    from PIL import Image
    with open(log or "calls.txt", "a") as calls:
        calls.write(prompt + "\\n")
    if prompt.startswith("bad"):
        raise ValueError("I do not like " + prompt)
    path = Path("picture.png")
    Image.new("RGB", (size, size), (len(prompt) % 256, sum(map(ord, prompt)) % 256, 7)).save(path)
    return path
"""
CHAIN = """
name: draw
inputs:
  prompt: {kind: text}
  size: {kind: integer, default: 4, minimum: 1, maximum: 64}
steps:
  draw: {python: "draw.py:draw", with: {prompt: $inputs.prompt, size: $inputs.size, log: "LOG"}}
outputs: {picture: $draw.output}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it printed, a JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a chain that draws, its tables, and a command.

    Attributes:
        folder: where all of it lies, and where the command runs.
        command: runs `spacechain` here.
    """

    folder: Path
    command: Callable[..., Done]

    def table(self, text: str, name: str = "table.csv") -> Path:
        """Write a table."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def calls(self) -> list[str]:
        """What was drawn, a prompt a call, sorted."""
        log = self.folder / "calls.txt"
        return sorted(log.read_text().splitlines()) if log.exists() else []

    def files(self, batch: str = "table") -> list[str]:
        """The rows' files, by name, sorted."""
        found = (self.folder / "outputs" / "draw" / batch).glob("*.png")
        return sorted(one.name for one in found)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Callable[..., Done]:
    """Run the command in this process, through the border that turns errors into text."""
    monkeypatch.chdir(tmp_path)

    def command(*words: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(one) for one in words])
        said = capsys.readouterr()
        assert_no_secret("stdout", said.out)
        assert_no_secret("stderr", said.err)
        return Done(int(end.value.code or 0), said.out, said.err)

    return command


@pytest.fixture
def desk(tmp_path, run) -> Desk:
    """A chain that draws, trusted."""
    (tmp_path / "draw.py").write_text(CODE)
    (tmp_path / "draw.yaml").write_text(CHAIN.replace("LOG", str(tmp_path / "calls.txt")))
    assert run("trust", "draw.yaml").code == 0
    return Desk(tmp_path, run)


@pytest.fixture(scope="session")
def app() -> Iterator[Server]:
    """A running Gradio app that counts its calls."""
    with serve(WORKBENCH) as server:
        yield server
