"""The record of calls, in SQLite: what was asked, where, what came of it. Rows are added, never changed.

Turns alone are forgotten, after two days: they are what limits are counted by, and no record of anything.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.artifacts import Artifact, Store, artifacts_in
from pipelines.journal.errors import JournalFailed
from pipelines.journal.needs import Needs
from pipelines.journal.packing import Gone, facts, packed_text, unpacked
from pipelines.journal.rows import Rows, as_json, maybe, moment, number, text, whole
from pipelines.journal.runs import Runs
from pipelines.journal.unexpected import Unexpected
from pipelines.journal.values import Dead, Intent, Outcome, Rate, Reached, Sending, Used, nobody
from pipelines.journal.writing import writing
from spaces_registry.network.decoding import read_back
from spaces_registry.progress import Spent
from spaces_registry.signature import Json

NOTHING: Final = Spent()
_ENDS = ("in-doubt", "taken-over")  # what became of a call whose process died
_COUNTED_S = 2 * 86400.0  # no limit looks further back than a day
_RESULT = (
    "SELECT call, outputs, said"
    " FROM received r WHERE key = ? AND outputs IS NOT NULL ORDER BY call DESC LIMIT 1"
)
_RESULT_OF = (
    "SELECT r.call, r.outputs, r.said"
    " FROM received r JOIN sent s USING (call) WHERE r.key = ?"
    " AND r.outputs IS NOT NULL AND (s.run, s.step, s.item) = (?,?,?) ORDER BY r.call DESC LIMIT 1"
)


def _unheard(name: str) -> None:
    del name


class Journal:
    """One connection to the journal; use it from one thread.

    Attributes:
        runs: the runs in it.
        needs: which of them need which files.
        unexpected: whole answers of a shape that was not expected.
        is_alone: whether nobody else has it open, or can open it.

    Args:
        connection: as `open_journal` makes it.
        file: where it lies, for messages.
        is_alone: as above.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path, *, is_alone: bool = False) -> None:
        self._connection = connection
        self._file = file
        self.is_alone = is_alone
        self.runs = Runs(connection, file)
        self.needs = Needs(connection, file)
        self.unexpected = Unexpected(connection, file, self._use)
        self._rows = Rows(connection, file)

    def sent(self, intent: Intent, is_dead: Dead = nobody) -> Sending:
        """Record a call before it is made, and take over what processes that died left of such calls.

        So is the job of a service that an earlier try of the run heard nothing of any more.

        Args:
            intent: the call.
            is_dead: whether the process that sent a call is gone, by the call's run and number.
        """
        one, now = intent, time.time()
        size = None if one.size is None else json.dumps(one.size)
        row = (*_columns(one), now, size)
        with self._errors(), writing(self._connection) as connection:
            lost = _lost(connection, one.key, is_dead)
            told = next((told for _, told in reversed(lost) if told not in (None, "null")), None)
            told = told or _out_of_sight(connection, one)
            connection.executemany(
                "INSERT INTO received (call, key, failure, at) VALUES (?,?,?,?)",
                [(call, one.key, _ENDS[its is not None and its == told], now) for call, its in lost],
            )
            number = connection.execute(
                "INSERT INTO sent (run, step, item, key, kind, place, endpoint, revision, at, size)"
                " VALUES (?,?,?,?,?,?,?,?,?,?)",
                row,
            ).lastrowid
            if told is not None:
                connection.execute(
                    "INSERT INTO jobs (call, key, told, at) VALUES (?,?,?,?)", (number, one.key, told, now)
                )
        job: Json = None if told is None else self._rows.json(told)
        in_doubt = told is None and any(its != "null" for _, its in lost)
        return Sending(number or 0, job, in_doubt)

    def newest(self) -> int:
        """The number of the newest call; 0 if there is none."""
        row = self._rows.first("SELECT max(call) FROM sent", (), maybe(whole))
        return (row and row[0]) or 0

    def job(self, call: int, key: str, told: Json) -> None:
        """Record how a call's work is found again; on disk before anybody waits for it."""
        self._add(
            "INSERT INTO jobs (call, key, told, at) VALUES (?,?,?,?)",
            (call, key, json.dumps(told), time.time()),
        )

    def received(
        self,
        call: int,
        key: str,
        outputs: Sequence[object],
        spent: Spent = NOTHING,
        warnings: Sequence[str] = (),
    ) -> None:
        """Record a call's outputs; their bytes must be in the store already.

        Args:
            call: its number.
            key: the question.
            outputs: in the order of the endpoint's returns.
            spent: what it took.
            warnings: what whoever uses them should know, now and later.
        """
        said = "\n".join(" ".join(one.split()) for one in warnings) or None
        told = packed_text(outputs)
        now = time.time()
        with self._errors(), writing(self._connection) as connection:  # the result and its files, or neither
            connection.execute(
                "INSERT INTO received (call, key, outputs, said, gpu_s, usd, work_s, at)"
                " VALUES (?,?,?,?,?,?,?,?)",
                (call, key, told, said, spent.gpu_s, spent.usd, spent.work_s, now),
            )
            connection.executemany(
                "INSERT INTO artifacts (sha256, size_bytes, run, call, kind, mime, name, at)"
                " SELECT ?, ?, run, call, ?, ?, ?, ? FROM sent WHERE call = ?",
                [(*facts(one), now, call) for one in artifacts_in(outputs)],
            )

    def failed(
        self,
        call: int,
        key: str,
        failure: str,
        said: str | None,
        *,
        wait_s: float | None = None,
        spent: Spent = NOTHING,
    ) -> None:
        """Record that a call yielded nothing, and why; `wait_s` is what the place asked for."""
        now = time.time()
        until = None if wait_s is None else now + wait_s
        self._add(
            "INSERT INTO received (call, key, failure, said, until, gpu_s, usd, at) VALUES (?,?,?,?,?,?,?,?)",
            (call, key, failure, said, until, spent.gpu_s, spent.usd, now),
        )

    def outcomes(self, place: str, most: int) -> tuple[Outcome, ...]:
        """How the newest calls at a place ended, the newest first, over all runs."""
        query = (
            "SELECT r.failure, r.at, r.until FROM sent s JOIN received r USING (call)"
            " WHERE s.place = ? AND coalesce(r.failure, '') NOT IN"
            " ('in-doubt', 'interrupted', 'taken-over', 'withheld', 'read-otherwise')"
            " ORDER BY s.at DESC, s.call DESC LIMIT ?"
        )
        checks = (maybe(text), moment, maybe(moment))
        return tuple(Outcome(*row) for row in self._rows.all(query, (place, most), *checks))

    def sent_at(self, place: str, since: float) -> tuple[float, ...]:
        """When calls were sent to a place since a moment (both in seconds since the epoch), oldest first."""
        query = "SELECT at FROM sent WHERE place = ? AND at > ? ORDER BY at"
        return tuple(row[0] for row in self._rows.all(query, (place, since), moment))

    def expected(self, place: str, endpoint: str, last: int = 20) -> Spent:
        """What a call there took on average, of the last good ones that said so."""
        query = (
            "SELECT avg(gpu_s), avg(usd) FROM (SELECT r.gpu_s, r.usd FROM sent s JOIN received r USING (call)"
            " WHERE s.place = ? AND s.endpoint = ? AND r.outputs IS NOT NULL ORDER BY s.at DESC LIMIT ?)"
        )
        row = self._rows.first(query, (place, endpoint, last), maybe(number), maybe(number))
        return NOTHING if row is None else Spent(*row)

    def work_times(
        self, place: str, endpoint: str, last: int
    ) -> tuple[tuple[Json, float, float, float], ...]:
        """The last answered calls of an endpoint whose app said how long it worked, oldest first.

        Returns:
            For each call its size as `Intent.size` had it, None where none was kept; seconds of work; when it
            was sent and answered, in seconds since the epoch.
        """
        query = (
            "SELECT s.size, r.work_s, s.at, r.at FROM sent s JOIN received r USING (call)"
            " WHERE s.place = ? AND s.endpoint = ? AND r.work_s IS NOT NULL AND r.outputs IS NOT NULL"
            " ORDER BY s.at DESC, s.call DESC LIMIT ?"
        )
        rows = self._rows.all(query, (place, endpoint, last), maybe(text), number, moment, moment)
        return tuple((_decoded(size), *times) for size, *times in reversed(rows))

    def used(self, since: float = 0.0) -> tuple[Used, ...]:
        """What was used since a moment (seconds since the epoch), by day and place, newest day first."""
        query = (
            "SELECT date(s.at, 'unixepoch') AS day, s.kind, s.place,"
            " count(*), count(CASE WHEN r.failure NOT IN"
            " ('in-doubt', 'interrupted', 'withheld', 'read-otherwise') THEN 1 END),"
            " coalesce(sum(r.gpu_s), 0.0), coalesce(sum(r.usd), 0.0), coalesce(sum(r.work_s), 0.0)"
            " FROM sent s LEFT JOIN received r USING (call)"
            " WHERE s.at > ? AND coalesce(r.failure, '') != 'taken-over'"
            " GROUP BY day, s.kind, s.place ORDER BY day DESC, s.kind, s.place"
        )
        checks = (text, text, text, whole, whole, number, number, number)
        return tuple(Used(*row) for row in self._rows.all(query, (since,), *checks))

    def result(
        self,
        key: str,
        store: Store,
        *,
        of: tuple[str, str, int] | None = None,
        user: str | None = None,
        damaged: Callable[[str], None] = _unheard,
        warned: Callable[[str], None] = _unheard,
    ) -> tuple[object, ...] | None:
        """The newest outputs of a call with this key, if the store still has every file of them as it was.

        Args:
            key: the question.
            store: has the files.
            of: run, step and item that alone may have asked it; None for all.
            user: the run that builds on them: what it needs is not cleared away.
            damaged: hears the name of a file that is not what it was.
            warned: hears what was warned of when they came.
        """
        asked = _RESULT if of is None else _RESULT_OF
        row = self._rows.first(asked, (key, *(of or ())), whole, as_json, maybe(text))
        if row is None:
            return None
        call, packed_outputs, said = row
        try:
            outputs = tuple(unpacked(one, store) for one in self._rows.json(packed_outputs))
        except Gone as gone:
            if gone.is_damaged:
                damaged(gone.name)
            return None
        except TypeError as cause:  # JSON, and no list of outputs
            raise JournalFailed(self._file, cause) from cause
        if user is not None and (files := artifacts_in(outputs)):
            self._use(user, call, files)
            if not all(one.path.exists() for one in files):  # cleared away before it was known to be needed
                return None
        for line in (said or "").splitlines():
            warned(line)
        return outputs

    def _use(self, run: str, call: int, files: Sequence[Artifact]) -> None:
        """Record that a run needs files; a power cut may lose that, as it ends the run."""
        known = "SELECT 1 FROM artifacts WHERE run = ? AND sha256 = ? LIMIT 1"
        new = [one for one in files if self._rows.first(known, (run, one.sha256), whole) is None]
        if not new:
            return
        with self._errors(), self._soon():
            writing(self._connection)
            self._connection.executemany(
                "INSERT INTO artifacts (sha256, size_bytes, run, call, kind, mime, name, at)"
                " VALUES (?,?,?,?,?,?,?,?)",
                [(*one[:2], run, call, *one[2:], time.time()) for one in map(facts, new)],
            )
            self._connection.commit()

    @contextmanager
    def _soon(self) -> Iterator[None]:
        """What is committed within need not survive a power cut."""
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()
            self._connection.execute("PRAGMA synchronous = FULL")

    def spent_in(self, run: str) -> tuple[int, Spent]:
        """The calls of a run that left this machine, and what they took, as far as the answers said."""
        query = (
            "SELECT count(*), sum(r.gpu_s), sum(r.usd) FROM sent s LEFT JOIN received r USING (call)"
            " WHERE s.run = ? AND s.kind NOT IN ('media', 'python', 'chain')"
            " AND coalesce(r.failure, '') != 'taken-over'"
        )
        row = self._rows.first(query, (run,), whole, maybe(number), maybe(number)) or (0, None, None)
        return row[0], Spent(row[1], row[2])

    def turn(self, names: Sequence[str], rates: Sequence[Rate], at: float) -> Reached | None:
        """Count a call that is about to be made, unless a rate leaves no room for it; atomic over processes.

        Args:
            names: what the call is counted under.
            rates: of which each must leave room.
            at: now, in seconds since the epoch.

        Returns:
            None if it was counted, else the first rate that is reached.
        """
        with self._errors(), self._soon():  # nobody pays for a turn twice if a power cut loses it
            return self._turn(names, rates, at)

    def _turn(self, names: Sequence[str], rates: Sequence[Rate], at: float) -> Reached | None:
        connection = self._connection
        writing(connection)
        for rate in rates:
            query = "SELECT at FROM turns WHERE name = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?"
            row = connection.execute(query, (rate.name, rate.since, rate.most - 1)).fetchone()
            if row is not None:
                return Reached(rate, float(row[0]))
        connection.executemany("INSERT INTO turns (name, at) VALUES (?,?)", [(name, at) for name in names])
        old = [(name, at - _COUNTED_S) for name in names]
        connection.executemany("DELETE FROM turns WHERE name = ? AND at < ?", old)
        connection.commit()
        return None

    def turns(self, name: str, since: float) -> int:
        """How many calls were counted under a name since a moment (seconds since the epoch)."""
        query = "SELECT count(*) FROM turns WHERE name = ? AND at > ?"
        row = self._rows.first(query, (name, since), whole)
        return 0 if row is None else row[0]

    def held_until(self, place: str, now: float) -> float | None:
        """Until when a place that was asked too often wants to be left alone, by what it told any run."""
        query = (
            "SELECT max(r.until) FROM received r CROSS JOIN sent s USING (call)"  # in this order
            " WHERE r.until > ? AND r.failure = 'rate-limited' AND s.place = ?"
        )
        row = self._rows.first(query, (now, place), maybe(moment))
        return None if row is None else row[0]

    def calls(self) -> int:
        """How many calls it knows of."""
        row = self._rows.first("SELECT count(*) FROM sent", (), whole)
        return 0 if row is None else row[0]

    def health(self) -> str | None:
        """What is wrong with the file, or with a row of it; None if it is sound."""
        found = self._rows.all("PRAGMA integrity_check(1)", (), text)
        return self._rows.damage() if found == [("ok",)] else str(found[0][0])

    def _add(self, statement: str, row: tuple[object, ...]) -> int:
        with self._errors(), writing(self._connection) as connection:
            return connection.execute(statement, row).lastrowid or 0

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with self._rows.errors():
            yield


