"""Tables of rows, read one row at a time: CSV and JSON Lines."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, TypeAlias, TypeGuard

from spaces_registry.errors import ToolkitError

Form: TypeAlias = Literal["csv", "tsv", "jsonl"]
FORMS: tuple[Form, ...] = ("csv", "tsv", "jsonl")
_BY_SUFFIX: Mapping[str, Form] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_SEPARATORS = ",;\t"
MOST_COLUMNS = 1000  # as many as a chain has inputs at most
MOST_CHARACTERS = 2_000_000  # of a line


class BadTable(ToolkitError):
    """A table cannot be read, or is none."""

    code = "bad-table"


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: from 1, not counting a header.
        line: where it stands in the file, from 1; for one that spans lines, its last.
        cells: by column; text in a CSV file, any JSON in JSON Lines. What is empty or null is not there.
        trouble: why it is no row, else None.
    """

    number: int
    line: int
    cells: Mapping[str, object]
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows.

    Attributes:
        path: where it is.
        form: how it is written.
        name: what messages call it.
    """

    path: Path
    form: Form
    name: str

    @property
    def is_text(self) -> bool:
        """Whether every cell is text, as on a command line."""
        return self.form != "jsonl"

    def header(self) -> tuple[str, ...]:
        """The columns of a CSV file; none for JSON Lines, where each row names its own.

        Raises:
            BadTable: it cannot be read, has no header, or two columns of one name.
        """
        if not self.is_text:
            return ()
        with self._errors(), self._open() as file:
            names = tuple(
                one.strip() for one in next(csv.reader(self._lines(file), delimiter=self._separator()), [])
            )
        refuse_many(self.name, len(names))
        if not any(names):
            hint = "its first line names the columns, such as: prompt,seed"
            raise BadTable(f"{self.name} has no header", hint=hint)
        twice = next((name for name, times in Counter(names).items() if times > 1), None)
        if twice is not None:
            told = f"two columns named {twice!r}" if twice else "columns without a name"
            raise BadTable(f"{self.name} has {told}", hint="give each column a name of its own")
        return names

    def rows(self) -> Iterator[Row]:
        """The rows, read as they are asked for.

        Raises:
            BadTable: the file cannot be read.
        """
        with self._errors(), self._open() as file:
            yield from self._from_csv(file) if self.is_text else _from_json_lines(self._lines(file))

    def _from_csv(self, file: TextIO) -> Iterator[Row]:
        reader = csv.reader(self._lines(file), delimiter=self._separator())
        names = tuple(one.strip() for one in next(reader, []))
        number = 0
        for cells in reader:
            if not cells:
                continue  # an empty line
            number += 1
            trouble = None
            if len(cells) != len(names):
                counted = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}"
                trouble = f"has {counted}, and the header has {len(names)}"
            found = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
            yield Row(number, reader.line_num, found, trouble)

    def _separator(self) -> str:
        """Tab in a TSV file; else whichever of comma, semicolon and tab the header has most of."""
        if self.form == "tsv":
            return "\t"
        with self._open() as file:
            head = file.readline(MOST_CHARACTERS)
        return max(_SEPARATORS, key=head.count)

    def _open(self) -> TextIO:
        return self.path.open(encoding="utf-8-sig", newline="")

    def _lines(self, file: TextIO) -> Iterator[str]:
        """The lines of the file, none of them longer than a row may be."""
        number = 0
        while line := file.readline(MOST_CHARACTERS + 1):
            number += 1
            if len(line) > MOST_CHARACTERS:
                message = f"{self.name}: line {number} is longer than {MOST_CHARACTERS:,} characters"
                raise BadTable(message, hint="is it a table? keep long texts in files, and name these")
            yield line

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as cause:
            raise BadTable(f"{self.name} cannot be read: {cause.strerror or cause}") from cause
        except UnicodeDecodeError as cause:
            raise BadTable(f"{self.name} is not UTF-8 text", hint="save it as UTF-8") from cause
        except csv.Error as cause:
            raise BadTable(f"{self.name} is not CSV: {cause}") from cause


def table_at(path: Path, form: str | None, name: str | None = None) -> Table:
    """The table in a file.

    Args:
        path: of the file.
        form: how it is written; None to go by the suffix.
        name: what messages call it, if not by its path.

    Raises:
        BadTable: the suffix or the form is none that can be read.
    """
    if form is not None and not _is_form(form):
        raise BadTable(f"a table cannot be read as {form!r}", hint=f"it may be {', '.join(FORMS)}")
    told = form or _BY_SUFFIX.get(path.suffix.lower())
    if told is None:
        message = f"{name or path}: what kind of table this is cannot be told from its name"
        raise BadTable(message, hint="tables are .csv, .tsv or .jsonl; or say so with --format csv")
    return Table(path, told, name or str(path))


def refuse_many(name: str, columns: int) -> None:
    """Refuse a table of more columns than anybody needs.

    Raises:
        BadTable: it has.
    """
    if columns > MOST_COLUMNS:
        raise BadTable(f"{name} has {columns:,} columns", hint=f"a table may have {MOST_COLUMNS:,}")


def _is_form(text: str) -> TypeGuard[Form]:
    return text in FORMS


def _from_json_lines(lines: Iterable[str]) -> Iterator[Row]:
    number = 0
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        number += 1
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as cause:
            yield Row(number, line, {}, f"is not JSON: {cause}")
            continue
        if not isinstance(told, dict):
            yield Row(number, line, {}, "is not a JSON object")
            continue
        yield Row(number, line, {name: value for name, value in told.items() if value is not None})
