"""`batch`: a run a row."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import ask_for_trust
from pipelines.cli.completing import chain_names
from pipelines.cli.exits import Exit
from pipelines.cli.options import (
    BadOption,
    Frozen,
    Inputs,
    Local,
    Out,
    Use,
    Wake,
    given_inputs,
    pairs,
    settings,
)
from pipelines.cli.tally import counts, print_line, watching
from spaces_registry.errors import ToolkitError

if TYPE_CHECKING:
    from pipelines.batch.columns import InvalidTable
    from pipelines.batch.survey import Batch
    from pipelines.batch.tally import Tally
    from pipelines.household.listing import BatchRecord

_STDIN = "-"
_WORKERS = 4  # rows at once
_NOTHING_MADE = "interrupted before the first call; nothing was made"
_MOST_SHOWN = 20  # problems of a table


def batch(  # noqa: PLR0913 - a command's options
    chain: Annotated[
        str | None,
        typer.Argument(metavar="CHAIN", help="A chain file or a recipe.", autocompletion=chain_names),
    ] = None,
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="A .csv, .tsv or .jsonl file; - for stdin.")
    ] = None,
    *,
    input: Inputs = None,  # noqa: A002 - the option's name
    out: Out = Path("outputs"),
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="PATTERN", help="Names of files, such as '{prompt}-{row:03}'."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Rows at once.")] = _WORKERS,
    results: Annotated[
        Path | None, typer.Option("--results", metavar="FILE", help="The table of results: .csv or .jsonl.")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=INPUT", help="A column that is called otherwise. Repeatable."),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", metavar="csv|tsv|jsonl", help="How the table is written.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows.")] = None,
    rows: Annotated[str | None, typer.Option("--rows", metavar="A-B", help="Only these rows.")] = None,
    stop_after: Annotated[
        int | None, typer.Option("--stop-after", min=1, metavar="N", help="Begin no row after N failures.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="DIR", help="Go on with the batch in this folder.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make every call again.")] = False,
    local: Local = False,
    use: Use = None,
    frozen: Frozen = False,
    wake: Wake = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a row, as it ends.")] = False,
) -> None:
    """Run a chain for every row of a table.

    The same command goes on where it stopped.
    """
    asked: dict[str, object] = {
        "chain": chain,
        "table": table,
        "input": input,
        "out": out,
        "name": name,
        "results": results,
        "map": rename,
        "format": form,
        "local": local,
        "use": use,
        "frozen": frozen,
        "wake": wake,
    }
    if resume is not None:
        asked = _resumed(resume, asked)
    _do(_Asked.of(asked), _Pace(workers, rows, limit, stop_after), fresh=fresh, as_json=as_json)


def go_on(record: "BatchRecord", *, wake: str | None, as_json: bool) -> None:
    """Go on with a batch in the way it was last started, as `resume` does."""
    from pipelines.batch.keeping import read_setup  # noqa: PLC0415

    asked = {**read_setup(record.entry.folder)}
    if record.was_in != record.entry.folder:  # it was moved
        asked |= {"folder": str(record.entry.folder), "results": str(record.results)}
    if wake is not None:
        asked["wake"] = wake
    _do(_Asked.of(asked), _Pace.of(asked), fresh=False, as_json=as_json)


def _do(told: "_Asked", pace: "_Pace", *, fresh: bool, as_json: bool) -> None:
    made = told.batch(pace, fresh=fresh)
    made = replace(made, asked={**told.to_json(made), **asdict(pace)})
    tally = _run(made, told, as_json=as_json)
    again = ["spacechain", "batch", "--resume", str(made.folder), *pace.words()]
    _conclude(made, tally, again, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Pace:
    """Which rows of a batch are done at a time, as it is kept for `resume`."""

    workers: int = _WORKERS
    rows: str | None = None
    limit: int | None = None
    stop_after: int | None = None

    @classmethod
    def of(cls, asked: Mapping[str, object]) -> "_Pace":
        """As it was kept; batches of earlier versions did not keep it."""
        numbers = {
            name: one
            for name in ("workers", "limit", "stop_after")
            if isinstance(one := asked.get(name), int) and one > 0
        }
        return cls(**numbers, rows=_text(asked.get("rows")))

    def words(self) -> list[str]:
        """The options that say so."""
        words = ["--workers", str(self.workers)] if self.workers != _WORKERS else []
        words += ["--rows", self.rows] if self.rows else []
        return words + (["--limit", str(self.limit)] if self.limit else [])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a batch was asked for, as it is kept for `--resume`."""

    chain: str
    table: str
    input: Sequence[str]
    out: Path
    name: str | None
    results: Path | None
    map: Sequence[str]
    format: str | None
    local: bool
    use: Sequence[str]
    frozen: bool
    wake: str | None
    folder: Path | None

    @classmethod
    def of(cls, asked: Mapping[str, object]) -> "_Asked":
        """The options, complete."""
        chain, table, results = asked.get("chain"), asked.get("table"), asked.get("results")
        if chain is None or table is None:
            hint = "write: spacechain batch CHAIN TABLE, such as: spacechain batch film.yaml films.csv"
            raise BadOption("batch needs a chain and a table", hint=hint)
        return cls(
            str(chain),
            str(table),
            _texts(asked.get("input")),
            Path(str(asked.get("out") or "outputs")),
            _text(asked.get("name")),
            None if results is None else Path(str(results)),
            _texts(asked.get("map")),
            _text(asked.get("format")),
            bool(asked.get("local")),
            _texts(asked.get("use")),
            bool(asked.get("frozen")),
            _text(asked.get("wake")),
            None if asked.get("folder") is None else Path(str(asked.get("folder"))),
        )

    def to_json(self, made: "Batch") -> dict[str, object]:
        """What `of` reads; the rows of stdin by the file that keeps them."""
        told = {name: str(one) if isinstance(one, Path) else one for name, one in asdict(self).items()}
        return {
            **told,
            "table": str(made.table.path),
            "format": made.table.form,
            "folder": str(made.folder),
            "results": str(made.results),
        }

    def batch(self, pace: _Pace, *, fresh: bool) -> "Batch":
        """What is to be done; stdin is kept in its folder, to be looked at as a whole."""
        from pipelines.artifacts.names import safe_name  # noqa: PLC0415
        from pipelines.batch.keeping import keep_table  # noqa: PLC0415
        from pipelines.batch.survey import Batch  # noqa: PLC0415
        from pipelines.batch.table import table_at  # noqa: PLC0415
        from pipelines.household.library import find_chain  # noqa: PLC0415

        first, last = _range(pace.rows, pace.limit)
        found = find_chain(self.chain)
        if self.table != _STDIN:
            ask_for_trust(found)
        inputs = given_inputs(found, self.input)
        renamed = {column: names[-1] for column, names in pairs("--map", self.map, "COLUMN=INPUT").items()}
        stem = "stdin" if self.table == _STDIN else Path(self.table).stem
        folder = self.folder or self.out / found.name / safe_name(stem, ".x").removesuffix(".x")
        if self.table == _STDIN:
            if self.format is None:
                raise BadOption(
                    "how stdin is written cannot be told", hint="say so with --format csv or jsonl"
                )
            table = table_at(Path(f"table.{self.format}"), self.format)
            table = table_at(keep_table(folder, table.form, sys.stdin.buffer), self.format, "stdin")
        else:
            table = table_at(Path(self.table), self.format)
        results = self.results or folder / f"results.{'csv' if table.is_text else 'jsonl'}"
        if results.suffix not in (".csv", ".jsonl"):
            raise BadOption(f"--results takes a .csv or .jsonl file, and got {str(results)!r}")
        return Batch(
            found,
            table,
            folder,
            results,
            inputs,
            renamed,
            self.name,
            pace.workers,
            first,
            last,
            fresh,
            pace.stop_after,
            watch_signals=True,
        )


