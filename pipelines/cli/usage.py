"""`usage`: what was used of others' places, against what is allowed."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson, BadOption

if TYPE_CHECKING:
    from chains.model import Chain
    from pipelines.planning.usage import Against, Row
    from spaces_registry.hub.account import GpuQuota

_MOST_DAYS = 3660
_PATIENCE_S = 10.0
_LEAST_USD = 0.0001


class Told(StrEnum):
    """What rows tell apart."""

    DAY = "day"
    PLACE = "place"
    BOTH = "both"


def usage(
    *,
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="How many days back, today among them.")
    ] = 7,
    by: Annotated[Told, typer.Option("--by", help="What rows tell apart.")] = Told.BOTH,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="CHAIN", help="Its limits and budget, too.")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="Work on this machine, too.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the Hub for the quota.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show calls, GPU seconds and money, and what is left of them."""
    from pipelines.cli.show import result_json  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415
    from pipelines.journal import open_journal  # noqa: PLC0415
    from pipelines.planning.usage import against, rows, total  # noqa: PLC0415

    if not 1 <= days <= _MOST_DAYS:
        raise BadOption(f"--days takes 1 to {_MOST_DAYS}, and got {days}")
    found: Chain | None = find_chain(chain) if chain else None
    home, quota = find_home(), None if offline else _quota()
    with open_journal(home.journal) as journal:
        told = rows(journal, days=days, by=by.value, here=here)
        limits = against(journal, home, found, quota)
    if as_json:
        document = {"days": days, "rows": [one.to_json() for one in told], "total": total(told).to_json()}
        result_json({**document, "against": [one.to_json() for one in limits]})
        return
    _show(told, total(told), limits, days)


def _quota() -> "GpuQuota | None":
    """What the Hub says is left; None where there is no token, or it does not say."""
    import anyio  # noqa: PLC0415

    from pipelines.household.home import find_home  # noqa: PLC0415
    from spaces_registry.errors import ToolkitError  # noqa: PLC0415
    from spaces_registry.hub.account import gpu_quota_of  # noqa: PLC0415
    from spaces_registry.hub.answers import Answers  # noqa: PLC0415
    from spaces_registry.hub.hub import Hub, find_token  # noqa: PLC0415

    async def ask() -> "GpuQuota | None":
        token = find_token()
        if token is None:
            return None
        try:
            with anyio.fail_after(_PATIENCE_S):
                return await gpu_quota_of(Hub(token), Answers(find_home().signatures))
        except (ToolkitError, TimeoutError):
            return None  # the doctor tells why

    return anyio.run(ask)


def _show(told: "tuple[Row, ...]", whole: "Row", limits: "tuple[Against, ...]", days: int) -> None:
    from pipelines.cli.show import result, say, table  # noqa: PLC0415

    if told:
        lines = [_cells(one) for one in told]
        table(
            ("DAY", "PLACE", "CALLS", "FAILED", "WORKED", "GPU", "MONEY"),
            [*lines, ("all", *_cells(whole)[1:])],
        )
    else:
        result(f"nothing was called in the last {days} days" if days > 1 else "nothing was called today")
    if limits:
        result("")
        table(("AGAINST", "USED", "ALLOWED", ""), [_limit_cells(one) for one in limits])
    for one in limits:
        if one.is_near:
            say(f"warning: {one.told()}")


def _cells(row: "Row") -> tuple[str, ...]:
    counted = (row.day or "-", row.place or "-", str(row.calls), str(row.failed))
    money = f"${row.usd:.2f}" if row.usd >= 1 else _small(row.usd)
    return (*counted, _seconds(row.work_s), _seconds(row.gpu_s), money)


def _seconds(seconds: float) -> str:
    return "-" if not seconds else f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"


def _small(usd: float) -> str:
    return "-" if not usd else f"${usd:.4f}" if usd >= _LEAST_USD else f"< ${_LEAST_USD}"


def _limit_cells(one: "Against") -> tuple[str, ...]:
    share = f"{one.used / one.limit:.0%} of {one.what}" if one.limit else one.what
    return (one.name, f"{one.used:g}", f"{one.limit:g}", share)
