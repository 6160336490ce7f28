"""The runs in the journal: how each was begun, what happened in it, how it ended."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.artifacts import Store, artifacts_in
from pipelines.journal.errors import JournalFailed
from pipelines.journal.packing import Gone, facts, json_of, packed, stored_path, unpacked
from pipelines.journal.rows import Rows, as_json, maybe, path, text, whole
from pipelines.journal.values import Begun, UnderWay
from pipelines.journal.writing import writing
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Json


class InputsGone(ToolkitError):
    """A run's input files are no longer in the store."""

    code = "inputs-gone"


class Runs:
    """The runs of one journal; use it from the journal's thread.

    Args:
        connection: the journal's.
        file: where it lies, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._rows = Rows(connection, file)

    def begin(self, begun: Begun) -> None:
        """Record a run before its first step."""
        now, inputs = time.time(), json_of(packed(begun.inputs))
        file, beside, folder = map(stored_path, (begun.file, begun.beside, begun.folder))
        row = (begun.run, begun.chain, file, beside, begun.text, folder, inputs)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO runs (run, chain, file, beside, text, folder, inputs, options, at)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (*row, json.dumps(begun.options), now),
            )
            connection.executemany(
                "INSERT INTO artifacts (sha256, size_bytes, run, kind, mime, name, at)"
                " VALUES (?,?,?,?,?,?,?)",
                [(sha, size, begun.run, *rest, now) for sha, size, *rest in _files(begun.inputs)],
            )

    def happened(self, run: str, what: str, step: str | None = None, told: Json = None) -> None:
        """Record something of a run that is worth keeping.

        Args:
            run: its id.
            what: `resumed`, `settled`, `retried`, `fell-back`, `in-doubt`, `place`, `nested`, `answered`,
                `ended`.
            step: where.
            told: the facts, as JSON without secrets.
        """
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO happened (run, what, step, told, at) VALUES (?,?,?,?,?)",
                (
                    run,
                    what,
                    step,
                    None if told is None else json_of(told),
                    time.time(),
                ),
            )

    def facts(self, run: str, what: str, step: str) -> tuple[Json, ...]:
        """What was recorded of a run's step under one word, oldest first."""
        query = "SELECT told FROM happened WHERE run = ? AND what = ? AND step = ? AND told IS NOT NULL"
        rows = self._rows.all(f"{query} ORDER BY rowid", (run, what, step), as_json)
        return tuple(self._rows.json(told) for (told,) in rows)

    def answered_at(self, run: str, step: str) -> dict[int, frozenset[str]]:
        """Where the calls of a run's step were answered, by item."""
        query = (
            "SELECT s.item, s.place FROM sent s JOIN received r USING (call)"
            " WHERE s.run = ? AND s.step = ? AND r.outputs IS NOT NULL"
        )
        places: dict[int, frozenset[str]] = {}
        for item, place in self._rows.all(query, (run, step), whole, text):
            places[item] = places.get(item, frozenset()) | {place}
        return places

    def under_way(self, run: str, step: str) -> tuple[UnderWay, ...]:
        """The calls of a run's step whose work goes on elsewhere and can be found again, oldest first.

        They have no end in here, since the process died or was interrupted; or a vendor was out of reach.
        """
        query = (
            "SELECT s.call, s.item, s.place, s.key FROM sent s LEFT JOIN received r USING (call)"
            " WHERE s.run = ? AND s.step = ?"
            " AND (r.call IS NULL OR (s.kind = 'service' AND r.failure = 'unreachable'))"
            " AND (SELECT told FROM jobs j WHERE j.call = s.call ORDER BY job DESC LIMIT 1) != 'null'"
            " ORDER BY s.call"
        )
        rows = self._rows.all(query, (run, step), whole, whole, text, text)
        return tuple(UnderWay(*row) for row in rows)

    def of(self, run: str, store: Store) -> Begun | None:
        """How a run was begun; None if the journal does not know it.

        Raises:
            InputsGone: the store no longer has one of its input files.
        """
        query = "SELECT run, chain, file, beside, text, folder, inputs, options FROM runs WHERE run = ?"
        row = self._rows.first(query, (run,), text, text, path, path, text, path, as_json, as_json)
        if row is None:
            return None
        try:
            inputs = unpacked(self._rows.json(row[6]), store)
        except Gone as cause:
            message = f"the store no longer has every file that run {run} was given"
            raise InputsGone(message, hint="run the chain again with its inputs") from cause
        run, chain, _, _, written, _, _, told = row
        file, beside, folder = (os.fsdecode(row[at]) for at in (2, 3, 5))
        options = self._rows.json(told)
        if not isinstance(inputs, Mapping) or not isinstance(options, Mapping):
            raise JournalFailed(self._rows.file, ValueError(f"it is damaged: how run {run} began is lost"))
        return Begun(run, chain, file, beside, written, folder, inputs, options)

    def ended(self, run: str) -> str | None:
        """How a run ended the last time: its status, or None for one that never came to an end."""
        query = "SELECT what, told FROM happened WHERE run = ? AND what IN ('ended', 'resumed')"
        row = self._rows.first(f"{query} ORDER BY rowid DESC LIMIT 1", (run,), text, maybe(as_json))
        if row is None or row[0] != "ended" or row[1] is None:
            return None
        return str(self._rows.json(row[1]))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._rows.errors(), writing(self._connection) as connection:
            yield connection


def _files(inputs: Mapping[str, object]) -> list[tuple[str, int, str, str, str]]:
    return [facts(one) for one in artifacts_in(inputs)]