def _run(made: "Batch", asked: _Asked, *, as_json: bool) -> "Tally":
    import anyio  # noqa: PLC0415

    from pipelines.batch.batch import run_batch  # noqa: PLC0415
    from pipelines.batch.columns import InvalidTable  # noqa: PLC0415
    from pipelines.cli.show import error_json  # noqa: PLC0415

    where = settings(local=asked.local, use=asked.use, quiet=as_json, frozen=asked.frozen, wake=asked.wake)
    with watching(as_json=as_json) as show:
        try:
            return anyio.run(run_batch, made, where, show)
        except InvalidTable as invalid:
            _show_problems(invalid)
            if as_json:
                print_line(error_json(invalid), is_last=True)
            raise typer.Exit(Exit.WRONG) from None
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_NOTHING_MADE) from None


def _show_problems(invalid: "InvalidTable") -> None:
    """Each problem on a line, then how many there are."""
    from pipelines.cli.show import safe, say  # noqa: PLC0415

    for problem in invalid.problems[:_MOST_SHOWN]:
        say(f"{safe(invalid.table)}: {safe(problem)}")
    number = len(invalid.problems)
    counted = "1 problem" if number == 1 else f"{number} problems"
    say(f"error: {counted} in {safe(invalid.table)}; nothing was called [{invalid.code}]")
    if invalid.hint:
        say(f"  hint: {safe(invalid.hint)}")


