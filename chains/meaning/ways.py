"""What a chain's steps, their fallbacks and their equivalent Spaces call, as far as it is known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chains.model import Chain, SpaceStep, Step
from spaces_registry.signature import Endpoint


@dataclass(frozen=True, slots=True)
class Callee:
    """One endpoint that may have to answer for a step.

    Attributes:
        step: the step or fallback that calls it.
        endpoint: its signature.
        other: the Space it belongs to, if that is one of `others`; else empty.
    """

    step: Step
    endpoint: Endpoint
    other: str = ""

    @property
    def is_stand_in(self) -> bool:
        """Whether it answers only where or when the step itself does not."""
        return bool(self.step.way or self.other)

    @property
    def name(self) -> str:
        """What messages call the endpoint."""
        return f"{self.endpoint.name} of {self.other}" if self.other else self.endpoint.name

    @property
    def title(self) -> str:
        """What messages call whoever gives the answer."""
        return f"{self.other} in {self.step.title}" if self.other else self.step.title


def callees(step: Step, endpoints: Mapping[str, Endpoint]) -> Iterator[Callee]:
    """What may answer for a step: itself, its equivalent Spaces, then its fallbacks with theirs.

    Args:
        step: a step of a chain.
        endpoints: by `key`, those of `others` by `key_of`; what is not in it is passed over.
    """
    for way in (step, *step.fallback):
        if (endpoint := endpoints.get(way.key)) is not None:
            yield Callee(way, endpoint)
        for other in way.others if isinstance(way, SpaceStep) else ():
            if isinstance(way, SpaceStep) and (endpoint := endpoints.get(way.key_of(other))) is not None:
                yield Callee(way, endpoint, other)


def every_callee(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Callee]:
    """What may answer for any step of a chain."""
    for step in chain.steps.values():
        yield from callees(step, endpoints)
