"""Reads the journal and the app's own log after a campaign, and proves what must hold for every call."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from faults.kills import AT_ONCE, Field


def violations(at: Field) -> Iterator[str]:
    """Everything in a campaign's history that must not be there."""
    journal = sqlite3.connect(f"file:{at.home / 'journal.db'}?mode=ro", uri=True)
    try:
        yield from _calls_without_intent(at, journal)
        yield from _done_twice(journal)
        yield from _asked_after_done(journal)
        yield from _not_done(journal)
        yield from _beyond_budget(at, journal)
        yield from _damaged(at, journal)
    finally:
        journal.close()
    yield from _too_many_at_once(at)
    yield from _left_over(at)


def _calls_without_intent(at: Field, journal: sqlite3.Connection) -> Iterator[str]:
    """The n-th call of an endpoint was begun by the app after the n-th intent for it was journalled."""
    intents: dict[str, list[float]] = {}
    query = "SELECT endpoint, at FROM sent WHERE kind = 'space' ORDER BY at"
    for endpoint, moment in journal.execute(query):
        intents.setdefault(endpoint.lstrip("/"), []).append(moment)
    begun: dict[str, list[float]] = {}
    for one in at.noted():
        if one["event"] == "began":
            begun.setdefault(one["call"][0], []).append(one["at"])
    for endpoint, times in begun.items():
        told = intents.get(endpoint, [])
        for number, moment in enumerate(sorted(times)):
            if number >= len(told) or told[number] > moment:
                yield f"{endpoint}: call {number + 1} was made before its intent was journalled"


def _done_twice(journal: sqlite3.Connection) -> Iterator[str]:
    query = (
        "SELECT s.step, s.item, count(*) FROM received r JOIN sent s USING (call)"
        " WHERE r.outputs IS NOT NULL AND s.kind = 'space' GROUP BY r.key HAVING count(*) > 1"
    )
    for step, item, times in journal.execute(query):
        yield f"{step}[{item}] is done {times} times"


def _asked_after_done(journal: sqlite3.Connection) -> Iterator[str]:
    query = (
        "SELECT s.step, s.item FROM sent s JOIN received r ON r.key = s.key"
        " JOIN sent first ON first.call = r.call WHERE r.outputs IS NOT NULL AND s.call > r.call"
        " AND s.at > r.at AND s.run = first.run AND s.step = first.step AND s.item = first.item"
    )
    for step, item in journal.execute(query):
        yield f"{step}[{item}] was asked again after its result was journalled"


def _not_done(journal: sqlite3.Connection) -> Iterator[str]:
    query = (
        "SELECT DISTINCT s.run, s.step, s.item FROM sent s JOIN happened h ON h.run = s.run"
        " WHERE h.what = 'ended' AND h.told = '\"succeeded\"' AND s.kind = 'space' AND NOT EXISTS"
        " (SELECT 1 FROM received r WHERE r.key = s.key AND r.outputs IS NOT NULL)"
    )
    for run, step, item in journal.execute(query):
        yield f"{run} succeeded, and {step}[{item}] was never done"


def _beyond_budget(at: Field, journal: sqlite3.Connection) -> Iterator[str]:
    """By the journal, and by what the app worked on for the run."""
    query = (
        "SELECT count(*) FROM sent s LEFT JOIN received r USING (call)"
        " WHERE s.run = ? AND s.kind = 'space' AND coalesce(r.failure, '') != 'taken-over'"
    )
    for run, text, inputs in journal.execute("SELECT run, text, inputs FROM runs"):
        budget = (yaml.safe_load(text).get("budget") or {}).get("calls")
        sent = journal.execute(query, (run,)).fetchone()[0]
        worked = at.worked(json.loads(inputs)["mapping"]["take"]).total()
        if budget is not None and max(sent, worked) > budget:
            yield f"{run}: {sent} calls sent and {worked} worked on, beyond its budget of {budget}"


def _damaged(at: Field, journal: sqlite3.Connection) -> Iterator[str]:
    for (sha256,) in journal.execute("SELECT DISTINCT sha256 FROM artifacts"):
        kept = at.home / "store" / sha256[:2] / sha256[2:4] / sha256
        if not kept.exists():
            yield f"{sha256} is journalled and not in the store"
        elif hashlib.sha256(kept.read_bytes()).hexdigest() != sha256:
            yield f"{sha256} is damaged"


def _too_many_at_once(at: Field) -> Iterator[str]:
    now: Counter[str] = Counter()
    for one in sorted(at.noted(), key=lambda one: one["at"]):
        now["all"] += 1 if one["event"] == "began" else -1
        if now["all"] > AT_ONCE:
            yield f"{now['all']} calls at once at {one['at']}"


def _left_over(at: Field) -> Iterator[str]:
    for one in at.home.rglob("*"):
        relative = one.relative_to(at.home)
        if one.is_file() and (relative.parts[0] == "scratch" and one.name != "door.lock"):
            yield f"{relative} is left over"
        if one.is_file() and relative.parts[0] == "store" and one.name.startswith("."):
            yield f"{relative} is left over in the store"
    yield from (f"{one} is left over in a run's folder" for one in at.folder.glob("outputs/*/*/**/.*"))
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes()
        except OSError:
            continue
        if str(at.home).encode() in words:
            yield f"a process of the campaign still runs: {words[:200]!r}"
