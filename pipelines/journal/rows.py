"""Rows as they are read: what the journal's file says is believed where it is what a journal can hold.

A changed byte may make a number of a text, or of JSON something else, and SQLite finds nothing wrong with it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipelines.journal.errors import JournalFailed
from spaces_registry.network.decoding import read_back

Check: TypeAlias = Callable[[object], bool]
MOST_ROWS: Final = 10**12  # calls; a larger number is damage


def text(value: object) -> bool:
    """A text."""
    return isinstance(value, str)


def path(value: object) -> bool:
    """A path: a text, or bytes where these are no UTF-8."""
    return isinstance(value, str | bytes)


def whole(value: object) -> bool:
    """A whole number that counts or sizes something."""
    return isinstance(value, int) and 0 <= value < MOST_ROWS


def number(value: object) -> bool:
    """A number that can be reckoned with."""
    return isinstance(value, int | float) and abs(value) < MOST_ROWS


def moment(value: object) -> bool:
    """Seconds since the epoch."""
    return number(value)


def as_json(value: object) -> bool:
    """A text that holds JSON."""
    if not isinstance(value, str):
        return False
    try:
        read_back(value)
    except ValueError:
        return False
    return True


def maybe(check: Check) -> Check:
    """A value of some sort, or none."""
    return lambda value: value is None or check(value)


TABLES: Final[Mapping[str, Mapping[str, Check]]] = {
    "sent": {
        "call": whole,
        "run": text,
        "step": text,
        "item": whole,
        "key": text,
        "place": text,
        "endpoint": text,
        "revision": maybe(text),
        "at": moment,
        "kind": text,
        "size": maybe(as_json),
    },
    "received": {
        "call": whole,
        "key": text,
        "outputs": maybe(as_json),
        "failure": maybe(text),
        "said": maybe(text),
        "at": moment,
        "gpu_s": maybe(number),
        "usd": maybe(number),
        "until": maybe(moment),
        "work_s": maybe(number),
    },
    "jobs": {"job": whole, "call": whole, "key": text, "told": as_json, "at": moment},
    "runs": {
        "run": text,
        "chain": text,
        "file": path,
        "beside": path,
        "text": text,
        "folder": path,
        "inputs": as_json,
        "options": as_json,
        "at": moment,
    },
    "happened": {"run": text, "what": text, "step": maybe(text), "told": maybe(as_json), "at": moment},
    "artifacts": {
        "sha256": text,
        "size_bytes": whole,
        "run": text,
        "call": maybe(whole),
        "kind": text,
        "mime": text,
        "name": text,
        "at": moment,
    },
    "unexpected": {
        "call": whole,
        "key": text,
        "asked": text,
        "answer": as_json,
        "why": text,
        "at": moment,
    },
}
TURNS: Final[Mapping[str, Check]] = {"name": text, "at": moment}


class Rows:
    """Questions to the journal's file, whose answers are checked.

    Args:
        connection: the journal's.
        file: where it lies, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self.connection = connection
        self.file = file

    def all(self, query: str, values: Sequence[object], *checks: Check) -> list[tuple[Any, ...]]:
        """Every row of an answer, each of whose columns is what its check asks for.

        Raises:
            JournalFailed: the file cannot be read, or a row of it is none that we wrote.
        """
        with self.errors():
            rows = self.connection.execute(query, values).fetchall()
        for row in rows:
            self._require(row, checks)
        return rows

    def first(self, query: str, values: Sequence[object], *checks: Check) -> tuple[Any, ...] | None:
        """The first row of an answer, if there is one; see `all`."""
        with self.errors():
            row: tuple[Any, ...] | None = self.connection.execute(query, values).fetchone()
        if row is not None:
            self._require(row, checks)
        return row

    def json(self, told: str) -> Any:
        """The value of a JSON text that stands in a row."""
        with self.errors():
            return read_back(told)

    def damage(self) -> str | None:
        """What is wrong with any row; None if nothing is."""
        for table, columns in (*TABLES.items(), ("turns", TURNS)):
            query = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - ours
            with self.errors():
                for row in self.connection.execute(query):
                    if not is_sound(row, columns):
                        return f"a row of its table `{table}` is not what was written there"
        return None

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what SQLite says no to, and what stands in no row of ours, into one error."""
        try:
            yield
        except (sqlite3.Error, ValueError, OverflowError) as cause:
            raise JournalFailed(self.file, cause) from cause

    def _require(self, row: Sequence[object], checks: Sequence[Check]) -> None:
        if len(row) != len(checks) or not all(check(one) for check, one in zip(checks, row, strict=True)):
            damage = sqlite3.DatabaseError("it is damaged: a row of it is not what was written there")
            raise JournalFailed(self.file, damage)


def is_sound(row: Sequence[object], columns: Mapping[str, Check]) -> bool:
    """Whether a row, by its table's columns, can have been written by us."""
    return all(check(value) for check, value in zip(columns.values(), row, strict=True))
