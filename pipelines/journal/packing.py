"""Values as they stand in the journal: JSON, in which a file is told from what merely looks like one."""

from collections.abc import Mapping, Sequence

from pipelines.artifacts import Artifact, Store


class Gone(Exception):
    """The store no longer has a file of a recorded result."""


def packed(value: object) -> object:
    """JSON in which a file stands under a key that no plain mapping is left with."""
    match value:
        case Artifact():
            return {"artifact": value.to_json()}
        case Mapping():
            return {"mapping": {str(name): packed(one) for name, one in value.items()}}
        case None | bool() | int() | float() | str():
            return value
        case Sequence():
            return [packed(one) for one in value]
        case _:
            raise TypeError(type(value).__name__)  # ours: runners return values only


def unpacked(value: object, store: Store) -> object:
    """The value that `packed` made this of.

    Raises:
        Gone: the store no longer has one of its files.
    """
    match value:
        case {"artifact": Mapping() as facts}:
            if (artifact := Artifact.from_json(store, facts)) is None:
                raise Gone
            return artifact
        case {"mapping": Mapping() as inner}:
            return {name: unpacked(one, store) for name, one in inner.items()}
        case list():
            return tuple(unpacked(one, store) for one in value)
        case _:
            return value


def facts(one: Artifact) -> tuple[str, int, str, str, str]:
    """What the journal's list of files says of an artifact: hash, size, kind, media type, name."""
    return (one.sha256, one.size_bytes, one.kind.value, one.mime, one.name)
