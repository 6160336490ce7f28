"""Which parameter or return took the place of one that is gone. A doubtful successor is none."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from spaces_registry.signature import Parameter, Return

_ALIKE = 0.6  # of 1, as in the hints for misspelt names
_MOST = 2_500  # pairs that are compared; of more nobody could say what became of what

_T = TypeVar("_T", Parameter, Return)


def successors(before: Sequence[_T], now: Sequence[_T]) -> Mapping[str, str]:
    """Who was renamed to what.

    One follows another if kind, choices and range are the same, and so is the label, or the place (counted
    from either end), or nearly the name; and only if exactly one follows, and it follows one alone.

    Args:
        before: all that there were, in order.
        now: all that there are, in order.
    """
    names, old_names = {one.name for one in now}, {one.name for one in before}
    gone = [(at, one) for at, one in enumerate(before) if one.name not in names]
    come = [(at, one) for at, one in enumerate(now) if one.name not in old_names]
    if len(gone) * len(come) > _MOST:
        return {}
    pairs = [
        (old.name, new.name)
        for at, old in gone
        for place, new in come
        if _same_sort(old, new) and (at == place or len(before) - at == len(now) - place or _alike(old, new))
    ]
    olds, news = [old for old, _ in pairs], [new for _, new in pairs]
    return {old: new for old, new in pairs if olds.count(old) == 1 and news.count(new) == 1}


def _same_sort(old: Parameter | Return, new: Parameter | Return) -> bool:
    if (old.kind, old.many) != (new.kind, new.many):
        return False
    if isinstance(old, Parameter) and isinstance(new, Parameter):
        return (old.choices, old.minimum, old.maximum) == (new.choices, new.minimum, new.maximum)
    return True


def _alike(old: Parameter | Return, new: Parameter | Return) -> bool:
    if old.label and old.label == new.label:
        return True
    one, other = old.name.lower(), new.name.lower()
    if set(one.split("_")) <= set(other.split("_")) or set(other.split("_")) <= set(one.split("_")):
        return True
    return SequenceMatcher(None, one, other).ratio() >= _ALIKE
