"""`doctor --repair`: what the store and the folders of runs still prove is known again, in numbers."""

import json
import random
import sqlite3
from contextlib import closing

import pytest
from storage.conftest import CALLS

from pipelines.journal import Intent, WholeAnswer, open_journal
from pipelines.journal.rebuilding import Proven, rebuild, restore
from pipelines.journal.salvage import salvage
from pipelines.journal.schema import SCHEMA_VERSION


def findings(done):
    """What was found, by name."""
    return {one["name"]: one for one in done.json["findings"]}


@pytest.fixture
def made(press, command):
    """A run of four calls."""
    done = command("run", "cards.yaml", "--json")
    assert done.code == 0, done.err
    press.asked.clear()
    return done.json


@pytest.mark.usefixtures("made")
def test_a_sound_home_is_left_as_it_is(command, house):
    """A repair that changes what is whole would be a fault of its own."""
    before = house.asked("SELECT * FROM sent") + house.asked("SELECT * FROM received")
    done = command("doctor", "--repair", "--json")

    assert done.code == 0
    assert {one["state"] for one in done.json["findings"]} == {"ok"}
    assert house.asked("SELECT * FROM sent") + house.asked("SELECT * FROM received") == before


@pytest.mark.parametrize("kept", [0, 9000])
def test_a_torn_journal_is_rebuilt_from_its_pages_and_the_runs_records(made, command, house, press, kept):
    """A copy that broke off, a disk that lost its tail: what was paid for must not be paid for again."""
    house.journal.write_bytes(house.journal.read_bytes()[:kept] + b"\x17" * 5000)
    told = command("run", "cards.yaml")
    done = command("doctor", "--repair", "--json")
    again = command("run", "cards.yaml", "--json")

    assert told.code == 2
    assert "doctor --repair" in told.err
    assert done.code == 0, done.err
    assert findings(done)["journal"]["state"] == "warn"
    assert [*house.folder.glob("journal.db.damaged-*")]
    assert again.code == 0, again.err
    assert press.asked == []
    assert again.json["outputs"]["card"]["sha256"] == made["outputs"]["card"]["sha256"]


