"""Puts the lines of a table of results into the order of the rows that they are about."""

import csv
import io
import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

_ROW = "row"


def put_in_order(path: Path, *, is_csv: bool) -> None:
    """Sort a whole table of results by row, beside it; then put it in its place. Bytes stay as they are.

    Only the places of its lines are held in memory. One that is in order is left alone.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("rb") as file:
        records = _records(file, quotes=is_csv)
        head = next(records, None) if is_csv else None
        column = None if head is None else _cells(head[1]).index(_ROW)
        places = [(_row_of(text, column), at, len(text)) for at, text in records]
        if all(one[0] <= other[0] for one, other in pairwise(places)):
            return
        places.sort(key=lambda one: one[0])
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with aside.open("wb") as sorted_ones:
                sorted_ones.write(b"" if head is None else head[1])
                for _, at, size in places:
                    file.seek(at)
                    sorted_ones.write(file.read(size))
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def _records(file: BinaryIO, *, quotes: bool) -> Iterator[tuple[int, bytes]]:
    """Each line with where it begins; in a CSV file, one that goes on in quotes with all of its lines."""
    start, parts, marks = 0, list[bytes](), 0
    for line in file:
        parts.append(line)
        marks += line.count(b'"') if quotes else 0
        if marks % 2 == 0:
            text = b"".join(parts)
            yield start, text
            start, parts, marks = start + len(text), [], 0


def _row_of(text: bytes, column: int | None) -> int:
    told = json.loads(text).get(_ROW) if column is None else _cells(text)[column]
    return int(told) if str(told).isdecimal() else 0


def _cells(text: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(text.decode("utf-8-sig", "replace"), newline="")), [])
