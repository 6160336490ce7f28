"""Reading `run.json`, which may be of another version or damaged: what is not as it should be is left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = Mapping[str, object]


def mapping(value: object) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def with_file_names(value: object) -> object:
    """A value with the names of its files in place of all that is told of them."""
    match value:
        case {"path": str(path), "sha256": str()}:
            return Path(path).name
        case Mapping():
            return {name: with_file_names(inner) for name, inner in value.items()}
        case list():
            return [with_file_names(inner) for inner in value]
    return value
