"""What `runs` and `show` tell of a batch."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.batch.reading import RowRead
    from pipelines.household.listing import BatchRecord

_RESUMABLE = ("failed", "blocked", "interrupted")
_MOST_CHARACTERS = 200  # of a cell where no terminal says how wide it may be


def batch_facts(record: "BatchRecord") -> dict[str, object]:
    """What a list tells of a batch; `counts` is what a run has not."""
    from pipelines.batch.reading import counts_of, status_of  # noqa: PLC0415

    told = record.told
    started = told.get("started")
    seconds, calls = told.get("seconds", 0.0), told.get("calls", 0)
    if not told:  # an earlier version wrote no record of a batch's own: its rows tell
        rows = [one.document for one in record.rows()]
        started = next((one.get("started") for one in rows), None)
        seconds = round(sum(one for row in rows if isinstance(one := row.get("seconds"), int | float)), 3)
        calls = sum(_calls(one) for one in rows)
    return {
        "run": record.entry.run,
        "chain": record.entry.chain,
        "status": status_of(record),
        "started": started,
        "seconds": seconds,
        "calls": calls,
        "outputs": {},
        "counts": counts_of(record).to_json(),
        "table": record.table,
        "results": str(record.results),
        "folder": str(record.entry.folder.absolute()),
    }


def state_words(status: str, counts: Mapping[str, object], unit: str = "") -> str:
    """How far a batch is: `20 of 20`, `18 of 20, 2 failed`, `running, 7 of 20`."""
    done = f"{counts['succeeded']} of {counts['rows']}{unit}"
    if status in ("running", "interrupted", "blocked"):
        done = f"{status}, {done}"
    return f"{done}, {counts['failed']} failed" if counts["failed"] else done


def show_batch(record: "BatchRecord", *, as_json: bool) -> None:
    """Tell what a batch did, a line a row."""
    from pipelines.batch.reading import rows_of, shared_inputs  # noqa: PLC0415
    from pipelines.cli.show import duration, result, result_json, safe, say, table  # noqa: PLC0415

    facts, rows = batch_facts(record), [*rows_of(record)]
    shared = shared_inputs(rows)
    if as_json:
        result_json({**facts, "rows": [one.to_json() for one in rows]})
        return
    run, status = str(facts["run"]), str(facts["status"])
    words = state_words(status, record_counts(facts), " rows")
    seconds = facts["seconds"]
    took = duration(float(seconds)) if isinstance(seconds, int | float) else ""
    result(f"{run}  {safe(str(facts['chain']))}  {words}  {took}")
    result(f"{safe(record.table)} in {safe(str(facts['folder']))}")
    if shared:
        result("all with " + ", ".join(f"{safe(name)}={safe(_cell(one))}" for name, one in shared.items()))
    result("")
    names = [
        name for name in dict.fromkeys(name for one in rows for name in one.inputs) if name not in shared
    ]
    head = ("ROW", "STATUS", *(safe(name) for name in names), "OUTPUT", "RUN")
    table(head, (_row(one, names, record.entry.folder) for one in rows), spare=1)
    counts = record_counts(facts)
    unbegun = counts["left"] - sum(one.status in ("running", "interrupted", "blocked") for one in rows)
    if unbegun > 0:
        result(f"{unbegun} more {'row is' if unbegun == 1 else 'rows are'} not begun")
    if rows:
        first = next((one for one in rows if one.error), rows[0])
        if first.row is not None and record.told:
            say(f"a row with its steps: spacechain show {run}:{first.row}")
    if status == "running":
        say("it is under way in another process")
    elif status in _RESUMABLE:
        say(f"go on from there with: spacechain resume {run}")


def record_counts(facts: Mapping[str, object]) -> Mapping[str, int]:
    """The counts among a batch's facts."""
    counts = facts["counts"]
    return counts if isinstance(counts, dict) else {}


def _row(row: "RowRead", names: Sequence[str], folder: Path) -> tuple[str, ...]:
    number = "-" if row.row is None else str(row.row)
    return (
        number,
        row.status,
        *(_cell(row.inputs.get(name)) for name in names),
        _came_out(row, folder),
        row.run or "",
    )


def _came_out(row: "RowRead", folder: Path) -> str:
    """A row's first output, or why it has none."""
    if row.error is not None:
        return f"{row.error.get('message')} [{row.error.get('code')}]"
    first = next(iter(row.outputs.values()), None)
    several = f" and {len(first) - 1} more" if isinstance(first, list) and len(first) > 1 else ""
    one = first[0] if isinstance(first, list) and first else first
    match one:
        case {"path": str() as path}:
            there = Path(path)
            told = str(there.relative_to(folder)) if there.is_relative_to(folder) else path
        case {"value": value}:
            told = _cell(value)
        case None:
            told = ""
        case _:
            told = _cell(one)
    return told + several


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            text = value
        case {"name": str() as name, "sha256": _}:
            text = name
        case list():
            text = ", ".join(_cell(one) for one in value)
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _calls(document: Mapping[str, object]) -> int:
    steps = document.get("steps")
    told = steps.values() if isinstance(steps, Mapping) else ()
    return sum(
        one for step in told if isinstance(step, Mapping) and isinstance(one := step.get("attempts"), int)
    )
