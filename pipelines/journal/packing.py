"""Values as they stand in the journal: JSON, in which a file is told from what merely looks like one."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipelines.artifacts import Artifact, Store
from spaces_registry.sayable import is_of_numbers, spelt, storable


class Gone(Exception):
    """The store no longer has a file of a recorded result.

    Attributes:
        name: what its maker called it.
        is_damaged: whether there is a file, which is not what it was.
    """

    def __init__(self, name: str, *, is_damaged: bool) -> None:
        super().__init__(name)
        self.name, self.is_damaged = name, is_damaged


def json_of(value: object) -> str:
    """What `packed` gives as a text that SQLite takes."""
    return storable(json.dumps(value, ensure_ascii=False))


def stored_path(path: str) -> str | bytes:
    """A path as SQLite takes it: one whose bytes are no UTF-8 as these bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def packed(value: object) -> object:
    """JSON in which a file stands under a key that no plain mapping is left with."""
    match value:
        case Artifact(extra=extra) if extra:
            beside = {str(name): packed(one) for name, one in extra.items()}
            return {"artifact": value.to_json(), "extra": beside}
        case Artifact():
            return {"artifact": value.to_json()}
        case Mapping():
            return {"mapping": {str(name): packed(one) for name, one in value.items()}}
        case None | bool() | int() | float() | str():
            return value
        case Sequence():
            return value if is_of_numbers(value) else [packed(one) for one in value]
        case _:
            raise TypeError(type(value).__name__)  # ours: runners return values only


def packed_text(outputs: Iterable[object]) -> str:
    """The JSON of several packed values, as a list; a long one of them is never there twice as values."""
    return storable(f"[{', '.join(''.join(spelt(one, packed)) for one in outputs)}]")


def unpacked(value: object, store: Store) -> object:
    """The value that `packed` made this of.

    Args:
        value: as it is recorded.
        store: has its files.

    Raises:
        Gone: the store no longer has one of its files as it was.
    """
    match value:
        case {"artifact": Mapping() as facts, **rest}:
            artifact = Artifact.from_json(store, facts)
            if artifact is None:
                name, sha256 = str(facts.get("name")), str(facts.get("sha256"))
                raise Gone(name, is_damaged=store.has_something(sha256))
            beside = rest.get("extra")
            if not isinstance(beside, Mapping):
                return artifact
            extra = {name: unpacked(one, store) for name, one in beside.items()}
            return replace(artifact, extra=extra)
        case {"mapping": Mapping() as inner}:
            return {name: unpacked(one, store) for name, one in inner.items()}
        case list() if is_of_numbers(value):
            return tuple(value)
        case list():
            return tuple(unpacked(one, store) for one in value)
        case _:
            return value


def facts(one: Artifact) -> tuple[str, int, str, str, str]:
    """What the journal's list of files says of an artifact: hash, size, kind, media type, name."""
    return (one.sha256, one.size_bytes, one.kind.value, one.mime, one.name)
