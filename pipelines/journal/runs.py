"""The runs in the journal: how each was begun, what happened in it, how it ended."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.artifacts import Store, artifacts_in
from pipelines.journal.errors import JournalFailed
from pipelines.journal.packing import Gone, facts, packed, unpacked
from pipelines.journal.rows import Rows, as_json, maybe, text
from pipelines.journal.values import Begun
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
        now, inputs = time.time(), json.dumps(packed(begun.inputs), ensure_ascii=False)
        row = (begun.run, begun.chain, begun.file, begun.beside, begun.text, begun.folder, inputs)
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
            what: `resumed`, `settled`, `retried`, `fell-back`, `in-doubt`, `answered`, `ended`.
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
                    None if told is None else json.dumps(told, ensure_ascii=False),
                    time.time(),
                ),
            )

    def facts(self, run: str, what: str, step: str) -> tuple[Json, ...]:
        """What was recorded of a run's step under one word, oldest first."""
        query = "SELECT told FROM happened WHERE run = ? AND what = ? AND step = ? AND told IS NOT NULL"
        rows = self._rows.all(f"{query} ORDER BY rowid", (run, what, step), as_json)
        return tuple(self._rows.json(told) for (told,) in rows)

    def of(self, run: str, store: Store) -> Begun | None:
        """How a run was begun; None if the journal does not know it.

        Raises:
            InputsGone: the store no longer has one of its input files.
        """
        query = "SELECT run, chain, file, beside, text, folder, inputs, options FROM runs WHERE run = ?"
        row = self._rows.first(query, (run,), *(text,) * 6, as_json, as_json)
        if row is None:
            return None
        try:
            inputs = unpacked(self._rows.json(row[6]), store)
        except Gone as cause:
            message = f"the store no longer has every file that run {run} was given"
            raise InputsGone(message, hint="run the chain again with its inputs") from cause
        run, chain, file, beside, written, folder, _, told = row
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
        with self._rows.errors(), self._connection as connection:
            yield connection


def _files(inputs: Mapping[str, object]) -> list[tuple[str, int, str, str, str]]:
    return [facts(one) for one in artifacts_in(inputs)]
