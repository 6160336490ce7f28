"""One way in which today's endpoint differs from the locked one, and the words for it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chains.meaning.kinds import shown
from chains.meaning.parts import PartType
from spaces_registry.plain import flat
from spaces_registry.signature import Json, Parameter, Return

Severity: TypeAlias = Literal["note", "warning", "break"]
_MOST = 6  # choices that are named
_LONGEST = 40  # characters of a value


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        code: stable kebab-case name of the sort of change.
        severity: a `note` changes nothing for the chain; after a `break` its call cannot work as meant.
        message: a sentence without its subject's Space and without a full stop.
        about: the parameter or return it is about, under its own name; empty if it is about neither.
        argument: the name that the chain writes for that parameter, if it writes it.
        was: the name, or the revision, that was locked; where a name or a revision changed.
        now: today's.
        gone: what a diff shows after `-`.
        come: what it shows after `+`.
        altered: what it shows after `~` and `about`.
        hint: what to do about it, beyond updating the lock.
    """

    code: str
    severity: Severity
    message: str
    about: str = ""
    argument: str | None = None
    was: str | None = None
    now: str | None = None
    gone: str = ""
    come: str = ""
    altered: str = ""
    hint: str | None = None


def readable(changes: Sequence[Change]) -> str:
    """Changes as a diff for reading; empty if there are none.

    Lines such as `- prompt (text, required)`, `+ text_prompt (text, required)` and
    `~ style: choices lost "anime", gained "3d"`; what changed about one name stands on one line.
    """
    lines: list[str] = []
    altered: dict[str, list[str]] = {}
    for one in changes:
        subject = flat(f"returns {one.about}" if one.code.startswith("return") else one.about)
        if not (one.gone or one.come or one.altered):
            lines.append(f"~ {one.message}")
        lines += [f"- {one.gone}"] if one.gone else []
        lines += [f"+ {one.come}"] if one.come else []
        if one.altered and subject not in altered:
            lines.append(subject)
        if one.altered:
            altered.setdefault(subject, []).append(one.altered)
    return "\n".join(f"~ {one}: {'; '.join(altered[one])}" if one in altered else one for one in lines)


def kind_of(one: Parameter | Return) -> str:
    """What it is: `image`, `a list of image`."""
    return shown(PartType(one.kind, one.many))


def value_of(value: Json) -> str:
    """A value in words, short."""
    text = flat(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def values_of(values: Sequence[Json]) -> str:
    """Several values, the first ones only."""
    if not values:
        return "none"
    more = f", … ({len(values)} in all)" if len(values) > _MOST else ""
    return ", ".join(value_of(one) for one in values[:_MOST]) + more


def range_of(one: Parameter) -> str:
    """The numbers that a parameter takes: `1 to 50`, `at least 0`, `any number`."""
    match one.minimum, one.maximum:
        case None, None:
            return "any number"
        case low, None:
            return f"at least {low:g}"
        case None, high:
            return f"at most {high:g}"
        case low, high:
            return f"{low:g} to {high:g}"


def parameter_in_words(one: Parameter) -> str:
    """A parameter for a diff: `prompt (text, required)`, `steps (integer, 1 to 50, default 4)`."""
    facts = [kind_of(one)]
    if one.choices is not None:
        facts.append(
            f"one of {values_of(one.choices)}" if one.closed else f"such as {values_of(one.choices)}"
        )
    if one.minimum is not None or one.maximum is not None:
        facts.append(range_of(one))
    facts.append("required" if one.required else f"default {value_of(one.default)}")
    return f"{flat(one.name)} ({', '.join(facts)})"


def return_in_words(one: Return) -> str:
    """A return for a diff: `returns image (gallery)`."""
    return f"returns {flat(one.name)} ({kind_of(one)})"
