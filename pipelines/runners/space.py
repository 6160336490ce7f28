"""Calls of Gradio apps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pipelines.runners.protocol import Call
from spaces_registry.apps.app import App
from spaces_registry.apps.pickup import Pickup
from spaces_registry.errors import Drifted
from spaces_registry.progress import Listener
from spaces_registry.signature import Value


@dataclass(frozen=True, slots=True)
class SpaceRunner:
    """Calls one endpoint of a Gradio app.

    Attributes:
        connect: finds the app that belongs to an address.
        traits: of the app that was looked at, where nothing else tells whether it is the same; see `Space`.
    """

    connect: Callable[[str], Awaitable[App]]
    traits: str | None = None

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Make the call; the app's own seam turns what goes wrong into `CallFailed`.

        Raises:
            Drifted: another app has taken its place since; what it gives would be kept as the first one's.
        """
        app = await self.connect(call.place)
        if self.traits is not None and app.space.traits != self.traits:
            message = f"another app answers at {call.place} than when this began"
            raise Drifted(call.place, message, hint="run it again")
        pickup = Pickup(call.work_s, call.job, call.remember, earliest_s=call.earliest_s)
        return await app.call(
            call.endpoint,
            call.arguments,
            folder=call.folder,
            clocks=call.clocks,
            tell=tell,
            pickup=pickup,
        )
