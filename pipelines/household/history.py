"""What was run: where each run's folder is, found from anywhere, and the record that lies in it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.artifacts import StorageFailed
from spaces_registry.disk import make_private
from spaces_registry.errors import ToolkitError
from spaces_registry.network.decoding import read_back

RECORD = "run.json"
LAST = "last"
_SHOWN = 4  # runs of an ambiguous name that a message lists


class UnknownRun(ToolkitError):
    """No run goes by that name, or several do, or its folder is gone."""

    code = "unknown-run"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one run is.

    Attributes:
        run: its id.
        chain: its chain's name.
        folder: its own folder.
        process: the process that ran it, if known; one that is gone ended without a last word.
    """

    run: str
    chain: str
    folder: Path
    process: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One run as its folder tells it.

    Attributes:
        entry: where it is.
        document: the JSON of its `run.json`.
    """

    entry: Entry
    document: Mapping[str, object]

    @property
    def status(self) -> str:
        """As in `run.json`; a run whose process is gone without saying how it ended was interrupted."""
        told = str(self.document.get("status", "interrupted"))
        return "interrupted" if told == "running" and not _lives(self.entry.process) else told


def remember(index: Path, run: str, chain: str, folder: Path) -> None:
    """Add a run to the index; one whole line at once, so that many processes may.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    entry = {"run": run, "chain": chain, "folder": str(folder.absolute()), "process": os.getpid()}
    line = (json.dumps(entry) + "\n").encode()
    try:
        make_private(index.parent)
        handle = os.open(index, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
    except OSError as cause:
        raise StorageFailed(index, cause) from cause


def runs(index: Path, *, chain: str | None = None, below: Path | None = None) -> Iterator[Record]:
    """The runs whose folders are still there, the newest first.

    Args:
        index: as `remember` writes it.
        chain: only those of this chain.
        below: only those below this folder; it is searched for runs that the index does not know, too.
    """
    entries = list(_entries(index) if below is None else _found(below, index))
    for entry in sorted(entries, key=lambda one: one.run, reverse=True):
        if chain in (None, entry.chain) and (record := _read(entry)) is not None:
            yield record


def find_run(index: Path, name: str) -> Record:
    """The run of that id, or of an id that begins so; `last`; or the run in that folder.

    Raises:
        UnknownRun: there is none, there are several, or its folder is gone.
    """
    path = Path(name)
    folder = path.parent if path.name == RECORD else path
    with suppress(OSError, ValueError):
        if (folder / RECORD).is_file():
            return _certain(_entry_in(folder))
    if name == LAST:
        newest = next(runs(index), None)
        if newest is None:
            raise UnknownRun("there is no run yet", hint="make one with: spacechain run short-film --local")
        return newest
    matching = {one.run: one for one in _entries(index) if name and one.run.startswith(name)}
    exact = [matching[name]] if name in matching else list(matching.values())
    match exact:
        case [entry]:
            return _certain(entry)
        case []:
            hint = "`spacechain runs` lists them; a run's folder will do, too"
            raise UnknownRun(f"there is no run {name!r}", hint=hint)
        case _:
            shown = ", ".join(one.run for one in exact[:_SHOWN])
            raise UnknownRun(f"{len(exact)} runs begin with {name!r}", hint=f"write more of it: {shown}")


def _certain(entry: Entry) -> Record:
    if (record := _read(entry)) is not None:
        return record
    raise UnknownRun(
        f"run {entry.run} has no readable {RECORD} in {entry.folder}",
        hint="its folder was moved or removed; if it was moved, name the folder",
    )


def _entries(index: Path) -> Iterator[Entry]:
    """What the index says; lines that are no entries are passed over, as a torn last one is."""
    try:
        lines = index.read_bytes().splitlines()
    except OSError:
        return
    found: dict[str, Entry] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, OverflowError):
            told = read_back(line)
            folder, process = Path(str(told["folder"])), int(told["process"])
            # a run that was resumed is in it once for each process that worked on it
            found[str(told["run"])] = Entry(str(told["run"]), str(told["chain"]), folder, process)
    yield from found.values()


def _found(below: Path, index: Path) -> Sequence[Entry]:
    known = {one.folder: one for one in _entries(index)}
    folders = (one.parent.absolute() for one in below.rglob(RECORD))
    return [known.get(folder) or _entry_in(folder) for folder in folders]


def _entry_in(folder: Path) -> Entry:
    entry = Entry(folder.name, "", folder)
    record = _read(entry)
    told: Mapping[str, object] = {} if record is None else record.document
    return Entry(str(told.get("run", folder.name)), str(told.get("chain", "")), folder)


def _read(entry: Entry) -> Record | None:
    try:
        document = read_back((entry.folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    here = entry.folder.absolute()
    return Record(entry, {**_moved(document, str(document.get("folder", "")), here), "folder": str(here)})


def _moved(document: Mapping[str, Any], old: str, folder: Path) -> dict[str, Any]:
    """A run's record with the paths of its files as they are since its folder was moved there."""

    def of(value: object) -> object:
        match value:
            case dict():
                return {name: path(one) if name == "path" else of(one) for name, one in value.items()}
            case list():
                return [of(one) for one in value]
        return value

    def path(value: object) -> object:
        try:
            inside = Path(str(value)).relative_to(old) if old and isinstance(value, str) else None
        except ValueError:  # it lies elsewhere, such as in the store
            inside = None
        return of(value) if inside is None else str(folder / inside)

    return {name: one if name == "inputs" else of(one) for name, one in document.items()}


def _lives(process: int | None) -> bool:
    if process is None:
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's, so it lives
    return True
