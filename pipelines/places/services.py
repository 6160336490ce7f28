"""Places that are HTTP vendors, as a service file describes them."""

from chains.model import Chain, ServiceStep
from pipelines.home import Home
from pipelines.places.place import Place
from spaces_registry.errors import ToolkitError
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint


def service_endpoint(chain: Chain, step: ServiceStep) -> Endpoint | None:
    """What a service takes and returns, by its file."""
    del chain, step
    return None


def service_place(chain: Chain, step: ServiceStep, home: Home, registry: Registry) -> Place:
    """The place of a service."""
    del chain, home, registry
    raise ToolkitError(f"{step.service}: services are not called yet")
