"""A client, limits that a test can reach, and a terminal of the test's own."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelines.cli import main
from spaces_registry.network.bounds import Bounds
from spaces_registry.network.origin import open_client


@pytest.fixture
def anyio_backend() -> str:
    """What the command line runs on."""
    return "asyncio"


@pytest.fixture
async def client():
    """The client that all apps share."""
    async with open_client() as opened:
        yield opened


@pytest.fixture
def bounds() -> Callable[..., Bounds]:
    """Limits, with some of them low enough for a test."""
    return lambda **low: replace(Bounds(), **low)


@dataclass(frozen=True, slots=True)
class Talked:
    """What a command on a terminal said, and how it ended."""

    code: int
    said: str


@pytest.fixture
def on_a_terminal(tmp_path: Path) -> Callable[..., Talked]:
    """Run the command line on a terminal of its own, and answer its question."""

    def run(*words: str, answer: str, asks: str = "[y/N]", env: Mapping[str, str] = {}) -> Talked:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "pipelines.cli", *words]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **env},
            start_new_session=True,
        )
        os.close(theirs)
        said, answered = b"", False
        try:
            while True:
                ready, _, _ = select.select([ours], [], [], 60)
                try:
                    piece = os.read(ours, 4096) if ready else b""
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                said += piece
                if not answered and asks.encode() in said:
                    os.write(ours, answer.encode())
                    answered = True
            return Talked(process.wait(60), said.decode("utf-8", "replace"))
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    return run


@pytest.fixture
def spacechain(tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """Run the command in this process, in a folder of its own: exit code, and all that it printed."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out + said.err

    return command
