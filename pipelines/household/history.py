"""What was run: where the folder of each run and batch is, and the record that lies in a run's folder."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.artifacts import StorageFailed
from spaces_registry.disk import make_private
from spaces_registry.network.decoding import read_back

RECORD = "run.json"
_BATCH = "batch"
_MOMENT = 15  # characters of an id that say when, as in 20261121-051200


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one run or batch is.

    Attributes:
        run: its id.
        chain: its chain's name.
        folder: its own folder.
        process: the process that ran it, if known; one that is gone ended without a last word.
        is_batch: whether it is a batch.
        at: when it was begun, such as `20261121-051200`; a batch, which the same command begins and goes on
            with, when it was last started.
        place: which line of the index says so: what began within one second is in order, too.
    """

    run: str
    chain: str
    folder: Path
    process: int | None = None
    is_batch: bool = False
    at: str = ""
    place: int = -1

    @property
    def order(self) -> tuple[str, int]:
        """What comes later is greater."""
        return self.at or self.run[:_MOMENT], self.place


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


def new_id(at: datetime) -> str:
    """An id for what begins now: when, and six random digits, such as `20261121-051200-ab12cd`."""
    return f"{at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def remember(index: Path, run: str, chain: str, folder: Path, *, batch_at: datetime | None = None) -> None:
    """Add a run or a batch to the index; one whole line at once, so that many processes may.

    Args:
        index: the file.
        run: its id.
        chain: its chain's name.
        folder: its own.
        batch_at: when it was started, for a batch.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    entry = {"run": run, "chain": chain, "folder": str(folder.absolute()), "process": os.getpid()}
    if batch_at is not None:
        entry |= {"kind": _BATCH, "at": f"{batch_at:%Y%m%d-%H%M%S}"}
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


def runs(index: Path, *, chain: str | None = None) -> Iterator[Record]:
    """The runs whose folders are still there, those of batches' rows too, the newest first.

    Args:
        index: as `remember` writes it.
        chain: only those of this chain.
    """
    entries = (one for one in entries_of(index) if not one.is_batch)
    for entry in sorted(entries, key=lambda one: one.order, reverse=True):
        if chain in (None, entry.chain) and (record := read_record(entry)) is not None:
            yield record


def entries_of(index: Path) -> Sequence[Entry]:
    """The runs and batches that the index names; lines that are none, torn ones too, are passed over."""
    try:
        lines = index.read_bytes().splitlines()
    except OSError:
        return ()
    found: dict[str, Entry] = {}
    for place, line in enumerate(lines):
        with suppress(ValueError, KeyError, TypeError, OverflowError):
            told = read_back(line)
            entry = Entry(
                str(told["run"]),
                str(told["chain"]),
                Path(str(told["folder"])),
                int(told["process"]),
                told.get("kind") == _BATCH,
                str(told.get("at", "")),
                place,
            )
            # what was gone on with is in it once for each process that worked on it
            before = found.get(entry.run, entry)
            found[entry.run] = entry if entry.is_batch else replace(entry, place=before.place)
    return tuple(found.values())


def entry_in(folder: Path) -> Entry:
    """The run whose record lies in a folder, by what the record says."""
    entry = Entry(folder.name, "", folder)
    record = read_record(entry)
    told: Mapping[str, object] = {} if record is None else record.document
    return Entry(str(told.get("run", folder.name)), str(told.get("chain", "")), folder)


def read_record(entry: Entry) -> Record | None:
    """The record in a run's folder, with paths as they are now; None where none can be read."""
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
