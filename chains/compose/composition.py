"""A chain out of a row of Spaces, wired by kind: signatures in, a chain or a question out."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from chains.compose.choosing import alike, chosen_among, covered
from chains.compose.handed import Given, Handed, handed
from chains.compose.sources import Source, Stop, part_of
from chains.compose.wiring import Connection, Wiring, wire_up
from chains.language.expressions import RESERVED
from spaces_registry.apps.labels import unique
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.fitting.synonyms import meaning
from spaces_registry.signature import Endpoint, Kind, Parameter

_MOST_WAYS = 1000  # combinations of endpoints that are tried; a few seconds' worth
_MOST_SHOWN = 6  # names in a message
_NOUNS = {
    Kind.IMAGE: "image",
    Kind.GALLERY: "image",
    Kind.VIDEO: "clip",
    Kind.AUDIO: "audio",
    Kind.MODEL3D: "model",
    Kind.FILE: "file",
    Kind.TEXT: "text",
    Kind.JSON: "data",
}
_SPEAKS = frozenset({"voice", "voice_description", "reference_audio", "speed"})


class TooFewSpaces(ToolkitError):
    """One Space is no chain."""

    code = "too-few-spaces"


class NotConnected(ToolkitError):
    """Nothing that one Space gives can go to one after it."""

    code = "not-connected"


class MissingInputs(ToolkitError):
    """Required parameters to which nothing goes."""

    code = "missing-inputs"


class UnusedInput(ToolkitError):
    """An input that no Space takes."""

    code = "unused-input"


class UnknownWire(ToolkitError):
    """A wire whose parameter no Space has, or whose source is nowhere before it."""

    code = "unknown-wire"


class TooManyWays(ToolkitError):
    """The Spaces offer more endpoints than can be tried together."""

    code = "too-many-ways"


class Undecided(ToolkitError):
    """Something is left to decide, and nobody can be asked."""

    code = "undecided"


@dataclass(frozen=True, slots=True)
class Linked:
    """One of the Spaces that are linked.

    Attributes:
        space: its address, as a chain names it.
        endpoints: what of it may be called.
    """

    space: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which endpoint of which Space, by its place in the row."""

    at: int
    endpoint: Endpoint


Decision: TypeAlias = Connection | Chosen


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question: how it is shown, what it decides, and the option that says so."""

    shown: str
    decision: Decision
    option: str


@dataclass(frozen=True, slots=True)
class Question:
    """What only the user can decide.

    Attributes:
        about: in words.
        choices: at least two.
        may_be_none: whether none of them is an answer too.
    """

    about: str
    choices: tuple[Choice, ...]
    may_be_none: bool = True

    def refused(self) -> Undecided:
        """The error where nobody can be asked."""
        options = " or ".join(one.option for one in self.choices[:_MOST_SHOWN])
        return Undecided(self.about, hint=f"say which: {options}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a composed chain; `bound` is parameter name to source, in the endpoint's order."""

    name: str
    space: str
    endpoint: Endpoint
    bound: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Composition:
    """A chain: what goes in, and the steps in order; the last one's outputs are the chain's.

    `chosen` says which of several endpoints are called, and how to have another one.
    """

    inputs: tuple[Handed, ...]
    steps: tuple[Step, ...]
    chosen: tuple[str, ...] = ()

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """What each step calls."""
        return {one.name: one.endpoint for one in self.steps}


def compose(
    row: Sequence[Linked],
    inputs: Sequence[Given],
    wires: Sequence[Connection] = (),
    default_file: Callable[[str], str | None] = lambda _: None,
) -> Composition | Question:
    """Compose a chain out of Spaces.

    Args:
        row: the Spaces, in the order of the chain.
        inputs: what the user gives.
        wires: what is decided already; the last one for a parameter counts.
        default_file: how a chain may name a file that the user gave, or None where it may not.

    Raises:
        TooFewSpaces, NotConnected, MissingInputs, UnusedInput, UnknownWire, WrongWire, UnfitInput: it is no
            chain, and why.
    """
    if len(row) < 2:  # noqa: PLR2004 - a link has two ends
        raise TooFewSpaces("a link takes two Spaces or more", hint="for one Space there is `spacechain call`")
    names = {one.name: len(one.values) > 1 for one in inputs}
    decided = [
        one for at, one in enumerate(wires) if one.parameter not in {w.parameter for w in wires[at + 1 :]}
    ]
    parameters = {p.name.lower() for one in row for endpoint in one.endpoints for p in endpoint.parameters}
    # what is the name of a parameter goes there; only a prompt is for everybody who needs one
    settled = [one for one in names if one.lower() in parameters and one.lower() != "prompt"]
    ways = [(stops, wire_up(stops, names, decided, settled)) for stops in _ways(row)]
    least = min(wiring.faults for _, wiring in ways)
    best = [one for one in ways if one[1].faults == least]
    if least:
        stops, wiring = best[0]
        raise _fault(row, stops, wiring, names)
    clear = [one for one in best if not one[1].doubts] or best
    clear = _covering_most(clear)
    stops, wiring = clear[0]
    if unlike := [other for other, wired in clear if not alike(stops, wiring, other, wired)]:
        return _which_endpoint(row, [stops, *unlike])
    if wiring.doubts:
        return _which_wire(wiring)
    steps = tuple(
        Step(stop.name, one.space, stop.endpoint, wiring.bound[stop.name])
        for one, stop in zip(row, stops, strict=True)
    )
    given = tuple(handed(one, _takers(one.name, steps), default_file) for one in inputs)
    return Composition(given, steps, tuple(chosen_among(row, stops, [other for other, _ in clear])))


