"""Clearing away: what the store holds and for whom, what may go, and runs that nobody wants to keep."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.artifacts import Store
from pipelines.artifacts.disk import replace_file, storage
from pipelines.household.history import RECORD, Record, runs
from pipelines.household.home import Home
from pipelines.household.scratch import StillRunning, lives
from pipelines.journal import Journal
from pipelines.journal.needs import Use
from spaces_registry.network.decoding import read_back

GRACE_S = 3600.0  # beside others at work, what was kept just now may be journalled in a moment
_AT_ONCE = 500  # files removed while nobody can record a need
_UNUSED = Use(frozenset(), is_result=False, kind="file", used_at=0.0)


@dataclass(frozen=True, slots=True)
class Holding:
    """One file of the store.

    Attributes:
        sha256: its name.
        size_bytes: its size.
        kind: image, audio, …; `file` where nothing is known.
        used_at: when it was last made, given or built on, in seconds since the epoch.
        needed: whether a run that is kept, or under way, was given it, made it or built on it.
        is_result: whether a call with the same question would be answered with it.
    """

    sha256: str
    size_bytes: int
    kind: str
    used_at: float
    needed: bool
    is_result: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files that no kept run needs are to go; all of them, unless something is said.

    Attributes:
        older_s: only those that were not used for so long.
        larger_bytes: only those of more bytes.
        unreachable: only those that no kept result has.
        keep_bytes: only so many, the ones not used for longest first, that the store holds no more than this.
    """

    older_s: float | None = None
    larger_bytes: int | None = None
    unreachable: bool = False
    keep_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went: how many files and bytes, and how many stayed since somebody has begun to need them."""

    files: int
    size_bytes: int
    spared: int


def holdings(home: Home, journal: Journal) -> tuple[Holding, ...]:
    """Every file of the store, the one not used for longest first.

    Raises:
        JournalFailed: it cannot be read; nothing may go then.
        StorageFailed: the store cannot be read.
    """
    uses, kept = journal.needs.uses(), _kept_runs(home, journal)
    told = {sha256 for record in runs(home.runs) for sha256 in _hashes(record.document)}
    found: list[Holding] = []
    with storage(home.store):
        for path in Store(home.store).files():
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            use = uses.get(path.name, _UNUSED)
            needed = path.name in told or not kept.isdisjoint(use.runs)
            used_at = max(use.used_at, facts.st_mtime)
            found.append(Holding(path.name, facts.st_size, use.kind, used_at, needed, use.is_result))
    return tuple(sorted(found, key=lambda one: (one.used_at, one.sha256)))


def runs_without_folder(journal: Journal) -> tuple[str, ...]:
    """The folders of runs that are not there, deleted or on a disk that is away: they count as removed."""
    return tuple(one for one in journal.needs.folders().values() if not (Path(one) / RECORD).exists())


def to_go(held: Sequence[Holding], wanted: Wanted, now: float) -> tuple[Holding, ...]:
    """Of what the store holds, that which may go and is wanted to go."""
    free = [one for one in held if not one.needed]
    if wanted.older_s is not None:
        free = [one for one in free if one.used_at < now - wanted.older_s]
    if wanted.larger_bytes is not None:
        free = [one for one in free if one.size_bytes > wanted.larger_bytes]
    if wanted.unreachable:
        free = [one for one in free if not one.is_result]
    if wanted.keep_bytes is not None:
        free = [*_first_ones(free, sum(one.size_bytes for one in held) - wanted.keep_bytes)]
    return tuple(free)


def prune(home: Home, journal: Journal, going: Sequence[Holding], mark: int) -> Pruned:
    """Remove files from the store, but none that somebody has begun to need since they were looked at.

    Args:
        home: whose store.
        journal: opened to be alone, if that can be; else what was kept within the hour stays.
        going: what is to go.
        mark: `journal.needs.newest()` of before they were looked at.

    Raises:
        StorageFailed: the store cannot be written.
        JournalFailed: the journal cannot be read.
    """
    store, files, size_bytes = Store(home.store), 0, 0
    until = time.time() + (1.0 if journal.is_alone else -GRACE_S)
    for start in range(0, len(going), _AT_ONCE):
        with journal.needs.still(mark) as needed_now:
            for one in going[start : start + _AT_ONCE]:
                if one.sha256 not in needed_now and store.remove(one.sha256, if_older_than=until):
                    files, size_bytes = files + 1, size_bytes + one.size_bytes
    return Pruned(files, size_bytes, len(going) - files)


@dataclass(frozen=True, slots=True)
class Clearing:
    """A run that is to go.

    Attributes:
        run: its id.
        folder: its folder.
        files: what it made there.
        others: what lies in its folder and is not of its making: it stays.
    """

    run: str
    folder: Path
    files: Sequence[Path]
    others: Sequence[Path]

    @property
    def size_bytes(self) -> int:
        """Of its files, links to the store's as if they were copies."""
        return sum(one.lstat().st_size for one in self.files)


