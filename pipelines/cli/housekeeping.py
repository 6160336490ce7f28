"""`rm` and `store`: runs that go, and files that nobody needs any more."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pipelines.cli.completing import run_names
from pipelines.cli.options import AsJson, BadOption
from spaces_registry.errors import ToolkitError

if TYPE_CHECKING:
    from pipelines.batch.removal import BatchClearing
    from pipelines.household.home import Home
    from pipelines.household.housekeeping import Clearing, Holding
    from pipelines.household.listing import Listed

Runs: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Ids of runs or batches, or how they begin, their folders, or: last.",
        autocompletion=run_names,
    ),
]
_PRUNE_HINT = "add --yes; what is made of removed files is made again when needed"
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class NotConfirmed(ToolkitError):
    """Something is to be removed, and nobody is there to be asked."""

    code = "not-confirmed"


def rm(
    runs: Runs,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove runs and batches: their folders and their record."""
    from pipelines.batch.removal import remove_batch  # noqa: PLC0415
    from pipelines.cli.show import result_json  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.housekeeping import Clearing, remove_run  # noqa: PLC0415
    from pipelines.household.listing import find  # noqa: PLC0415
    from pipelines.journal import open_journal  # noqa: PLC0415

    home = find_home()
    found = {one.entry.run: one for one in [find(home, name) for name in runs]}
    going = [_going(home, one) for one in found.values()]
    facts = [_cleared(one) for one in going]
    if not dry_run:
        _ask_for_batches(going, yes=yes, as_json=as_json)
        with open_journal(home.journal, alone=True) as journal:
            for one in going:
                if isinstance(one, Clearing):
                    remove_run(home, journal, one)
                else:
                    remove_batch(home, journal, one)
    if as_json:
        result_json({"removed": not dry_run, "runs": facts})
        return
    for one, told in zip(going, facts, strict=True):
        _tell_removed(one, told, dry_run=dry_run)


def _going(home: "Home", record: "Listed") -> "Clearing | BatchClearing":
    from pipelines.batch.removal import batch_clearing  # noqa: PLC0415
    from pipelines.household.history import Record  # noqa: PLC0415
    from pipelines.household.housekeeping import clearing  # noqa: PLC0415

    return clearing(home, record) if isinstance(record, Record) else batch_clearing(home, record)


def _ask_for_batches(going: "Sequence[Clearing | BatchClearing]", *, yes: bool, as_json: bool) -> None:
    """A batch is the work of a night, and `last` may mean one: whoever removes it says so twice."""
    from pipelines.batch.removal import BatchClearing  # noqa: PLC0415
    from pipelines.cli.show import say  # noqa: PLC0415

    batches = [one for one in going if isinstance(one, BatchClearing)]
    if not batches or yes:
        return
    for one in batches:
        say(f"to remove: batch {one.run} with {_rows(one.number)}, {_files(len(one.files))}")
    _ask(as_json=as_json, hint="add --yes; --dry-run says what would go")


def _tell_removed(one: "Clearing | BatchClearing", told: Mapping[str, object], *, dry_run: bool) -> None:
    """What went, and what of it the disk has back: what is still in the store goes when that is pruned."""
    from pipelines.batch.removal import BatchClearing  # noqa: PLC0415
    from pipelines.cli.show import result, safe, size  # noqa: PLC0415

    verb = "would remove" if dry_run else "removed"
    what = f"batch {one.run} with {_rows(one.number)}" if isinstance(one, BatchClearing) else one.run
    result(f"{verb} {what}: {_files(len(one.files))} in {safe(str(one.folder))}")
    freed = told["freed_bytes"]
    kept = "; what was made stays in the store until: spacechain store --prune" if len(one.files) > 1 else ""
    result(
        f"  {size(freed if isinstance(freed, int) else 0)} {'would be free' if dry_run else 'are free'}{kept}"
    )
    if one.others:
        result(f"  {_files(len(one.others))} there are not of its making, and stay")


def _cleared(one: "Clearing | BatchClearing") -> dict[str, object]:
    from pipelines.batch.removal import BatchClearing  # noqa: PLC0415
    from pipelines.household.housekeeping import freed_bytes  # noqa: PLC0415

    return {
        "run": one.run,
        "folder": str(one.folder),
        "files": len(one.files),
        "freed_bytes": freed_bytes(one.files),
        "left": [str(path) for path in one.others],
        **({"rows": one.number} if isinstance(one, BatchClearing) else {}),
    }


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


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

    from pipelines.cli.show import result_json, safe, say, size  # noqa: PLC0415
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
        say(f"removed {_files(done.files)}, {size(done.size_bytes)}")
        if done.spared:
            say(f"{_files(done.spared)} stay: others are at work, and may need what was kept within the hour")


def _ask(*, as_json: bool, hint: str = _PRUNE_HINT) -> None:
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = "nothing was removed: nobody is here to say yes"
        raise NotConfirmed(message, hint=hint)
    if not typer.confirm("remove them?", err=True):
        raise typer.Exit


def _show(held: Sequence["Holding"]) -> None:
    from pipelines.cli.show import size, table  # noqa: PLC0415

    groups = _groups(held)
    rows = [(name, str(len(group)), size(sum(one.size_bytes for one in group))) for name, group in groups]
    table(
        ("FILES", "NUMBER", "SIZE"),
        [*rows, ("all", str(len(held)), size(sum(one.size_bytes for one in held)))],
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
    from pipelines.cli.show import size  # noqa: PLC0415

    return f"{_files(len(group))}, {size(sum(one.size_bytes for one in group))}" if group else "nothing"


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _bytes(option: str, text: str | None) -> int | None:
    from chains.shape.forms import size as read_size  # noqa: PLC0415 - pydantic comes with it

    try:
        return None if text is None else read_size(text)
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
