"""All that a chain's work needs, opened and closed together: registry, studio, store, journal, places."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from chains.model import Chain, SpaceStep
from pipelines.artifacts import Store
from pipelines.engine.places import Places
from pipelines.home import Home, find_home
from pipelines.journal import Journal, open_journal
from spaces_registry.address import HubAddress, address_of
from spaces_registry.registry import Registry, open_registry


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
        say: hears one line when something takes its time before the first step, such as the studio's start.
    """

    home: Home = field(default_factory=find_home)
    local: bool = False
    use: Mapping[str, str] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)
    say: Callable[[str], None] = _silent


@dataclass(frozen=True, slots=True)
class Workshop:
    """The open parts."""

    settings: Settings
    registry: Registry
    places: Places
    store: Store
    journal: Journal


@asynccontextmanager
async def open_workshop(chain: Chain, settings: Settings) -> AsyncIterator[Workshop]:
    """Open what a chain's work needs; of the studio, if it is asked for, only the apps that the chain uses.

    Raises:
        ToolkitError: the studio, the journal or the home folder cannot be used.
    """
    use = {address_of(name).shown: url for name, url in settings.use.items()}
    revisions = {name: f"at {url}" for name, url in use.items()}
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(open_journal(settings.home.journal))
        if settings.local:
            urls = await stack.enter_async_context(_studio(chain, use, settings.say))
            use |= urls
            revisions |= dict.fromkeys(urls, "studio")
        registry = await stack.enter_async_context(
            open_registry(token=settings.token, use=use, cache=settings.home.signatures)
        )
        places = Places(chain, registry, settings.home, revisions)
        yield Workshop(settings, registry, places, Store(settings.home.store), journal)


@asynccontextmanager
async def _studio(
    chain: Chain, use: Mapping[str, str], say: Callable[[str], None]
) -> AsyncIterator[Mapping[str, str]]:
    from pipelines.studio import open_studio  # noqa: PLC0415 - only runs in the studio pay for it

    spaces = (address_of(step.space) for step in chain.steps.values() if isinstance(step, SpaceStep))
    wanted = dict.fromkeys(one.id for one in spaces if isinstance(one, HubAddress) and one.id not in use)
    if not wanted:
        yield {}
        return
    async with open_studio(list(wanted), tell=say) as urls:
        yield urls
