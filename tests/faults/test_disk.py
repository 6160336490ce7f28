"""Disks that are full, read-only, broken, or not what they should be: one clear line, and nothing lost.

The faults are real: the kernel refuses. Broken disks (EIO) and disks that fill up at a certain moment
(ENOSPC) are made by a filter of system calls that a process puts on itself at a border; a full disk, a
read-only one and a limit of open files are what they are called.
"""

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.crashing import Nursery, nursery
from storage.conftest import CALLS, _press, command, house, press

__all__ = ["_press", "command", "house", "press"]

DOCUMENTED = (1, 2)
AT_ONCE = 3  # calls under way when the disk fails: their answers have nowhere to go
CODES = ("[storage-failed]", "[journal-failed]")
EVERY = 13  # of the borders, one in so many; the others are near one of these
FAULTS = (
    "fsync,fdatasync=EIO",
    "pwrite64,write=ENOSPC",
    "pwrite64=EIO",
    "rename,link,linkat=EIO",
    "fsync,fdatasync,pwrite64,write,rename,link,linkat=EROFS",
)


@pytest.fixture
def born(tmp_path: Path) -> Iterator[Nursery]:
    """Makes the processes that the kernel refuses."""
    with nursery(tmp_path) as one:
        yield one


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_fails_at_any_moment_is_told_in_a_line_and_costs_nothing(
    fault, born, press, tmp_path, told
):
    """From that moment on everything fails; what was received before is there when the disk is mended."""
    tried = clear = repeated = 0
    offset = 1 + FAULTS.index(fault)
    for at in range(offset, 400, EVERY):
        press.asked.clear()
        env = {"SPACECHAIN_HOME": str(tmp_path / f"home-{at}"), "HF_HOME": str(tmp_path / "hf")}
        ended = born.run("run", "cards.yaml", at=at, env=env, refuse=fault)
        if len(ended.borders) < at:
            break
        tried += 1
        if ended.code == 0:  # it failed after all was done
            clear += 1
        else:
            assert ended.code in DOCUMENTED, (ended.borders[-1], ended.err)
            assert any(one in ended.err for one in CODES), (ended.borders[at - 1], ended.err)
            assert "hint: " in ended.err
            clear += 1
        after = born.run("run", "cards.yaml", env=env)
        assert after.code == 0, (ended.borders[at - 1], ended.err, after.err)
        repeated += len(press.asked) - CALLS
        assert len(press.asked) - CALLS <= AT_ONCE, (ended.borders[at - 1], [one.body for one in press.asked])
    told(f"{fault}: {tried} moments, {clear} told clearly, 0 lost, {repeated} calls repeated")

    assert tried >= 4


def on_a_small_disk(
    tmp_path: Path, size: str, script: str, *words: object
) -> subprocess.CompletedProcess[str]:
    """Run a script in `sh` whose first argument is a file system of so many bytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size={size} none "$1" && export SPACECHAIN_HOME="$1/home" && {script}'
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    line = ["unshare", *user, "--mount", "sh", "-c", mount, "sh", disk, sys.executable, *words]
    done = subprocess.run(
        [str(one) for one in line], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.usefixtures("press")
def test_a_full_disk_is_told_and_room_is_all_it_takes(press, tmp_path):
    """A real file system without a free block: the commonest end of a long batch."""
    run = '"$2" -m pipelines.cli run cards.yaml --out "$1/out"'
    fill = 'dd if=/dev/zero of="$1/ballast" bs=64k 2>/dev/null'
    script = f'{run} -i words=first && {fill}; {run} -i words=second; echo "ended $?" >&2;'
    script += f' rm "$1/ballast"; {run} -i words=first && {run} -i words=second'
    done = on_a_small_disk(tmp_path, "8m", script)

    assert done.returncode == 0, done.stderr
    assert "No space left" in done.stderr or "full" in done.stderr
    assert "free some space" in done.stderr
    assert "ended 1" in done.stderr or "ended 2" in done.stderr
    first = [one for one in press.asked if b"first" in one.body]
    assert len(first) == CALLS  # what was there before is there still


@pytest.mark.usefixtures("press")
def test_a_read_only_home_is_told(tmp_path):
    """A mounted snapshot, a container's image, somebody else's folder."""
    run = '"$2" -m pipelines.cli run cards.yaml'
    script = f'{run} && mount -o remount,ro "$1"; {run} -i words=other; echo "ended $?" >&2; '
    script += '"$2" -m pipelines.cli doctor --offline >&2; "$2" -m pipelines.cli runs'
    done = on_a_small_disk(tmp_path, "8m", script)

    assert "ended 2" in done.stderr, done.stderr
    assert "SPACECHAIN_HOME" in done.stderr
    assert "cannot be written" in done.stderr
    assert "succeeded" in done.stdout  # what was done can be looked at


@pytest.mark.parametrize("files", [6, 8, 10, 13, 16, 20])
def test_too_many_open_files_are_told(command, press, tmp_path, files):
    """A limit of the machine's, which no free space helps with."""
    line = "import sys, pipelines.cli.app, pipelines.running.run, pipelines.report, pipelines.cli.live\n"
    line += "import httpcore2, anyio._backends._asyncio, jinja2.ext, pydantic.type_adapter\n"
    line += "import resource, truststore\n"
    line += f"resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n"
    line += "from pipelines.cli import main\nmain(['run', 'cards.yaml'])"
    done = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    after = command("run", "cards.yaml")

    assert done.returncode in (0, *DOCUMENTED), done.stderr
    is_told = "ulimit -n" in done.stderr or "[unreachable]" in done.stderr  # no socket
    assert done.returncode == 0 or is_told, done.stderr
    assert after.code == 0
    assert len(press.asked) <= CALLS + AT_ONCE


