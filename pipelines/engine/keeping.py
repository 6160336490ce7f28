"""A call's answer with its files in the store, each verified to be of the kind it should be."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.artifacts import Artifact, Store
from pipelines.engine.unexpected import must_be_of_kind
from pipelines.places.place import Place
from spaces_registry.errors import UnexpectedAnswer
from spaces_registry.network.decoding import sendable
from spaces_registry.sayable import is_of_numbers
from spaces_registry.signature import File, Kind, Return, Value


def kept_outputs(store: Store, place: Place, values: Sequence[Value]) -> tuple[object, ...]:
    """The values of an answer as they are kept; blocking.

    Raises:
        UnexpectedAnswer: there are more or fewer than promised, or a good file is of another kind.
        BadOutput: a file is not there, empty, or none that anybody can use.
        StorageFailed: the store cannot be written.
    """
    returns = place.endpoint.returns
    if len(values) != len(returns):
        message = f"{place.address} {place.endpoint.name} returned {len(values)} values, not {len(returns)}"
        raise UnexpectedAnswer(place.address, message, tuple(values))
    if not place.is_here:
        must_be_of_kind(place.address, place.endpoint, values)
    kept: dict[Path, Artifact] = {}
    return tuple(_kept(store, place, one, value, kept) for one, value in zip(returns, values, strict=True))


def _kept(store: Store, place: Place, told: Return, value: Value, kept: dict[Path, Artifact]) -> object:
    """A value with its files in the store; one file may stand at several places of an answer."""
    match value:
        case File():
            return _kept_file(store, place, told, value, kept)
        case str():
            return sendable(value)
        case float() if not math.isfinite(value):
            return None  # as in all JSON that others wrote
        case None:
            return value
        case Mapping():
            return {sendable(name): _kept(store, place, told, one, kept) for name, one in value.items()}
        case Sequence() if is_of_numbers(value):
            return tuple(value)
        case Sequence():
            return tuple(_kept(store, place, told, one, kept) for one in value)
        case _:
            return value


def _kept_file(store: Store, place: Place, told: Return, file: File, kept: dict[Path, Artifact]) -> Artifact:
    """A file in the store, with what came beside it; within another value it is what its bytes are."""
    if file.path not in kept:
        kept[file.path] = store.keep(file, _kind_in(told), place=place.address, consume=True)
    beside = Return("", Kind.ANY)
    extra = {name: _kept(store, place, beside, value, kept) for name, value in file.extra.items()}
    return replace(kept[file.path], extra=extra) if extra else kept[file.path]


def _kind_in(told: Return) -> Kind:
    """The kind of a file in a return's value: within JSON, whatever its bytes are."""
    return told.kind if told.kind.is_file or told.kind == Kind.GALLERY else Kind.ANY


def mentions(value: object, secrets: Sequence[str]) -> bool:
    """Whether a text in a value repeats a secret: such a value is used, and not kept."""
    match value:
        case str():
            return any(secret in value for secret in secrets if secret)
        case Artifact():
            return mentions((value.caption or "", value.extra), secrets)
        case Mapping():
            return any(mentions(inner, secrets) for inner in (*value, *value.values()))
        case Sequence():
            return any(mentions(inner, secrets) for inner in value)
        case _:
            return False
