"""A journal whose bytes were changed at random: an ordinary error that says what helps, and its repair."""

import json
import os
import random
import sqlite3
from pathlib import Path

import pytest
from storage.conftest import House

from pipelines.doctor.house import journal as look_at
from pipelines.doctor.repair import repair
from pipelines.household.home import Home
from pipelines.journal import Begun, Intent, JournalFailed, Rate, WholeAnswer, open_journal
from pipelines.journal.schema import SCHEMA_VERSION
from spaces_registry.progress import Spent

SEEDS, A_TEST = int(os.environ.get("SPACECHAIN_GARBLED", "200")), 50
KEYS = [f"{number:064x}" for number in range(30)]


def filled(file: Path) -> None:
    """Make a journal with rows in all of its tables."""
    with open_journal(file) as journal:
        for number, key in enumerate(KEYS):
            run = f"20261121-{number // 5:06}"
            if number % 5 == 0:
                begun = Begun(run, "c", "c.yaml", "/c", "name: c\n", f"/c/{run}", {"words": "a" * 40}, {})
                journal.runs.begin(begun)
            call = journal.sent(Intent(run, "draw", number, key, "space", "ada/x", "/go", None, 7)).call
            journal.job(call, key, {"session": key})
            if number % 6 == 5:
                journal.failed(call, key, "rate-limited", "slow down", wait_s=9.0)
                journal.unexpected.keep(call, key, key, WholeAnswer({"words": "b"}, "no picture"))
            else:
                journal.received(
                    call, key, ("words " * (number * 90), number), Spent(1.0, 0.1, 2.0), ["mind"]
                )
            journal.runs.happened(run, "settled", "draw", {"number": number})
            journal.turn(["ada/x"], [Rate("ada/x", 10**6, 0.0, "day")], 1.8e9 + number)


def used(file: Path) -> None:
    """Ask a journal all that commands ask it."""
    with open_journal(file) as journal:
        for number, key in enumerate(KEYS):
            journal.result(key, store=None)
            journal.unexpected.find(key, store=None)
            journal.unexpected.find_asked(key, store=None)
            run = f"20261121-{number // 5:06}"
            journal.runs.of(run, store=None)
            journal.runs.ended(run)
            journal.runs.facts(run, "settled", "draw")
            journal.runs.answered_at(run, "draw")
            journal.spent_in(run)
        journal.outcomes("ada/x", 9)
        journal.sent_at("ada/x", 0.0)
        journal.expected("ada/x", "/go")
        journal.work_times("ada/x", "/go", 20)
        journal.used()
        journal.turns("ada/x", 0.0)
        journal.turn(["ada/x"], [Rate("ada/x", 5, 0.0, "day")], 1.9e9)
        journal.held_until("ada/x", 0.0)
        journal.needs.uses()
        journal.needs.folders()
        journal.newest()
        for key in KEYS[:3]:
            journal.sent(
                Intent("new", "draw", 0, key, "space", "ada/x", "/go", None), lambda _run, _call: True
            )


def hint_of(file: Path) -> str | None:
    """What is said to help where a journal cannot be used; None where it can."""
    try:
        used(file)
    except JournalFailed as failure:
        return failure.hint or ""
    return None


def garbled(content: bytes, chance: random.Random) -> bytes:
    """Five to five hundred bytes of it changed, some of them where SQLite keeps order."""
    changed = bytearray(content)
    reach = chance.choice([100, 4096, len(changed), len(changed)])
    for _ in range(chance.randint(5, 500) if reach > 100 else chance.randint(1, 8)):
        changed[chance.randrange(reach)] = chance.randrange(256)
    match chance.randrange(8):
        case 0:
            return bytes(changed[: chance.randrange(len(changed))])
        case 1:
            return bytes(changed) + chance.randbytes(chance.randrange(9000))
    return bytes(changed)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    """The bytes of a sound journal."""
    file = tmp_path_factory.mktemp("sound") / "journal.db"
    filled(file)
    return file.read_bytes()


@pytest.mark.parametrize("first", range(0, SEEDS, A_TEST))
def test_whatever_bytes_change_is_an_ordinary_error_and_can_be_mended(tmp_path, sound, first):
    """An error that names the repair, or none; then the repair mends, whatever a disk or a cable did."""
    for seed in range(first, first + A_TEST):
        chance = random.Random(seed)  # noqa: S311 - the same damage each time
        home = Home(tmp_path / str(seed))
        home.folder.mkdir()
        home.journal.write_bytes(garbled(sound, chance))
        if chance.randrange(4) == 0:
            home.journal.with_name("journal.db-wal").write_bytes(chance.randbytes(9000))
        if chance.randrange(4) == 0:
            home.journal.with_name("journal.db-shm").write_bytes(chance.randbytes(32768))
        before = home.journal.read_bytes()
        hint = hint_of(home.journal)
        assert hint is None or "doctor --repair" in hint, (seed, hint)
        if hint is not None:
            home.journal.write_bytes(before)
        was_wrong = look_at(home).state == "fail"
        assert [one for one in repair(home) if one.name == "journal"], seed
        assert look_at(home).state == "ok", seed
        used(home.journal)
        assert bool([*home.folder.glob("journal.db.damaged-*")]) == was_wrong, seed


