"""Which names mean the same parameter: the groups of `catalog/synonyms.yaml`."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from spaces_registry.catalogue import data


def meaning(name: str) -> str | None:
    """The group that a parameter's name belongs to, or None for a name that no group knows.

    A name that is not listed is tried without what apps like to add: `input_audio`, `video_path`.
    """
    plain = re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")
    groups, (before, after) = _groups(), _affixes()
    if plain in groups:
        return groups[plain]
    for affix in before:
        if (found := groups.get(plain.removeprefix(f"{affix}_"))) is not None:
            return found
    for affix in after:
        if (found := groups.get(plain.removesuffix(f"_{affix}"))) is not None:
            return found
    return None


def is_content(group: str | None) -> bool:
    """Whether a parameter of this group carries what a call is about, as one that no group knows may."""
    return group is None or group in _content()


@cache
def _content() -> frozenset[str]:
    return frozenset(data("synonyms")["content"])


@cache
def _groups() -> Mapping[str, str]:
    groups = data("synonyms")["groups"].items()
    return MappingProxyType({name: group for group, names in groups for name in names})


@cache
def _affixes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = data("synonyms")["affixes"]
    return tuple(found["before"]), tuple(found["after"])
