"""Journals, places and clocks for what is counted and limited."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.journal import NOTHING, Intent, Journal, open_journal
from pipelines.places.place import Place
from spaces_registry.errors import Unreachable
from spaces_registry.signature import Endpoint, Space


async def unreachable(call, tell):
    """The runner of a place that nobody calls here."""
    del tell
    raise Unreachable(call.place, "nobody is there")


@dataclass(slots=True)
class Clock:
    """A clock that goes on only when somebody sleeps; `slept` tells how long each time."""

    at: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Go on by so many seconds at once."""
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def journal(tmp_path) -> Iterator[Journal]:
    with open_journal(tmp_path / "home" / "journal.db") as opened:
        yield opened


@pytest.fixture
def place():
    """Make a place that limits and budgets can speak of."""

    def make(address="ada/clip", *, kind="space", hardware=None, endpoint="/go", **facts) -> Place:
        one = Endpoint(endpoint)
        space = None
        if kind == "space":
            url = facts.pop("site", "https://ada-clip.hf.space")
            space = Space(address=address, url=url, endpoints=(one,), hardware=hardware)
        return Place(kind, address, one, unreachable, space=space, **facts)

    return make


@pytest.fixture
def call(journal):
    """Journal a call that was made, with what it took; returns its number."""

    def make(place: Place, *, run="r", ended=True, failure=None, spent=NOTHING, wait_s=None) -> int:
        intent = Intent(run, "step", 0, "key", place.kind, place.address, place.endpoint.name, None)
        number = journal.sent(intent).call
        if failure:
            journal.failed(number, "key", failure, "no", wait_s=wait_s, spent=spent)
        elif ended:
            journal.received(number, "key", ("out",), spent)
        return number

    return make


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """What it printed, as JSON."""
        return json.loads(self.out)


@pytest.fixture
def here(tmp_path) -> Path:
    """The folder that commands are run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def spacechain(here, monkeypatch, capsys):
    """Run the command in this process, through the border that turns errors into text."""
    monkeypatch.chdir(here)

    def command(*words: object, **environ: str) -> Done:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(one) for one in words])
        said = capsys.readouterr()
        return Done(int(end.value.code or 0), said.out, said.err)

    return command
