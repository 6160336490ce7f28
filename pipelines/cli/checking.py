"""`check` and `plan`: what can be known before anything is called."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.exits import Exit
from pipelines.cli.options import (
    AsJson,
    ChainName,
    Frozen,
    Inputs,
    InputsFile,
    Local,
    Use,
    given_inputs,
    settings,
)

if TYPE_CHECKING:
    from chains.model import Chain
    from chains.problems import Problem
    from pipelines.planning.plan import Plan
    from pipelines.planning.planned import PlannedStep
    from pipelines.running.preflight import Look
    from pipelines.running.workshop import Settings

_WIDTH = 80


def check(
    chain: ChainName,
    *,
    static: Annotated[bool, typer.Option("--static", help="Touch no network.")] = False,
    local: Local = False,
    use: Use = None,
    frozen: Frozen = False,
    as_json: AsJson = False,
) -> None:
    """Check a chain against its Spaces without a call that costs."""
    import anyio  # noqa: PLC0415

    from chains.problems import InvalidChain, in_order  # noqa: PLC0415
    from pipelines.cli.show import problems_json, result, result_json, show_problems  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415

    refused = None
    where = settings(local=local, use=use, quiet=as_json, frozen=frozen)
    try:
        found = find_chain(chain) if static else whole_chain(chain, where)
        problems, text = _static(found), found.source.text
        if not static:
            looked = anyio.run(_looked, found, where, not _errors(problems))
            problems, refused = in_order([*problems, *looked.problems]), looked.refusal
        problems = _with_trust(found, problems)
    except InvalidChain as invalid:
        problems, text = invalid.problems, invalid.source.text
    ok = not _errors(problems)
    if as_json:
        result_json({"ok": ok, **problems_json(problems)})
    else:
        show_problems(problems, text)
        if ok:
            result(f"{chain} is fine" + (" as far as can be told without the network" if static else ""))
    only_refused = refused is not None and all(
        one.code == refused.code for one in problems if one.severity == "error"
    )
    raise typer.Exit(Exit.DONE if ok else Exit.NOT_ALLOWED if only_refused else Exit.WRONG)


def plan(
    chain: ChainName,
    *,
    input: Inputs = None,  # noqa: A002 - the option's name
    inputs: InputsFile = None,
    local: Local = False,
    use: Use = None,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print the chain as a Mermaid flowchart.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a run would do and why."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.show import result, result_json  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415

    where = settings(local=local, use=use, quiet=as_json)
    found = find_chain(chain) if mermaid else whole_chain(chain, where)
    if mermaid:
        from chains.graph import mermaid as drawn  # noqa: PLC0415

        if as_json:
            result_json({"chain": found.name, "mermaid": drawn(found)})
        else:
            result(drawn(found))
        return
    given = given_inputs(found, input, inputs)
    planned = anyio.run(_planned, found, given, where)
    if as_json:
        result_json(planned.to_json())
    else:
        _show_plan(planned)


def _static(chain: "Chain") -> tuple["Problem", ...]:
    import os  # noqa: PLC0415

    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.running.preflight import static_problems  # noqa: PLC0415
    from spaces_registry.bookmarks import find_bookmarks  # noqa: PLC0415

    return static_problems(chain, find_bookmarks(find_home().folder, chain.folder, os.environ))


def _with_trust(chain: "Chain", problems: tuple["Problem", ...]) -> tuple["Problem", ...]:
    """The problems, and what a run will ask trust for beside code and keys, as warnings."""
    from chains.problems import in_order  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.trusting import trust_problems  # noqa: PLC0415
    from spaces_registry.errors import ToolkitError  # noqa: PLC0415

    try:
        return in_order([*problems, *trust_problems(chain, find_home())])
    except ToolkitError:
        return problems  # the same mistake is among them, or hinders any look


def _errors(problems: tuple["Problem", ...]) -> bool:
    return any(one.severity == "error" for one in problems)


def whole_chain(name: str, where: "Settings") -> "Chain":
    """The chain that a user names, as `find_chain`; of a file that is wrong, also what its places say.

    Raises:
        InvalidChain: the file is no chain of this version; every mistake of it is told, those of endpoints,
            choices and outputs among them.
    """
    import anyio  # noqa: PLC0415

    from chains.meaning.paths import is_url  # noqa: PLC0415
    from chains.problems import InvalidChain  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415
    from spaces_registry.errors import ToolkitError  # noqa: PLC0415

    try:
        return find_chain(name)
    except InvalidChain as invalid:
        if invalid.rest is None or is_url(name):  # whoever wrote a page on the web asks no place through us
            raise
        try:
            looked = anyio.run(_looked, invalid.rest, where, False)  # noqa: FBT003 - anyio.run takes no names
        except ToolkitError:
            raise invalid from None
        places = {one.at for one in invalid.problems}
        more = [one for one in looked.problems if one.severity == "error" and one.at not in places]
        raise InvalidChain([*invalid.problems, *more], invalid.source, invalid.rest) from None


async def _looked(chain: "Chain", where: "Settings", search: bool = True) -> "Look":  # noqa: FBT001, FBT002
    from dataclasses import replace  # noqa: PLC0415

    from chains.problems import in_order  # noqa: PLC0415
    from pipelines.running.foreseen import foreseen_misfits, plain_defaults  # noqa: PLC0415
    from pipelines.running.locking import lock_of  # noqa: PLC0415
    from pipelines.running.preflight import look  # noqa: PLC0415
    from pipelines.running.workshop import open_workshop  # noqa: PLC0415

    async with open_workshop(chain, where, lock_of(chain, frozen=where.frozen)) as shop:
        looked = await look(chain, shop.places, search=search)
    misfits = foreseen_misfits(chain, looked.places, plain_defaults(chain), severity="warning")
    return replace(looked, problems=in_order([*looked.problems, *misfits]))


async def _planned(chain: "Chain", given: Mapping[str, list[str]], where: "Settings") -> "Plan":
    from dataclasses import replace  # noqa: PLC0415

    from chains.problems import InvalidChain  # noqa: PLC0415
    from pipelines.engine.inputs import read_inputs  # noqa: PLC0415
    from pipelines.planning.plan import make_plan  # noqa: PLC0415
    from pipelines.programs.environment import read_environment  # noqa: PLC0415
    from pipelines.running.foreseen import foreseen_misfits  # noqa: PLC0415
    from pipelines.running.locking import lock_of  # noqa: PLC0415
    from pipelines.running.nesting import secrets_of  # noqa: PLC0415
    from pipelines.running.preflight import look  # noqa: PLC0415
    from pipelines.running.workshop import known_quota, open_workshop  # noqa: PLC0415

    async with open_workshop(chain, where, lock_of(chain, frozen=where.frozen)) as shop:
        looked = await look(chain, shop.places)
        if looked.refusal is not None:
            raise looked.refusal
        if not looked.ok:
            raise InvalidChain(looked.problems, chain.source)
        inputs = read_inputs(chain, given, shop.store, as_text=True)
        if misfits := [*foreseen_misfits(chain, looked.places, inputs)]:
            raise InvalidChain(misfits, chain.source)
        environment, hidden = read_environment(chain), secrets_of(chain, shop.places.around)
        plan = make_plan(chain, {"inputs": inputs, "env": environment}, looked, shop, secrets=hidden)
        plan = replace(plan, asks=_asks(chain))
        if not plan.forecast.amounts.gpu_s:
            return plan
        return replace(plan, forecast=replace(plan.forecast, quota=await known_quota(shop)))


def _asks(chain: "Chain") -> tuple[str, ...]:
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.trusting import missing, wishes  # noqa: PLC0415

    home = find_home()
    return tuple(one.told for one in missing(wishes(chain, home), home))


def _show_plan(plan: "Plan") -> None:
    from pipelines.cli.show import folded, result, safe  # noqa: PLC0415

    for one in plan.asks:
        result(f"a run asks for your trust first: {safe(one)}")
    steps = {one.name: one for one in plan.steps}
    for number, layer in enumerate(plan.order, start=1):
        for name in layer:
            for line in _plan_lines(steps[name], f"{number}. {name}"):
                text = line.lstrip()
                indent = " " * (len(line) - len(text))
                for part in folded(text, indent, f"{indent}  "):
                    result(part)
    if told := plan.forecast.told():
        result(told)


def _plan_lines(step: "PlannedStep", title: str) -> Iterator[str]:
    """What is planned for a step; for one that is a chain, for the steps in it, too."""
    import json  # noqa: PLC0415

    from pipelines.cli.show import safe  # noqa: PLC0415

    is_known = step.kind not in {"media", "chain"} and step.endpoint
    where = f"{step.via} {step.endpoint}" if is_known else step.via
    yield f"{title}: {step.action} {safe(where)}"
    yield f"     {safe(step.why)}"
    if step.reasons:
        told = safe(f"found: {'; '.join(step.reasons)}")
        yield from textwrap.wrap(told, _WIDTH, initial_indent="     ", subsequent_indent="       ")
    for parameter, value in step.arguments.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        bound = f" → {safe(step.binding[parameter])}" if parameter in step.binding else ""
        yield f"     {parameter}{bound}: {safe(shown)}"
    for number, way in enumerate(step.ways, start=1):
        place = f"{way.via} {way.endpoint}" if way.endpoint else way.via
        yield f"     way {number}: {safe(place)}" + (f": skipped, {safe(way.skipped)}" if way.skipped else "")
    for one in step.steps:
        for line in _plan_lines(
            one, f"{step.name}/{one.name}" if "/" not in title else f"{title}/{one.name}"
        ):
            yield f"     {line}"
