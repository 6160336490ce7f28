"""Places that are models behind Inference Providers."""

from chains.model import ModelStep
from pipelines.places.place import Place
from spaces_registry.errors import ToolkitError
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint


def model_endpoint(step: ModelStep) -> Endpoint | None:
    """What a model takes and returns, by its task; None if only the Hub can tell the task."""
    del step
    return None


async def model_place(step: ModelStep, registry: Registry) -> Place:
    """The place of a model."""
    del registry
    raise ToolkitError(f"{step.model}: models are not called yet")
