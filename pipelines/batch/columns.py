"""What a table's columns are to a chain: its inputs, or free; every cell is checked before the first call."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chains.meaning.paths import expanded
from chains.model import Chain, ChainStep, Input, PythonStep
from pipelines.artifacts import Store
from pipelines.batch.table import Row, Table
from pipelines.engine.inputs import InvalidInputs, read_inputs
from spaces_registry.errors import ToolkitError, closest, nearest
from spaces_registry.signature import Kind

_NEARLY = 0.75  # a letter in four
_WEB = ("http://", "https://")


class InvalidTable(ToolkitError):
    """A table's rows do not fit the chain's inputs; as many problems as are worth telling.

    Args:
        table: what it is called.
        chain: its name.
        problems: one line each.
        hint: what to write.
    """

    code = "invalid-table"

    def __init__(self, table: str, chain: str, problems: Sequence[str], hint: str | None = None) -> None:
        shown = "; ".join(problems[:3]) + ("; …" if len(problems) > 3 else "")  # noqa: PLR2004 - a line's worth
        super().__init__(f"{table} does not fit the inputs of {chain}: {shown}", hint=hint)
        self.table, self.problems = table, tuple(problems)


@dataclass(frozen=True, slots=True)
class Columns:
    """Reads a row as a chain's inputs.

    Attributes:
        chain: whose inputs.
        table: whose rows.
        renamed: column → input, where they are not of one name.
        shared: inputs that are the same for every row, as on a command line; a row's own cell goes first.
    """

    chain: Chain
    table: Table
    renamed: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, object] = field(default_factory=dict)

    def input_of(self, column: str) -> str | None:
        """The input that a column is, or None for a free one."""
        name = self.renamed.get(column, column)
        return name if name in self.chain.inputs else None

    def inputs(self, row: Row) -> dict[str, object]:
        """A row's inputs, as `read_inputs` takes them."""
        given = dict(self.shared)
        for column, cell in row.cells.items():
            if (name := self.input_of(column)) is not None:
                given[name] = [cell] if self.table.is_text else cell
        return given

    def check_header(self, names: Sequence[str]) -> None:
        """Look at the columns that the table has, before its rows.

        Raises:
            InvalidTable: none of them is an input, one that is mapped is not there, or two are one input.
        """
        problems = [*self._bad_maps(names)]
        taken: dict[str, str] = {}
        for column in names:
            name = self.input_of(column)
            if name is not None and name in taken:
                problems.append(f"columns {taken[name]!r} and {column!r} are both the input {name}")
            elif name is not None:
                taken[name] = column
        if not taken and not problems:
            problems.append(f"none of its columns ({', '.join(names)}) is an input")
        for name, wanted in self.chain.inputs.items():
            if wanted.required and name not in taken and name not in self.shared:
                problems.append(f"there is no column {name!r}, which is required" + _meant(name, names))
        if problems:
            hint = f"the inputs are {', '.join(self.chain.inputs)}; --map column=input renames a column"
            raise InvalidTable(self.table.name, self.chain.name, problems, hint)

    def _bad_maps(self, names: Sequence[str]) -> Iterator[str]:
        for column, name in self.renamed.items():
            if name and name not in self.chain.inputs:
                yield f"--map {column}={name}: {name} is no input" + _meant(name, list(self.chain.inputs))
            elif column not in names:
                yield f"--map {column}={name}: there is no column {column!r}" + _meant(column, names)

    def misspelt(self, names: Sequence[str], used: frozenset[str]) -> Iterator[str]:
        """Columns that are nearly an input that no other column is: all rows would go without it."""
        free = self._without_a_column(names)
        for column in self._free(names, used):
            if (close := closest(column.lower(), free, _NEARLY)) is not None:
                yield f"column {column!r} is not an input (did you mean {close!r}?)"

    def likely_typos(self, names: Sequence[str], used: frozenset[str]) -> Iterator[str]:
        """Free columns that nothing uses and that look like an input; a line each."""
        free = self._without_a_column(names)
        for column in self._free(names, used):
            if told := _meant(column, free):
                yield f"column {column!r} is not an input and is ignored{told}"

    def _without_a_column(self, names: Sequence[str]) -> list[str]:
        """The inputs that no column has the name of."""
        there = frozenset(names)
        return [one for one in self.chain.inputs if one not in there]

    def _free(self, names: Sequence[str], used: frozenset[str]) -> Iterator[str]:
        """The columns that are no input and that nothing uses."""
        for column in names:
            if self.input_of(column) is None and column not in used and column not in self.renamed:
                yield column

    def problems(self, row: Row, store: Store) -> Iterator[str]:
        """What is wrong with one row, a line each; no file of it is taken into the store."""
        at = f"row {row.number} (line {row.line})"
        if row.trouble:
            yield f"{at} {row.trouble}"
            return
        given = self.inputs(row)
        column_of = {self.input_of(column): column for column in row.cells}
        for name, wanted in self.chain.inputs.items():
            if name not in given:
                if wanted.required:
                    yield f"{at}, column {name}: it is empty, and the input is required"
            elif name in column_of:
                trouble = self._trouble(wanted, given[name], store)
                if trouble:
                    yield f"{at}, column {column_of[name]}: {trouble}"

    def _trouble(self, wanted: Input, value: object, store: Store) -> str | None:
        if wanted.kind.is_file or wanted.kind == Kind.GALLERY:
            return next((told for one in _paths(value) if (told := _not_there(one))), None)
        alone = replace(self.chain, inputs={wanted.name: wanted})
        try:
            read_inputs(alone, {wanted.name: value}, store, as_text=self.table.is_text)
        except InvalidInputs as invalid:
            return "; ".join(invalid.problems)
        return None

    def content(self, row: Row) -> str:
        """What a row asks for, as text: equal for rows that a chain cannot tell apart.

        A file counts by its bytes, one on the network by its address.
        """
        given = self.inputs(row)
        told: dict[str, object] = {}
        for name, wanted in self.chain.inputs.items():
            if name not in given:
                continue
            is_file = wanted.kind.is_file or wanted.kind == Kind.GALLERY
            told[name] = [_bytes_of(one) for one in _paths(given[name])] if is_file else given[name]
        return json.dumps(told, sort_keys=True, default=str)


