"""What can still be read of a damaged journal: every row whose page is whole, found page by page.

SQLite stops at the first damaged page. Here nothing but the pages themselves is believed: each leaf of a
table is read by itself, and its rows are told apart by what stands in them.

Source: https://www.sqlite.org/fileformat2.html
"""

import re
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pipelines.journal.rows import TABLES, is_sound

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Value, ...]

_LEAF: Final = 0x0D
_PAGE_BYTES: Final = 4096
_FRAME: Final = 24  # bytes before each page in a log
_LOG_HEAD: Final = 32
_KEY = re.compile(r"[0-9a-f]{64}")
_INTEGERS: Mapping[int, int] = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


@dataclass(frozen=True, slots=True)
class Found:
    """A row that can be read.

    Attributes:
        table: of which table.
        rowid: the row's own number in it.
        row: its values, by the table's `COLUMNS`.
    """

    table: str
    rowid: int
    row: Row


def salvage(file: Path) -> Iterator[Found]:
    """Every row of a journal that can be read.

    A row may come more than once. The file is only read.

    Args:
        file: the journal; the log that SQLite left beside it is read, too.
    """
    data = file.read_bytes()
    yield from _rows_in(_Pages(data, _page_bytes(data), 0, 0))
    log = file.with_name(f"{file.name}-wal")
    if log.exists():
        yield from _rows_in(_Pages(log.read_bytes(), _page_bytes(data), _LOG_HEAD, _FRAME))


def checkpointed(file: Path) -> bool:
    """Bring what the log beside a damaged journal has into it, if SQLite can; whether it could."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            blocked: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except (sqlite3.Error, ValueError):  # a name that is garbled is no text
        return False
    return not blocked


@dataclass(frozen=True, slots=True)
class _Pages:
    """Pages in a file, each behind so many bytes of its own, all behind a head."""

    data: bytes
    size: int
    head: int
    before: int

    def __len__(self) -> int:
        return (len(self.data) - self.head) // (self.size + self.before)

    def page(self, number: int) -> bytes:
        """The page of a number, from 1."""
        start = self.head + (number - 1) * (self.size + self.before) + self.before
        return self.data[start : start + self.size]


def _page_bytes(data: bytes) -> int:
    if data[:16] != b"SQLite format 3\0":
        return _PAGE_BYTES
    told = int.from_bytes(data[16:18], "big")
    size = 65536 if told == 1 else told
    return size if size >= 512 and size & (size - 1) == 0 else _PAGE_BYTES  # noqa: PLR2004 - the smallest there is


def _rows_in(pages: _Pages) -> Iterator[Found]:
    for number in range(1, len(pages) + 1):
        page = pages.page(number)
        if page[:1] != bytes([_LEAF]):
            continue
        cells = int.from_bytes(page[3:5], "big")
        for at in range(8, min(8 + 2 * cells, pages.size - 1), 2):
            with suppress(ValueError, IndexError, struct.error):
                rowid, row = _cell(pages, page, int.from_bytes(page[at : at + 2], "big"))
                if (told := _told_apart(rowid, row)) is not None:
                    yield told


def _cell(pages: _Pages, page: bytes, at: int) -> tuple[int, Row]:
    size, at = _varint(page, at)
    rowid, at = _varint(page, at)
    usable = pages.size
    most = usable - 35
    if size <= most:
        if at + size > usable:
            raise ValueError("the cell does not end in its page")
        return rowid, _record(page[at : at + size])
    least = (usable - 12) * 32 // 255 - 23
    here = least + (size - least) % (usable - 4)
    here = least if here > most else here
    payload, following = page[at : at + here], page[at + here : at + here + 4]
    seen = 0
    while len(payload) < size:
        number, seen = int.from_bytes(following, "big"), seen + 1
        if pages.before or not 1 <= number <= len(pages) or seen > len(pages):
            raise ValueError("the rest of the row is lost")  # a log's pages do not lie by number
        rest = pages.page(number)
        following, payload = rest[:4], payload + rest[4:]
    return rowid, _record(payload[:size])


def _record(payload: bytes) -> Row:
    head, at = _varint(payload, 0)
    values: list[Value] = []
    body = head
    while at < head:
        kind, at = _varint(payload, at)
        value, body = _value(kind, payload, body)
        values.append(value)
    if body != len(payload):
        raise ValueError("the row is longer or shorter than it says")
    return tuple(values)


def _value(kind: int, payload: bytes, at: int) -> tuple[Value, int]:
    match kind:
        case 0:
            return None, at
        case 7:
            return struct.unpack_from(">d", payload, at)[0], at + 8
        case 8 | 9:
            return kind - 8, at
        case 10 | 11:
            raise ValueError("no value is of that kind")
        case _ if kind in _INTEGERS:
            end = at + _INTEGERS[kind]
            return int.from_bytes(payload[at:end], "big", signed=True), end
    end = at + (kind - 12) // 2
    if end > len(payload):
        raise ValueError("a value does not end in its row")
    return (payload[at:end].decode() if kind % 2 else payload[at:end]), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = data[at + count]
        if count == 8:  # noqa: PLR2004 - the last one has eight bits
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:  # noqa: PLR2004
            return value, at + count + 1
    raise ValueError


COLUMNS: Mapping[str, Sequence[str]] = {table: tuple(columns) for table, columns in TABLES.items()}
_NUMBERED = ("sent", "received", "jobs", "unexpected")  # whose first column is the row's own number
_FEWEST = {"sent": 9, "received": 6}  # columns of the first schema; the others' number never changed


def _told_apart(rowid: int, row: Row) -> Found | None:
    """Which table a row is of, and the row with all the columns of the newest schema."""
    for table, columns in COLUMNS.items():
        if not _FEWEST.get(table, len(columns)) <= len(row) <= len(columns):
            continue
        whole = (*row, *([None] * (len(columns) - len(row))))
        if table in _NUMBERED:
            if whole[0] is not None:
                continue
            whole = (rowid, *whole[1:])
        if table == "sent" and whole[9] is None:
            whole = (*whole[:9], "space", *whole[10:])
        if _looks_so(table, whole):
            return Found(table, rowid, whole)
    return None


def _looks_so(table: str, row: Row) -> bool:
    """Whether a row is one of a table: they are told apart by what stands in them."""
    named = dict(zip(COLUMNS[table], row, strict=True))
    if not is_sound(row, TABLES[table]) or not _is_time(named["at"]) or isinstance(row[0], bytes):
        return False
    match table:
        case "received":
            return (named["outputs"] is None) != (named["failure"] is None)
        case "artifacts":
            return isinstance(row[0], str) and _KEY.fullmatch(row[0]) is not None
    return True


def _is_time(value: Value) -> bool:
    return isinstance(value, int | float) and 1e9 < value < 1e11  # noqa: PLR2004 - seconds, from 2001 on
