"""`link`: Spaces chained straight from the command line, wired by kind."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.exits import Exit
from pipelines.cli.options import AsJson, BadOption, Inputs, Local, Out, Use, pairs, settings

if TYPE_CHECKING:
    from chains.compose.composition import Decision, Question
    from pipelines.running.linking import Link, LinkedChain
    from pipelines.running.run import Run
    from pipelines.running.workshop import Settings

_SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"[^\W_][\w.-]{0,99}")  # as of a chain; it names a folder


def link(  # noqa: PLR0913 - a command's options
    spaces: Annotated[
        list[str],
        typer.Argument(metavar="SPACE SPACE...", help="Spaces in their order: ids, aliases, URLs, or words."),
    ],
    *,
    input: Inputs = None,  # noqa: A002 - the option's name
    wire: Annotated[
        list[str] | None,
        typer.Option(
            "--wire",
            metavar="PARAM=SOURCE",
            help="What goes to a parameter: STEP.PART or an input; nothing leaves it alone. Repeatable.",
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option("--endpoint", metavar="SPACE=/NAME", help="What to call of a Space. Repeatable."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep the chain as this YAML file.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call the chain.")] = None,
    out: Out = Path("outputs"),
    local: Local = False,
    use: Use = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show how the Spaces fit together, and call nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first call.")] = False,
    as_json: AsJson = False,
) -> None:
    """Chain Spaces straight from here, wired by kind, and run them."""
    import anyio  # noqa: PLC0415

    from chains.compose.wiring import Connection  # noqa: PLC0415
    from pipelines.running.linking import Link  # noqa: PLC0415

    if save is not None and save.suffix not in _SUFFIXES:
        save = save.with_name(f"{save.name}.yaml")
    wires = [
        Connection(to, of) for to, several in pairs("--wire", wire, "PARAM=SOURCE").items() for of in several
    ]
    wanted = Link(
        spaces=tuple(spaces),
        given=pairs("-i", input, "NAME=VALUE"),
        wires=tuple(wires),
        endpoints=pairs("--endpoint", endpoint, "SPACE=/NAME"),
        name=None if name is None else _checked(name),
        save=save,
    )
    how = _How(out, as_json=as_json, only_show=dry_run, confirm=not yes and not as_json and _is_attended())
    made = anyio.run(_linked, wanted, settings(local=local, use=use, quiet=as_json), how)
    raise typer.Exit(
        Exit.DONE if made is None else _ended(made, wanted, how, local=local, use=use, input=input)
    )


@dataclass(frozen=True, slots=True)
class _How:
    out: Path
    as_json: bool
    only_show: bool
    confirm: bool


async def _linked(wanted: "Link", where: "Settings", how: _How) -> "Run | None":
    """Link, show, keep, run."""
    from pipelines.cli.live import is_watched, watching  # noqa: PLC0415
    from pipelines.cli.show import result, result_json, say  # noqa: PLC0415
    from pipelines.engine.given import from_files  # noqa: PLC0415
    from pipelines.running.linking import open_link, save  # noqa: PLC0415
    from pipelines.running.run import Options, run_in  # noqa: PLC0415

    async with open_link(wanted, where, _decide) as (shop, linked):
        if not how.as_json:
            for line in wiring_lines(linked):
                (result if how.only_show else say)(line)
        if wanted.save is not None:
            save(linked, wanted.save)
            if not how.as_json:
                say(f"kept as {wanted.save}")
        if how.as_json and how.only_show:  # once it is kept, since nothing can fail after it
            result_json(link_json(linked))
        if how.only_show or (how.confirm and not await _confirmed()):
            return None
        chain = linked.chain
        options = Options(how.out, as_text=True, watch_signals=True, is_watched=is_watched(quiet=how.as_json))
        with watching([*chain.steps], events=False, quiet=how.as_json) as tell:
            return await run_in(shop, chain, from_files(chain, wanted.given), options, tell)


def _ended(
    run: "Run",
    wanted: "Link",
    how: _How,
    *,
    local: bool,
    use: Sequence[str] | None,
    input: Sequence[str] | None,  # noqa: A002 - the option's name
) -> Exit:
    """Show how a run went, as `run` does."""
    from pipelines.cli.running import (  # noqa: PLC0415
        PAGE,
        explain,
        output_lines,
        repeated,
        run_exit,
        tell_losses,
    )
    from pipelines.cli.show import result, result_json, safe, say  # noqa: PLC0415

    if how.as_json:
        result_json(run.to_json())
    else:
        say(f"report: {safe(str(run.folder / PAGE))}")
        for line in output_lines(run):
            result(line)
    if run.losses:
        tell_losses(run)
    if not run.ok:
        again = (
            ["spacechain", "run", str(wanted.save)] if wanted.save else ["spacechain", "link", *wanted.spaces]
        )
        again += repeated("-i", input)
        if not wanted.save:
            again += repeated("--wire", [str(one) for one in wanted.wires])
            again += repeated(
                "--endpoint", [f"{one}={name}" for one, names in wanted.endpoints.items() for name in names]
            )
            again += ["--name", wanted.name] if wanted.name else []
        again += [*repeated("--use", use), *(["--local"] if local else [])]
        explain(run, [*again, *(["--out", str(how.out)] if how.out != Path("outputs") else [])])
    return run_exit(run)


def wiring_lines(linked: "LinkedChain") -> list[str]:
    """The chain in a few aligned lines: each step, and what goes where."""
    from chains.compose.composition import shown_source  # noqa: PLC0415
    from pipelines.cli.show import safe  # noqa: PLC0415

    steps = linked.composition.steps
    width = max(len(one.name) for one in steps)
    longest = max((len(name) for one in steps for name in one.bound), default=0)
    lines: list[str] = []
    for one in steps:
        lines.append(f"{one.name.ljust(width)}  {safe(one.space)} {safe(one.endpoint.name)}")
        lines += [
            f"{' ' * width}    {safe(name).ljust(longest)} ← {shown_source(str(source))}"
            for name, source in one.bound.items()
        ]
    return lines


def link_json(linked: "LinkedChain") -> dict[str, object]:
    """What was linked, as JSON: the chain's name, its YAML, and what goes where."""
    steps = [
        {
            "name": one.name,
            "space": one.space,
            "endpoint": one.endpoint.name,
            "with": {name: f"${source}" for name, source in one.bound.items()},
        }
        for one in linked.composition.steps
    ]
    return {"chain": linked.chain.name, "steps": steps, "yaml": linked.text}