def _covering_most(ways: list[tuple[tuple[Stop, ...], Wiring]]) -> list[tuple[tuple[Stop, ...], Wiring]]:
    """The ways to which most of what the user gave goes, in the apps' own order."""
    most = max(covered(wiring) for _, wiring in ways)
    return [one for one in ways if covered(one[1]) == most]


def _takers(name: str, steps: Sequence[Step]) -> list[Parameter]:
    return [
        parameter
        for step in steps
        for parameter in step.endpoint.parameters
        if (source := step.bound.get(parameter.name)) and source.is_input and source.part == name
    ]


# which endpoints


def _ways(row: Sequence[Linked]) -> Iterator[tuple[Stop, ...]]:
    """Every combination of endpoints, each with its steps' names."""
    promising = [_promising(one.endpoints) for one in row]
    if math.prod(len(one) for one in promising) > _MOST_WAYS:
        at = max(range(len(row)), key=lambda at: len(promising[at]))
        names = ", ".join(one.name for one in promising[at][:_MOST_SHOWN])
        hint = f"name one: --endpoint {row[at].space}={promising[at][0].name}"
        raise TooManyWays(f"{row[at].space} has {len(promising[at])} endpoints: {names}, …", hint=hint)
    for way in product(*promising):
        taken = dict.fromkeys(RESERVED, 1)
        nouns = [_noun(one, row[at].space) for at, one in enumerate(way)]
        yield tuple(Stop(unique(noun, taken), one) for noun, one in zip(nouns, way, strict=True))