def clearing(home: Home, record: Record) -> Clearing:
    """What removing a run removes.

    Raises:
        StillRunning: it is under way.
        StorageFailed: its folder cannot be read.
    """
    run, folder = record.entry.run, record.entry.folder
    if lives(home.scratch, run):
        raise StillRunning(run)
    made = {Path(one).name for one in _paths(record.document)}
    with storage(folder):
        every = [one for one in folder.rglob("*") if one.is_symlink() or not one.is_dir()]
    own = [one for one in every if _is_own(one, folder, made)]
    return Clearing(run, folder, own, [one for one in every if one not in own])


def remove_run(home: Home, journal: Journal, going: Clearing, *, in_index: bool = True) -> None:
    """Remove a run: its files, its folder if nothing else lies in it, and what the journal says of it.

    What it made stays in the store, until it is pruned.

    Args:
        home: whose run.
        journal: opened to be alone, if that can be.
        going: what is to go.
        in_index: whether it goes from the index, too; not where that is done for many at once.

    Raises:
        StorageFailed: its folder cannot be written.
        JournalFailed: the journal cannot be written.
    """
    with storage(going.folder):
        for one in sorted(
            going.files, key=lambda one: one.name == RECORD
        ):  # without it, it is no run any more
            one.unlink(missing_ok=True)
        for one in (going.folder / "steps", going.folder):
            with suppress(OSError):  # something else lies in it
                one.rmdir()
    journal.needs.forget(going.run)
    if in_index and journal.is_alone:
        drop(home.runs, {going.run})


def drop(index: Path, runs: Collection[str]) -> None:
    """Take runs and batches out of the index; nobody adds to it meanwhile."""
    with storage(index):
        lines = index.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not _is_of(line, runs)]
        if len(kept) < len(lines):
            replace_file(index, b"".join(kept))


def _is_of(line: bytes, runs: Collection[str]) -> bool:
    try:
        told = read_back(line)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("run") in runs


def freed_bytes(paths: Collection[Path]) -> int:
    """What removing files gives back: the bytes of which no other link is left, such as the store's."""
    links: dict[tuple[int, int], int] = {}
    facts = {}
    for path in dict.fromkeys(paths):
        with suppress(OSError):
            told = path.lstat()
            key = (told.st_dev, told.st_ino)
            links[key] = links.get(key, 0) + 1
            facts[key] = told
    return sum(facts[key].st_size for key, number in links.items() if number >= facts[key].st_nlink)


def _is_own(path: Path, folder: Path, made: Collection[str]) -> bool:
    """Whether a run made a file: its record, its page, its outputs, and all that it put below `steps`."""
    if path.parent == folder / "steps":
        return True
    own = path.name in made or path.name in (RECORD, "report.html")
    return path.parent == folder and (own or path.name.startswith((f".{RECORD}.", ".report.html.")))


def _kept_runs(home: Home, journal: Journal) -> frozenset[str]:
    """Runs whose folder is there, and runs under way."""
    kept = {record.entry.run for record in runs(home.runs)}
    kept |= {run for run, folder in journal.needs.folders().items() if (Path(folder) / RECORD).exists()}
    with suppress(OSError):
        kept |= {one.name for one in home.scratch.iterdir() if lives(home.scratch, one.name)}
    return frozenset(kept)


def _first_ones(held: Sequence[Holding], size_bytes: int) -> Iterator[Holding]:
    for one in held:
        if size_bytes <= 0:
            return
        size_bytes -= one.size_bytes
        yield one


def _hashes(document: object) -> Iterator[str]:
    yield from (str(one["sha256"]) for one in _files(document))


def _paths(document: object) -> Iterator[str]:
    yield from (str(one["path"]) for one in _files(document) if "path" in one)


def _files(document: object) -> Iterator[Mapping[str, object]]:
    """Every file that a record tells of, wherever it stands in it."""
    if isinstance(document, Mapping):
        if isinstance(document.get("sha256"), str):
            yield document
        for one in document.values():
            yield from _files(one)
    elif isinstance(document, list):
        for one in document:
            yield from _files(one)
