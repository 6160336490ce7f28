"""The journal is all that a resumed run goes by: it survives versions, rivals, damage and full disks."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.journal import SCHEMA_VERSION, Intent, JournalFailed, JournalTooNew, open_journal

# as spacechain 0.1 made it
VERSION_1 = """
    CREATE TABLE sent (
        call     INTEGER PRIMARY KEY,
        run      TEXT NOT NULL,
        step     TEXT NOT NULL,
        item     INTEGER NOT NULL,
        key      TEXT NOT NULL,
        place    TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        revision TEXT,
        at       REAL NOT NULL
    );
    CREATE TABLE received (
        call    INTEGER PRIMARY KEY REFERENCES sent (call),
        key     TEXT NOT NULL,
        outputs TEXT,
        failure TEXT,
        said    TEXT,
        at      REAL NOT NULL
    );
    CREATE INDEX received_key ON received (key, call) WHERE outputs IS NOT NULL;
    INSERT INTO sent VALUES (1, 'r', 'say', 0, 'k1', 'Ada/voice', '/say', 'abc', strftime('%s', 'now'));
    INSERT INTO received VALUES (1, 'k1', '["hello"]', NULL, NULL, strftime('%s', 'now'));
    INSERT INTO sent VALUES (2, 'r', 'say', 1, 'k2', 'Ada/voice', '/say', 'abc', strftime('%s', 'now'));
    INSERT INTO received VALUES (2, 'k2', NULL, 'crashed', 'oh', strftime('%s', 'now'));
    PRAGMA user_version = 1;
"""
OPEN = (
    "import sys\n"
    "from pathlib import Path\n"
    "from pipelines.journal import open_journal\n"
    "print('ready', flush=True)\n"
    "sys.stdin.readline()\n"
    "with open_journal(Path(sys.argv[1])) as journal:\n"
    "    print(journal.health())\n"
)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "home" / "journal.db"


@pytest.fixture
def old(file) -> Path:
    """A journal of the first version, with a good call and a failed one."""
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.executescript(VERSION_1)
    connection.close()
    return file


def together(code: str, file: Path, number: int) -> list[tuple[int, str]]:
    """Run code in several processes that begin at the same moment: exit codes and what they said."""
    line = [sys.executable, "-c", code, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    every = [subprocess.Popen(line, text=True, **pipes) for _ in range(number)]
    for one in every:
        assert one.stdout.readline() == "ready\n"
    for one in every:
        one.stdin.write("\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0] for one in every]
    return [(one.returncode, text.strip()) for one, text in zip(every, said, strict=True)]


def version_of(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def test_an_old_journal_keeps_its_results(old):
    """What was paid for under an older version must not be asked for again."""
    with open_journal(old) as opened:
        assert opened.result("k1", store=None) == ("hello",)
        assert [one.failure for one in opened.outcomes("Ada/voice", 5)] == ["crashed", None]
        assert [(one.place, one.calls, one.failed) for one in opened.used()] == [("Ada/voice", 2, 1)]
        assert opened.turns("ada/voice", 0) == 2  # so that today's limit knows of them
    assert version_of(old) == SCHEMA_VERSION


def test_many_processes_bring_an_old_journal_up_at_once(old):
    """Two shells after an update must not leave half a schema, or one of them with an error."""
    assert together(OPEN, old, 4) == [(0, "None")] * 4
    assert version_of(old) == SCHEMA_VERSION


def test_many_processes_make_the_first_journal_at_once(file):
    """A first batch starts its workers side by side, where nothing is yet."""
    assert together(OPEN, file, 4) == [(0, "None")] * 4
    assert version_of(file) == SCHEMA_VERSION


def test_a_newer_journal_is_left_alone(file):
    """Reading what we do not know would lose what the newer version keeps there."""
    with open_journal(file):
        pass
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE dreams (words TEXT)")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(JournalTooNew) as refused, open_journal(file):
        pass

    assert f"newer spacechain (schema {SCHEMA_VERSION + 1})" in refused.value.message
    assert "pip install -U spacechain" in refused.value.hint


@pytest.mark.parametrize("damage", ["no database at all, " * 400, None])
def test_a_damaged_journal_is_told_as_damage(file, damage):
    """`Free some space` helps nobody whose file is broken; whether what was made is safe is the question."""
    with open_journal(file) as journal:
        for number in range(300):
            journal.sent(Intent("r", "s", 0, f"key {number}", "space", "ada/x", "/go", None))
    bytes_ = bytearray(file.read_bytes())
    bytes_[4096:] = b"\xff" * (len(bytes_) - 4096)
    file.write_bytes(damage.encode() if damage else bytes(bytes_))
    with pytest.raises(JournalFailed) as refused, open_journal(file) as journal:
        journal.used()

    assert "doctor --repair" in refused.value.hint
    assert "files that were made stay" in refused.value.hint


def test_health_tells_damage_that_no_query_met(file):
    """Damage in a part that is read once a year is found by whoever asks the doctor."""
    with open_journal(file) as journal:
        for number in range(2000):
            journal.failed(number, f"key {number}", "crashed", "x" * 50)
    bytes_ = bytearray(file.read_bytes())
    middle = len(bytes_) // 2 // 4096 * 4096
    bytes_[middle : middle + 4096] = b"\xff" * 4096
    file.write_bytes(bytes(bytes_))

    with open_journal(file) as journal:
        assert journal.health() is not None


def test_a_journal_that_another_program_holds_is_told_as_held(file):
    """A backup program that locks the file for minutes is a cause of its own, with an end of its own."""
    with open_journal(file, patience_s=0.01) as journal:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalFailed) as refused:
            journal.sent(Intent("r", "s", 0, "key", "space", "ada/x", "/go", None))
        other.execute("ROLLBACK")
        other.close()

    assert "another program holds it" in refused.value.hint


BUSY = (
    "import sqlite3, sys, time\n"
    "journal = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "for turn in range(12):\n"
    "    journal.execute('BEGIN IMMEDIATE')\n"
    "    journal.execute('INSERT INTO turns VALUES (?, 0)', (str(turn),))\n"
    "    print(turn, flush=True)\n"
    "    time.sleep(0.2)\n"  # a slow disk
    "    journal.execute('COMMIT')\n"
)


def test_a_journal_that_others_keep_writing_is_waited_for(file):
    """SQLite has no queue: on a slow disk, runs got `database is locked` from each other's writing."""
    with open_journal(file, patience_s=1.0) as journal:
        other = subprocess.Popen([sys.executable, "-c", BUSY, str(file)], stdout=subprocess.PIPE)
        other.stdout.readline()
        journal.sent(Intent("r", "s", 0, "key", "space", "ada/x", "/go", None))
        other.communicate(timeout=30)

        assert other.returncode == 0
        assert journal.calls() == 1


