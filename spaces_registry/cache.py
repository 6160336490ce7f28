"""Descriptions of Hub Spaces on disk, by id and revision: a revision describes itself in one way."""

import dataclasses
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spaces_registry.disk import make_private
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return, Space, Unusable, Wire

_FORMAT = 3  # raise it whenever the reading of descriptions changes


class UnwritableCache(ToolkitError):
    """The folder for descriptions cannot be written."""

    code = "unwritable-cache"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"cannot keep descriptions in {folder}: {why}", hint="is there space, and may you write?"
        )
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Descriptions:
    """A folder of descriptions. A damaged entry is as good as none, and is written again.

    Attributes:
        folder: made when the first entry is kept.
    """

    folder: Path

    def find(self, repo: str, revision: str | None) -> Space | None:
        """The description of that Space at that revision, or None."""
        if revision is None:
            return None
        try:
            entry = json.loads(self._path(repo, revision).read_text("utf-8"))
            if entry["format"] != _FORMAT or (entry["id"], entry["revision"]) != (repo, revision):
                return None
            return space_of(entry["space"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def newest(self, repo: str) -> Space | None:
        """The description of that Space that was kept last, of whatever revision; None if there is none."""
        try:
            kept = sorted(self._path(repo, "x").parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        except OSError:
            return None
        return next((one for path in reversed(kept) if (one := self.find(repo, path.stem))), None)

    def keep(self, space: Space) -> None:
        """Keep a description of a known revision; written aside, then renamed into place.

        Raises:
            UnwritableCache: the folder cannot be written.
        """
        if space.revision is None:
            return
        entry = {
            "format": _FORMAT,
            "id": space.address,
            "revision": space.revision,
            "space": dataclasses.asdict(space),
        }
        try:
            write_aside(self._path(space.address, space.revision), json.dumps(entry))
        except OSError as cause:
            raise UnwritableCache(self.folder, cause.strerror or str(cause)) from cause

    def _path(self, repo: str, revision: str) -> Path:
        return self.folder / re.sub(r"[^\w.-]", "--", repo) / f"{re.sub(r'[^0-9A-Za-z]', '', revision)}.json"


def write_aside(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it: aside, then renamed into place."""
    make_private(path.parent)  # what is private on the Hub stays so here
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def space_of(data: dict[str, Any]) -> Space:
    """A Space out of the JSON of `dataclasses.asdict`.

    Raises:
        TypeError, ValueError, KeyError: the data is no such JSON.
    """
    return Space(
        **data
        | {
            "endpoints": tuple(endpoint_of(one) for one in data["endpoints"]),
            "unusable": tuple(Unusable(**one) for one in data["unusable"]),
        }
    )


def endpoint_of(data: dict[str, Any]) -> Endpoint:
    """An endpoint out of the JSON of `dataclasses.asdict`.

    Raises:
        TypeError, ValueError, KeyError: the data is no such JSON.
    """
    wire = data["wire"]
    return Endpoint(
        **data
        | {
            "parameters": tuple(_parameter(one) for one in data["parameters"]),
            "returns": tuple(Return(**one | {"kind": Kind(one["kind"])}) for one in data["returns"]),
            "wire": Wire(**wire | {"inputs": tuple(wire["inputs"]), "outputs": tuple(wire["outputs"])}),
        }
    )


def _parameter(data: dict[str, Any]) -> Parameter:
    choices: list[Json] | None = data["choices"]
    read = {
        "kind": Kind(data["kind"]),
        "choices": None if choices is None else tuple(choices),
        "parts": tuple(_parameter(one) for one in data["parts"]),
    }
    return Parameter(**data | read)