@pytest.mark.parametrize(
    "row",
    [
        "received SET said = x'ff'",
        "received SET failure = x'ff' WHERE failure IS NOT NULL",
        "sent SET at = 'noon'",
    ],
)
def test_a_value_that_nobody_wrote_is_told_as_damage(tmp_path, sound, row):
    """One byte makes a number of a text, and SQLite finds nothing wrong with it."""
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    home.journal.write_bytes(sound)
    with sqlite3.connect(home.journal) as connection:
        connection.execute(f"UPDATE {row}")
    connection.close()

    assert "doctor --repair" in (hint_of(home.journal) or "")
    assert look_at(home).state == "fail"


def test_rows_that_survive_are_kept(tmp_path, sound):
    """One page of many is lost: the answers on all others were paid for, and are there after the repair."""
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    content = bytearray(sound)
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    home.journal.write_bytes(content)
    [*repair(home)]
    with open_journal(home.journal) as journal:
        kept = [key for key in KEYS if journal.result(key, store=None) is not None]

    assert len(kept) > len(KEYS) // 2


def replaced(file: Path, how: str) -> None:
    """Put something else in the journal's place."""
    match how:
        case "empty beside its log":
            content = file.with_name("journal.db-wal")
            content.write_bytes(b"\x37\x7f\x06\x82" + bytes(9000))
            file.write_bytes(b"")
        case "half":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case "a text":
            file.write_text("not what you look for\n" * 400)
        case "a folder":
            file.unlink()
            file.mkdir()
            (file / "mine.txt").write_text("kept")
        case "another program's":
            file.unlink()
            with sqlite3.connect(file) as connection:
                connection.execute("CREATE TABLE notes (text TEXT)")
                connection.execute("INSERT INTO notes VALUES ('mine')")
            connection.close()
        case "another version":
            with sqlite3.connect(file) as connection:
                connection.execute("PRAGMA user_version = 77")
            connection.close()


@pytest.mark.parametrize(
    "how", ["empty beside its log", "half", "a text", "a folder", "another program's", "another version"]
)
def test_something_else_in_the_journals_place_is_put_aside_and_replaced(
    press, command, house: House, how: str
):
    """Whatever was put there may be somebody's: it is kept aside; what the runs' folders prove is known."""
    made = command("run", "cards.yaml", "--json")
    replaced(house.journal, how)
    said = [command(*words) for words in (("run", "cards.yaml"), ("resume", "last"), ("usage", "--offline"))]
    done = command("doctor", "--repair", "--json")
    press.asked.clear()
    again = command("run", "cards.yaml", "--json")

    assert made.code == 0
    assert all("a fault of ours" not in one.words and one.code != 3 for one in said)
    assert said[0].code == 2
    assert how == "a folder" or "doctor --repair" in said[0].words
    assert done.code == 0, done.words
    assert [*house.folder.glob("journal.db.damaged-*")]
    assert house.asked("PRAGMA integrity_check") == [("ok",)]
    assert again.code == 0
    assert press.asked == []


@pytest.mark.usefixtures("press")
def test_a_newer_journal_is_not_repaired(command, house: House):
    """What a newer version keeps there would be lost to whoever goes back to it."""
    command("run", "cards.yaml", "--only", "front")
    with sqlite3.connect(house.journal) as connection:
        connection.execute("ALTER TABLE sent ADD COLUMN dreams TEXT")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    done = command("doctor", "--repair")

    assert done.code == 2
    assert "newer spacechain" in done.words
    assert house.asked("PRAGMA user_version") == [(SCHEMA_VERSION + 1,)]


@pytest.mark.usefixtures("press")
@pytest.mark.parametrize("seed", range(12))
def test_every_command_on_a_garbled_home_ends_as_documented(command, house: House, seed: int):
    """What the library promises must reach whoever types the command."""
    command("run", "cards.yaml", "--only", "front")
    chance = random.Random(seed)  # noqa: S311 - the same damage each time
    house.journal.write_bytes(garbled(house.journal.read_bytes(), chance))
    words = ["runs", "show last", "resume last", "usage --offline", "store", "rm last --dry-run"]
    ended = {one: command(*one.split()) for one in (*chance.sample(words, 3), "run cards.yaml")}
    done = command("doctor", "--repair")

    for one, said in ended.items():
        assert said.code in (0, 1, 2), (one, said)
        assert said.code == 0 or "doctor --repair" in said.words, (one, said)
    assert done.code == 0, done.words
    assert house.asked("PRAGMA integrity_check") == [("ok",)]
    assert command("run", "cards.yaml").code == 0


@pytest.mark.usefixtures("press")
@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"run": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"run": "x", "chain": "c", "folder": "/", "process": 1e999}',
        b'{"run": "x", "chain": "c", "folder": "/\\u0000", "process": 99999999999999999999}',
        b"\xff\xfe\x00",
    ],
)
def test_lines_of_the_runs_index_that_are_none_harm_nobody(command, house: House, line: bytes):
    """A runs.jsonl of brackets ended each command as a fault of ours."""
    command("run", "cards.yaml", "--only", "front")
    with (house.folder / "runs.jsonl").open("ab") as index:
        index.write(line + b"\n")
    ended = {
        one: command(*one.split()) for one in ("runs", "show last", "rm last --dry-run", "doctor --repair")
    }

    assert {one: said.code for one, said in ended.items()} == dict.fromkeys(ended, 0), ended
    assert all(json.loads(one) for one in (house.folder / "runs.jsonl").read_bytes().splitlines())
