"""`runs`, `show` and `report`: what was done."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pipelines.cli.completing import run_names
from pipelines.cli.options import AsJson

if TYPE_CHECKING:
    from pipelines.household.history import Record
    from pipelines.household.listing import Listed

RunName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run or batch or how it begins, its folder, last, or BATCH:7 for row 7.",
        autocompletion=run_names,
    ),
]
_RUNS_HEAD = ("RUN", "CHAIN", "STATUS", "WHEN", "TOOK", "CALLS", "OUTPUTS")
_RESUMABLE = ("failed", "blocked", "interrupted")
_LONGEST = 2000  # characters of an output's value; all of it is in run.json


def runs(
    chain: Annotated[str | None, typer.Argument(metavar="[CHAIN]", help="Only runs of this chain.")] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The runs below this folder.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    every: Annotated[
        bool, typer.Option("--all", help="The runs of batches' rows, too, below their batch.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what was run, the newest first; a batch is one line."""
    from pipelines.cli.show import result_json, say, table  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.listing import listed  # noqa: PLC0415

    name = Path(chain).stem if chain and chain.endswith((".yaml", ".yml")) else chain
    records = list(islice(listed(find_home(), chain=name, below=out), limit))
    facts = [one for record in records for one in _listed_facts(record, every=every)]
    if as_json:
        result_json(facts)
    elif facts:
        table(_RUNS_HEAD, (_row(one) for one in facts), spare=2)
        own = (one for one in facts if "batch" not in one and one["status"] in ("interrupted", "blocked"))
        if (first := next(own, None)) is not None:
            run, status = first["run"], first["status"]
            say(f"{run} is {status}; go on from there with: spacechain resume {run}")
    else:
        say("there are no runs yet" if chain is None and out is None else "there are no such runs")


def show(run: RunName, *, as_json: AsJson = False) -> None:
    """Tell what a run did, its steps and what came out; of a batch, its rows."""
    from pipelines.cli.batches import show_batch  # noqa: PLC0415
    from pipelines.household.history import Record  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.listing import find  # noqa: PLC0415

    record = find(find_home(), run)
    if isinstance(record, Record):
        _show_run(record, as_json=as_json)
    else:
        show_batch(record, as_json=as_json)


def _show_run(record: "Record", *, as_json: bool) -> None:
    from pipelines.cli.running import REFUSED, other_inputs  # noqa: PLC0415
    from pipelines.cli.show import result, result_json, safe, say, table  # noqa: PLC0415

    if as_json:
        result_json({**record.document, "status": record.status})
        return
    facts = run_facts(record)
    result(f"{facts['run']}  {safe(str(facts['chain']))}  {facts['status']}  {facts['seconds']} s")
    result(f"in {safe(str(facts['folder']))}")
    if "batch" in facts:
        result(f"row {facts['row']} of batch {safe(str(facts['batch']))}")
    result("")
    steps = [(name, _mapping(one)) for name, one in _mapping(record.document.get("steps")).items()]
    table(("STEP", "STATUS", "SECONDS", "CALLS", "AT"), (_step_row(name, one) for name, one in steps))
    for line in _outputs(record):
        result(line)
    for line in _lost_lines(record.document):
        result(line)
    for name, step in steps:
        _show_warnings(name, step)
        _show_tries(name, step)
    for name, error in _mapping(record.document.get("unmade")).items():
        told = _mapping(error)
        result(f"{safe(name)} has no value: {safe(str(told.get('message')))} [{safe(str(told.get('code')))}]")
    errors = [_mapping(step.get("error")).get("code") for _, step in steps]
    failures = {one for one in errors if one}
    if record.status == "failed" and failures == {REFUSED}:
        say(other_inputs(str(facts["run"])))
    elif record.status in _RESUMABLE and "budget-exceeded" not in errors:
        say(f"go on from there with: spacechain resume {facts['run']}")