# questions


def _is_attended() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def _decide(question: "Question") -> "Decision | None":
    """Ask on a terminal; refuse elsewhere.

    Raises:
        Undecided: nobody can be asked, or nothing was chosen where something must be.
    """
    from pipelines.cli.show import safe, say  # noqa: PLC0415

    if not _is_attended():
        raise question.refused()
    say(f"{safe(question.about)}:")
    for number, one in enumerate(question.choices, 1):
        say(f"  {number}  {safe(one.shown)}")
    none = ", Enter for none" if question.may_be_none else ""
    while True:
        answer = (await _answer(f"which (1 to {len(question.choices)}{none})? ")).strip()
        if not answer:
            if question.may_be_none:
                return None
            raise question.refused()
        if answer.isdecimal() and 1 <= int(answer) <= len(question.choices):
            return question.choices[int(answer) - 1].decision
        say(f"{safe(answer)} is none of them")


async def _confirmed() -> bool:
    answer = (await _answer("run it (Enter to run, n to stop)? ")).strip().lower()
    return answer in ("", "y", "yes")


async def _answer(prompt: str) -> str:
    """A line from the terminal; waiting for it can be interrupted. The end of input stops the command."""
    import anyio  # noqa: PLC0415

    sys.stderr.write(prompt)
    sys.stderr.flush()
    await anyio.wait_readable(sys.stdin)
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        raise KeyboardInterrupt
    return line


def _checked(name: str) -> str:
    """A name that a folder and a file may have."""
    if not _NAME.fullmatch(name):
        raise BadOption(
            f"--name takes a name, and got {name!r}", hint="use letters, digits, `-`, `_` and `.`"
        )
    return name
