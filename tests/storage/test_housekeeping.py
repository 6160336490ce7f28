"""Clearing away: nothing goes that a kept run needs, and what goes can be made again."""

import os
import pty
import subprocess
import sys
import threading
import time

import pytest
from storage.conftest import CALLS

from pipelines.household.home import Home
from pipelines.household.housekeeping import Wanted, holdings, prune, to_go
from pipelines.journal import open_journal


@pytest.fixture
def run(command, press):
    """Run the chain with some words; gives the run's JSON."""

    def once(words: str):
        done = command("run", "cards.yaml", "-i", f"words={words}", "--json")
        assert done.code == 0, done.err
        press.asked.clear()
        return done.json

    return once


def test_what_kept_runs_need_stays(run, command, house):
    """A film whose pictures were cleared away could not be gone on with, or looked into."""
    run("a")
    before = house.files().keys()
    done = command("store", "--prune", "--yes", "--json")

    assert done.code == 0, done.err
    assert done.json["removed"] is None
    assert done.json["needed"]["files"] == done.json["files"] == CALLS
    assert house.files().keys() == before


def test_a_removed_run_s_files_go_with_the_next_pruning_and_are_made_again(run, command, house, press):
    """`rm` is quick and certain, room comes with `store --prune`, what is wanted again costs its calls."""
    run("a")
    gone = run("b")
    shown = command("rm", gone["run"], "--dry-run")
    removed = command("rm", gone["run"])
    pruned = command("store", "--prune", "--yes", "--json")
    left = len(house.files())
    again = command("run", "cards.yaml", "-i", "words=b", "--json")

    assert "would remove" in shown.out
    assert removed.code == 0, removed.err
    assert gone["run"] not in command("runs", "--json").out.replace(again.json["run"], "")
    assert command("show", gone["run"]).code == 2
    assert pruned.json["removed"]["files"] == CALLS
    assert left == CALLS
    assert len(press.asked) == CALLS
    assert again.json["outputs"]["card"]["sha256"] == gone["outputs"]["card"]["sha256"]


def test_a_run_that_built_on_another_s_results_keeps_their_files(run, command, house):
    """The first run made them, the second found them kept: it needs them as much."""
    first, second = run("a"), run("a")
    assert command("rm", first["run"]).code == 0
    done = command("store", "--prune", "--yes", "--json")

    assert done.json["removed"] is None
    assert len(house.files()) == CALLS
    assert command("resume", second["run"]).code == 0


def test_nothing_goes_without_a_yes(run, command, house):
    """A cron job that forgot `--yes` shall hear of it; a person is asked."""
    assert command("rm", run("a")["run"]).code == 0
    refused = command("store", "--prune")
    said = answered(["store", "--prune"], b"n\n", house)

    assert refused.code == 2
    assert "4 files" in refused.err
    assert "--yes" in refused.err
    assert "remove them?" in said
    assert len(house.files()) == CALLS
    answered(["store", "--prune"], b"y\n", house)
    assert len(house.files()) == 0


def answered(words: list[str], answer: bytes, house) -> str:
    """What a command says on a terminal whose user answers."""
    master, slave = pty.openpty()
    line = [sys.executable, "-m", "pipelines.cli", *words]
    process = subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave, cwd=house.folder)
    os.close(slave)
    os.write(master, answer)
    said = b""
    while True:
        try:
            said += (piece := os.read(master, 1000))
        except OSError:
            break
        if not piece:
            break
    process.wait()
    os.close(master)
    return said.decode()


def test_files_of_the_user_s_in_a_run_s_folder_stay(run, command, tmp_path):
    """Who cut a film in the folder where it was made must not lose the cut."""
    folder = tmp_path / run("a")["folder"]
    (folder / "my cut.mp4").write_text("mine")
    done = command("rm", str(folder))

    assert done.code == 0
    assert "1 file there" in done.out
    assert [one.name for one in folder.rglob("*")] == ["my cut.mp4"]


