"""Which limits a place has to keep to: its own, and those of every other name that the chain calls it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from chains.model import Limit
from pipelines.places.place import Place
from spaces_registry.address import Address, BadAddress, address_of
from spaces_registry.catalogue import known_models

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


def places_meant(name: str, own: Mapping[str, Address] = {}) -> tuple[str, ...]:
    """The Space and the model that a limit's name stands for, where it is an alias or a page of the Hub.

    Args:
        name: as the chain writes it.
        own: the user's own aliases.
    """
    found: list[str] = []
    with suppress(BadAddress):
        found.append(address_of(name, own).shown)
    found += [one.id for one in known_models().values() if name.lower() in one.aliases]
    return tuple(one for one in dict.fromkeys(found) if one.lower() != name.lower())


def by_place(written: Mapping[str, Limit], own: Mapping[str, Address] = {}) -> dict[str, Limit]:
    """A chain's limits also under what their names stand for; places are counted by their addresses."""
    meant = {one: limit for name, limit in written.items() for one in places_meant(name, own)}
    return {**meant, **written}


def gates_of(place: Place, written: Mapping[str, Limit]) -> tuple[Gate, ...]:
    """The gates that every call to a place passes.

    The chain's word on calls at once is taken before that of the place's own description, which speaks of the
    whole vendor where the place is a part of one; of calls a minute and a day, the fewer count. A nested
    chain has none: its steps pass theirs, and would wait for it forever.

    Args:
        place: where calls go.
        written: the chain's limits, by name in lower case.
    """
    if place.kind == "chain":
        return ()
    names = names_of(place)
    limits = {name: written[name] for name in names if name in written}
    whole = place.names[0].lower() if place.names else names[0]
    said = any(one.concurrency is not None for one in limits.values())
    limits[whole] = _both(limits.get(whole, Limit()), Limit() if place.is_here else place.limit, said=said)
    if all(one.concurrency is None for one in limits.values()):
        limits[names[0]] = replace(limits.get(names[0], Limit()), concurrency=_at_once(place))
    limits.setdefault(names[0], Limit())  # it is what a pause is kept by
    ordered = ((name, limits[name]) for name in names if name in limits)
    return tuple(Gate(name, one.concurrency, one.per_minute, one.per_day) for name, one in ordered)


def _both(written: Limit, filed: Limit, *, said: bool) -> Limit:
    """The chain's limit and the place's own; `said`: the chain has its word on calls at once."""
    return Limit(
        written.concurrency if said else filed.concurrency,
        _fewer(written.per_minute, filed.per_minute),
        _fewer(written.per_day, filed.per_day),
    )


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