def test_a_read_only_journal_is_told_as_not_writable(file):
    """The cure is a right, not room."""
    with open_journal(file):
        pass
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pipelines.journal import JournalFailed, open_journal\n"
        "file = Path(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "file.chmod(0o400)\n"
        "file.parent.chmod(0o500)\n"
        "if os.geteuid() == 0: os.seteuid(65534); os.environ.pop('HOME', None)\n"
        "try:\n"
        "    with open_journal(file): print('opened')\n"
        "except JournalFailed as failure: print(failure.hint)\n"
    )
    for folder in (*file.parents,)[:3]:  # another user must find the way to it
        folder.chmod(folder.stat().st_mode | 0o055)
    [(exit_code, said)] = together(code, file, 1)
    file.parent.chmod(0o700)

    assert (exit_code, "make the file and its folder writable" in said) == (0, True), said


def test_a_full_disk_is_told_as_full(file):
    """SQLite's own limit on pages is the disk that can be filled in a test."""
    with open_journal(file) as journal:
        journal._connection.execute("PRAGMA max_page_count = 1")  # noqa: SLF001 - no other way to a small disk
        with pytest.raises(JournalFailed) as refused:
            journal.failed(1, "key", "crashed", "x" * 900_000)

    assert "free some space" in refused.value.hint


def test_nobody_else_reads_the_journal(file):
    """Prompts are private, and a home folder on a shared machine is not always closed."""
    with open_journal(file) as journal:
        journal.sent(Intent("r", "s", 0, "key", "space", "ada/x", "/go", None))
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}

    assert modes == {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_open_journal_is_closed_to_others_again(old):
    """Those made before are as private as those made now."""
    old.chmod(0o644)
    with open_journal(old):
        assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_two_processes_do_not_both_get_the_only_turn(file):
    """Both look at the same moment: the count and the taking must be one thing."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pipelines.journal import Rate, open_journal\n"
        "with open_journal(Path(sys.argv[1])) as journal:\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    rate = Rate('ada/clip', 10, time.time() - 60, 'minute')\n"
        "    print(sum(journal.turn(['ada/clip'], [rate], time.time()) is None for _ in range(40)))\n"
    )

    assert sum(int(said) for _, said in together(code, file, 2)) == 10


def everybody(run: str, call: int) -> bool:
    """Whoever sent something is gone."""
    del run, call
    return True


def test_what_a_dead_process_left_is_taken_over_once(file):
    """A process killed while a vendor worked asks that vendor for the result, not for a second one."""
    with open_journal(file) as journal:
        intent = Intent("r", "s", 0, "key", "service", "replicate", "/run", None)
        first = journal.sent(intent).call
        journal.job(first, "key", {"id": "p1"})
        journal.failed(first, "key", "crashed", None)
        journal.job(journal.sent(intent).call, "key", {"id": "p2"})

        taken, later = journal.sent(intent, everybody), journal.sent(intent)

    assert (taken.job, taken.in_doubt) == ({"id": "p2"}, False)
    assert (later.job, later.in_doubt) == (None, False)


def test_a_call_of_a_process_that_lives_is_nobody_elses(file):
    """Two runs side by side may ask the same; neither may fetch the other's result away."""
    with open_journal(file) as journal:
        intent = Intent("r", "s", 0, "key", "space", "ada/x", "/go", None)
        journal.job(journal.sent(intent).call, "key", {"session": "s"})

        assert journal.sent(intent).job is None


def test_a_call_of_which_nothing_is_known_is_in_doubt_once(file):
    """It may have been made and paid for; whoever repeats it must know."""
    with open_journal(file) as journal:
        intent = Intent("r", "s", 0, "key", "space", "ada/x", "/go", None)
        journal.sent(intent)
        again = journal.sent(intent, everybody)
        journal.received(again.call, "key", ())

        assert (again.in_doubt, journal.sent(intent, everybody).in_doubt) == (True, False)
        assert [one.failure for one in journal.outcomes("ada/x", 5)] == [None]
