"""`run` and `studio`: making things happen."""

import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

from pipelines.cli.asking import ask_for_trust
from pipelines.cli.checking import whole_chain
from pipelines.cli.completing import step_names
from pipelines.cli.exits import Exit, exit_for
from pipelines.cli.history import RunName
from pipelines.cli.options import (
    AsJson,
    BadOption,
    ChainName,
    Frozen,
    Inputs,
    InputsFile,
    Local,
    Out,
    Use,
    Wake,
    given_inputs,
    settings,
)
from spaces_registry.errors import ToolkitError

Events: TypeAlias = Annotated[bool, typer.Option("--events", help="Print what happens as JSON lines.")]
PAGE = "report.html"
REFUSED = "rejected-input"  # the app itself says no to what it was given
_MOST_LISTED = 12  # items of one output on a terminal; of more, the first and the last are shown
_MOST_SHOWN = 4000  # characters of one value on a terminal
_NOTHING_MADE = "interrupted before the first call; nothing was made"
_MOST_LOST = 10  # failed items of one step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chains.model import Chain
    from pipelines.engine.events import RunListener
    from pipelines.engine.results import Failed
    from pipelines.running.run import Run


def run(  # noqa: PLR0913 - a command's options
    chain: ChainName,
    *,
    input: Inputs = None,  # noqa: A002 - the option's name
    inputs: InputsFile = None,
    out: Out = Path("outputs"),
    local: Local = False,
    use: Use = None,
    frozen: Frozen = False,
    wake: Wake = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make every call again.")] = False,
    redo: Annotated[
        list[str] | None,
        typer.Option(
            "--redo",
            metavar="STEP",
            help="Make this step's calls again, and what follows.",
            autocompletion=step_names,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="STEP",
            help="Run this step and what it needs, no more.",
            autocompletion=step_names,
        ),
    ] = None,
    events: Events = False,
    as_json: AsJson = False,
) -> None:
    """Run a chain and save what it makes."""
    from pipelines.cli.live import is_watched  # noqa: PLC0415
    from pipelines.running.run import Options, run_loaded  # noqa: PLC0415

    if events and as_json:
        raise BadOption("--events and --json both print JSON", hint="choose one of them")
    quiet = as_json or events
    where = settings(local=local, use=use, quiet=quiet, frozen=frozen, wake=wake)
    found = whole_chain(chain, where)
    ask_for_trust(found)
    given = given_inputs(found, input, inputs)
    options = Options(
        out,
        fresh=fresh,
        redo=redo or (),
        only=only or (),
        as_text=True,
        watch_signals=True,
        is_watched=is_watched(quiet=quiet),
    )
    _make(
        found,
        lambda tell: run_loaded(found, given, where, options, tell),
        events=events,
        as_json=as_json,
    )


def resume(
    run: RunName,
    *,
    wake: Wake = None,
    events: Events = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run or a batch that failed, was interrupted or killed."""
    from pipelines.cli.batching import go_on as go_on_with_batch  # noqa: PLC0415
    from pipelines.cli.live import is_watched  # noqa: PLC0415
    from pipelines.household.history import Record  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.listing import find  # noqa: PLC0415
    from pipelines.running.resume import begun_run, load_begun  # noqa: PLC0415
    from pipelines.running.resume import resume as go_on  # noqa: PLC0415

    if events and as_json:
        raise BadOption("--events and --json both print JSON", hint="choose one of them")
    record = find(find_home(), run)
    if not isinstance(record, Record):
        if events:
            raise BadOption("--events is for a run, and that is a batch", hint="--json prints a line a row")
        go_on_with_batch(record, wake=wake, as_json=as_json)
        return
    where = settings(quiet=as_json or events, wake=wake)
    begun = begun_run(str(record.entry.folder), where)
    chain = load_begun(begun, where)
    ask_for_trust(chain)
    _make(
        chain,
        lambda tell: go_on(
            begun,
            chain,
            where,
            watch_signals=True,
            is_watched=is_watched(quiet=as_json or events),
            tell=tell,
        ),
        events=events,
        as_json=as_json,
    )


def _make(
    chain: "Chain", work: "Callable[[RunListener], Awaitable[Run]]", *, events: bool, as_json: bool
) -> NoReturn:
    """Do the work of a run in sight of whoever waits, show what it made, and end with its exit code."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.live import watching  # noqa: PLC0415
    from pipelines.cli.show import result, result_json, safe, say  # noqa: PLC0415

    with watching([*chain.steps], events=events, quiet=as_json) as tell:
        try:
            done = anyio.run(lambda: work(tell))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_NOTHING_MADE) from None
    if as_json:
        result_json({**done.to_json(), **_ending(done)})
    elif not events:
        say(f"report: {safe(str(done.folder / PAGE))}")
        for path in output_lines(done, fold=sys.stdout.isatty()):
            result(path)
    if done.losses:
        tell_losses(done)
    if not done.ok:
        explain(done)
    with suppress(ToolkitError):  # the run is told already, and only a warning is lost
        _warn(chain)
    raise typer.Exit(run_exit(done))


