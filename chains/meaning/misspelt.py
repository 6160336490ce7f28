"""Which name that does not exist was meant for which one that does: a misspelling is one mistake."""

from collections.abc import Collection, Iterable
from typing import Final

from spaces_registry.errors import closest

_ALIKE: Final = 0.6  # as in hints: what they say was meant is taken for meant
_MOST: Final = 300  # names on either side that are compared


def misspelt(written: Iterable[str], offered: Collection[str]) -> dict[str, str]:
    """Each written name that is not offered, with the offered one that was probably meant.

    An offered name that is written as it is was not meant by another, and no two names mean the same one.

    Args:
        written: names as somebody wrote them.
        offered: names that exist.
    """
    names = [*dict.fromkeys(written)]
    free = {one.lower(): one for one in offered if one not in set(names)}
    if max(len(free), len(names)) > _MOST:
        return {}
    meant: dict[str, str] = {}
    for name in names:
        if name in offered:
            continue
        if (close := closest(name.lower(), free, _ALIKE)) is not None:
            meant[name] = free.pop(close)
    return meant
