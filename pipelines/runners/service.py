"""Calls HTTP vendors, as their service files describe them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains.services.model import Service, ServiceEndpoint
from pipelines.runners.protocol import Call
from spaces_registry.network.origin import Origin
from spaces_registry.progress import Listener, unheard
from spaces_registry.signature import Value

if TYPE_CHECKING:
    from pipelines.services.exchange import Exchange


@dataclass(frozen=True, slots=True)
class ServiceRunner:
    """Calls one endpoint of a service.

    Attributes:
        service: the vendor.
        endpoint: what of it is called.
        origin: where it is, and what it may be told.
    """

    service: Service
    endpoint: ServiceEndpoint
    origin: Origin

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Make the call; whatever goes wrong is a `CallFailed`, without the key in it."""
        from pipelines.services.engine import perform  # noqa: PLC0415 - only who calls a service pays for it

        return await perform(self.service, self.endpoint, self.origin, call, tell)

    async def asked(self, call: Call) -> str:
        """What the call asks of the vendor, as a digest; empty if that cannot be told."""
        from pipelines.services.engine import request_digest  # noqa: PLC0415 - as above

        return await request_digest(self._exchange(call))

    async def read(self, call: Call, answer: Value) -> tuple[Value, ...]:
        """The outputs in a whole answer that came before; `UnexpectedAnswer` if they are not in it."""
        from pipelines.services.engine import read  # noqa: PLC0415 - as above

        return await read(self._exchange(call), answer)

    def _exchange(self, call: Call) -> "Exchange":
        from pipelines.services.exchange import Exchange  # noqa: PLC0415 - as above

        return Exchange(self.service, self.endpoint, self.origin, call, unheard)