def _ending(run: "Run") -> dict[str, object]:
    """Why a run did not succeed, and the command that goes on, as JSON; nothing for one that did."""
    from pipelines.cli.show import plain_error  # noqa: PLC0415
    from pipelines.engine.results import failed_ones  # noqa: PLC0415

    if run.ok:
        return {}
    following = None if _is_spent(run) else f"spacechain resume {run.id}"
    failed = failed_ones(step.result for step in run.steps.values())
    if run.status == "interrupted":
        told = plain_error("interrupted", "the run was interrupted", None, following)
    elif failed:
        error = failed[0].error
        told = plain_error(error.code, f"step {failed[0].step}: {error.message}", error.hint, following)
    else:
        told = plain_error("failed", "the run failed", None, following)
        for name, error in run.unmade.items():
            why = f"output {name} has no value: {error.message}"
            told = plain_error(error.code, why, error.hint, following)
    return {**told, **({} if following is None else {"next": following})}


def tell_losses(run: "Run") -> None:
    """What steps went on without, item by item, and how to ask for it again."""
    from pipelines.cli.show import safe, say  # noqa: PLC0415

    for loss in run.losses:
        say(f"step {safe(loss.step)}: {loss.words}")
        for call in loss.failed[:_MOST_LOST]:
            why = call.failure
            say(f"  item {call.item + 1}: {safe(why.message)} [{why.code}]" if why else "")
        if len(loss.failed) > _MOST_LOST:
            say(f"  and {len(loss.failed) - _MOST_LOST} more; all of them: spacechain show {run.id}")
    if run.ok:
        say(f"ask for them again with: spacechain resume {run.id}")


def _warn(chain: "Chain") -> None:
    """A line on what is nearly used up, so that the next run does not stop in its middle."""
    from pipelines.cli.show import safe, say  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.journal import open_journal  # noqa: PLC0415
    from pipelines.planning.usage import near_limits  # noqa: PLC0415

    with open_journal(find_home().journal) as journal:
        if told := near_limits(journal, find_home(), chain):
            say(f"warning: {safe(told)}")


def run_exit(run: "Run") -> Exit:
    """The exit code of a run that was recorded."""
    from pipelines.engine.results import failed_ones  # noqa: PLC0415

    match run.status:
        case "succeeded":
            return Exit.DONE
        case "interrupted":
            return Exit.INTERRUPTED
        case "blocked":
            return Exit.BLOCKED
        case "failed":
            codes = {exit_for(one.error) for one in failed_ones(step.result for step in run.steps.values())}
            return Exit.NOT_ALLOWED if codes == {Exit.NOT_ALLOWED} else Exit.STEP_FAILED


def output_lines(run: "Run", *, fold: bool = False) -> list[str]:
    """What a run is run for: the outputs, a line each, the chain's first one last.

    Args:
        run: that ended.
        fold: of a long list show its ends, as a person wants; a program wants all of it.
    """
    from pipelines.running.record import FileOutput, ValueOutput, brief  # noqa: PLC0415

    lines: list[str] = []
    for name, output in reversed([*run.outputs.items()]):
        told: list[str] = []
        for one in output if isinstance(output, tuple) else (output,):
            match one:
                case FileOutput(head=str() as head):
                    told.append(f"{name}: {_shown(head)} … (all of it in {one.path})")
                case FileOutput():
                    told += [f"{name}.{part}: {_shown(brief(it))}" for part, it in one.extra.items()]
                    told.append(str(one.path))
                case ValueOutput():
                    told.append(f"{name}: {_shown(brief(one.value))}")
        if fold and len(told) > _MOST_LISTED:
            told = [*told[:3], f"… {len(told) - 4} more of {name} in {run.folder}", told[-1]]
        lines += told
    return lines


def _shown(value: object) -> str:
    """A value for reading: text as it is, all else as JSON; nothing that could steer a terminal."""
    from pipelines.cli.show import safe  # noqa: PLC0415
    from spaces_registry.plain import escaped  # noqa: PLC0415

    text = value if isinstance(value, str) else escaped(json.dumps(value, ensure_ascii=False))
    if not sys.stdout.isatty():
        return text
    lines = [safe(line) for line in text.splitlines()] or [""]
    whole = "\n".join(lines)
    return whole if len(whole) <= _MOST_SHOWN else whole[:_MOST_SHOWN] + " … (all of it with --json)"


