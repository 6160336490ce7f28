"""What a batch leaves in its folder: what was asked and how far it is, and the rows of stdin."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pipelines.artifacts.disk import storage
from pipelines.batch.survey import Batch
from pipelines.batch.tally import Tally
from pipelines.household.history import new_id, remember
from pipelines.household.home import Home
from pipelines.household.listing import SETUP, batch_in
from pipelines.household.scratch import scratch_folder
from pipelines.running.record import write_json
from spaces_registry.errors import ToolkitError
from spaces_registry.network.decoding import read_back


class NoBatch(ToolkitError):
    """There is no batch in that folder, or it cannot be gone on with from here."""

    code = "no-batch"


def keep_table(folder: Path, form: str, rows: BinaryIO) -> Path:
    """Keep the rows that come over stdin, so that all of them can be looked at before the first call.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    path = folder / f"table.{form}"
    aside = path.with_name(f".{path.name}")
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            shutil.copyfileobj(rows, file)
        aside.replace(path)
    return path


class BatchLog:
    """The `batch.json` of a batch under way: what was asked, and how far it is after each row.

    Args:
        batch: what is done.
        known: what was told of it when it was last under way, empty at first.
    """

    def __init__(self, batch: Batch, known: Mapping[str, object]) -> None:
        self._batch = batch
        now = datetime.now(UTC)
        self.id = str(known.get("id") or new_id(now))
        self.started = now
        self._begun = str(known.get("begun") or now.isoformat(timespec="seconds"))
        self._seconds, self._calls = _number(known.get("seconds")), int(_number(known.get("calls")))

    def write(self, tally: Tally, status: str = "running") -> None:
        """Write how far it is.

        Raises:
            StorageFailed: the folder cannot be written.
        """
        batch = self._batch
        told = {
            "id": self.id,
            "chain": batch.chain.name,
            "status": status,
            "begun": self._begun,
            "started": self.started.isoformat(timespec="seconds"),
            "rows": tally.rows,
            "succeeded": tally.succeeded + tally.skipped,
            "failed": tally.failed,
            "left": tally.left,
            "seconds": round(self._seconds + tally.seconds, 3),
            "calls": self._calls + tally.calls,
        }
        document = {
            "cwd": str(Path.cwd()),
            "folder": str(batch.folder),
            "results": str(batch.results),
            "table": str(batch.table.path),
            **batch.asked,
            "batch": told,
        }
        write_json(batch.folder / SETUP, document, lasting=status != "running")


@contextmanager
def keeping(batch: Batch, home: Home) -> Iterator[BatchLog]:
    """Make a batch known, so that it is found, seen to be under way, and gone on with.

    Raises:
        StorageFailed: its folder or the home folder cannot be written.
    """
    earlier = batch_in(home, batch.folder)
    known: Mapping[str, object] = {}
    if earlier is not None:
        known = {"id": earlier.entry.run, **earlier.told}
    log = BatchLog(batch, known)
    with scratch_folder(home.scratch, log.id):
        with storage(batch.folder):
            batch.folder.mkdir(parents=True, exist_ok=True)
        remember(home.runs, log.id, batch.chain.name, batch.folder, batch_at=log.started)
        yield log


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def read_setup(folder: Path) -> Mapping[str, object]:
    """What was asked for of the batch in a folder.

    Raises:
        NoBatch: there is none, or it was started in another folder, which its paths begin at.
    """
    try:
        told = read_back((folder / SETUP).read_bytes())
        cwd, _ = Path(told.pop("cwd")), told["chain"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        hint = "name the folder of a batch, such as outputs/film/films"
        raise NoBatch(f"there is no batch to go on with in {folder}", hint=hint) from None
    if cwd != Path.cwd():
        message = f"the batch in {folder} was started in another folder, which its paths begin at"
        raise NoBatch(message, hint=f"go there first: cd {cwd}")
    asked: Mapping[str, object] = told
    return asked