def _decoded(told: str | None) -> Json:
    """A JSON text, or None: a journal that was damaged and mended may hold anything."""
    try:
        return None if told is None else read_back(told)
    except ValueError:
        return None


def _columns(intent: Intent) -> tuple[object, ...]:
    """A call's columns in `sent`, but for its time and size."""
    whose = (intent.run, intent.step, intent.item, intent.key)
    return (*whose, intent.kind, intent.place, intent.endpoint, intent.revision)


def _lost(connection: sqlite3.Connection, key: str, is_dead: Dead) -> list[tuple[int, str | None]]:
    """The calls with this key whose end nobody will see, oldest first, each with what was told last."""
    query = (
        "SELECT s.call, s.run, (SELECT told FROM jobs j WHERE j.call = s.call ORDER BY job DESC LIMIT 1)"
        " FROM sent s LEFT JOIN received r USING (call) WHERE s.key = ? AND r.call IS NULL ORDER BY s.call"
    )
    found = connection.execute(query, (key,)).fetchall()
    return [(call, told) for call, run, told in found if is_dead(run, call)]


def _out_of_sight(connection: sqlite3.Connection, one: Intent) -> str | None:
    """The job of a service that the run's last try of a call lost sight of; the service works on."""
    query = (
        "SELECT r.failure, (SELECT told FROM jobs j WHERE j.call = s.call ORDER BY job DESC LIMIT 1)"
        " FROM sent s JOIN received r USING (call) WHERE s.key = ? AND s.run = ? AND s.kind = 'service'"
        " ORDER BY s.call DESC LIMIT 1"
    )
    failure, told = connection.execute(query, (one.key, one.run)).fetchone() or (None, None)
    return told if failure == "unreachable" and told != "null" else None