def test_a_run_under_way_is_not_removed(run, command, house):
    """Its folder would be pulled from under its feet."""
    from pipelines.household.scratch import scratch_folder  # noqa: PLC0415

    made = run("a")
    with scratch_folder(house.folder / "scratch", made["run"]):
        refused = command("rm", made["run"])

    assert refused.code == 2
    assert "[still-running]" in refused.err


@pytest.mark.usefixtures("press")
def test_what_is_wanted_narrows_what_goes(run, command, house):
    """By age, by size, by use, by room: each alone."""
    assert command("rm", run("a")["run"]).code == 0
    home, now = Home(house.folder), time.time()
    with open_journal(home.journal) as journal:
        held = holdings(home, journal)
    total, largest = sum(one.size_bytes for one in held), max(one.size_bytes for one in held)

    assert to_go(held, Wanted(), now) == held
    assert to_go(held, Wanted(older_s=3600), now) == ()
    assert to_go(held, Wanted(older_s=3600), now + 7200) == held
    assert to_go(held, Wanted(larger_bytes=largest), now) == ()
    assert to_go(held, Wanted(larger_bytes=0), now) == held
    assert to_go(held, Wanted(unreachable=True), now) == ()
    assert to_go(held, Wanted(keep_bytes=total), now) == ()
    assert to_go(held, Wanted(keep_bytes=total - 1), now) == held[:1]


def test_a_run_whose_folder_is_not_there_is_told_before_anything_goes(run, command, tmp_path):
    """Its disk may only be away; who pruned without a word would have taken its inputs."""
    folder = tmp_path / run("a")["folder"]
    folder.rename(tmp_path / "elsewhere")
    done = command("store", "--prune")

    assert done.code == 2
    assert f"{folder} is not there" in done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [(("--older", "soon"), "30d"), (("--larger", "big"), "500MB"), (("--keep", "20"), "500MB")],
)
def test_what_is_no_time_or_size_is_told(command, words, hint):
    """With the form that it has to have."""
    done = command("store", *words)

    assert done.code == 2
    assert hint in done.err


def test_beside_others_at_work_nothing_young_goes_and_no_need_is_missed(run, command, house):
    """A batch in the next terminal keeps a file, and the journal says so a moment later."""
    assert command("rm", run("a")["run"]).code == 0
    home = Home(house.folder)
    with open_journal(home.journal), open_journal(home.journal, alone=True) as journal:
        assert not journal.is_alone
        mark, held = journal.needs.newest(), holdings(home, journal)
        young = prune(home, journal, held, mark)
    with open_journal(home.journal, alone=True) as journal:
        assert journal.is_alone
        [(key,)] = house.asked("SELECT key FROM received LIMIT 1")
        needed = journal.result(key, house.store, user="the next run")
        done = prune(home, journal, held, mark)

    assert (young.files, young.spared) == (0, CALLS)
    assert needed is not None
    assert (done.files, done.spared) == (CALLS - 1, 1)


@pytest.mark.usefixtures("press")
def test_pruning_beside_a_running_chain_costs_it_nothing(run, command, house, tmp_path):
    """Clearing away is done when the disk is nearly full, and that is in the middle of a run."""
    assert command("rm", run("a")["run"]).code == 0
    (tmp_path / "many.yaml").write_text(
        (tmp_path / "cards.yaml").read_text().replace('["left", "right"]', str([*range(40)]))
    )
    line = [sys.executable, "-m", "pipelines.cli", "run", "many.yaml", "-i", "words=a"]
    process = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    home = Home(house.folder)
    pruned = 0
    while process.poll() is None:
        with open_journal(home.journal, alone=True) as journal:
            mark = journal.needs.newest()
            pruned += prune(home, journal, to_go(holdings(home, journal), Wanted(), time.time()), mark).files
        threading.Event().wait(0.01)
    _, said = process.communicate()

    assert process.returncode == 0, said
    with open_journal(home.journal) as journal:
        for one in holdings(home, journal):
            assert house.store.verify(one.sha256)
    for sha256, _ in house.asked("SELECT sha256, run FROM artifacts WHERE run = (SELECT max(run) FROM runs)"):
        assert house.store.verify(sha256)
