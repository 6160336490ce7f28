"""What was used of the places that others run, by day and place, and how near that is to what is allowed."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from chains.model import Chain, Limit
from pipelines.engine.budget import used_by
from pipelines.engine.gates import places_meant
from pipelines.household.home import Home
from pipelines.journal import Journal, Used
from pipelines.services.library import find_service, service_files
from spaces_registry.bookmarks import find_bookmarks
from spaces_registry.errors import ToolkitError
from spaces_registry.hub.account import GpuQuota

By: TypeAlias = Literal["day", "place", "both"]
NEAR = 0.8  # from this share on, a limit is worth a warning
_HERE = frozenset({"media", "python", "chain"})
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Row:
    """What was used of a place, on a day; empty text where several are summed."""

    day: str
    kind: str
    place: str
    calls: int
    failed: int
    gpu_s: float
    usd: float
    work_s: float

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {
            "day": self.day or None,
            "kind": self.kind or None,
            "place": self.place or None,
            "calls": self.calls,
            "failed": self.failed,
            "gpu_s": round(self.gpu_s, 3),
            "usd": round(self.usd, 6),
            "work_s": round(self.work_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Against:
    """How much of something limited is used.

    Attributes:
        name: whose: a place, a vendor, `ZeroGPU`, or a chain with its newest run.
        what: `calls today`, `GPU seconds`, `calls of the newest run`, …
        used: so far.
        limit: what is allowed.
    """

    name: str
    what: str
    used: float
    limit: float

    @property
    def is_near(self) -> bool:
        """Whether there is little left."""
        return self.used >= self.limit * NEAR

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {
            "name": self.name,
            "what": self.what,
            "used": round(self.used, 6),
            "limit": self.limit,
            "warn": self.is_near,
        }

    def told(self) -> str:
        """In words: `replicate: 45 of 50 calls today`."""
        return f"{self.name}: {self.used:g} of {self.limit:g} {self.what}"


def rows(
    journal: Journal, *, days: int, by: By, here: bool = False, now: float | None = None
) -> tuple[Row, ...]:
    """What was used in the last days, today among them, newest day first.

    Args:
        journal: knows.
        days: how many, in UTC.
        by: what is told apart.
        here: whether work on this machine is told too.
        now: seconds since the epoch.
    """
    since = midnight(now) - (days - 1) * _DAY_S
    summed: dict[tuple[str, str, str], Row] = {}
    for one in journal.used(since):
        if one.kind in _HERE and not here:
            continue
        key = _key(one, by)
        old = summed.get(key, Row(*key, 0, 0, 0.0, 0.0, 0.0))
        summed[key] = Row(
            *key,
            old.calls + one.calls,
            old.failed + one.failed,
            old.gpu_s + one.gpu_s,
            old.usd + one.usd,
            old.work_s + one.work_s,
        )
    return tuple(summed.values())


def total(of: Iterable[Row]) -> Row:
    """All of them together."""
    several = tuple(of)
    return Row(
        "",
        "",
        "",
        sum(one.calls for one in several),
        sum(one.failed for one in several),
        sum(one.gpu_s for one in several),
        sum(one.usd for one in several),
        sum(one.work_s for one in several),
    )


def against(
    journal: Journal,
    home: Home,
    chain: Chain | None = None,
    quota: GpuQuota | None = None,
    *,
    now: float | None = None,
) -> tuple[Against, ...]:
    """What is used today of everything that a limit is known for.

    Args:
        journal: knows.
        home: has the user's service files; those that come with spacechain count too.
        chain: whose limits and budget count too.
        quota: the user's share of ZeroGPU, if the Hub told it.
        now: seconds since the epoch.
    """
    found = (
        []
        if quota is None
        else [Against("ZeroGPU", "GPU seconds", quota.base_s - quota.left_s, quota.base_s)]
    )
    of_chain = _of_chain(chain, home) if chain else {}
    allowed: dict[str, int] = {}
    for name, one in (*_service_limits(home, journal, now).items(), *of_chain.items()):
        if one.per_day is not None:
            allowed[name] = min(one.per_day, allowed.get(name, one.per_day))
    for name, per_day in allowed.items():
        used = journal.turns(name.lower().rstrip("/"), midnight(now))
        if used or name in of_chain:
            found.append(Against(name, "calls today", used, per_day))
    return (*found, *(_of_budget(journal, home, chain) if chain else ()))


def near_limits(journal: Journal, home: Home, chain: Chain) -> str | None:
    """One line on what is used up or nearly, for the end of a run; None if nothing is."""
    near = [one for one in against(journal, home, chain) if one.is_near and "newest run" not in one.what]
    told = [
        f"{word} used up: {'; '.join(one.told() for one in near if (one.used >= one.limit) is is_over)}"
        for word, is_over in (("all", True), ("nearly", False))
        if any((one.used >= one.limit) is is_over for one in near)
    ]
    return "; ".join(told) or None


def midnight(now: float | None = None) -> float:
    """When the day began, in UTC, in seconds since the epoch."""
    today = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    return today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _key(one: Used, by: By) -> tuple[str, str, str]:
    match by:
        case "day":
            return (one.day, "", "")
        case "place":
            return ("", one.kind, one.place)
        case "both":
            return (one.day, one.kind, one.place)


def _service_limits(home: Home, journal: Journal, now: float | None) -> Mapping[str, Limit]:
    """What the files of the services called today allow; one that cannot be read is the doctor's to tell."""
    found: dict[str, Limit] = {}
    for name in service_files(home):
        if not journal.turns(name.lower(), midnight(now)):
            continue
        try:
            found[name] = find_service(name, Path(), home).service.limit
        except ToolkitError:
            continue
    return found


def _of_chain(chain: Chain, home: Home) -> dict[str, Limit]:
    """The limits of a chain by the places that are counted."""
    own = find_bookmarks(home.folder, chain.folder, os.environ).aliases
    found: dict[str, Limit] = {}
    for name, limit in chain.limits.items():
        found |= dict.fromkeys(places_meant(name, own) or (name,), limit)
    return found


def _of_budget(journal: Journal, home: Home, chain: Chain) -> tuple[Against, ...]:
    """What the newest run of a chain took of its budget."""
    from pipelines.household.history import runs  # noqa: PLC0415 - only where a chain is asked for

    newest = next(runs(home.runs, chain=chain.name), None)
    if newest is None:
        return ()
    used, budget = used_by(newest.entry.run, journal), chain.budget
    parts = (
        ("GPU seconds", used.gpu_s, budget.gpu_s),
        ("calls", used.calls, budget.calls),
        ("US dollars", used.usd, budget.usd),
    )
    name = f"{chain.name} {newest.entry.run}"
    return tuple(
        Against(name, f"{what} of its newest run", amount, limit)
        for what, amount, limit in parts
        if limit is not None
    )