def report(
    run: RunName,
    *,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the page of a run or a batch anew, and tell where it is."""
    from pipelines.cli.show import result, result_json  # noqa: PLC0415
    from pipelines.household.history import Record  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.listing import find  # noqa: PLC0415
    from pipelines.report import write_report  # noqa: PLC0415
    from pipelines.report.sheet import write_sheet  # noqa: PLC0415

    record = find(find_home(), run)
    if isinstance(record, Record):
        page = write_report(record.entry.folder, {**record.document, "status": record.status})
    else:
        page = write_sheet(record)
    if as_json:
        result_json({"run": record.entry.run, "report": str(page.absolute())})
    else:
        result(str(page))
    if open_it:
        typer.launch(str(page))


def _listed_facts(record: "Listed", *, every: bool) -> Iterator[dict[str, object]]:
    """What a list tells of a run, or of a batch and, if they are asked for, its rows."""
    from pipelines.cli.batches import batch_facts  # noqa: PLC0415
    from pipelines.household.history import Record  # noqa: PLC0415

    if isinstance(record, Record):
        yield run_facts(record)
        return
    yield batch_facts(record)
    if every:
        rows = sorted(record.rows(), key=_row_number)
        yield from (run_facts(one) for one in rows)


def _row_number(record: "Record") -> int:
    row = record.document.get("row")
    return row if isinstance(row, int) else 0


def run_facts(record: "Record") -> dict[str, object]:
    """What a list tells of a run."""
    document = record.document
    steps = [_mapping(one) for one in _mapping(document.get("steps")).values()]
    attempts = (one.get("attempts") for one in steps)
    return {
        "run": record.entry.run,
        "chain": document.get("chain", record.entry.chain),
        "status": record.status,
        "started": document.get("started"),
        "seconds": document.get("seconds", 0.0),
        "calls": sum(one for one in attempts if isinstance(one, int)),
        "outputs": document.get("outputs", {}),
        **({"lost": document["lost"]} if document.get("lost") else {}),
        **({"batch": document["batch"], "row": document.get("row")} if document.get("batch") else {}),
        "folder": str(record.entry.folder.absolute()),
    }


def _row(facts: Mapping[str, object]) -> tuple[str, ...]:
    from pipelines.cli.batches import state_words  # noqa: PLC0415
    from pipelines.cli.show import duration  # noqa: PLC0415

    outputs, status = _mapping(facts["outputs"]), str(facts["status"])
    lost = sum(len(_list(_mapping(one).get("failed"))) for one in _list(facts.get("lost")))
    if "counts" in facts:
        status = state_words(status, _mapping(facts["counts"]))
    seconds = facts["seconds"]
    return (
        str(facts["run"]),
        f"row {facts['row']}" if "batch" in facts else str(facts["chain"]),
        f"{status}, {lost} lost" if lost else status,
        _when(str(facts["started"] or "")),
        duration(float(seconds)) if isinstance(seconds, int | float) else "",
        str(facts["calls"]),
        ", ".join(outputs) or str(facts.get("table", "")),
    )


def _step_row(name: str, step: Mapping[str, object]) -> tuple[str, ...]:
    via, endpoint = str(step.get("via") or ""), str(step.get("endpoint") or "")
    shared = Counter(str(_mapping(one).get("via") or "") for one in _list(step.get("calls")))
    if len(shared) > 1:
        via, endpoint = ", ".join(f"{one} ({number})" for one, number in shared.items()), ""
    has_both = endpoint and endpoint not in (via, via.rpartition(" ")[2])
    at = str(step.get("because") or (f"{via} {endpoint}" if has_both else via))
    calls = "kept" if step.get("cached") else str(step.get("attempts", ""))
    status, lost = str(step.get("status", "")), len(_list(step.get("failed_items")))
    if lost:
        status = f"{lost} of {step.get('items')} failed"
    return (name, status, str(step.get("seconds", "")), calls, at)


def _lost_lines(document: Mapping[str, object]) -> list[str]:
    """What steps went on without, each item by its number and with its reason."""
    from pipelines.cli.show import safe  # noqa: PLC0415
    from pipelines.engine.losses import read_losses  # noqa: PLC0415

    lines: list[str] = []
    for step, words, failed in read_losses(document):
        lines += ["", f"{safe(step)}: {words}", *(f"  {safe(one)}" for one in failed)]
    return lines


def _outputs(record: "Record") -> list[str]:
    """The outputs, a line each, with files by where they are now."""
    from pipelines.cli.show import safe  # noqa: PLC0415
    from pipelines.report.values import with_file_names  # noqa: PLC0415

    lines = [""]
    for name, output in _mapping(record.document.get("outputs")).items():
        for one in output if isinstance(output, list) else [output]:
            told = _mapping(one)
            if "path" in told:
                value = str(told["path"])
                if isinstance(head := told.get("head"), str):
                    value = f"{safe(head)[:_LONGEST]} … (all of it in {value})"
            else:
                found = with_file_names(told.get("value"))
                value = safe(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False))
                value = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
            lines.append(f"{safe(name)}: {safe(value)}")
    return lines if len(lines) > 1 else []


def _show_warnings(name: str, step: Mapping[str, object]) -> None:
    """What whoever uses a step's outputs should know."""
    from pipelines.cli.show import result, safe  # noqa: PLC0415

    for one in _list(step.get("warnings")):
        result(f"{safe(name)}: warning: {safe(str(one))}")


def _show_tries(name: str, step: Mapping[str, object]) -> None:
    """Why a step failed, and what was tried before it ended, with the places' own words."""
    from pipelines.cli.show import result, safe  # noqa: PLC0415

    error = _mapping(step.get("error"))
    tries = _list(step.get("attempts")) or _list(step.get("story")) or _list(error.get("attempts"))
    if not error and not tries:
        return
    result("")
    if error:
        result(f"{safe(name)} failed: {safe(str(error.get('message')))} [{error.get('code')}]")
        if error.get("hint"):
            result(f"  hint: {safe(str(error['hint']))}")
    else:
        result(f"{safe(name)} did not succeed at once:")
    for one in tries:
        result(f"  {safe(_try_line(_mapping(one)))}")


def _try_line(told: Mapping[str, object]) -> str:
    """`owner/a: busy after 0.1 s: Queue is full!; tried again in 1.7 s`."""
    via, said, wait = str(told.get("via")), str(told.get("said") or ""), told.get("wait_s")
    said = said.removeprefix(f"{via}: ")
    line = f"{via}: {told.get('class')} after {told.get('seconds')} s" + (f": {said}" if said else "")
    if said.startswith("not asked"):
        line = f"{via}: {said}"
    match told.get("then"):
        case "retry":
            return f"{line}; tried again" + (f" in {wait:.1f} s" if isinstance(wait, int | float) else "")
        case "fall-back":
            return f"{line}; went on to the next place"
        case "stop":
            return f"{line}; gave up"
        case _:
            return line


def _when(moment: str) -> str:
    """A time in UTC by the clock of whoever reads it: `21 Nov 11:08`, of another year `21 Nov 2025`."""
    try:
        here = datetime.fromisoformat(moment).astimezone()
    except ValueError:
        return moment
    return f"{here:%d %b %H:%M}" if here.year == datetime.now().astimezone().year else f"{here:%d %b %Y}"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
