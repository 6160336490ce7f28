"""`doctor`: what works here, what does not, and what to do about it."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.exits import Exit
from pipelines.cli.options import AsJson

if TYPE_CHECKING:
    from pipelines.doctor import Finding

_COLUMNS = 80


def doctor(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody beyond this machine.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend journal, store and leftovers, and say what was saved.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check token, network, ffmpeg, disk, journal and keys."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.show import result_json, say  # noqa: PLC0415

    found = _repair(not as_json) if repair else anyio.run(_examine, offline, not as_json)
    failed = [one for one in found if one.state == "fail"]
    if as_json:
        result_json({"ok": not failed, "findings": [one.to_json() for one in found]})
    else:
        warned = sum(one.state == "warn" for one in found)
        say(f"{len(failed)} to repair, {warned} to know of" if failed or warned else "all is well")
    if failed:
        raise typer.Exit(Exit.NOT_ALLOWED if all(one.refused for one in failed) else Exit.WRONG)


def _repair(show: bool) -> "list[Finding]":  # noqa: FBT001 - as _examine
    from pipelines.doctor import repair as mend  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415

    found: list[Finding] = []
    for one in mend(find_home()):
        found.append(one)
        if show:
            _show(one)
    return found


async def _examine(offline: bool, show: bool) -> "list[Finding]":  # noqa: FBT001 - anyio.run is positional
    import os  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from pipelines.doctor import examine  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415

    found: list[Finding] = []
    async for one in examine(os.environ, Path.cwd(), find_home(), offline=offline):
        found.append(one)
        if show:
            _show(one)
    return found


def _show(finding: "Finding") -> None:
    """`warn  ZeroGPU         12 of 300 s left`, then what to do."""
    import textwrap  # noqa: PLC0415

    from pipelines.cli.show import result, safe  # noqa: PLC0415

    head = f"{finding.state:<4}  {finding.name:<14}  "
    blank = " " * len(head)

    def lines(text: str, first: str, others: str) -> list[str]:
        wrapper = textwrap.TextWrapper(
            _COLUMNS, first, others, break_long_words=False, break_on_hyphens=False
        )
        return wrapper.wrap(safe(text))

    for line in lines(finding.told, head, blank):
        result(line)
    for line in lines(finding.hint or "", f"{blank}→ ", f"{blank}  "):
        result(line)
