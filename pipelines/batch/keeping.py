"""What a batch leaves in its folder so that it can be gone on with: what was asked, and the rows of stdin."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pipelines.artifacts.disk import storage
from pipelines.running.record import write_json
from spaces_registry.errors import ToolkitError
from spaces_registry.network.decoding import read_back

SETUP = "batch.json"


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


def keep_setup(folder: Path, asked: Mapping[str, object]) -> None:
    """Keep what was asked for; paths in it mean what they meant here.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SETUP, {"cwd": str(Path.cwd()), **asked})


def read_setup(folder: Path) -> Mapping[str, object]:
    """What was asked for of the batch in a folder.

    Raises:
        NoBatch: there is none, or it was started in another folder, which its paths begin at.
    """
    try:
        told = read_back((folder / SETUP).read_bytes())
        cwd = Path(told.pop("cwd"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        hint = "name the folder of a batch, such as outputs/film/films"
        raise NoBatch(f"there is no batch to go on with in {folder}", hint=hint) from None
    if cwd != Path.cwd():
        message = f"the batch in {folder} was started in another folder, which its paths begin at"
        raise NoBatch(message, hint=f"go there first: cd {cwd}")
    asked: Mapping[str, object] = told
    return asked
