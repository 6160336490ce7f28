"""What words say of kinds: `text to image` asks for Spaces that give an image."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from spaces_registry.catalogue import data
from spaces_registry.fitting.matching import Supply
from spaces_registry.fitting.ranking import Need
from spaces_registry.signature import Kind

_PHRASE = re.compile(r"(?P<takes>.+?)[ -](?:to|into|2)[ -](?P<gives>.+)")


def as_said(need: Need) -> Need:
    """The need with the kinds that its words name, where these are all that the words are.

    What is written as kinds stands. A text is not asked for, since nearly every Space takes one; nor is
    anything in a chain, which says itself what it hands over.
    """
    found = _PHRASE.fullmatch(" ".join(need.words.lower().split()))
    takes, gives = (_nouns().get(found[side]) for side in ("takes", "gives")) if found else (None, None)
    if takes is None or gives is None or need.gives:
        return need
    is_open = not need.takes and not need.complete and takes is not Kind.TEXT
    return replace(need, gives=(gives,), takes=(Supply(takes, takes),) if is_open else need.takes)


@cache
def _nouns() -> Mapping[str, Kind]:
    return MappingProxyType({noun: Kind(kind) for kind, nouns in data("nouns").items() for noun in nouns})
