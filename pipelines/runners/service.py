"""Calls HTTP vendors, as their service files describe them."""

from dataclasses import dataclass

from chains.services.model import Service, ServiceEndpoint
from pipelines.runners.protocol import Call
from spaces_registry.network.origin import Origin
from spaces_registry.progress import Listener
from spaces_registry.signature import Value


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
