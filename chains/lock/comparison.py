"""Compares a locked signature with today's, parameter by parameter and return by return."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chains.lock.changes import (
    Change,
    Severity,
    kind_of,
    parameter_in_words,
    range_of,
    return_in_words,
    value_of,
    values_of,
)
from chains.meaning.parts import PLURAL, find_part
from spaces_registry.plain import flat
from spaces_registry.signature import Json, Parameter, Return, fits


@dataclass(frozen=True, slots=True)
class Use:
    """What a chain makes of an endpoint's parameters.

    Attributes:
        binding: name written in the chain to parameter, where they differ.
        arguments: the names that it writes; None if that is not known, which counts as all.
    """

    binding: Mapping[str, str]
    arguments: Collection[str] | None

    def written(self, parameter: str) -> str | None:
        """The name that the chain writes for a parameter of the locked endpoint; None if it writes none."""
        name = next((one for one, bound in self.binding.items() if bound == parameter), parameter)
        if name == parameter and parameter in self.binding:
            return None  # the chain means another parameter by this name
        return name if self.arguments is None or name in self.arguments else None


def parameter_changes(
    before: Sequence[Parameter], now: Sequence[Parameter], renamed: Mapping[str, str], use: Use
) -> Iterator[Change]:
    """What changed about parameters: those that were in their order, then the new ones in theirs."""
    today = {one.name: one for one in now}
    for old in before:
        argument = use.written(old.name)
        new = today.get(renamed.get(old.name, old.name))
        if new is None:
            yield _removed(old, argument)
            continue
        if new.name != old.name:
            yield _renamed(old, new, argument)
        yield from _altered(old, new, argument)
    known = {one.name for one in before} | set(renamed.values())
    yield from (_added(one, use) for one in now if one.name not in known)


def _removed(old: Parameter, argument: str | None) -> Change:
    return Change(
        "parameter-removed",
        "note" if argument is None else "break",
        f"`{flat(old.name)}` is gone",
        old.name,
        argument,
        gone=parameter_in_words(old),
        hint=None if argument is None else f"take `{flat(argument)}` out of its `with`",
    )


def _added(new: Parameter, use: Use) -> Change:
    is_given = use.arguments is not None and new.name in use.arguments and new.name not in use.binding
    is_needed = new.required and not is_given
    return Change(
        "parameter-added",
        "break" if is_needed else "note",
        f"it {'needs' if new.required else 'can take'} `{flat(new.name)}` ({kind_of(new)})",
        new.name,
        new.name if is_given else None,
        come=parameter_in_words(new),
        hint=f"add `{flat(new.name)}: …` to its `with`" if is_needed else None,
    )


def _renamed(old: Parameter, new: Parameter, argument: str | None) -> Change:
    return Change(
        "parameter-renamed",
        "note" if argument is None else "break",
        f"`{flat(old.name)}` seems to be called `{flat(new.name)}`",
        old.name,
        argument,
        was=old.name,
        now=new.name,
        gone=parameter_in_words(old),
        come=parameter_in_words(new),
        hint=None if argument is None else f"the chain can go on writing `{flat(argument)}`",
    )


def _altered(old: Parameter, new: Parameter, argument: str | None) -> Iterator[Change]:
    """What is different about a parameter that is still there, perhaps by another name."""

    def change(code: str, severity: Severity, said: str, altered: str) -> Change:
        about = flat(new.name)
        return Change(code, severity, f"`{about}` {said}", new.name, argument, altered=altered)

    used = argument is not None
    if (old.kind, old.many) != (new.kind, new.many):
        before, now = kind_of(old), kind_of(new)
        takes_it = fits(old.kind, new.kind) and (new.many or not old.many)
        severity: Severity = "note" if not used else "warning" if takes_it else "break"
        yield change("kind-changed", severity, f"takes {now}, and took {before}", f"{before} → {now}")
    else:
        yield from _limits(old, new, change, used=used)
    if old.required != new.required:
        word = "required" if new.required else "optional"
        severity = "break" if new.required and not used else "note"
        yield change(f"became-{word}", severity, f"is {word}", f"is {word}")


def _limits(
    old: Parameter, new: Parameter, change: Callable[[str, Severity, str, str], Change], *, used: bool
) -> Iterator[Change]:
    """Choices, range and default of a parameter whose kind is the same."""
    lost, gained = (
        _without(old.choices or (), new.choices or ()),
        _without(new.choices or (), old.choices or ()),
    )
    words = [f"lost {values_of(lost)}"] if lost else []
    words += [f"gained {values_of(gained)}"] if gained else []
    if (old.choices is None) != (new.choices is None):
        words = [f"are {values_of(new.choices)}"] if new.choices is not None else ["are no longer listed"]
    narrowed = bool(lost) and new.closed and new.choices is not None
    if new.closed != old.closed and (new.choices or old.choices):
        words.append("are the only values" if new.closed else "are no longer the only values")
        narrowed = narrowed or new.closed
    if words:
        said = f"choices {', '.join(words)}"
        yield change(
            "choices-changed",
            "warning" if used and narrowed else "note",
            f"has other choices: {', '.join(words)}",
            said,
        )
    if (old.minimum, old.maximum) != (new.minimum, new.maximum):
        narrowed = _narrower(old, new)
        before, now = range_of(old), range_of(new)
        severity: Severity = "warning" if used and narrowed else "note"
        yield change("range-changed", severity, f"takes {now}, and took {before}", f"{before} → {now}")
    if not old.required and not new.required and _fact(old.default) != _fact(new.default):
        before, now = value_of(old.default), value_of(new.default)
        severity = "note" if used else "warning"
        yield change(
            "default-changed",
            severity,
            f"is {now} if left out, and was {before}",
            f"default {before} → {now}",
        )


def _narrower(old: Parameter, new: Parameter) -> bool:
    low = new.minimum is not None and (old.minimum is None or new.minimum > old.minimum)
    return low or (new.maximum is not None and (old.maximum is None or new.maximum < old.maximum))


def _without(values: Sequence[Json], others: Sequence[Json]) -> list[Json]:
    there = {_fact(one) for one in others}
    return [one for one in values if _fact(one) not in there]


def _fact(value: Json) -> str:
    """A value so that equal ones are equal: 4 is 4.0, but true is not 1."""
    return json.dumps(_plain(value), sort_keys=True, default=str)


def _plain(value: Json) -> Json:
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: _plain(one) for key, one in value.items()}
        case str() | None | bool() | int() | float():
            return value
    return [_plain(one) for one in value]


def return_changes(
    before: Sequence[Return], now: Sequence[Return], renamed: Mapping[str, str], read: Collection[str] | None
) -> Iterator[Change]:
    """What changed about returns, then which parts that the chain reads are others than before.

    Args:
        before: those that were.
        now: those that are.
        renamed: successors of those that are gone.
        read: the parts that the chain reads: labels, kinds, `outputs`; None if that is not known.
    """
    parts = [*dict.fromkeys(one.name for one in before), "outputs"] if read is None else sorted(read)
    weights = _weights(before, now, parts)
    today = {one.name: one for one in now}
    for old in before:
        severity = weights.get(old.name, "note")
        new = today.get(renamed.get(old.name, old.name))
        name = flat(old.name)
        if new is None:
            yield Change(
                "return-removed",
                severity,
                f"it no longer returns `{name}`",
                old.name,
                gone=return_in_words(old),
            )
        elif new.name != old.name:
            said = f"what it returned as `{name}` seems to be called `{flat(new.name)}`"
            words = {"gone": return_in_words(old), "come": return_in_words(new)}
            yield Change(
                "return-renamed",
                "break" if severity == "break" else "note",
                said,
                old.name,
                was=old.name,
                now=new.name,
                **words,
            )
        elif (old.kind, old.many) != (new.kind, new.many):
            said = f"`{name}` is {kind_of(new)}, and was {kind_of(old)}"
            altered = f"{kind_of(old)} → {kind_of(new)}"
            yield Change("return-kind-changed", severity, said, old.name, altered=altered)
    known = {one.name for one in before} | set(renamed.values())
    for one in now:
        if one.name not in known:
            said = f"it also returns `{flat(one.name)}` ({kind_of(one)})"
            yield Change("return-added", "note", said, one.name, come=return_in_words(one))
    for part in parts:
        yield from _moved(part, before, now, renamed)


def _weights(before: Sequence[Return], now: Sequence[Return], parts: Sequence[str]) -> dict[str, Severity]:
    """How much it matters for each return that is read, by name, that it is not what it was."""
    found: dict[str, Severity] = {}
    for part in parts:
        is_same = _same_type(part, before, now)
        for name in _names(part, before):
            if not is_same:
                found[name] = "break"
            elif part != "outputs":
                found.setdefault(name, "warning")
    return found


def _same_type(part: str, before: Sequence[Return], now: Sequence[Return]) -> bool:
    """Whether a part is still to be had, and of a kind that goes where the old one went."""
    if part == "outputs":
        return all(
            fits(new.kind, old.kind) and new.many == old.many for old, new in zip(before, now, strict=False)
        ) and len(now) >= len(before)
    old, new = find_part(before, part), find_part(now, part)
    if old is None or new is None:
        return old is None
    return fits(new.type.kind, old.type.kind) and new.type.many == old.type.many


def _names(part: str, returns: Sequence[Return]) -> list[str]:
    """The returns that a part leads to."""
    found = find_part(returns, part)
    return [] if found is None else [returns[one.index].name for one in found.places]


def _moved(
    part: str, before: Sequence[Return], now: Sequence[Return], renamed: Mapping[str, str]
) -> Iterator[Change]:
    """A part that leads to another return than before, though the old one is still there."""
    then = [renamed.get(one, one) for one in _names(part, before)]
    today = _names(part, now)
    there = {one.name for one in now}
    if part == "outputs":
        today = today[: len(then)]
    elif part in PLURAL and set(then) <= set(today):
        return
    if then != today and today and all(one in there for one in then):
        are, were = (", ".join(f"`{flat(one)}`" for one in names) for names in (today, then))
        said = f"its part `{flat(part)}` is now what it returns as {are}, and was {were}"
        yield Change("part-moved", "break", said, part)