@pytest.mark.usefixtures("press")
def test_a_journal_that_another_program_holds_is_waited_for_then_told(command, house):
    """A backup that locks it for minutes: the line says so, and a later run has all that was there."""
    assert command("run", "cards.yaml").code == 0
    with contextlib.closing(sqlite3.connect(house.journal, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = command("run", "cards.yaml", "-i", "words=other")
        other.execute("ROLLBACK")

    assert done.code == 2, done.err
    assert "another program holds it" in done.err
    assert command("run", "cards.yaml", "-i", "words=other").code == 0


@pytest.mark.parametrize("what", ["store", "journal.db", "scratch", "runs.jsonl"])
def test_something_else_in_the_place_of_a_part_is_told(command, house, press, what):
    """A file where a folder should be, a folder where a file should be: moved by hand, unpacked wrongly."""
    place = house.folder / what
    house.folder.mkdir(parents=True)
    if what in ("store", "scratch"):
        place.write_text("a file")
    else:
        place.mkdir()
    done = command("run", "cards.yaml")

    assert done.code in DOCUMENTED, done.err
    assert any(one in done.err for one in CODES), done.err
    assert str(place) in done.err
    assert "hint: " in done.err
    assert press.asked == [] or what == "store"


@pytest.mark.parametrize("at", [0, 100, 0.3, 0.6, 0.9])
def test_a_torn_journal_is_told_or_read_as_far_as_it_is_whole(command, house, press, at):
    """A copy that broke off: what can be read counts, what cannot is told, and the repair is named."""
    assert command("run", "cards.yaml").code == 0
    size = house.journal.stat().st_size
    os.truncate(house.journal, int(size * at) if at < 1 else at)
    done = command("run", "cards.yaml")
    if done.code != 0:
        assert done.code == 2
        assert "doctor --repair" in done.err
        assert command("doctor", "--repair").code == 0
    command("doctor", "--repair")
    press.asked.clear()
    again = command("run", "cards.yaml")

    assert again.code == 0, again.err
    assert press.asked == []


@pytest.mark.parametrize("at", [0, 20, 0.2, 0.5, 0.8, 0.99])
def test_a_torn_log_costs_what_was_not_committed_and_no_more(command, house, press, at):
    """SQLite's own promise, held through our use of it: a log counts as far as it is whole."""
    assert command("run", "cards.yaml").code == 0
    log = house.folder / "journal.db-wal"
    with contextlib.closing(sqlite3.connect(house.journal)) as journal:
        journal.execute("PRAGMA wal_autocheckpoint = 0")
        journal.execute("INSERT INTO turns (name, at) VALUES ('x', 1)")
        journal.commit()
        left = {one: one.read_bytes() for one in (house.journal, log)}
    for one, content in left.items():
        one.write_bytes(content)
    os.truncate(log, int(len(left[log]) * at) if at < 1 else at)
    press.asked.clear()
    done = command("run", "cards.yaml")

    assert done.code == 0, done.err
    assert press.asked == []


def test_a_socket_or_pipe_in_the_store_is_no_file(tmp_path, house):
    """Nobody waits for ever for a pipe that was put there."""
    folder = house.store.folder / "ab" / "cd"
    folder.mkdir(parents=True)
    os.mkfifo(folder / f"abcd{'0' * 60}")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        (tmp_path / "s").rename(folder / f"abcd{'1' * 60}")

    assert house.store.get(f"abcd{'0' * 60}") is None
    assert not house.store.verify(f"abcd{'0' * 60}")
    assert not house.store.verify(f"abcd{'1' * 60}")
