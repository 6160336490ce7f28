"""Runs and batches as a person began them: listed the newest first, and found by what he calls them.

A batch is a folder with a `batch.json`; the runs in its folder `runs` are its rows, and nobody began them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from pipelines.household.history import RECORD, Entry, Record, entries_of, entry_in, read_record
from pipelines.household.home import Home
from pipelines.household.scratch import lives
from spaces_registry.errors import ToolkitError
from spaces_registry.network.decoding import read_back

SETUP = "batch.json"
ROWS = "runs"  # the folder of the rows' runs, in that of their batch
LAST = "last"
_SHOWN = 4  # of an ambiguous name
_MOMENT = 15  # characters of an id that say when


class UnknownRun(ToolkitError):
    """No run or batch goes by that name, or several do, or its folder is gone."""

    code = "unknown-run"


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as its folder tells it.

    Attributes:
        entry: where it is; the folder as it is now.
        document: the JSON of its `batch.json`, empty if it cannot be read.
        is_under_way: whether a process works on it now.
    """

    entry: Entry
    document: Mapping[str, object]
    is_under_way: bool

    @property
    def told(self) -> Mapping[str, object]:
        """How far it is, as it was last written; empty for a batch of an earlier version."""
        told = self.document.get("batch")
        return told if isinstance(told, Mapping) else {}

    @property
    def was_in(self) -> Path:
        """Its folder when it ran, at which the paths of its results begin."""
        given = self.document.get("folder")
        return self.cwd / given if isinstance(given, str) else self.entry.folder

    @property
    def cwd(self) -> Path:
        """Where it was started; its paths begin there."""
        return Path(str(self.document.get("cwd", "")))

    def path(self, told: str) -> Path:
        """Where a file of its results is now."""
        whole = self.cwd / told
        try:
            return self.entry.folder / whole.relative_to(self.was_in)
        except ValueError:
            return whole

    @property
    def results(self) -> Path:
        """Its table of results."""
        if isinstance(given := self.document.get("results"), str):
            return self.path(given)
        found = sorted(self.entry.folder.glob("results.*"))
        return found[0] if found else self.entry.folder / "results.csv"

    @property
    def table(self) -> str:
        """The table whose rows it runs, as it was named."""
        return str(self.document.get("table", ""))

    def rows(self) -> Iterator[Record]:
        """The runs of its rows, in the order in which they began."""
        with suppress(OSError):
            for folder in sorted((self.entry.folder / ROWS).iterdir()):
                if (record := read_record(Entry(folder.name, self.entry.chain, folder))) is not None:
                    process = self.entry.process if self.is_under_way else None
                    yield replace(record, entry=replace(record.entry, process=process))


Listed: TypeAlias = Record | BatchRecord


def listed(home: Home, *, chain: str | None = None, below: Path | None = None) -> Iterator[Listed]:
    """The runs and batches that a person began, the newest first; those whose folder is gone are left out.

    Args:
        home: whose index names them.
        chain: only those of this chain.
        below: only those below this folder; it is searched for such as the index does not know, too.
    """
    entries = _people_s(home.runs, None if below is None else _found(below, home.runs))
    for entry in sorted(entries, key=lambda one: one.order, reverse=True):
        if chain not in (None, entry.chain):
            continue
        read = _read(home, entry)
        if read is not None:
            yield read


def find(home: Home, name: str) -> Listed:
    """The run or batch of an id or its beginning; `last`; the one in a folder; of `BATCH:7` the row's run.

    Raises:
        UnknownRun: there is none, there are several, or its folder is gone.
    """
    if (there := _at(home, Path(name))) is not None:
        return there
    batch, colon, row = name.rpartition(":")
    if colon and row.isdecimal():
        return _row_of(find(home, batch), int(row))
    if name == LAST:
        if (newest := next(listed(home), None)) is not None:
            return newest
        raise UnknownRun("there is no run yet", hint="make one with: spacechain run short-film --local")
    every = {one.run: one for one in (*entries_of(home.runs), *_people_s(home.runs))}
    matching = (
        [every[name]]
        if name in every
        else [one for one in every.values() if one.run.startswith(name or "\0")]
    )
    own = [one for one in matching if one.is_batch or _batch_of(one.folder) is None]
    match own or matching:
        case [entry]:
            if (read := _read(home, entry)) is not None:
                return read
            file, what = (SETUP, "batch") if entry.is_batch else (RECORD, "run")
            raise UnknownRun(
                f"{what} {entry.run} has no readable {file} in {entry.folder}",
                hint="its folder was moved or removed; if it was moved, name the folder",
            )
        case []:
            hint = "`spacechain runs` lists them; a run's folder will do, too"
            raise UnknownRun(f"there is no run {name!r}", hint=hint)
        case several:
            shown = ", ".join(one.run for one in several[:_SHOWN])
            raise UnknownRun(f"{len(several)} runs begin with {name!r}", hint=f"write more of it: {shown}")


