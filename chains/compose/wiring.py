"""Which value goes to which parameter of a row of endpoints, told by names and kinds alone.

What was asked for by name counts first, then what the endpoints before give, nearest first, then what the
user gave, then a text from farther back. A parameter with a default keeps it, unless nothing else of its
endpoint could take what the one before it gives. What could go to several places is a question, not a guess.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chains.compose.sources import INPUTS, Source, Stop, WrongWire, fitting_part, held, part_of
from chains.meaning.parts import find_part, offered
from spaces_registry.errors import nearest
from spaces_registry.fitting.matching import Ambiguity, Match, Supply, goes_in, match
from spaces_registry.fitting.synonyms import is_content, meaning
from spaces_registry.signature import Endpoint, Kind, Parameter

_TRANSCRIPT = "reference_text"  # a setting where it is taken, and what a call is for where it is given
_PLURALS = {
    Kind.IMAGE: "images",
    Kind.VIDEO: "videos",
    Kind.AUDIO: "audios",
    Kind.FILE: "files",
    Kind.TEXT: "texts",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """What the user decided.

    Attributes:
        parameter: its name, of every step that has it, or `step.parameter`.
        source: `step.part` or an input's name; empty leaves the parameter alone.
    """

    parameter: str
    source: str

    def __str__(self) -> str:
        return f"{self.parameter}={self.source}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Wires of one step of which any could be meant."""

    step: str
    wires: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What goes where, and what is left over.

    Attributes:
        bound: by step, parameter name to source.
        doubts: what only the user can decide.
        missing: by step, required parameters that nothing goes to.
        unread: steps, but the last, from which no other reads.
        unused: inputs that no step takes.
        unmet: wires that no step has the parameter for, or whose source is nowhere.
    """

    bound: Mapping[str, Mapping[str, Source]]
    doubts: tuple[Doubt, ...]
    missing: Mapping[str, tuple[Parameter, ...]]
    unread: tuple[str, ...]
    unused: tuple[str, ...]
    unmet: tuple[Connection, ...]

    @property
    def faults(self) -> int:
        """How much stands in the way of a run; doubts aside."""
        missing = sum(len(several) for several in self.missing.values())
        return missing + len(self.unread) + len(self.unused) + len(self.unmet)


def wire_up(
    stops: Sequence[Stop],
    inputs: Mapping[str, bool],
    wires: Sequence[Connection] = (),
    settled: Collection[str] = (),
) -> Wiring:
    """Connection a row of endpoints.

    Args:
        stops: in the order of the chain; their names are unique.
        inputs: names of what the user gives, each with whether it is a list.
        wires: what is decided already.
        settled: inputs that are for parameters of their own name only.
    """
    return _Work(stops, inputs, wires, settled).wiring()


@dataclass(frozen=True, slots=True)
class _Offer:
    supply: Supply
    source: Source


class _Work:
    """The work on one row."""

    def __init__(
        self,
        stops: Sequence[Stop],
        inputs: Mapping[str, bool],
        wires: Sequence[Connection],
        settled: Collection[str],
    ) -> None:
        self.stops, self.inputs, self.wires = stops, inputs, wires
        self.offers = [_contents(one) for one in stops]
        self.bound: list[dict[str, Source]] = [{} for _ in stops]
        self.left: list[set[str]] = [set() for _ in stops]  # parameters that are decided, or in doubt
        self.read: set[str] = set()
        self.met: set[Connection] = set()
        self.doubts: list[Doubt] = []
        self.roaming = [one for one in inputs if one not in settled]
        known = [match(one.endpoint, self._given()) for one in stops]
        self.unknown = [name for name in self.roaming if all(name in _names(one.unused) for one in known)]

    def wiring(self) -> Wiring:
        for at in range(len(self.stops)):
            self._by_wire(at)
            self._from_before(at, far_texts=False)
            self._from_inputs(at)
            self._from_unknown_inputs(at)
            self._from_before(at, far_texts=True)
            self._ask(at)
            self._at_all_costs(at)
        self._unused_inputs()
        open_ = {one.name: self._open(at) for at, one in enumerate(self.stops)}
        missing = {name: tuple(one for one in several if one.required) for name, several in open_.items()}
        return Wiring(
            bound={one.name: _in_order(one.endpoint, self.bound[at]) for at, one in enumerate(self.stops)},
            doubts=tuple(self.doubts),
            missing={name: several for name, several in missing.items() if several},
            unread=tuple(one.name for one in self.stops[:-1] if one.name not in self.read),
            unused=tuple(self._untaken()),
            unmet=tuple(one for one in self.wires if one not in self.met),
        )

    # what is decided

    def _by_wire(self, at: int) -> None:
        stop = self.stops[at]
        for wire in self.wires:
            step, _, name = wire.parameter.rpartition(".")
            parameter = stop.endpoint.parameter(name)
            if parameter is None or step not in ("", stop.name):
                continue
            if not wire.source:
                self.left[at].add(name)
                self.met.add(wire)
            elif (source := self._source(wire.source, parameter, at)) is not None:
                self._check(parameter, source)
                self.met.add(wire)
                self._bind(at, parameter, source)

    def _source(self, written: str, parameter: Parameter, at: int) -> Source | None:
        root, _, part = written.removeprefix("$").partition(".")
        if root in (INPUTS, "input") and part in self.inputs:
            return Source(INPUTS, part, Kind.ANY, self.inputs[part])
        if not part and root in self.inputs:
            return Source(INPUTS, root, Kind.ANY, self.inputs[root])
        for one in self.stops[:at]:
            if one.name == root and not part:
                return fitting_part(one, parameter)
            if one.name == root:
                parts = offered(one.endpoint, {})
                if part not in parts:
                    raise WrongWire(f"{root} gives no {part!r}", hint=nearest(part, parts))
                return Source(root, part, parts[part].kind, parts[part].many)
        return None

    def _check(self, parameter: Parameter, source: Source) -> None:
        if not goes_in(Supply(source.part, source.kind, source.many), parameter):
            told = f"list of {source.kind}" if source.many else source.kind
            raise WrongWire(f"{source} is {told}, and {parameter.name} takes {parameter.kind}")

    # what the steps before give

    def _from_before(self, at: int, *, far_texts: bool) -> None:
        for giver in reversed(range(at)):
            for group in self._groups(giver, far_texts=far_texts, is_next=giver == at - 1):
                wanted = self._wanting(at, optional=self.stops[giver].name not in self.read)
                self._take(at, group, self._match(at, wanted, group))

    def _groups(self, giver: int, *, far_texts: bool, is_next: bool) -> tuple[list[_Offer], ...]:
        """What a step gives: first what is what it says, then files that may be anything.

        Text that is all a step gives is meant for the next one; other text comes after what the user gave.
        """
        every = self.offers[giver]
        media = [one for one in every if one.supply.kind is not Kind.TEXT]
        words = [one for one in every if one.supply.kind is Kind.TEXT]
        sure = [one for one in media if one.supply.kind is not Kind.FILE]
        unsure = [one for one in media if one.supply.kind is Kind.FILE]
        texts = words if far_texts or (is_next and not media) else []
        return ([*sure, *texts], unsure)

    def _at_all_costs(self, at: int) -> None:
        """Use what the step right before gives, also for a parameter that has a default."""
        if at == 0 or self.stops[at - 1].name in self.read:
            return
        offers = self.offers[at - 1]
        found = self._match(at, self._open(at), offers)
        self._take(at, offers, found)
        if self.stops[at - 1].name not in self.read:
            self._doubt(at, offers, found.ambiguous)

    def _ask(self, at: int) -> None:
        """Collect all doubts about what the steps before give: one that is decided may clear the others."""
        found: list[tuple[list[_Offer], Match]] = []
        for giver in reversed(range(at)):
            for group in self._groups(giver, far_texts=True, is_next=False):
                wanted = self._wanting(at, optional=self.stops[giver].name not in self.read)
                found.append((group, self._match(at, wanted, group)))
        for group, matched in found:
            self._doubt(at, group, matched.ambiguous)

    # what the user gives

    def _given(self, only: Iterable[str] | None = None) -> list[Supply]:
        names = self.inputs if only is None else only
        return [Supply(name, Kind.ANY, self.inputs[name]) for name in names]

    def _from_inputs(self, at: int) -> None:
        """By name to any parameter, by a name that means the same to those that need a value."""
        offers = [_Offer(one, self._input(one)) for one in self._given()]
        named = [one for one in self._open(at) if one.name.lower() in {name.lower() for name in self.inputs}]
        self._take(at, offers, self._match(at, named, offers))
        offers = [_Offer(one, self._input(one)) for one in self._given(self.roaming)]
        found = self._match(at, [one for one in self._open(at) if one.required], offers)
        self._take(at, offers, found)
        self._doubt(at, offers, found.ambiguous)

    def _from_unknown_inputs(self, at: int) -> None:
        """An input whose name says nothing goes to the one parameter that still needs a value."""
        wanted = [one for one in self._open(at) if one.required]
        pairs: list[tuple[Parameter, Source]] = []
        for name in self.unknown:
            for kind in dict.fromkeys(one.kind for one in wanted):
                supply = Supply(name, kind, self.inputs[name])
                found = match(Endpoint("", tuple(wanted)), [supply])
                names = {one.parameter.name for one in found.bound}
                names |= {one for several in found.ambiguous for one in several.parameters}
                pairs += [
                    (one, self._input(supply)) for one in wanted if one.name in names and one.kind is kind
                ]
        if len(pairs) == 1:
            self._bind(at, *pairs[0])
        elif pairs:
            self._doubt_pairs(at, pairs)

    def _unused_inputs(self) -> None:
        """What nobody needs may be for a parameter that has a default; the name tells, else the kind."""
        for kind in (Kind.ANY, Kind.TEXT):
            names = [one for one in self._untaken() if one in self.roaming]
            for at in range(len(self.stops)):
                supplies = [replace(one, kind=kind) for one in self._given(names)]
                offers = [_Offer(one, self._input(one)) for one in supplies]
                found = self._match(at, self._open(at), offers)
                self._take(at, offers, found)
                self._doubt(at, offers, found.ambiguous)

    def _untaken(self) -> list[str]:
        taken = {one.part for several in self.bound for one in several.values() if one.is_input}
        asked = {wire.source.removeprefix(f"{INPUTS}.") for doubt in self.doubts for wire in doubt.wires}
        return [name for name in self.inputs if name not in taken | asked]

    def _input(self, supply: Supply) -> Source:
        return Source(INPUTS, supply.name, supply.kind, supply.many)

    # binding

    def _open(self, at: int) -> list[Parameter]:
        parameters = self.stops[at].endpoint.parameters
        return [one for one in parameters if one.name not in self.bound[at] and one.name not in self.left[at]]

    def _wanting(self, at: int, *, optional: bool) -> list[Parameter]:
        """Parameters that need a value; files without a default too, if `optional`."""
        return [one for one in self._open(at) if one.required or (optional and _is_empty_file(one))]

    def _match(self, at: int, parameters: Sequence[Parameter], offers: Sequence[_Offer]) -> Match:
        spent = {(one.root, one.part) for one in self.bound[at].values()}
        free = [one.supply for one in offers if (one.source.root, one.source.part) not in spent]
        if not (free and parameters):
            return Match(Endpoint(""), (), (), (), tuple(free), {})  # most of the time, in a row of many ways
        return match(Endpoint("", tuple(parameters)), free)

    def _take(self, at: int, offers: Sequence[_Offer], found: Match) -> None:
        sources = {one.supply: one.source for one in offers}
        for one in found.bound:
            self._bind(at, one.parameter, sources[one.supply])

    def _bind(self, at: int, parameter: Parameter, source: Source) -> None:
        if not source.is_input and not source.many and (parameter.many or parameter.kind is Kind.GALLERY):
            source = self._whole(source)
        self.bound[at][parameter.name] = source
        self.read.add(source.root)

    def _whole(self, source: Source) -> Source:
        """All items of the list that a part is the first of."""
        stop = next(one for one in self.stops if one.name == source.root)
        first, every = (
            find_part(stop.endpoint.returns, one) for one in (source.part, _PLURALS.get(source.kind, ""))
        )
        if first is None or every is None or first.places[0].take != "first" or len(every.places) > 1:
            return source
        return replace(source, part=_PLURALS[source.kind], many=True)

    def _doubt(self, at: int, offers: Sequence[_Offer], ambiguous: Sequence[Ambiguity]) -> None:
        sources = {one.supply: one.source for one in offers}
        for one in ambiguous:
            named = [self.stops[at].endpoint.parameter(name) for name in one.parameters]
            self._doubt_pairs(
                at, [(to, sources[of]) for of in one.supplies for to in named if to is not None]
            )

    def _doubt_pairs(self, at: int, pairs: Sequence[tuple[Parameter, Source]]) -> None:
        step = self.stops[at].name
        wires = tuple(Connection(f"{step}.{to.name}", str(source)) for to, source in pairs)
        self.doubts.append(Doubt(step, wires))
        self.left[at] |= {to.name for to, _ in pairs}
        self.read |= {source.root for _, source in pairs}


def _contents(stop: Stop) -> list[_Offer]:
    """What of a step's output may be handed on unasked: its files, and its text if that is what it is for."""
    returns = stop.endpoint.returns
    has_media = any(one.kind.is_file or one.kind is Kind.GALLERY for one in returns)
    offers: list[_Offer] = []
    for at, one in enumerate(returns):
        kind = Kind.IMAGE if one.kind is Kind.GALLERY else one.kind
        if not kind.is_file and kind is not Kind.TEXT:
            continue
        known = meaning(one.name)
        known = None if known == _TRANSCRIPT else known
        if kind is Kind.TEXT and (not is_content(known) or (has_media and known is None)):
            continue  # a setting, a status, a log
        source = Source(stop.name, part_of(returns, at), kind)
        is_only = sum(held(other) is kind for other in returns) == 1
        if kind is Kind.TEXT:
            name = one.name if known else f"{one.name}_given"  # a name that says nothing: its kind decides
        else:
            name = str(kind) if is_only and known is None else one.name
        offers.append(_Offer(Supply(name, kind, source=str(source)), source))
    return offers


def _is_empty_file(one: Parameter) -> bool:
    return (one.kind.is_file or one.kind is Kind.GALLERY) and one.default is None


def _names(supplies: Iterable[Supply]) -> set[str]:
    return {one.name for one in supplies}


def _in_order(endpoint: Endpoint, bound: Mapping[str, Source]) -> dict[str, Source]:
    return {one.name: bound[one.name] for one in endpoint.parameters if one.name in bound}
