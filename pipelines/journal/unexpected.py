"""Whole answers of a shape that was not expected: paid for, so kept until somebody knows how to read them."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.artifacts import Artifact, Store, artifacts_in
from pipelines.journal.packing import Gone, facts, json_of, packed, unpacked
from pipelines.journal.rows import Rows, as_json, text, whole
from pipelines.journal.writing import writing

READ: Final = "read-otherwise"  # how a call ended whose answer the step's own `outputs` read
_FIND = (
    "SELECT call, answer, why FROM unexpected u JOIN sent s USING (call) WHERE {} ORDER BY call DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer that came in full, in another shape than was expected.

    Attributes:
        answer: as JSON, with artifacts in it.
        why: what was wrong with it, in words.
    """

    answer: object
    why: str


class Unexpected:
    """The answers of that sort in one journal; use it from the journal's thread.

    Args:
        connection: the journal's.
        file: where it lies, for messages.
        use: records that a run builds on a call's files.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        file: Path,
        use: Callable[[str, int, Sequence[Artifact]], None],
    ) -> None:
        self._connection = connection
        self._rows = Rows(connection, file)
        self._use = use

    def keep(self, call: int, key: str, asked: str, answer: WholeAnswer) -> None:
        """Record a call's answer; the bytes of its files must be in the store already.

        Args:
            call: its number.
            key: the question, as the step asked it.
            asked: the request itself, whichever endpoint reads its answer; empty if that is not known.
            answer: what came.
        """
        now, told = time.time(), json_of(packed(answer.answer))
        with self._rows.errors(), writing(self._connection) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO unexpected (call, key, asked, answer, why, at) VALUES (?,?,?,?,?,?)",
                (call, key, asked, told, answer.why, now),
            )
            connection.executemany(
                "INSERT INTO artifacts (sha256, size_bytes, run, call, kind, mime, name, at)"
                " SELECT ?, ?, run, call, ?, ?, ?, ? FROM sent WHERE call = ?",
                [(*facts(one), now, call) for one in artifacts_in(answer.answer)],
            )

    def find(
        self, key: str, store: Store, *, user: str | None = None, of: tuple[str, str, int] | None = None
    ) -> WholeAnswer | None:
        """The newest answer to a question, if the store still has every file of it as it was.

        Args:
            key: the question.
            store: has the files.
            user: the run that builds on them, if one does: what it needs is not cleared away.
            of: run, step and item that alone may have asked it; None for all.
        """
        if of is None:
            return self._found("u.key = ?", (key,), store, user)
        return self._found("u.key = ? AND (s.run, s.step, s.item) = (?,?,?)", (key, *of), store, user)

    def find_asked(self, asked: str, store: Store, *, user: str | None = None) -> WholeAnswer | None:
        """The newest answer to a request, whichever step and endpoint made it; see `find`."""
        return self._found("u.asked = ?", (asked,), store, user) if asked else None

    def _found(
        self, where: str, values: tuple[object, ...], store: Store, user: str | None
    ) -> WholeAnswer | None:
        row = self._rows.first(_FIND.format(where), values, whole, as_json, text)
        if row is None:
            return None
        call, told, why = row
        try:
            answer = unpacked(self._rows.json(told), store)
        except Gone:
            return None
        if user is not None and (files := artifacts_in(answer)):
            self._use(user, call, files)
        return WholeAnswer(answer, why)
