"""Calls of Gradio apps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pipelines.runners.protocol import Call
from spaces_registry.apps.app import App
from spaces_registry.apps.pickup import Pickup
from spaces_registry.progress import Listener
from spaces_registry.signature import Value


@dataclass(frozen=True, slots=True)
class SpaceRunner:
    """Calls one endpoint of a Gradio app; `connect` finds the app that belongs to an address."""

    connect: Callable[[str], Awaitable[App]]

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Make the call; the app's own seam turns what goes wrong into `CallFailed`."""
        app = await self.connect(call.place)
        pickup = Pickup(call.work_s, call.job, call.remember, earliest_s=call.earliest_s)
        return await app.call(
            call.endpoint,
            call.arguments,
            folder=call.folder,
            clocks=call.clocks,
            tell=tell,
            pickup=pickup,
        )
