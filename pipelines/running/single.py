"""One call outside of any chain: a chain of one step, so that it is kept and recorded like any other."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from chains.loader import loads
from chains.model import Chain
from pipelines.engine.arguments import values_of
from pipelines.engine.binding import bind
from pipelines.engine.events import RunListener, unheard
from pipelines.engine.given import from_files
from pipelines.engine.inputs import InvalidInputs, read_inputs
from pipelines.running.run import Options, Run, run_in
from pipelines.running.spelling import BadCall, Spelled, spelled
from pipelines.running.workshop import Settings, Workshop, address_here, open_workshop
from spaces_registry.clocks import Clocks
from spaces_registry.errors import RejectedInput
from spaces_registry.progress import CallEvent, Listener, Waking
from spaces_registry.signature import Endpoint, Space

STEP = "call"


@dataclass(frozen=True, slots=True)
class SingleCall:
    """A call as written on the command line.

    Attributes:
        space: id, alias or URL.
        endpoint: its name, or None for the only one.
        given: texts by parameter, or by `parameter.part`; several for one that takes a list.
        out: the folder below which the call gets its own.
        fresh: make it even if its result is kept.
        is_watched: whether a person looks on, and sees its progress.
    """

    space: str
    endpoint: str | None
    given: Mapping[str, Sequence[str]]
    out: Path
    fresh: bool = False
    is_watched: bool = False


@asynccontextmanager
async def open_space(
    space: str, settings: Settings, *, wake_s: float | None = None
) -> AsyncIterator[tuple[Workshop, Space]]:
    """One Space, woken if need be.

    Args:
        space: id, alias or URL.
        settings: where; its `say` hears how the Space wakes.
        wake_s: how long it may take to wake; None for as long as a step's.

    Raises:
        BadAddress: that is no id, URL or alias, of the catalog's or the user's own.
        ToolkitError: it cannot be reached.
    """
    address_here(space, settings)
    async with open_workshop(_chain_of(space, None, Spelled()), settings) as shop:
        patience_s = Clocks().wake_s if wake_s is None else wake_s
        yield shop, await shop.registry.look_up(space, wake_s=patience_s, tell=_waking(space, settings.say))


def _waking(space: str, say: Callable[[str], None]) -> Listener:
    """Tells each stage of a Space that wakes, once."""
    stages: set[str] = set()

    def hear(event: CallEvent) -> None:
        if isinstance(event, Waking) and event.stage not in stages:
            stages.add(event.stage)
            say(f"{space}: waiting for the Space: {event.stage.lower().replace('_', ' ')}")

    return hear


async def call_once(once: SingleCall, settings: Settings, tell: RunListener = unheard) -> Run:
    """Make one call; a failure is told in the `Run`.

    Raises:
        ToolkitError: there is no such Space or endpoint, or what was given does not fit it.
    """
    async with open_space(once.space, settings) as (shop, space):
        endpoint = space.endpoint(once.endpoint)
        call = spelled(space.address, endpoint, once.given)
        chain = _chain_of(once.space, endpoint, call)
        values = _values(chain, space.address, endpoint, call, shop)
        options = Options(once.out, fresh=once.fresh, watch_signals=True, is_watched=once.is_watched)
        return await run_in(shop, chain, values, options, tell)


def _values(
    chain: Chain, place: str, endpoint: Endpoint, call: Spelled, shop: Workshop
) -> Mapping[str, object]:
    """What was written, as values that the endpoint accepts: nothing is called with others."""
    try:
        values = read_inputs(chain, from_files(chain, call.given), shop.store, as_text=True)
        arguments = values_of(chain.steps[STEP], {"inputs": values})
        bind(endpoint, arguments or {}, place=place)
    except (InvalidInputs, RejectedInput) as refused:
        told = "; ".join(refused.problems) if isinstance(refused, InvalidInputs) else refused.message
        raise BadCall(told, hint=refused.hint if isinstance(refused, RejectedInput) else None) from refused
    return values


def _chain_of(space: str, endpoint: Endpoint | None, call: Spelled) -> Chain:
    """A chain that makes this one call, with an input for each argument that is given."""
    step: dict[str, object] = {"space": space, "with": call.arguments}
    if endpoint is not None:
        step["endpoint"] = endpoint.name
    returns = endpoint.returns if endpoint else ()
    outputs = {one.name: f"${STEP}.outputs[{place}]" for place, one in enumerate(returns)}
    document = {"name": STEP, "inputs": call.inputs, "steps": {STEP: step}, "outputs": outputs}
    return loads(yaml.safe_dump(document, sort_keys=False), file="call", folder=Path.cwd())
