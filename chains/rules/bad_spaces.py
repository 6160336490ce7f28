"""Every Space is written as an address that there can be."""

from collections.abc import Iterator

from chains.model import Chain, SpaceStep
from chains.problems import Problem
from spaces_registry.address import BadAddress, address_of


def bad_spaces(chain: Chain) -> Iterator[Problem]:
    """A Space is `owner/name`, the URL of an app, or an alias of the catalogue, and is named once."""
    for step in chain.ways:
        if not isinstance(step, SpaceStep) or not step.space:
            continue
        spaces = (step.space, *step.others)
        for place, space in enumerate(spaces):
            at = chain.source.at((*step.path, "space", place))
            try:
                address_of(space)
            except BadAddress as bad:
                yield Problem(at, "bad-space", bad.message, bad.hint, step.name)
            if space in spaces[:place]:
                message = f"`{space}` stands in this list already"
                hint = "it gets as many calls at once as `limits` say"
                yield Problem(at, "repeated-space", message, hint, step.name, "warning")
