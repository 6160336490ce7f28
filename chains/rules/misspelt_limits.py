"""A limit that speaks of nothing in the chain, and nearly of something, is probably misspelt."""

from collections.abc import Iterator
from typing import Final

from chains.model import Chain, ChainStep, FindStep, ModelStep, ServiceStep, SpaceStep
from chains.problems import Problem
from spaces_registry.errors import closest

_ALIKE: Final = 0.8
_KNOWN: Final = frozenset({"huggingface", "media", "python"})


def misspelt_limits(chain: Chain) -> Iterator[Problem]:
    """A limit under a wrong name holds for nothing, and nobody hears of it."""
    if any(isinstance(step, ChainStep | FindStep) for step in chain.ways):
        return  # it may speak of a place that is not named here
    named = _KNOWN | {one.lower() for one in _places(chain)}
    places = sorted(named)
    for name in chain.limits:
        if any(_is_about(name.lower(), one) for one in named):
            continue
        if (close := closest(name.lower(), places, _ALIKE)) is not None:
            at = chain.source.key_at(("limits", name))
            message = f"the limit of `{name}` holds for nothing in this chain"
            yield Problem(at, "misspelt-limit", message, f"did you mean {close!r}?", severity="warning")


def _is_about(limit: str, place: str) -> bool:
    """Whether a limit is that place's, or that of a host in its address, or a model's at one provider."""
    return limit == place or (any(sign in limit for sign in "/:.") and (limit in place or place in limit))


def _places(chain: Chain) -> Iterator[str]:
    """What the chain calls its places."""
    for step in chain.ways:
        match step:
            case SpaceStep():
                yield from (step.space, *step.others)
            case ModelStep():
                yield from filter(None, (step.model, step.provider))
            case ServiceStep():
                yield step.service
