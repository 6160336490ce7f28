"""How far a service says it is."""

import re
from collections.abc import Mapping

import anyio

from chains.services.model import Meanwhile
from pipelines.services.exchange import Exchange, find
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import CallFailed
from spaces_registry.progress import Progress, Queued, Started

_PERCENT = re.compile(r"(?<!\d)(\d++(?:\.\d++)?)\s*+%")
_WHOLE = 100.0
_LATEST = 10_000  # characters at the end of a job's log, where the last number stands


def fraction_in(value: object) -> float | None:
    """How far something is, from 0 to 1: of a fraction, percent, or a text such as `45%`."""
    match value:
        case bool():
            return None
        case int() | float() if is_finite(value) and value >= 0:
            return min(1.0, value if value <= 1 else value / _WHOLE)
        case str() if found := [*_PERCENT.finditer(value[-_LATEST:])]:
            return min(1.0, float(found[-1][1]) / _WHOLE)
    return None


def whole_in(value: object) -> int | None:
    """A number of things, from 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        return None
    return max(0, int(value))


async def watch(exchange: Exchange, meanwhile: Meanwhile, names: Mapping[str, object]) -> None:
    """Ask for the progress of a call that is being answered, until it is canceled; silence does no harm."""
    told = Progress(fraction=0.0)
    while True:
        await anyio.sleep(meanwhile.every_s)
        try:
            answer = await exchange.ask(meanwhile.ask, names)
        except CallFailed:
            continue
        if not answer.response.is_success:
            return  # it has no such address; the call itself may do well without
        if (position := whole_in(find(meanwhile.position, answer.body))) is not None:
            exchange.tell(Queued(position, position + 1))
        fraction, eta = fraction_in(find(meanwhile.fraction, answer.body)), find(meanwhile.eta, answer.body)
        if isinstance(eta, int | float) and not isinstance(eta, bool) and eta > 0:
            exchange.tell(Started(eta_s=float(eta)))
        if fraction is not None and (now := Progress(fraction=fraction)) != told:
            exchange.tell(now)
            told = now
