"""What a user hands to a chain that is being composed, as inputs of that chain."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chains.meaning.literals import misfit
from chains.text.scalars import NotFinite, resolve
from spaces_registry.apps.labels import slug
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.signature import Json, Kind, Parameter, fits

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class UnfitInput(ToolkitError):
    """What the user gives does not fit where it goes."""

    code = "unfit-input"


@dataclass(frozen=True, slots=True)
class Given:
    """What the user gives: a name and its texts, several for a list.

    Raises:
        UnfitInput: a chain cannot name it, or write it down.
    """

    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            hint = "a name has letters, digits and `_`, and begins with no digit"
            raise UnfitInput(f"{self.name!r} is no name for an input", hint=hint)
        try:
            "".join(self.values).encode()
        except UnicodeEncodeError:
            raise UnfitInput(f"the input {self.name} is not UTF-8 text") from None


@dataclass(frozen=True, slots=True)
class Handed:
    """An input of a composed chain; as `chains.model.Input`."""

    name: str
    kind: Kind
    many: bool = False
    default: Json = None
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None


def handed(given: Given, takers: Sequence[Parameter], default_file: Callable[[str], str | None]) -> Handed:
    """An input for what the user gives.

    Args:
        given: what it is.
        takers: the parameters that it goes to; at least one.
        default_file: how the chain may name a file, or None where it may not.

    Raises:
        UnfitInput: the parameters want different things, or the value is none that they take.
    """
    kind = _kind(given, takers)
    many = len(given.values) > 1 or any(one.many or one.kind is Kind.GALLERY for one in takers)
    lows = [one.minimum for one in takers if one.minimum is not None]
    highs = [one.maximum for one in takers if one.maximum is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    values = [_value(given.name, text, kind, takers, default_file) for text in given.values]
    for value in values:
        _check_range(given.name, value, low, high)
    if kind is Kind.CHOICE:
        kind = Kind.TEXT if all(isinstance(one, str) for one in values) else Kind.ANY
    default: Json = None
    if None not in values:
        default = values if many else values[0]
    return Handed(given.name, kind, many, default, _help(given.name, takers), low, high)


def _kind(given: Given, takers: Sequence[Parameter]) -> Kind:
    kinds = list(dict.fromkeys(Kind.IMAGE if one.kind is Kind.GALLERY else one.kind for one in takers))
    for kind in kinds:
        if kind is not Kind.ANY and all(fits(kind, one.kind) for one in takers):
            return kind
    if kinds == [Kind.ANY]:
        return Kind.TEXT
    told = " and ".join(f"{one.name} ({one.kind})" for one in takers)
    hint = "give one of them another name, and say where it goes with --wire"
    raise UnfitInput(f"the input {given.name} would go to {told}, which take different things", hint=hint)


def _value(
    name: str, text: str, kind: Kind, takers: Sequence[Parameter], default_file: Callable[[str], str | None]
) -> Json:
    """A text as a value of a kind; None for a file that the chain may not name."""
    if kind.is_file:
        return default_file(text)
    choices = next((one.choices for one in takers if one.choices is not None and one.closed), None)
    if choices is not None:
        if text not in map(str, choices):
            raise UnfitInput(f"{name} is {text!r}, which is no choice", hint=nearest(text, map(str, choices)))
        return next(one for one in choices if str(one) == text)
    if kind in (Kind.TEXT, Kind.CHOICE):
        return text
    if kind is Kind.JSON:
        return _json(name, text)
    try:
        value = resolve(text)
    except NotFinite:
        raise UnfitInput(f"{name} is {text}, which is no number to count with") from None
    if said := misfit(value, kind):
        raise UnfitInput(f"{name} {said}")
    return int(value) if kind is Kind.INTEGER and isinstance(value, float) else value


def _json(name: str, text: str) -> Json:
    import json  # noqa: PLC0415 - few parameters take it

    try:
        value: Json = json.loads(text)
    except ValueError as cause:
        raise UnfitInput(f"{name} takes JSON, which this is not: {cause}") from None
    return value


def _check_range(name: str, value: Json, low: float | None, high: float | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if (low is not None and value < low) or (high is not None and value > high):
        reach = " and ".join(
            one
            for one in (
                f"at least {low:g}" if low is not None else "",
                f"at most {high:g}" if high is not None else "",
            )
            if one
        )
        raise UnfitInput(f"{name} is {value:g}, and must be {reach}")


def _help(name: str, takers: Sequence[Parameter]) -> str:
    """What the page of the app calls it, where that says more than the name."""
    for one in takers:
        label = " ".join(one.label.split())
        if label and slug(label, "input") not in (name, one.name):
            return label
    return ""
