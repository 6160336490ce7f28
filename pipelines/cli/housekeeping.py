"""`rm` and `store`: runs that go, and files that nobody needs any more."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pipelines.cli.completing import run_names
from pipelines.cli.options import AsJson, BadOption
from spaces_registry.errors import ToolkitError

if TYPE_CHECKING:
    from pipelines.household.housekeeping import Clearing, Holding

Runs: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Runs' ids or how they begin, their folders, or: last.",
        autocompletion=run_names,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class NotConfirmed(ToolkitError):
    """Something is to be removed, and nobody is there to be asked."""

    code = "not-confirmed"


def rm(
    runs: Runs,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove runs: their folders and their record."""
    from pipelines.cli.show import result, result_json, safe  # noqa: PLC0415
    from pipelines.household.history import find_run  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.housekeeping import clearing, remove_run  # noqa: PLC0415
    from pipelines.journal import open_journal  # noqa: PLC0415

    home = find_home()
    found = {one.entry.run: one for one in [find_run(home.runs, name) for name in runs]}
    going = [clearing(home, one) for one in found.values()]
    facts = [_cleared(one) for one in going]
    if not dry_run:
        with open_journal(home.journal, alone=True) as journal:
            for one in going:
                remove_run(home, journal, one)
    if as_json:
        result_json({"removed": not dry_run, "runs": facts})
        return
    for one in going:
        verb = "would remove" if dry_run else "removed"
        result(f"{verb} {one.run}: {_files(len(one.files))} in {safe(str(one.folder))}")
        if one.others:
            result(f"  {_files(len(one.others))} there are not of its making, and stay")


def _cleared(one: "Clearing") -> dict[str, object]:
    others = [str(path) for path in one.others]
    return {"run": one.run, "folder": str(one.folder), "files": len(one.files), "left": others}


def store(
    *,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what no kept run needs; says first what would go.")
    ] = False,
    older: Annotated[
        str | None, typer.Option("--older", metavar="30d", help="Only what was not used for so long.")
    ] = None,
    larger: Annotated[
        str | None, typer.Option("--larger", metavar="2GB", help="Only files of more than this.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option("--keep", metavar="20GB", help="Only until the store holds no more than this."),
    ] = None,
    unreachable: Annotated[bool, typer.Option("--unreachable", help="Only what no kept result has.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show what is kept, and clear away what no run needs."""
    import time  # noqa: PLC0415

    from pipelines.cli.show import result_json, safe, say  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.housekeeping import Wanted, holdings, runs_without_folder, to_go  # noqa: PLC0415
    from pipelines.household.housekeeping import prune as clear  # noqa: PLC0415
    from pipelines.journal import open_journal  # noqa: PLC0415

    wanted = Wanted(_seconds(older), _bytes("--larger", larger), unreachable, _bytes("--keep", keep))
    home, done = find_home(), None
    with open_journal(home.journal, alone=prune) as journal:
        mark = journal.needs.newest()
        held = holdings(home, journal)
        going = to_go(held, wanted, time.time())
        if not as_json:
            _show(held)
            if going and (gone := runs_without_folder(journal)):
                more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
                say(f"warning: {safe(gone[0])}{more} is not there: what only such runs need may go")
            if prune or wanted != Wanted():
                say(f"{'to remove' if prune else 'would go'}: {_told(going)}")
        if prune and going:
            if not yes:
                _ask(as_json=as_json)
            done = clear(home, journal, going, mark)
    if as_json:
        result_json(_document(held, going, done))
    elif done is not None:
        say(f"removed {_files(done.files)}, {_size(done.size_bytes)}")
        if done.spared:
            say(f"{_files(done.spared)} stay: others are at work, and may need what was kept within the hour")


def _ask(*, as_json: bool) -> None:
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = "nothing was removed: nobody is here to say yes"
        raise NotConfirmed(message, hint="add --yes; what is made of removed files is made again when needed")
    if not typer.confirm("remove them?", err=True):
        raise typer.Exit


def _show(held: Sequence["Holding"]) -> None:
    from pipelines.cli.show import table  # noqa: PLC0415

    groups = _groups(held)
    rows = [(name, str(len(group)), _size(sum(one.size_bytes for one in group))) for name, group in groups]
    table(
        ("FILES", "NUMBER", "SIZE"),
        [*rows, ("all", str(len(held)), _size(sum(one.size_bytes for one in held)))],
    )


def _groups(held: Sequence["Holding"]) -> "Sequence[tuple[str, Sequence[Holding]]]":
    free = [one for one in held if not one.needed]
    return (
        ("needed by kept runs", [one for one in held if one.needed]),
        ("of results that may be used again", [one for one in free if one.is_result]),
        ("of nothing", [one for one in free if not one.is_result]),
    )


def _document(held: Sequence["Holding"], going: Sequence["Holding"], done: object) -> dict[str, object]:
    from pipelines.household.housekeeping import Pruned  # noqa: PLC0415

    names = ("needed", "reusable", "unreachable")
    groups = {name: _sum(group) for name, (_, group) in zip(names, _groups(held), strict=True)}
    removed = {"files": done.files, "bytes": done.size_bytes} if isinstance(done, Pruned) else None
    return {**_sum(held), **groups, "would_go": _sum(going), "removed": removed}


def _sum(group: Sequence["Holding"]) -> dict[str, int]:
    return {"files": len(group), "bytes": sum(one.size_bytes for one in group)}


def _told(group: Sequence["Holding"]) -> str:
    return f"{_files(len(group))}, {_size(sum(one.size_bytes for one in group))}" if group else "nothing"


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _size(size_bytes: float) -> str:
    """Bytes for people: `340 B`, `12 kB`, `3.4 GB`."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:  # noqa: PLR2004 - what a kilo is
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"


def _bytes(option: str, text: str | None) -> int | None:
    from chains.shape.forms import size  # noqa: PLC0415 - pydantic comes with it

    try:
        return None if text is None else size(text)
    except ValueError:
        raise BadOption(f"{option} takes a size, and got {text!r}", hint="write it as 500MB or 2GB") from None


def _seconds(text: str | None) -> float | None:
    from chains.shape.forms import duration  # noqa: PLC0415

    if text is None:
        return None
    days = text.strip().removesuffix("d")
    try:
        return float(days) * 86400 if days != text.strip() and days.isdecimal() else duration(text)
    except ValueError:
        raise BadOption(f"--older takes a time, and got {text!r}", hint="write it as 12h or 30d") from None