def find_run(home: Home, name: str) -> Record:
    """As `find`, for who can use a run alone.

    Raises:
        UnknownRun: as `find`, or it is a batch.
    """
    match find(home, name):
        case Record() as record:
            return record
        case BatchRecord(entry=entry):
            raise UnknownRun(f"{entry.run} is a batch", hint=f"name one of its runs, such as {entry.run}:1")


def batch_in(home: Home, folder: Path) -> BatchRecord | None:
    """The batch in a folder; None if there is none."""
    match _at(home, folder):
        case BatchRecord() as batch:
            return batch
        case _:
            return None


def read_setup_file(folder: Path) -> Mapping[str, object]:
    """The `batch.json` in a folder; empty if it cannot be read."""
    try:
        document = read_back((folder / SETUP).read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _at(home: Home, path: Path) -> Listed | None:
    """What lies in a folder, which may be named by the record in it."""
    folder = path.parent if path.name in (RECORD, SETUP) else path
    with suppress(OSError, ValueError):
        if (folder / RECORD).is_file():
            return read_record(entry_in(folder))
        if (folder / SETUP).is_file():
            entry = _batch_entry(folder.absolute(), ())
            known = (one for one in entries_of(home.runs) if one.run == entry.run)
            return _read(home, next((replace(one, folder=entry.folder) for one in known), entry))
    return None


def _read(home: Home, entry: Entry) -> Listed | None:
    if not entry.is_batch:
        return read_record(entry)
    if not (entry.folder / SETUP).is_file():
        return None
    return BatchRecord(entry, read_setup_file(entry.folder), lives(home.scratch, entry.run))


def _row_of(batch: Listed, row: int) -> Record:
    """The newest run of one row."""
    name = batch.entry.run
    if isinstance(batch, Record):
        raise UnknownRun(f"{name} is a run, and has no rows", hint="a batch has: BATCH:7 is its row 7")
    found = [one for one in batch.rows() if one.document.get("row") == row]
    if not found:
        hint = f"`spacechain show {name}` lists its rows"
        raise UnknownRun(f"batch {name} has no run of row {row}", hint=hint)
    return found[-1]


def _people_s(index: Path, found: Sequence[Entry] | None = None) -> Sequence[Entry]:
    """Entries of what a person began: batches in place of their rows.

    Args:
        index: of the home folder.
        found: those to choose among, in place of all in the index.
    """
    known = entries_of(index)
    own = list[Entry]()
    rows: dict[Path, list[Entry]] = {}
    batch_of = cache(_batch_around)  # many rows, one look
    for entry in known if found is None else found:
        if entry.is_batch:
            rows.setdefault(entry.folder, [])
        elif (folder := batch_of(entry.folder.parent)) is not None:
            rows.setdefault(folder, []).append(entry)
        else:
            own.append(entry)
    batches = {one.folder: one for one in known if one.is_batch}
    return [*own, *(batches.get(folder) or _batch_entry(folder, of) for folder, of in rows.items())]


def _batch_of(folder: Path) -> Path | None:
    """The folder of the batch that a run in this folder is a row of."""
    return _batch_around(folder.parent)


def _batch_around(within: Path) -> Path | None:
    """The folder of the batch whose rows' runs lie within a folder."""
    return within.parent if within.name == ROWS and (within.parent / SETUP).is_file() else None


def _batch_entry(folder: Path, rows: Sequence[Entry]) -> Entry:
    """A batch that the index does not name: of an earlier version, or moved here.

    One of an earlier version has no id of its own. It is called by when its first row began, and its folder.
    """
    told = read_setup_file(folder)
    own = told.get("batch")
    facts = own if isinstance(own, Mapping) else {}
    runs = sorted(one.run for one in rows) or sorted(_names(folder / ROWS))
    first = runs[0][:_MOMENT] if runs else "00000000-000000"
    was = str(Path(str(told.get("cwd", ""))) / str(told.get("folder", folder)))
    derived = f"{first}-{hashlib.sha256(was.encode('utf-8', 'replace')).hexdigest()[:6]}"
    chain = next((one.chain for one in rows if one.chain), folder.parent.name)
    return Entry(
        str(facts.get("id", derived)),
        str(facts.get("chain", chain)),
        folder,
        is_batch=True,
        at=runs[-1][:_MOMENT] if runs else "",
        place=max((one.place for one in rows), default=-1),
    )


def _names(folder: Path) -> list[str]:
    try:
        return [one.name for one in folder.iterdir()]
    except OSError:
        return []


def _found(below: Path, index: Path) -> Sequence[Entry]:
    """What lies below a folder, whether or not the index knows it."""
    known = {one.folder: one for one in entries_of(index)}
    runs = {one.parent.absolute() for one in below.rglob(RECORD)}
    batches = {one.parent.absolute() for one in below.rglob(SETUP)}
    return [
        *(known.get(folder) or entry_in(folder) for folder in runs),
        *(known.get(folder) or Entry(folder.name, "", folder, is_batch=True) for folder in batches),
    ]
