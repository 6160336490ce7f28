"""A process that dies at each border between it and disk, journal and network, one after the other.

Like SQLite's own crash tests: die at the first border, go on, look; die at the second, … until a run comes
through without one being left.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from faults.crashing import Ended, Nursery, nursery
from PIL import Image
from servers import Server

CHAIN = """
name: negatives
inputs: {picture: {kind: image}, name: a}
steps:
  first:
    space: "app"
    endpoint: /invert
    with: {picture: $inputs.picture, name: "${{ inputs.name }}-1"}
  second:
    space: "app"
    endpoint: /invert
    pickup: detached
    with: {picture: $first.image, name: "${{ inputs.name }}-2"}
outputs: {made: $second.image}
"""
MOST = 400  # borders: more would mean that the loop never ends


@pytest.fixture(scope="module")
def born(tmp_path_factory) -> Iterator[Nursery]:
    """Makes the processes that die."""
    with nursery(tmp_path_factory.mktemp("crashes")) as one:
        yield one


@pytest.fixture(scope="module")
def chain(born: Nursery, lens: Server) -> Path:
    """Two calls, one after the other: the first is followed, the second is left in the app and fetched."""
    Image.new("RGB", (8, 8), "teal").save(born.folder / "picture.png")
    (born.folder / "negatives.yaml").write_text(CHAIN.replace("app", lens.url))
    return born.folder / "negatives.yaml"


@dataclass(frozen=True, slots=True)
class House:
    """The home folder of one crash, and what lies around it."""

    folder: Path

    @property
    def env(self) -> Mapping[str, str]:
        """What makes a command live in it."""
        return {"SPACECHAIN_HOME": str(self.folder / "home"), "HF_HOME": str(self.folder / "hf")}

    def asked(self, query: str) -> list[tuple[object, ...]]:
        """What the journal says; nothing where there is none yet."""
        file = self.folder / "home" / "journal.db"
        if not file.exists():
            return []
        journal = sqlite3.connect(file)
        try:
            return journal.execute(query).fetchall()
        except sqlite3.OperationalError:  # it died before there were tables
            return []
        finally:
            journal.close()

    def wrong(self) -> Iterator[str]:
        """Everything that must never be seen, however a process died."""
        for sha256, size in self.asked("SELECT sha256, size_bytes FROM artifacts"):
            path = self.folder / "home" / "store" / str(sha256)[:2] / str(sha256)[2:4] / str(sha256)
            if not path.exists() or path.stat().st_size != size:
                yield f"the journal says {sha256} is kept, and it is not"
        for path in (self.folder / "home" / "store").glob("??/??/*"):
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
                yield f"{path} is half-written"
        for path in self.folder.glob("out/*/*/**/[!.]*"):
            match path.suffix:
                case ".json" if not json.loads(path.read_text())["run"]:
                    yield f"{path} is half-written"
                case ".html" if "</html>" not in path.read_text():
                    yield f"{path} is half-written"
                case ".png":
                    Image.open(path).load()
        if self.asked("PRAGMA integrity_check") not in ([], [("ok",)]):
            yield "the journal is damaged"

    def left_over(self, ended: Ended) -> Iterator[str]:
        """What a run that came to its end must not leave."""
        for folder in ("scratch", "store/incoming"):
            for path in (self.folder / "home" / folder).glob("*"):
                if path.name != "door.lock":
                    yield str(path)
        yield from (str(path) for path in Path(ended.out.strip()).parent.glob("**/.*"))


@dataclass(slots=True)
class Tally:
    """What came of the crashes."""

    tried: int = 0
    lost: int = 0
    repeated: int = 0
    where: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"{self.tried} crash points: {self.lost} lost, {self.repeated} calls repeated {dict(self.where)}"
        )


def calls(app: Server, name: str) -> int:
    """How often the app made one."""
    answer = httpx2.post(f"{app.url}/gradio_api/run/count", json={"data": [name]})
    return int(answer.json()["data"][0])


def made(ended: Ended, born: Nursery) -> str | None:
    """The hash of what a run made."""
    if ended.code != 0:
        return None
    return hashlib.sha256((born.folder / ended.out.strip()).read_bytes()).hexdigest()


def go_on(born: Nursery, house: House, ended: Ended, words: Sequence[object]) -> Ended:
    """What a user does next: resume the run whose name was told, else start it again."""
    told = [line.split()[1] for line in ended.err.splitlines() if line.startswith("run ")]
    return born.run(*(("resume", *told) if told else words), env=house.env)


@pytest.mark.timeout(600)  # some seventy runs, each gone on with
def test_a_run_that_dies_anywhere_is_gone_on_with_and_loses_nothing(born, lens, chain, tmp_path, told):
    """GPU time is paid for once, and what was made is whole, wherever a laptop's battery ends."""
    tally, expected = Tally(), None
    for at in range(MOST):  # border 0 is none: an undisturbed run
        house, name = House(tmp_path / str(at)), f"{tmp_path.name}-{at}"
        house.folder.mkdir()
        words = ("run", chain, "-i", "picture=picture.png", "-i", f"name={name}")
        words = (*words, "--out", house.folder / "out")
        ended = born.run(*words, at=at, env=house.env)
        assert list(house.wrong()) == [], ended.borders[-1]
        if at == 0:
            expected = made(ended, born)
            assert expected is not None, ended.err
            assert list(house.left_over(ended)) == []
            continue
        if not ended.is_killed:
            break
        tally.tried += 1
        unknown = len(
            house.asked("SELECT 1 FROM sent LEFT JOIN received r USING (call) WHERE r.call IS NULL")
        )
        after = go_on(born, house, ended, words)
        tally.lost += made(after, born) != expected
        assert made(after, born) == expected, (ended.borders[-1], ended.err, after.err)
        again = calls(lens, f"{name}-1") + calls(lens, f"{name}-2") - 2
        tally.repeated += again
        tally.where[ended.borders[-1]] += again
        assert again <= 1, ended.borders[-1]
        assert not again or unknown > 0, f"{ended.borders[-1]}: what was received is asked for again"
        assert list(house.wrong()) == [], ended.borders[-1]
        assert list(house.left_over(after)) == [], ended.borders[-1]
    told(Tally(tally.tried, tally.lost, tally.repeated, +tally.where))

    assert not ended.is_killed
    assert tally.tried > 50
