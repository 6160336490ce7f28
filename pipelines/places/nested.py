"""Places that are chains themselves."""

from typing import TYPE_CHECKING

from chains.model import Chain, ChainStep
from pipelines.places.place import Place
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Endpoint

if TYPE_CHECKING:
    from pipelines.places.places import Places


def chain_endpoint(chain: Chain, step: ChainStep) -> Endpoint | None:
    """What another chain takes and returns: its inputs and outputs."""
    del chain, step
    return None


def chain_place(chain: Chain, step: ChainStep, places: "Places") -> Place:
    """The place of a nested chain."""
    del chain, places
    raise ToolkitError(f"{step.chain}: chains are not nested yet")
