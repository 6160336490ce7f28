"""The studio's apps as a registry takes them: described at once, started when they are called."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pipelines.studio.described import described
from pipelines.studio.house import Studio, idle_studio
from spaces_registry.signature import Space


@dataclass(frozen=True, slots=True)
class StudioStandIn:
    """One app of a studio that is open.

    Attributes:
        space: what it offers.
        studio: starts it.
    """

    space: Space
    studio: Studio

    async def start(self) -> str:
        """Where it is; it is started if it does not run yet.

        Raises:
            StudioFailed: it did not start.
        """
        return await self.studio.start(self.space.address)


@asynccontextmanager
async def open_stand_ins(
    spaces: Iterable[str], *, tell: Callable[[str], None]
) -> AsyncIterator[Mapping[str, StudioStandIn]]:
    """Apps for these Spaces, by their ids; those that were started are stopped at the end.

    Raises:
        NotInStudio: the studio has no app for an id.
        StudioNotInstalled: the extra is not installed.
    """
    wanted = tuple(dict.fromkeys(spaces))
    async with idle_studio(wanted, tell=tell) as studio:
        yield {space: StudioStandIn(described(space), studio) for space in wanted}