def fingerprint(chain: Chain) -> str:
    """A chain's text and that of the files it names, as one hash: another chain makes other things."""
    digest = hashlib.sha256(chain.source.text.encode("utf-8", "surrogatepass"))
    for step in chain.ways:
        named = (
            step.file if isinstance(step, PythonStep) else step.chain if isinstance(step, ChainStep) else None
        )
        if named is not None:
            digest.update(_bytes_of(str(chain.folder / named)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _paths(value: object) -> tuple[str, ...]:
    """The paths or addresses in a cell: text, a list of them, or such a list as JSON text."""
    match value:
        case str() if value.lstrip().startswith("["):
            try:
                return _paths(json.loads(value))
            except ValueError:
                return (value,)
        case str():
            return (value,)
        case list() | tuple():
            return tuple(path for one in value for path in _paths(one))
        case _:
            return (str(getattr(value, "sha256", value)),)


def _not_there(path: str) -> str | None:
    if path.startswith(_WEB):
        return None
    try:
        return None if expanded(path).is_file() else f"there is no file {path[:200]!r}"
    except (OSError, ValueError):
        return f"{path[:200]!r} is no path"


def _bytes_of(path: str) -> str:
    if path.startswith(_WEB):
        return path
    try:
        with expanded(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, RuntimeError):
        return path


def _meant(name: str, names: Sequence[str]) -> str:
    hint = nearest(name, names) or ""
    return f" ({hint})" if hint.startswith("did you mean") else ""
