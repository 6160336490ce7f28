"""A place that a step's calls go to: what of it is called, at which revision, and by which runner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chains.model import Limit
from pipelines.engine.binding import cache_key
from pipelines.places.finding import Choice
from pipelines.runners.protocol import Reader, Runner
from spaces_registry.progress import Spent
from spaces_registry.signature import Endpoint, Space

if TYPE_CHECKING:
    from pipelines.places.places import Places


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a step's calls go to.

    Attributes:
        kind: `space`, `model`, `service`, `media`, `python` or `chain`.
        address: what is called, as the user knows it; what limits, usage and the journal speak of.
        endpoint: what of it is called, under the names that the chain writes.
        runner: makes the calls.
        is_remembered: whether it is as a run knew it, and may not be there any more.
        reader: reads whole answers that came before, if there is a way to.
        revision: what runs there, as exactly as can be known.
        site: its URL, if it is on the network.
        space: the whole Space, if it is one.
        names: what else limits may call it, beside its address, its URL and its host: the vendor or provider
            that it is a part of.
        limit: how much may be asked of the first of `names`, else of it, as far as its own description says.
        price: what a call is said to take, by its own description.
        choice: why it is this place, where it had to be chosen or renamed.
        nested: the places of its own steps, if it is a chain.
    """

    kind: str
    address: str
    endpoint: Endpoint
    runner: Runner
    revision: str | None = None
    site: str | None = None
    space: Space | None = None
    names: tuple[str, ...] = ()
    limit: Limit = field(default_factory=Limit)
    price: Spent = field(default_factory=Spent)
    choice: Choice = field(default_factory=Choice)
    nested: "Places | None" = None
    reader: Reader | None = None
    is_remembered: bool = False

    @property
    def url(self) -> str | None:
        """Where it is on the network, if it is."""
        return (self.space.url or None) if self.space else self.site

    @property
    def is_here(self) -> bool:
        """Whether its calls leave this machine's own programs alone: media, functions and nested chains."""
        return self.kind in {"media", "python", "chain"}

    def key(self, bound: Mapping[str, object]) -> str:
        """The cache key of a call here with these bound arguments."""
        return cache_key(
            kind=self.kind, place=self.address, revision=self.revision, endpoint=self.endpoint, bound=bound
        )