def _promising(endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Endpoints that do some work: they take something, and give something."""
    useful = [one for one in endpoints if one.parameters and one.returns]
    return useful or endpoints


def _noun(endpoint: Endpoint, space: str) -> str:
    """A short name for what an endpoint gives."""
    kinds = [one.kind for one in endpoint.returns]
    media = [one for one in kinds if one.is_file or one is Kind.GALLERY]
    found = next((one for one in (*media, *kinds) if one in _NOUNS), None)
    if found is Kind.AUDIO:
        names = f"{space} {endpoint.name}".lower()
        speaks = any(meaning(one.name) in _SPEAKS for one in endpoint.parameters)
        return "voice" if speaks or "tts" in names or "speech" in names or "voice" in names else "audio"
    return _NOUNS[found] if found else "step"


def _which_endpoint(row: Sequence[Linked], ways: Sequence[tuple[Stop, ...]]) -> Question:
    at = next(at for at in range(len(row)) if len({stops[at].endpoint.name for stops in ways}) > 1)
    offered = {stops[at].endpoint.name: stops[at].endpoint for stops in ways}
    choices = tuple(
        Choice(_shown(one), Chosen(at, one), f"--endpoint {row[at].space}={name}")
        for name, one in offered.items()
    )
    return Question(f"{row[at].space} has {len(offered)} endpoints that fit", choices, may_be_none=False)


def _shown(endpoint: Endpoint) -> str:
    return f"{endpoint.name}: {_taking(endpoint)} → {_giving(endpoint)}"


def _which_wire(wiring: Wiring) -> Question:
    doubt = wiring.doubts[0]
    choices = tuple(
        Choice(f"{one.parameter.partition('.')[2]} ← {shown_source(one.source)}", one, f"--wire {one}")
        for one in doubt.wires
    )
    sources = list(dict.fromkeys(shown_source(one.source) for one in doubt.wires))
    names = list(dict.fromkeys(one.parameter.partition(".")[2] for one in doubt.wires))
    return Question(f"{' or '.join(sources)} could go to {' or '.join(names)} of {doubt.step}", choices)


def shown_source(written: str) -> str:
    """A source for reading: `input prompt`, `image.image`."""
    return f"input {written.removeprefix('inputs.')}" if written.startswith("inputs.") else written


# why it is no chain


def _fault(
    row: Sequence[Linked], stops: Sequence[Stop], wiring: Wiring, inputs: Mapping[str, bool]
) -> ToolkitError:
    """The first thing that stands in the way, as an error."""
    if wiring.unmet:
        return _unmet(wiring.unmet[0], stops, inputs)
    if wiring.unread:
        return _unread(row, stops, wiring)
    if wiring.unused:
        return _unused(row, stops, wiring, many=inputs[wiring.unused[0]])
    name, several = next(iter(wiring.missing.items()))
    space = next(one.space for one, stop in zip(row, stops, strict=True) if stop.name == name)
    told = ", ".join(f"{one.name} ({_many(one.kind, many=one.many)})" for one in several)
    every = dict.fromkeys(one.name for missing in wiring.missing.values() for one in missing)
    hint = "give " + " ".join(f"-i {one}=…" for one in every)
    return MissingInputs(f"{space} also needs {told}", hint=hint)


def _unmet(wire: Connection, stops: Sequence[Stop], inputs: Mapping[str, bool]) -> UnknownWire:
    step, _, name = wire.parameter.rpartition(".")
    names = [one.name for one in stops]
    if step and step not in names:
        return UnknownWire(f"--wire {wire}: there is no step {step!r}", hint=nearest(step, names))
    takers = [at for at, one in enumerate(stops) if step in ("", one.name) and one.endpoint.parameter(name)]
    if not takers:
        offered = dict.fromkeys(
            p.name for one in stops if step in ("", one.name) for p in one.endpoint.parameters
        )
        where = step or "Space"
        return UnknownWire(f"--wire {wire}: no {where} takes {name!r}", hint=nearest(name, offered))
    root = wire.source.removeprefix("$").partition(".")[0]
    before = names[: takers[-1]]
    if root in names:
        late = f"{root} runs no earlier than {stops[takers[-1]].name}, which is to read from it"
        return UnknownWire(f"--wire {wire}: {late}", hint=nearest(root, before))
    message = f"--wire {wire}: {wire.source!r} is no output of an earlier step and no input"
    sources = [f"{one.name}.{part}" for one in stops[: takers[-1]] for part in _parts(one.endpoint)]
    return UnknownWire(message, hint=nearest(wire.source, [*sources, *(f"inputs.{one}" for one in inputs)]))


def _unread(row: Sequence[Linked], stops: Sequence[Stop], wiring: Wiring) -> NotConnected:
    at = next(at for at, one in enumerate(stops) if one.name in wiring.unread)
    giver, taker = stops[at].endpoint, stops[at + 1].endpoint
    message = f"nothing that {row[at].space} gives goes to {row[at + 1].space}"
    if len(row) - at > 2:  # noqa: PLR2004 - it and the next
        message += " or a Space after it"
    return NotConnected(
        message, hint=f"it gives {_giving(giver)}; {row[at + 1].space} takes {_taking(taker)}"
    )


def _unused(row: Sequence[Linked], stops: Sequence[Stop], wiring: Wiring, *, many: bool) -> UnusedInput:
    name = wiring.unused[0]
    every = dict.fromkeys(p.name for one in stops for p in one.endpoint.parameters)
    if many and name in every:
        return UnusedInput(f"the input {name} is given more than once, and takes one value", hint=None)
    message = f"no Space takes the input {name!r}"
    for at, stop in enumerate(stops):
        for other, source in wiring.bound[stop.name].items():
            if other == name or (meaning(other) is not None and meaning(other) == meaning(name)):
                told = f"{message}: {other} of {row[at].space} is {shown_source(str(source))}"
                return UnusedInput(
                    told, hint=f"to have it otherwise: --wire {stop.name}.{other}=inputs.{name}"
                )
    return UnusedInput(message, hint=nearest(name, every))


def _parts(endpoint: Endpoint) -> list[str]:
    return [part_of(endpoint.returns, at) for at in range(len(endpoint.returns))]


def _giving(endpoint: Endpoint) -> str:
    return _listed([_named(one.name, one.kind, many=one.many) for one in endpoint.returns])


def _taking(endpoint: Endpoint) -> str:
    return _listed([_named(one.name, one.kind, many=one.many) for one in endpoint.parameters])


def _named(name: str, kind: Kind, *, many: bool) -> str:
    return f"{name} ({_many(kind, many=many)})"


def _many(kind: Kind, *, many: bool) -> str:
    return f"list of {kind}" if many else str(kind)


def _listed(several: Sequence[str]) -> str:
    shown = ", ".join(several[:_MOST_SHOWN])
    return (shown + ", …" if len(several) > _MOST_SHOWN else shown) or "nothing"


def with_decision(
    row: Sequence[Linked], decision: Decision
) -> tuple[tuple[Linked, ...], tuple[Connection, ...]]:
    """The row after a decision, and the wires that the decision adds."""
    match decision:
        case Connection():
            return tuple(row), (decision,)
        case Chosen(at, endpoint):
            chosen = (replace(one, endpoints=(endpoint,)) if at == i else one for i, one in enumerate(row))
            return tuple(chosen), ()
