"""What runs' folders prove: which question had which outputs, if the files are still what they were."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pipelines.artifacts import Artifact, StorageFailed, Store
from pipelines.artifacts.disk import sha256_of
from pipelines.household.history import Record
from pipelines.journal.rebuilding import Proven
from pipelines.programs.environment import MASK
from spaces_registry.errors import BadOutput
from spaces_registry.network.decoding import read_back
from spaces_registry.signature import File, Kind

_KINDS = ("media", "model", "service", "chain")  # of places whose addresses begin so


class _Unproven(Exception):
    """A file is gone or changed, or the record does not tell a value as it was."""


def proven_by(record: Record, store: Store) -> Iterator[Proven]:
    """The results of a run that its record tells, and whose files are in the store or in the run's folder.

    A file that only the run's folder has is kept again.
    """
    try:
        at = datetime.fromisoformat(str(record.document.get("started"))).timestamp()
    except ValueError:
        at = 0.0
    for name, step in _mapping(record.document.get("steps")).items():
        told = _mapping(step)
        for item, (key, outputs) in enumerate(_results(told)):
            try:
                values = [_value(one, record.entry.folder, store) for one in outputs]
            except (_Unproven, StorageFailed, BadOutput):
                continue
            via, revision = str(told.get("via")), told.get("revision")
            yield Proven(
                record.entry.run,
                name,
                item,
                key,
                _kind(via),
                via,
                str(told.get("endpoint")),
                revision if isinstance(revision, str) else None,
                values,
                at,
            )


def _results(step: Mapping[str, object]) -> Iterator[tuple[str, Sequence[object]]]:
    keys, outputs = step.get("keys"), [*_mapping(step.get("outputs")).values()]
    if MASK in json.dumps(outputs, ensure_ascii=False):
        return  # what stood there is told nowhere
    match keys:
        case str():
            yield keys, outputs
        case list() if all(isinstance(one, list) and len(one) == len(keys) for one in outputs):
            for item, key in enumerate(keys):
                if isinstance(key, str):
                    yield key, [one[item] for one in outputs if isinstance(one, list)]


def _value(told: object, folder: Path, store: Store) -> object:
    match told:
        case list():
            return [_value(one, folder, store) for one in told]
        case {"head": str(), "kind": str(kind), "sha256": str(sha256), "path": str(path)}:
            return _written(kind, sha256, _found(path, folder))
        case {"head": str()}:
            raise _Unproven  # only its beginning is told
        case {"sha256": str(), "size_bytes": int(), "path": str(path)}:
            return _file(_mapping(told), _found(path, folder), folder, store)
        case {"kind": str(), "value": value}:
            return _inner(value, folder, store)
        case _:
            raise _Unproven


def _written(kind: str, sha256: str, path: Path) -> object:
    """A value that was too long for the record, out of its file."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256 or MASK.encode() in content:
            raise _Unproven
        return content.decode() if kind == "text" else read_back(content)
    except (OSError, ValueError) as cause:
        raise _Unproven from cause


def _file(told: Mapping[str, object], path: Path, folder: Path, store: Store) -> Artifact:
    """A file of the run's, with what came beside it."""
    extra = {name: _inner(one, folder, store) for name, one in _mapping(told.get("extra")).items()}
    return replace(_artifact(told, path, store), extra=extra)


def _inner(value: object, folder: Path, store: Store) -> object:
    """A plain value, in which there may be files."""
    match value:
        case {
            "sha256": str(),
            "size_bytes": int(),
            "path": str(path),
        }:  # of the run's, or a place's own words
            return _file(_mapping(value), _found(Path(path).name, folder), folder, store)
        case {"sha256": _}:
            raise _Unproven  # a file of which only the name is told
        case Mapping():
            return {str(name): _inner(one, folder, store) for name, one in value.items()}
        case list():
            return [_inner(one, folder, store) for one in value]
    return value


def _found(path: str, folder: Path) -> Path:
    """Where a file of the run's is: its folder may have been moved since."""
    name = Path(path)
    return next((one for one in (folder / name.name, folder / "steps" / name.name) if one.exists()), name)


def _artifact(told: Mapping[str, object], path: Path, store: Store) -> Artifact:
    sha256, kind = str(told["sha256"]), Kind(str(told["kind"]))
    if not store.verify(sha256):
        try:
            if sha256_of(path) != sha256:
                raise _Unproven
        except OSError as cause:
            raise _Unproven from cause
        return store.keep(File(path, path.name), kind)
    found = Artifact.from_json(store, {**told, "name": path.name})  # type: ignore[dict-item]  # read from JSON
    if found is None:
        raise _Unproven
    return found


def _kind(via: str) -> str:
    if ".py:" in via:
        return "python"
    return next((one for one in _KINDS if via.startswith(f"{one} ")), "space")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
