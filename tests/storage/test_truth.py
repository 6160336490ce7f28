"""Bytes first, then the journal, then whoever reads them: seen from outside, while a run goes on."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from faults.crashing import nursery
from storage.conftest import CALLS

from pipelines.artifacts import FileChanged, Store, publish
from spaces_registry.signature import File, Kind

EARLY = (
    "SELECT later.step FROM sent later WHERE later.step = 'back' AND NOT EXISTS ("
    " SELECT 1 FROM sent s JOIN received r USING (call) WHERE s.step = 'front' AND r.outputs IS NOT NULL"
    " AND s.run = later.run AND r.at <= later.at)"
)


def untrue(house) -> list[str]:
    """What the journal says at this moment and the store does not hold, and steps that began too early."""
    if not house.journal.exists():
        return []
    with closing(sqlite3.connect(house.journal)) as journal:
        try:
            journal.execute("BEGIN")  # one moment for both questions
            early = [f"{step} began before what it reads from" for (step,) in journal.execute(EARLY)]
            kept = journal.execute("SELECT sha256, size_bytes FROM artifacts").fetchall()
        except sqlite3.OperationalError:
            return []  # its tables are being made
    missing = []
    for sha256, size in kept:
        path = house.store.get(sha256)
        if path is None or path.stat().st_size != size or not house.store.verify(sha256):
            missing.append(f"{sha256} is journalled before its bytes are kept")
    return early + missing


@pytest.mark.usefixtures("press")
def test_whoever_looks_while_a_run_goes_on_sees_bytes_before_words(house, tmp_path):
    """A reader may come at any moment, and a power cut too: what is journalled must be there."""
    (tmp_path / "many.yaml").write_text(
        (tmp_path / "cards.yaml").read_text().replace('["left", "right"]', str([*range(60)]))
    )
    line = [sys.executable, "-m", "pipelines.cli", "run", "many.yaml"]
    process = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    looked, wrong = 0, []
    while process.poll() is None:
        wrong += untrue(house)
        looked += house.journal.exists()
    wrong += untrue(house)

    assert process.returncode == 0
    assert looked > 3
    assert wrong == []
    assert house.asked("SELECT count(*) FROM received") == [(62,)]


@pytest.mark.usefixtures("press")
def test_bytes_are_flushed_then_named_then_told(tmp_path, home):
    """The order that survives a power cut, by the system calls themselves."""
    with nursery(tmp_path) as born:
        env = {"SPACECHAIN_HOME": str(home), "HF_HOME": str(tmp_path / "hf")}
        borders = born.run("run", "cards.yaml", "--only", "front", env=env).borders
    first = borders.index("Connection.__exit__ in Journal.received")
    before = [one for one in borders[:first] if one.partition(" in ")[0] in ("fsync", "replace")]
    named = max(at for at, one in enumerate(before) if one.startswith("replace"))

    assert before[named - 1] == "fsync in sha256_of"
    assert before[named + 1 :]
    assert set(before[named + 1 :]) == {"fsync in flush_folder"}


@pytest.fixture
def made(press, command):
    """A run of four calls, and the hash of what came out."""
    done = command("run", "cards.yaml", "--json")
    assert done.code == 0, done.err
    press.asked.clear()
    return done.json["outputs"]["card"]["sha256"]


@pytest.mark.parametrize("how", ["shorter", "other bytes", "gone"])
def test_a_damaged_file_is_never_used_but_said_and_made_again(made, command, house, press, how):
    """A film cut from a damaged picture is worse than one that takes a call longer."""
    path = house.files()[made]
    if how == "shorter":
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-9])
        path.chmod(0o444)
    elif how == "gone":
        path.unlink()
    else:
        house.damage(path, quietly=False)
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 60))
    done = command("run", "cards.yaml")

    assert done.code == 0, done.err
    assert len(press.asked) == 1
    assert house.store.verify(made)
    assert ("is damaged: it is made again" in done.err) == (how != "gone")
    assert house.asked("SELECT count(*) FROM happened WHERE what = 'damaged'") == [(int(how != "gone"),)]


def test_a_byte_changed_with_the_files_time_put_back_is_found_out(made, command, house, press):
    """Size and times prove nothing: a disk rots, and whoever changes a file can put them back."""
    house.damage(house.files()[made], quietly=True)
    done = command("run", "cards.yaml")

    assert "is damaged" in done.err
    assert len(press.asked) == 1
    assert house.store.verify(made)


def test_a_file_that_is_changed_while_a_run_uses_it_is_not_published(tmp_path):
    """The user's film is read once more at the last moment: what is handed out is what was made."""
    store, source = Store(tmp_path / "store"), tmp_path / "words.txt"
    source.write_text("what was said")
    artifact = store.keep(File(source, "words.txt"), Kind.FILE)
    publish(artifact, tmp_path / "out", "words")
    facts = artifact.path.stat()
    artifact.path.chmod(0o644)
    artifact.path.write_text("what was Said")
    artifact.path.chmod(0o444)
    os.utime(artifact.path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with pytest.raises(FileChanged, match="was changed") as said:
        publish(artifact, tmp_path / "out", "words")

    assert "doctor --repair" in (said.value.hint or "")


def test_new_bytes_replace_damaged_ones_of_their_name(tmp_path):
    """`--fresh` must mend what lies there, however quietly it was damaged."""
    store, source = Store(tmp_path / "store"), tmp_path / "words.txt"
    source.write_text("what was said")
    artifact = store.keep(File(source, "words.txt"), Kind.FILE)
    content = bytearray(artifact.path.read_bytes())
    content[0] ^= 1
    artifact.path.chmod(0o644)
    artifact.path.write_bytes(bytes(content))
    artifact.path.chmod(0o444)
    store.keep(File(source, "words.txt"), Kind.FILE)

    assert store.verify(artifact.sha256)


def test_what_a_living_process_writes_is_not_swept(tmp_path):
    """A run that begins while another one downloads must leave that download alone."""
    store, source = Store(tmp_path / "store"), tmp_path / "pipe"
    os.mkfifo(source)
    began, swept = threading.Event(), []

    def sweep() -> None:
        with source.open("wb") as pipe:
            pipe.write(b"half")
            pipe.flush()
            began.set()
            swept.append(store.sweep())
            pipe.write(b" and half")

    thread = threading.Thread(target=sweep)
    thread.start()
    from pipelines.artifacts.disk import take  # noqa: PLC0415
    from pipelines.artifacts.incoming import aside  # noqa: PLC0415

    with aside(store.folder) as target:
        take(source, target, consume=False)
        content = target.read_bytes()
    thread.join()

    assert swept == [0]
    assert content == b"half and half"
    assert [*(store.folder / "incoming").iterdir()] == []


def test_four_processes_share_a_home_and_lose_nothing(press, house, tmp_path):
    """Terminals, batches and a cron job meet in one folder, and nobody may hear of a locked database."""
    each, processes = 4, []
    loop = "import subprocess, sys\nfor one in sys.argv[1:]: subprocess.run([*{0!r}, one], check=True)"
    line = [sys.executable, "-m", "pipelines.cli", "run", "cards.yaml", "-i"]
    for number in range(4):
        words = [f"words={'same' if one == 0 else f'{number}-{one}'}" for one in range(each)]
        command = [sys.executable, "-c", loop.format(line), *words]
        processes.append(
            subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
    said = [one.communicate(timeout=110) for one in processes]

    assert [one.returncode for one in processes] == [0] * 4, said
    assert "locked" not in str(said)
    assert house.asked("SELECT count(*) FROM happened WHERE what = 'ended'") == [(16,)]
    assert house.asked(
        "SELECT count(*) FROM sent LEFT JOIN received r USING (call) WHERE r.call IS NULL"
    ) == [(0,)]
    assert house.asked("SELECT count(DISTINCT key) FROM received") == [(13 * CALLS,)]
    assert len((house.folder / "runs.jsonl").read_text().splitlines()) == 16
    # one that asks the same as another process may use what that one received
    assert [one for one in untrue(house) if not one.startswith("back began")] == []
    made = [*tmp_path.glob("outputs/cards/*/card.png")]
    assert {hashlib.sha256(one.read_bytes()).hexdigest() for one in made} <= {*house.files()}
    assert len(made) == 16
    assert len(press.asked) >= 13 * CALLS
