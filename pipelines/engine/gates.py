"""Which limits a place has to keep to: its own, and those of every other name that the chain calls it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from chains.model import Limit
from pipelines.places.place import Place

AT_ONCE = 4  # calls to one place, unless somebody says otherwise
_HUGGING_FACE = ("hf.space", "huggingface.co")


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit that calls pass through; calls to several places may pass the same one.

    Attributes:
        name: what it is counted by, in lower case.
        concurrency: calls at once, or None.
        per_minute: calls in any 60 seconds, or None.
        per_day: calls in a day (UTC), or None.
    """

    name: str
    concurrency: int | None = None
    per_minute: int | None = None
    per_day: int | None = None


def names_of(place: Place) -> tuple[str, ...]:
    """All that limits may call a place, in lower case, its own address first; its kind, for work here."""
    if place.is_here:
        return (place.kind,)
    names = [place.address, *place.names]
    if place.url:
        parts = urlsplit(place.url)
        names += [place.url.rstrip("/"), parts.hostname or "", parts.netloc.rpartition("@")[2]]
    if _is_hugging_face(place):
        names.append("huggingface")
    return tuple(dict.fromkeys(name.lower() for name in names if name))


def gates_of(place: Place, written: Mapping[str, Limit]) -> tuple[Gate, ...]:
    """The gates that every call to a place passes.

    The chain's word on calls at once is taken before that of the place's own description; of calls a minute
    and a day, the fewer count. A nested chain has none: its steps pass theirs, and would wait for it forever.

    Args:
        place: where calls go.
        written: the chain's limits, by name in lower case.
    """
    if place.kind == "chain":
        return ()
    own, *others = names_of(place)
    said = [written[name] for name in names_of(place) if name in written]
    mine = written.get(own, Limit())
    at_once = mine.concurrency
    if at_once is None and not any(one.concurrency for one in said):
        at_once = place.limit.concurrency or _at_once(place)
    first = Gate(
        own,
        at_once,
        _fewer(mine.per_minute, place.limit.per_minute),
        _fewer(mine.per_day, place.limit.per_day),
    )
    return (first, *_written_gates(others, written))


def _written_gates(names: list[str], written: Mapping[str, Limit]) -> Iterator[Gate]:
    for name in names:
        if (one := written.get(name)) is not None:
            yield Gate(name, one.concurrency, one.per_minute, one.per_day)


def _at_once(place: Place) -> int:
    return max(2, os.cpu_count() or 1) if place.is_here else AT_ONCE


def _fewer(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _is_hugging_face(place: Place) -> bool:
    """Whether the user's account at Hugging Face answers for it."""
    if not place.url:
        return place.kind == "model"  # through the router
    host = urlsplit(place.url).hostname or ""
    return any(host == one or host.endswith(f".{one}") for one in _HUGGING_FACE)
