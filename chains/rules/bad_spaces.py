"""Every Space is written as an address that there can be."""

from collections.abc import Iterator

from chains.model import Chain, SpaceStep
from chains.problems import Problem
from spaces_registry.address import BadAddress, address_of


def bad_spaces(chain: Chain) -> Iterator[Problem]:
    """A Space is `owner/name`, the URL of an app, or an alias of the catalogue."""
    for step in chain.steps.values():
        if isinstance(step, SpaceStep) and step.space:
            try:
                address_of(step.space)
            except BadAddress as bad:
                yield Problem(step.space_at, "bad-space", bad.message, bad.hint, step.name)