def repeated(option: str, values: Sequence[str] | None) -> list[str]:
    """An option with each of its values, as the words of a command."""
    return [word for value in values or () for word in (option, value)]


def other_inputs(run: str) -> str:
    """How to go on with a run whose app refused what it was given: the same would be refused again."""
    return (
        f"run the chain again with other inputs; what is made is kept. With the same: spacechain resume {run}"
    )


def explain(run: "Run", again: Sequence[str] = ()) -> None:
    """Why a run did not finish, and the command that goes on from here."""
    from pipelines.cli.show import safe, say, show_error  # noqa: PLC0415
    from pipelines.engine.results import failed_ones  # noqa: PLC0415
    from spaces_registry.errors import HubUnreachable  # noqa: PLC0415

    every = failed_ones(step.result for step in run.steps.values())
    offline = [one.step for one in every if isinstance(one.error, HubUnreachable)]
    for failed in every:
        if failed.step in offline[1:]:
            continue  # one line tells that there is no network
        which = offline if failed.step in offline[:1] else [failed.step]
        say(f"step{'s' if len(which) > 1 else ''} {', '.join(which)} failed:")
        show_error(failed.error)
        for line in _elsewhere(failed):
            say(f"  {safe(line)}")
    for name, error in run.unmade.items():
        say(f"output {name} has no value:")
        show_error(error)
    if run.status == "blocked":
        say(f"blocked: {_when(run)}; what is done is kept in {safe(str(run.folder))}")
    else:
        say(f"{run.status}; what is done is kept in {safe(str(run.folder))}")
    if _is_spent(run):
        say("go on from there: raise the chain's `budget` and run it again; `resume` keeps to the old one")
    elif every and not again and all(one.error.code == REFUSED for one in every):
        say(other_inputs(run.id))
    else:
        say(f"go on from there with: {safe(shlex.join(again or ('spacechain', 'resume', run.id)))}")


def _is_spent(run: "Run") -> bool:
    """Whether a step was stopped by the budget of the run's chain."""
    from pipelines.engine.results import failed_ones  # noqa: PLC0415

    failed = failed_ones(step.result for step in run.steps.values())
    return any(one.error.code == "budget-exceeded" for one in failed)


def _elsewhere(failed: "Failed") -> Iterator[str]:
    """What the other places of a failed call said, where several were tried."""
    from spaces_registry.network.refusals import line  # noqa: PLC0415

    call = next((one for one in failed.calls if one.failure is not None), None)
    attempts = call.attempts if call else ()
    if len({one.via for one in attempts}) > 1:
        for one in attempts:
            if one.then != "retry":
                said = line((one.said or "").removeprefix(f"{one.via}: "))
                yield f"tried {one.via}: {one.failure}" + (f": {said}" if said else "")


def _when(run: "Run") -> str:
    """From when a blocked run can go on, in the time of whoever reads it."""
    if _is_spent(run):
        return "its budget is used up"
    if run.ready_at is None:
        return "a share is used up, and nobody said until when"
    here = run.ready_at.astimezone()
    is_today = here.date() == datetime.now(here.tzinfo).date()
    return f"it can go on from {here:%H:%M:%S}" if is_today else f"it can go on from {here:%Y-%m-%d %H:%M}"


def studio(
    spaces: Annotated[
        list[str] | None, typer.Argument(metavar="[SPACE]...", help="Only these Spaces.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Run the local Spaces until Ctrl-C."""
    import anyio  # noqa: PLC0415

    anyio.run(_serve_studio, spaces, as_json)


async def _serve_studio(spaces: list[str] | None, as_json: bool) -> None:  # noqa: FBT001 - anyio.run is positional
    import anyio  # noqa: PLC0415

    from pipelines.cli.show import say  # noqa: PLC0415
    from pipelines.engine.interrupts import interruptible  # noqa: PLC0415
    from pipelines.studio import open_studio  # noqa: PLC0415
    from spaces_registry.address import address_of  # noqa: PLC0415

    wanted = None if spaces is None else [address_of(one).shown for one in spaces]
    async with open_studio(wanted, tell=say) as urls:
        _show_urls(urls, as_json=as_json)
        say("stop with Ctrl-C")
        async with interruptible(watch_signals=True):
            await anyio.sleep_forever()


def _show_urls(urls: Mapping[str, str], *, as_json: bool) -> None:
    from pipelines.cli.show import result_json, table  # noqa: PLC0415

    if as_json:
        result_json(dict(urls), is_versioned=False)
    else:
        table(("SPACE", "URL"), list(urls.items()))
    sys.stdout.flush()
