"""A run from beginning to end: look first, then execute, keep what was made, and say how it went."""

import time
from collections.abc import Mapping

import anyio.to_thread

from chains.model import Chain
from chains.problems import InvalidChain
from pipelines.engine.events import RunListener, unheard
from pipelines.engine.inputs import read_inputs
from pipelines.household.trusting import require_recipe
from pipelines.household.variables import require_variables
from pipelines.places.remembered import known_to, nothing_known
from pipelines.programs.environment import read_environment
from pipelines.running.foreseen import foreseen_misfits
from pipelines.running.locking import lock_of
from pipelines.running.nesting import secrets_of
from pipelines.running.outcome import Run
from pipelines.running.preflight import look
from pipelines.running.selection import fresh_steps, wanted_steps
from pipelines.running.underway import Options, Running
from pipelines.running.workshop import Settings, Workshop, open_workshop

__all__ = ["Options", "Run", "run_in", "run_loaded"]


async def run_loaded(
    chain: Chain,
    inputs: Mapping[str, object],
    settings: Settings,
    options: Options,
    tell: RunListener = unheard,
) -> Run:
    """Run a chain; a failed step is told in the `Run`, all that is wrong before the first call is raised.

    Raises:
        InvalidChain: the chain does not fit the places it names.
        ToolkitError: inputs, environment, folder, studio or journal cannot be used, or it is not allowed.
    """
    async with open_workshop(chain, settings, lock_of(chain, frozen=settings.frozen)) as shop:
        return await run_in(shop, chain, inputs, options, tell)


async def run_in(
    shop: Workshop, chain: Chain, inputs: Mapping[str, object], options: Options, tell: RunListener = unheard
) -> Run:
    """Run a chain in a workshop that is open already; as `run_loaded`."""
    started = time.monotonic()
    home, around = shop.settings.home, shop.places.around
    require_recipe(chain, home)
    wanted = wanted_steps(chain, options.only)
    fresh = frozenset(chain.steps) if options.fresh else fresh_steps(chain, options.redo, around)
    environment, hidden = read_environment(chain), secrets_of(chain, around)
    require_variables(chain, home, around)
    values = await anyio.to_thread.run_sync(
        lambda: read_inputs(chain, inputs, shop.store, as_text=options.as_text)
    )
    before = nothing_known if options.resumed is None else known_to(shop.journal, options.resumed.run)
    found = await look(chain, shop.places, wake=True, known=before)
    if found.refusal is not None:
        raise found.refusal
    if not found.ok:
        raise InvalidChain(found.problems, chain.source)
    if misfits := [one for one in foreseen_misfits(chain, found.places, values) if one.step in wanted]:
        raise InvalidChain(misfits, chain.source)
    run = Running(chain, shop, options, values, environment, hidden, tell, started)
    return await run.to_its_end(wanted, fresh)
