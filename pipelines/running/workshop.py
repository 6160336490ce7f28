"""All that a chain's work needs, opened and closed together: registry, studio, store, journal, places."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from chains.lock.locked import Lock
from chains.model import Chain, FindStep, SpaceStep, Step
from pipelines.artifacts import Store
from pipelines.engine.gates import by_place
from pipelines.engine.limits import Limits
from pipelines.household.home import Home, find_home
from pipelines.household.trusting import is_known
from pipelines.journal import Journal, open_journal
from pipelines.places.finding import Finder
from pipelines.places.nested import Around, chains_in
from pipelines.places.places import Places
from pipelines.programs.environment import is_credential
from pipelines.running.nesting import limits_of
from spaces_registry.address import Address, HubAddress, address_of
from spaces_registry.bookmarks import Bookmarks, find_bookmarks
from spaces_registry.clocks import Clocks
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.hub.account import GpuQuota, gpu_quota_of
from spaces_registry.registry import Registry, StandIn, open_registry


def _silent(line: str) -> None:
    del line


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a chain is worked on.

    Attributes:
        home: what outlives a run.
        local: Spaces are those of the local studio.
        use: Space id → URL of an app to use in its stead.
        token: for the Hub and its Spaces; None for the one that `huggingface_hub` finds.
        frozen: only what the lock names is called, and only if nothing has changed since.
        wake_s: how long a sleeping Space is waited for, in place of what the steps say.
        clocks: how long an app may take to open a connection and between two bytes of its description.
        say: hears one line when something takes its time before the first step, such as the studio's start.
    """

    home: Home = field(default_factory=find_home)
    local: bool = False
    use: Mapping[str, str] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)
    frozen: bool = False
    wake_s: float | None = None
    clocks: Clocks = field(default_factory=Clocks)
    say: Callable[[str], None] = _silent


@dataclass(frozen=True, slots=True)
class Workshop:
    """The open parts; runs that share them share the limits of their places too."""

    settings: Settings
    registry: Registry
    places: Places
    store: Store
    journal: Journal
    limits: Limits


@asynccontextmanager
async def open_workshop(
    chain: Chain, settings: Settings, lock: Lock | None = None
) -> AsyncIterator[Workshop]:
    """Open what a chain's work needs; of the studio, if it is asked for, no app starts before it is called.

    Args:
        chain: what is worked on.
        settings: where.
        lock: what its steps resolved to when they were locked.

    Raises:
        ToolkitError: the studio, the journal, the home folder or the user's `spaces.yaml` cannot be used.
    """
    own = find_bookmarks(settings.home.folder, chain.folder, os.environ)
    use = {address_of(name, own.aliases).shown: url for name, url in settings.use.items()}
    _refuse_typos(chain, own, use)
    revisions = {name: f"at {url}" for name, url in use.items()}
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(open_journal(settings.home.journal))
        among: tuple[str, ...] = ()
        stand_ins: Mapping[str, StandIn] = {}
        if settings.local:
            stand_ins = await stack.enter_async_context(_studio(chain, own, use, settings.say))
            among = tuple(stand_ins)
            revisions |= dict.fromkeys(stand_ins, "studio")
        registry = await stack.enter_async_context(
            open_registry(
                token=settings.token,
                use=use,
                cache=settings.home.signatures,
                own=own,
                clocks=settings.clocks,
                is_public=not is_known(chain, settings.home),
                secrets=_keys_read(chain),
                stand_ins=stand_ins,
            )
        )
        places = Places(
            chain,
            registry,
            settings.home,
            revisions,
            Finder(chain, registry, among),
            lock,
            settings.frozen,
            settings.wake_s,
            Around.of(chain),
        )
        limits = Limits(by_place(limits_of(chain), own.aliases), journal)
        yield Workshop(settings, registry, places, Store(settings.home.store), journal, limits)


def address_here(text: str, settings: Settings) -> Address:
    """What an address means outside of any chain: the `spaces.yaml` of the current folder counts.

    Raises:
        BadAddress: it is none.
    """
    return address_of(text, find_bookmarks(settings.home.folder, Path.cwd(), os.environ).aliases)


async def known_quota(shop: Workshop, patience_s: float = 10.0) -> GpuQuota | None:
    """What is left of the user's ZeroGPU quota; None where the Hub, or the token, does not tell."""
    if shop.registry.hub.token is None:
        return None
    try:
        with anyio.fail_after(patience_s):
            return await gpu_quota_of(shop.registry.hub, shop.registry.answers)
    except (ToolkitError, TimeoutError):
        return None  # a plan without it is worth having


class NothingToReplace(ToolkitError):
    """`--use` names a Space that the chain does not call: a typo would go to the real one."""

    code = "unused-replacement"


def _refuse_typos(chain: Chain, own: Bookmarks, use: Mapping[str, str]) -> None:
    """What looks like a typo of a Space that is called; another Space's replacement does no harm."""
    steps = _every_step(chain)
    if any(isinstance(step, FindStep) for step in steps):
        return  # what a search finds is not known yet
    called = [address_of(step.space, own.aliases).shown for step in steps if isinstance(step, SpaceStep)]
    for name in use:
        if name in called:
            continue
        hint = nearest(name, called) or ""
        if hint.startswith("did you mean"):
            raise NothingToReplace(f"--use names {name}, which is not called", hint=hint)


def _keys_read(chain: Chain) -> tuple[str, ...]:
    """The values of variables that the chains read and that look like credentials."""
    names = {name for one in (chain, *chains_in(chain)) for name in one.env}
    values = {name: os.environ.get(name, "") for name in names}
    return tuple(sorted(value for name, value in values.items() if value and is_credential(name, value)))


def _every_step(chain: Chain) -> tuple[Step, ...]:
    """All steps and fallbacks of a chain and of those in it."""
    return tuple(step for one in (chain, *chains_in(chain)) for step in one.ways)


@asynccontextmanager
async def _studio(
    chain: Chain, own: Bookmarks, use: Mapping[str, str], say: Callable[[str], None]
) -> AsyncIterator[Mapping[str, StandIn]]:
    from pipelines.studio import SPACES  # noqa: PLC0415 - only runs in the studio pay for it
    from pipelines.studio.stand_ins import open_stand_ins  # noqa: PLC0415 - as above

    steps = _every_step(chain)
    spaces = (address_of(step.space, own.aliases) for step in steps if isinstance(step, SpaceStep))
    wanted = dict.fromkeys(one.id for one in spaces if isinstance(one, HubAddress) and one.id not in use)
    if any(isinstance(step, FindStep) for step in steps):
        wanted |= dict.fromkeys(SPACES)  # what a search finds is known only when it is made
    async with open_stand_ins([*wanted], tell=say) as stand_ins:
        yield stand_ins