def _conclude(made: "Batch", tally: "Tally", again: Sequence[str], *, as_json: bool) -> None:
    from pipelines.cli.show import result, safe, say  # noqa: PLC0415

    if as_json:
        _page(made)
        print_line(tally.to_json(), is_last=True)
    else:
        say(counts(tally))
        if (page := _page(made)) is not None:
            say(f"report: {safe(str(page))}")
        result(str(made.results))
    if tally.left or tally.failed:
        why = (
            "interrupted"
            if tally.interrupted
            else "blocked by a quota or a budget"
            if tally.blocked
            else None
        )
        say((f"{why}; " if why else "") + f"what is done is kept in {safe(str(made.folder))}")
        say(f"go on from there with: {safe(shlex.join(again))}")
    if tally.interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    if tally.blocked:
        raise typer.Exit(Exit.BLOCKED)
    raise typer.Exit(Exit.STEP_FAILED if tally.failed else Exit.DONE)


def _page(made: "Batch") -> Path | None:
    """Write the batch's page; one that cannot be written is no reason to say nothing of the rows."""
    from pipelines.cli.show import safe, say  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.listing import batch_in  # noqa: PLC0415
    from pipelines.report.sheet import write_sheet  # noqa: PLC0415

    try:
        record = batch_in(find_home(), made.folder)
        return (
            None
            if record is None
            else write_sheet(replace(record, entry=replace(record.entry, folder=made.folder)))
        )
    except ToolkitError as failure:
        say(f"warning: the batch has no page: {safe(failure.message)}")
        return None


def _resumed(folder: Path, asked: Mapping[str, object]) -> dict[str, object]:
    """What was asked for of the batch in a folder; it cannot be asked for something else at once."""
    from pipelines.batch.keeping import read_setup  # noqa: PLC0415

    if asked["chain"] is not None or asked["table"] is not None:
        raise BadOption(
            "--resume knows its chain and its table", hint=f"write: spacechain batch --resume {folder}"
        )
    return {**asked, **read_setup(folder)}


def _range(rows: str | None, limit: int | None) -> tuple[int, int | None]:
    """The first and the last row asked for."""
    first, last = 1, None
    if rows is not None:
        begin, dash, end = rows.partition("-")
        hint = "write --rows 5-10, --rows 5- or --rows 5"
        if not (begin.isdecimal() and (end.isdecimal() or not end)) or int(begin) < 1:
            raise BadOption(f"--rows takes A-B, and got {rows!r}", hint=hint)
        first = int(begin)
        last = int(end) if end else None if dash else first
        if last is not None and last < first:
            raise BadOption(f"--rows {rows} is no range: it ends before it begins", hint=hint)
    if limit is not None:
        last = first + limit - 1 if last is None else min(last, first + limit - 1)
    return first, last


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()
