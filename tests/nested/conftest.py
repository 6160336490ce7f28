"""Chains that use each other, in a folder of files, with a trusted function that counts its calls."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from pipelines import Run, run_chain
from pipelines.household.home import find_home
from pipelines.household.trust import trust

FUNCTIONS = """
from pathlib import Path

def loud(text: str) -> str:
    with Path(__file__).with_name("calls.txt").open("a") as calls:
        calls.write(text + chr(10))
    if text.startswith("boom"):
        raise ValueError("too loud")
    return text.upper()

def wait(text: str) -> str:
    import os
    with open(Path(__file__).with_name("fifo"), "w") as pipe:
        print("here", file=pipe, flush=True)
        os.read(os.open(Path(__file__).with_name("never"), os.O_RDWR), 1)
    return text
"""
INNER = """
name: inner
description: Says it loudly.
inputs:
  words: {kind: text, help: What is said}
  mood: {kind: choice, choices: [calm, wild], default: calm}
  seconds: {kind: number, default: 1, minimum: 0.5, maximum: 5}
steps:
  say: {python: "words.py:loud", with: {text: "${{ inputs.words }} ${{ inputs.mood }}"}}
  pause: {media: silence, with: {seconds: $inputs.seconds}}
outputs:
  said: $say.text
  note: "in ${{ inputs.seconds }} s"
  pause: $pause.audio
"""


class Folder:
    """Chain files by name, and the calls of their functions."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        """Write a chain file."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    @property
    def calls(self) -> list[str]:
        """What the function was called with, sorted: items run side by side."""
        file = self.path / "calls.txt"
        return sorted(file.read_text().splitlines()) if file.exists() else []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """`inner.yaml` and its function, trusted, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.py").write_text(FUNCTIONS)
    trust(find_home(), tmp_path / "words.py")
    made = Folder(tmp_path)
    made.write("inner.yaml", INNER)
    return made


@pytest.fixture
def run(folder: Folder) -> Callable[..., Run]:
    """Run a chain given as YAML, beside `inner.yaml`."""

    def run_text(text: str, inputs: dict[str, object] | None = None, **options: object) -> Run:
        return run_chain(folder.write("outer.yaml", text), inputs, **options)

    return run_text
