"""What the doctor mends: a damaged journal, damaged files of the store, leftovers, broken lines."""

from collections.abc import Iterator
from contextlib import suppress

from pipelines.artifacts import Store
from pipelines.artifacts.disk import replace_file, storage
from pipelines.doctor.finding import Finding
from pipelines.doctor.house import journal as look_at_journal
from pipelines.doctor.proofs import proven_by
from pipelines.household.history import runs
from pipelines.household.home import Home
from pipelines.household.scratch import StillRunning, lives, sweep
from pipelines.journal import JournalFailed, JournalTooNew, open_journal
from pipelines.journal.rebuilding import rebuild, restore
from spaces_registry.network.decoding import read_back

_COUNTED = {"sent": "calls", "received": "answers", "runs": "runs", "artifacts": "files"}


def repair(home: Home) -> Iterator[Finding]:
    """Mend the home folder as far as the store and the runs' folders prove what was there.

    What was damaged is put aside or made again by the next run; nothing is invented.

    Raises:
        StillRunning: a process works in this home folder.
        ToolkitError: the folder cannot be written.
    """
    if not home.folder.exists():
        yield Finding("home", "ok", f"{home.folder} is not there; the first run makes it")
        return
    refuse_beside_runs(home)
    yield _index(home)
    yield _leftovers(home)
    yield _store(home)
    yield from _journal(home)


def refuse_beside_runs(home: Home) -> None:
    """Raise StillRunning if a run of this home folder is under way."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for folder in home.scratch.iterdir():
            if folder.is_dir() and lives(home.scratch, folder.name):
                raise StillRunning(folder.name)


def broken_lines(home: Home) -> tuple[list[bytes], int]:
    """The good lines of the index of runs, and how many are none."""
    try:
        lines = home.runs.read_bytes().splitlines()
    except FileNotFoundError:
        return [], 0
    good = [line for line in lines if _is_entry(line)]
    return good, len(lines) - len(good)


def index(home: Home) -> Iterator[Finding]:
    """What is wrong with the index of runs; nothing if it is sound."""
    try:
        _, broken = broken_lines(home)
    except OSError as cause:
        told = f"{home.runs} cannot be read: {cause.strerror or cause}"
        yield Finding("runs", "fail", told, "make it a readable file, or remove it")
        return
    if broken:
        told = f"{broken} lines of {home.runs} cannot be read, and are passed over"
        yield Finding("runs", "warn", told, "spacechain doctor --repair", facts={"broken": broken})


def _is_entry(line: bytes) -> bool:
    try:
        told = read_back(line)
        return all(str(told[one]) for one in ("run", "chain", "folder")) and isinstance(told["process"], int)
    except (ValueError, KeyError, TypeError):
        return False


def _index(home: Home) -> Finding:
    with storage(home.runs):
        good, broken = broken_lines(home)
        if broken:
            replace_file(home.runs, b"".join(line + b"\n" for line in good))
            return Finding(
                "runs", "ok", f"{broken} broken lines dropped, {len(good)} kept", facts={"dropped": broken}
            )
    return Finding("runs", "ok", f"sound; {len(good)} lines", facts={"dropped": 0})


def _leftovers(home: Home) -> Finding:
    with storage(home.scratch):
        swept = sweep(home.scratch) + Store(home.store).sweep()
    told = f"leftovers of killed runs removed: {swept}" if swept else "no leftovers"
    return Finding("scratch", "ok", told, facts={"removed": swept})


def _store(home: Home) -> Finding:
    """Read every file; those that are not what their names say are of no use to anybody."""
    kept, looked, damaged = Store(home.store), 0, 0
    with storage(home.store):
        for path in kept.files():
            looked += 1
            if not kept.verify(path.name):
                path.unlink()
                damaged += 1
    facts = {"looked_at": looked, "removed": damaged}
    if damaged:
        told = f"{damaged} of {looked} files were damaged and are removed; a run makes them again"
        return Finding("store", "warn", told, facts=facts)
    return Finding("store", "ok", f"sound; all {looked} files read", facts=facts)


def _journal(home: Home) -> Iterator[Finding]:
    if home.journal.exists() or home.journal.with_name("journal.db.new").exists():
        _refuse_newer(home)
        if look_at_journal(home).state == "fail" or not home.journal.exists():
            yield _rebuilt(home)
        else:
            yield Finding("journal", "ok", "sound")
    kept = Store(home.store)
    records = list(runs(home.runs))
    restored = restore(home.journal, (one for record in records for one in proven_by(record, kept)))
    told = (
        f"{restored} results that the journal had lost are known again, by the records of {len(records)} runs"
    )
    yield Finding("results", "ok", told if restored else "none to restore", facts={"restored": restored})


def _refuse_newer(home: Home) -> None:
    """Leave alone what a newer spacechain wrote: we would drop what we cannot read of it."""
    try:
        with open_journal(home.journal):
            pass
    except JournalTooNew:
        raise
    except JournalFailed:
        return  # that is what is mended


def _rebuilt(home: Home) -> Finding:
    done = rebuild(home.journal)
    saved = ", ".join(f"{done.saved[table]} {what}" for table, what in _COUNTED.items())
    lost = f"{done.lost} calls are lost" if done.lost else "no call is known to be lost"
    facts = {"aside": str(done.aside), "saved": dict(done.saved), "lost_calls": done.lost}
    told = f"made anew of what could be read: {saved}; {lost}"
    return Finding("journal", "warn", told, f"the damaged one is {done.aside}", facts=facts)
