"""Chains that cost next to nothing: a plain HTTP vendor that counts what it is asked, and real processes."""

import base64
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from web import Answer, Asked, Web, say, web

from pipelines.artifacts import Store

SERVICE = """
name: press
url: {url}
files: base64
endpoints:
  print:
    takes: {{words: text}}
    path: /print
    json: {{words: $words}}
    gives:
      image: {{kind: image, from: image}}
      info: {{kind: text, from: info}}
"""
CHAIN = """
name: cards
inputs: {words: a, count: 1}
steps:
  front: {service: ./press.yaml, endpoint: print, with: {words: $inputs.words}}
  back: {service: ./press.yaml, endpoint: print, with: {words: $front.info}}
  sides:
    service: ./press.yaml
    endpoint: print
    each: ["left", "right"]
    with: {words: "${{ item }} of ${{ inputs.words }}"}
outputs: {card: $back.image, sides: $sides.images}
"""
CALLS = 4


def printed(asked: Asked) -> Answer:
    """A picture that no other words give, and words that tell which."""
    words = json.loads(asked.body)["words"]
    colour = hashlib.sha256(words.encode()).digest()[:3]
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 64), bytes(colour) * 64 * 64).save(file, "PNG")
    return say({"image": base64.b64encode(file.getvalue()).decode(), "info": f"back of {words}"})


@pytest.fixture(scope="session")
def _press() -> Iterator[Web]:
    with web(printed) as one:
        yield one


@pytest.fixture
def press(_press: Web, tmp_path: Path) -> Web:
    """The vendor; `cards.yaml` in the current folder is a chain of four calls to it."""
    _press.asked.clear()
    (tmp_path / "press.yaml").write_text(SERVICE.format(url=_press.url))
    (tmp_path / "cards.yaml").write_text(CHAIN)
    return _press


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

    @property
    def words(self) -> str:
        """What it said to people, on one line."""
        return " ".join((self.out + " " + self.err).split())


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Done]:
    """Run the command in a process of its own; a traceback is never right."""

    def run(*words: object, env: Mapping[str, str] = {}, limit: Callable[[], None] | None = None) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *(str(one) for one in words)],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            preexec_fn=limit,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@dataclass(frozen=True, slots=True)
class House:
    """The home folder, looked at from outside."""

    folder: Path

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.db"

    @property
    def store(self) -> Store:
        """The store."""
        return Store(self.folder / "store")

    def files(self) -> dict[str, Path]:
        """What the store holds, by name."""
        return {one.name: one for one in self.store.files()}

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        """What the journal says."""
        with closing(sqlite3.connect(self.journal)) as journal:
            return journal.execute(query).fetchall()

    def damage(self, path: Path, *, quietly: bool) -> None:
        """Change a byte; quietly leaves no trace in size, mode or times, as a failing disk does."""
        found = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.chmod(0o644)
        path.write_bytes(bytes(content))
        path.chmod(0o444)
        if quietly:
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.fixture
def house(home: Path) -> House:
    """The home folder that commands use."""
    return House(home)