@pytest.mark.usefixtures("made")
def test_a_journal_without_its_head_gives_all_its_rows(command, house):
    """The first page is written most, and without it SQLite reads nothing at all."""
    content = house.journal.read_bytes()
    house.journal.write_bytes(b"\x00" * 4096 + content[4096:])
    done = command("doctor", "--repair", "--json")
    facts = findings(done)["journal"]["facts"]

    assert facts["lost_calls"] == 0
    assert (facts["saved"]["sent"], facts["saved"]["received"], facts["saved"]["runs"]) == (CALLS, CALLS, 1)
    assert house.asked("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert command("resume", "last").code == 0


def test_damaged_pages_cost_the_rows_on_them_and_no_others(tmp_path):
    """Of two thousand calls a bad sector takes dozens; the count of what is lost is told, not guessed."""
    file, calls = tmp_path / "journal.db", 2000
    with open_journal(file) as journal:
        for number in range(calls):
            call = journal.sent(
                Intent("r", "s", number, f"{number:064x}", "space", "ada/x", "/go", None)
            ).call
            journal.received(call, f"{number:064x}", ("words " * (1500 if number % 100 == 0 else 1),))
    content = bytearray(file.read_bytes())
    chance = random.Random(7)  # noqa: S311 - the same pages each time
    bad = chance.sample(range(1, len(content) // 4096), 12)
    for page in bad:
        content[page * 4096 : (page + 1) * 4096] = bytes(chance.randbytes(4096))
    file.write_bytes(bytes(content))
    done = rebuild(file)

    assert calls - 12 * 60 < done.saved["sent"] < calls
    assert done.lost == calls - done.saved["sent"]
    with open_journal(file) as journal:
        known = [n for n in range(calls) if journal.result(f"{n:064x}", store=None) is not None]
        right = [n for n in known if journal.result(f"{n:064x}", store=None)[0].startswith("words ")]
        assert journal.health() is None
    assert len(known) == done.saved["received"] == len(right)


def test_what_only_the_log_has_is_saved(tmp_path):
    """A killed process leaves its last answers in the log beside the journal."""
    file, torn = tmp_path / "journal.db", tmp_path / "torn.db"
    with open_journal(file) as journal:
        call = journal.sent(Intent("r", "s", 0, "a" * 64, "space", "ada/x", "/go", None)).call
        journal.received(call, "a" * 64, ("late",))
        torn.write_bytes(b"\x00" * file.stat().st_size)
        torn.with_name("torn.db-wal").write_bytes(file.with_name("journal.db-wal").read_bytes())
    rebuild(torn)
    with open_journal(torn) as journal:
        assert journal.result("a" * 64, store=None) == ("late",)


def test_whole_answers_of_another_shape_are_saved(tmp_path):
    """They were paid for as well, and no run's record proves them."""
    file, torn = tmp_path / "journal.db", tmp_path / "torn.db"
    with open_journal(file) as journal:
        call = journal.sent(Intent("r", "s", 0, "a" * 64, "service", "acme", "draw", None)).call
        journal.failed(call, "a" * 64, "unexpected-answer", "words")
        journal.unexpected.keep(call, "a" * 64, "b" * 64, WholeAnswer({"text": "words"}, "no picture"))
        torn.write_bytes(b"\x00" * file.stat().st_size)
        torn.with_name("torn.db-wal").write_bytes(file.with_name("journal.db-wal").read_bytes())
    rebuild(torn)
    with open_journal(torn) as journal:
        found = journal.unexpected.find_asked("b" * 64, store=None)

    assert found == WholeAnswer({"text": "words"}, "no picture")


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_makes_the_reader_fail(tmp_path, seed):
    """Whatever stands in the file, the reader ends, and gives rows that a journal can hold."""
    file, chance = tmp_path / "journal.db", random.Random(seed)  # noqa: S311 - the same damage each time
    with open_journal(file) as journal:
        for number in range(40):
            call = journal.sent(
                Intent("r", "s", number, f"{number:064x}", "space", "ada/x", "/go", None)
            ).call
            journal.received(call, f"{number:064x}", ("words " * number * 50,))
    content = bytearray(file.read_bytes())
    for _ in range(300):
        content[chance.randrange(len(content))] = chance.randrange(256)
    file.write_bytes(bytes(content[: chance.randrange(4096, len(content))]))

    assert all(one.table for one in salvage(file))
    rebuild(file)
    with open_journal(file) as journal:
        assert journal.health() is None


def test_damaged_files_are_removed_and_made_again(made, command, house, press):
    """What is damaged helps nobody; what made it can make it again."""
    card = house.files()[made["outputs"]["card"]["sha256"]]
    house.damage(card, quietly=True)
    done = command("doctor", "--repair", "--json")
    again = command("run", "cards.yaml", "--json")

    assert findings(done)["store"]["facts"]["removed"] == 1
    assert len(press.asked) == 1
    assert house.store.verify(again.json["outputs"]["card"]["sha256"])


def test_a_journal_that_is_gone_is_made_anew_of_the_runs_records(made, command, house, press):
    """Whoever moved it away in despair has lost nothing that the runs' folders still prove."""
    for one in house.folder.glob("journal.db*"):
        one.unlink()
    done = command("doctor", "--repair", "--json")
    again = command("run", "cards.yaml", "--json")

    assert findings(done)["results"]["facts"]["restored"] == CALLS
    assert press.asked == []
    assert {*again.json["outputs"]} == {*made["outputs"]}


@pytest.mark.usefixtures("made")
def test_lines_and_leftovers_that_are_none_are_cleared_away(command, house):
    """A torn line is passed over each time; a killed run's files take room for nothing."""
    with (house.folder / "runs.jsonl").open("ab") as index:
        index.write(b'{"run": "20261121-1\n\xff\xfe\n[]\n')
    (house.folder / "scratch" / "dead").mkdir()
    (house.folder / "store" / "incoming" / "dead").mkdir(parents=True)
    (house.folder / "store" / "incoming" / "dead" / "file").write_text("half")
    found = findings(command("doctor", "--repair", "--json"))

    assert found["runs"]["facts"]["dropped"] == 3
    assert found["scratch"]["facts"]["removed"] == 2
    assert [json.loads(line) for line in (house.folder / "runs.jsonl").read_text().splitlines()]
    assert not (house.folder / "scratch" / "dead").exists()


def test_a_restored_result_gets_a_number_that_no_saved_answer_has(tmp_path):
    """A page may take a call with it and leave its answer: both results were paid for."""
    file = tmp_path / "journal.db"
    with open_journal(file) as journal:
        call = journal.sent(Intent("r", "s", 0, "a" * 64, "space", "ada/x", "/go", None)).call
        journal.received(call, "a" * 64, ("saved",))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM sent")
    proven = Proven("r", "t", 0, "b" * 64, "space", "ada/x", "/go", None, ("restored",), 1.8e9)
    restored = restore(file, iter([proven]))

    assert restored == 1
    with open_journal(file) as journal:
        assert journal.result("a" * 64, store=None) == ("saved",)
        assert journal.result("b" * 64, store=None) == ("restored",)
