"""A process that dies at each border between it and disk, journal and network, one after the other.

Like SQLite's own crash tests: die at the first border, go on, look; die at the second, … until a run comes
through without one being left.
"""

import hashlib
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import yaml
from faults.crashing import Ended, Nursery, nursery
from home.test_journal import VERSION_1
from PIL import Image
from servers import Server
from storage.conftest import CHAIN as PRINTS
from storage.conftest import SERVICE, printed
from web import web

from pipelines.journal import SCHEMA_VERSION

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


@dataclass(frozen=True, slots=True)
class Crash:
    """One death of a command, and where."""

    house: House
    ended: Ended


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


def points(
    born: Nursery, words: Sequence[object], prepare: Callable[[Path], None], folder: Path
) -> Iterator[Crash]:
    """Every crash of a command, each in a home folder of its own that is made ready first."""
    for at in range(1, MOST):
        house = House(folder / f"crash-{at}")
        house.folder.mkdir()
        prepare(house.folder / "home")
        ended = born.run(*words, at=at, env=house.env)
        if not ended.is_killed:
            assert ended.code == 0, ended.err
            return
        yield Crash(house, ended)
    pytest.fail("the loop does not end")


def test_an_update_that_dies_on_the_way_loses_nothing(born, tmp_path, told):
    """A journal of an older version is brought up once, and a laptop may be closed just then."""

    def old(home: Path) -> None:
        home.mkdir()
        with closing(sqlite3.connect(home / "journal.db")) as journal:
            journal.executescript(VERSION_1)

    tried = 0
    for crash in points(born, ("usage", "--json"), old, tmp_path):
        tried += 1
        again = born.run("usage", "--json", env=crash.house.env)
        assert again.code == 0, (crash.ended.borders[-1], again.err)
        assert crash.house.asked("SELECT outputs FROM received WHERE key = 'k1'") == [('["hello"]',)]
        assert crash.house.asked("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    told(f"update of the journal: {tried} crash points, 0 lost")

    assert tried >= 2  # it is one transaction: before it, and before its end


@pytest.fixture(scope="module")
def worn(born: Nursery, tmp_path_factory) -> Path:
    """A home folder after a run of four calls, of a plain HTTP vendor."""
    folder = tmp_path_factory.mktemp("worn")
    with web(printed) as vendor:
        (born.folder / "press.yaml").write_text(SERVICE.format(url=vendor.url))
        (born.folder / "cards.yaml").write_text(PRINTS)
        ended = born.run("run", "cards.yaml", "--out", folder / "out", env=House(folder).env)
    assert ended.code == 0, ended.err
    return folder / "home"


def test_a_repair_that_dies_is_repaired(born, worn, tmp_path, told):
    """Whoever mends must not break what is left: the second try has all that the first one had."""

    def torn(home: Path) -> None:
        shutil.copytree(worn, home)
        content = (home / "journal.db").read_bytes()
        (home / "journal.db").write_bytes(b"\x00" * 4096 + content[4096:])
        with (home / "runs.jsonl").open("a") as index:
            index.write('{"run": "2026')

    tried = 0
    for crash in points(born, ("doctor", "--repair", "--json"), torn, tmp_path):
        tried += 1
        again = born.run("doctor", "--repair", env=crash.house.env)
        assert again.code == 0, (crash.ended.borders[-1], again.err)
        assert crash.house.asked("SELECT count(DISTINCT key) FROM received") == [(4,)], crash.ended.borders[
            -1
        ]
        assert list(crash.house.wrong()) == []
        assert len((crash.house.folder / "home" / "runs.jsonl").read_text().splitlines()) == 1
    told(f"doctor --repair: {tried} crash points, 0 lost")

    assert tried >= 8


def test_clearing_away_that_dies_leaves_whole_files_and_a_true_journal(born, worn, tmp_path, told):
    """Half of them may be gone; those that are there are whole, and the next run makes the others again."""
    tried = 0

    def unneeded(home: Path) -> None:
        shutil.copytree(worn, home)
        (home / "runs.jsonl").unlink()
        with closing(sqlite3.connect(home / "journal.db")) as journal, journal:
            journal.execute("DELETE FROM runs")

    for crash in points(born, ("store", "--prune", "--yes"), unneeded, tmp_path):
        tried += 1
        again = born.run("store", "--prune", "--yes", "--json", env=crash.house.env)
        assert again.code == 0, (crash.ended.borders[-1], again.err)
        assert not [*(crash.house.folder / "home" / "store").glob("??/??/*")]
        assert crash.house.asked("PRAGMA integrity_check") == [("ok",)]
    told(f"store --prune: {tried} crash points, 0 lost")

    assert tried >= 4


def test_a_lock_that_dies_while_it_is_written_is_the_old_one_or_the_new_one(born, chain, tmp_path, told):
    """What is frozen must be readable: half a lock is a chain that does not run."""
    own = tmp_path / "negatives.yaml"
    own.write_text(chain.read_text())
    lock = tmp_path / "negatives.lock.yaml"
    first = born.run("lock", own, env=House(tmp_path).env)
    assert first.code == 0, first.err
    old = lock.read_text()
    tried = 0
    for crash in points(born, ("lock", own, "--update"), lambda home: home.mkdir(), tmp_path):
        tried += 1
        assert loaded(lock) == loaded(old)
        assert born.run("lock", own, env=crash.house.env).code == 0
    told(f"lock --update: {tried} crash points, 0 half-written")

    assert tried >= 3


def loaded(lock: Path | str) -> object:
    """What a lock says, but for when it was written."""
    told = yaml.safe_load(lock if isinstance(lock, str) else lock.read_text())
    return {name: value for name, value in told.items() if name != "locked"}
