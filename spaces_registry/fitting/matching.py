"""Whether an endpoint can do a job: which of its parameters takes what, and whether it gives what is wanted.

Nothing is guessed. A value goes to a parameter of its own name, or of a name that is known to mean the same,
or to the only one that can take it. Where two could, the match says so and names them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from spaces_registry.apps.labels import slug
from spaces_registry.errors import ToolkitError
from spaces_registry.fitting.synonyms import is_content, meaning
from spaces_registry.signature import Endpoint, Kind, Parameter, Return

_IN_GALLERY = frozenset({Kind.IMAGE, Kind.VIDEO})
# what carries the content of a call; a number or a choice is a setting, which only its name tells from others
_CONTENT = frozenset({Kind.TEXT, Kind.GALLERY} | {one for one in Kind if one.is_file})


class By(IntEnum):
    """Why a value goes to a parameter; the lower, the surer."""

    NAME = 1
    SYNONYM = 2
    KIND = 3


class Gives(IntEnum):
    """Whether a kind can be had from an endpoint."""

    NO = 0
    MAYBE = 1
    SURELY = 2


@dataclass(frozen=True, slots=True)
class Supply:
    """A value that a chain has to offer.

    Attributes:
        name: what its giver calls it: a parameter's name, or simply its kind.
        kind: what it is.
        many: whether it is a list of that kind.
        source: where it comes from, e.g. `$image.image`; for messages and for writing the chain.
    """

    name: str
    kind: Kind
    many: bool = False
    source: str = ""

    @property
    def shown(self) -> str:
        """The value in words: `image`, `portrait (image)`, `frames (list of image)`."""
        what = f"list of {self.kind}" if self.many else str(self.kind)
        return what if self.name == self.kind else f"{self.name} ({what})"


@dataclass(frozen=True, slots=True)
class Bound:
    """A supply and the parameter that takes it."""

    supply: Supply
    parameter: Parameter
    by: By


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Values and parameters that fit each other in more than one way.

    Attributes:
        supplies: what is offered.
        parameters: names of what could take it.
    """

    supplies: tuple[Supply, ...]
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        offered = " or ".join(one.name for one in self.supplies)
        return f"{offered} could go to {' or '.join(self.parameters)}"


class AmbiguousBinding(ToolkitError):
    """More than one parameter could take a value, and none is named as it is."""

    code = "ambiguous-binding"

    def __init__(self, endpoint: str, ambiguities: Sequence[Ambiguity]) -> None:
        told = "; ".join(map(str, ambiguities))
        hint = "give it the name of the parameter that is meant"
        super().__init__(f"{endpoint}: {told}", hint=hint)
        self.endpoint, self.ambiguities = endpoint, tuple(ambiguities)


@dataclass(frozen=True, slots=True)
class Match:
    """How an endpoint suits a job.

    Attributes:
        endpoint: what was looked at.
        bound: what goes where, in the order of the supplies.
        ambiguous: what could go to several places.
        unbound: required parameters that nothing goes to, in the app's order.
        unused: supplies that no parameter takes.
        gives: for each kind wanted, whether it can be had.
    """

    endpoint: Endpoint
    bound: tuple[Bound, ...]
    ambiguous: tuple[Ambiguity, ...]
    unbound: tuple[Parameter, ...]
    unused: tuple[Supply, ...]
    gives: Mapping[Kind, Gives]

    @property
    def binding(self) -> Mapping[str, str]:
        """Name of the supply to name of the parameter."""
        return {one.supply.name: one.parameter.name for one in self.bound}

    @property
    def lacking(self) -> tuple[Kind, ...]:
        """Kinds wanted that the endpoint does not give."""
        return tuple(kind for kind, given in self.gives.items() if given is Gives.NO)

    @property
    def is_complete(self) -> bool:
        """Whether a call can be made of it as it stands, and gives what is wanted."""
        return not (self.ambiguous or self.unbound or self.unused or self.lacking)

    def refuse_ambiguous(self) -> None:
        """Raise `AmbiguousBinding`, which lists the choices, if there are any."""
        if self.ambiguous:
            raise AmbiguousBinding(self.endpoint.name, self.ambiguous)


def match(endpoint: Endpoint, supplies: Sequence[Supply], gives: Sequence[Kind] = ()) -> Match:
    """How an endpoint suits what there is and what is wanted.

    Args:
        endpoint: of a Space, or of anything else with a signature.
        supplies: what can be handed to it; their names are unique.
        gives: kinds that must come out.
    """
    work = _Matching(endpoint, supplies)
    work.by(By.NAME, _same_name)
    work.by(By.SYNONYM, _same_meaning)
    work.by_kind()
    ambiguous = tuple(work.ambiguous)
    asked = {name for one in ambiguous for name in one.parameters}
    in_question = {one for several in ambiguous for one in several.supplies}
    bound = tuple(work.bound[one] for one in supplies if one in work.bound)
    taken = {one.parameter.name for one in bound}
    return Match(
        endpoint=endpoint,
        bound=bound,
        ambiguous=ambiguous,
        unbound=tuple(one for one in endpoint.parameters if one.required and one.name not in taken | asked),
        unused=tuple(one for one in supplies if one not in work.bound and one not in in_question),
        gives={kind: gives_kind(endpoint.returns, kind) for kind in gives},
    )


def goes_in(supply: Supply, parameter: Parameter) -> bool:
    """Whether a parameter takes a value of this kind; a list only where lists are taken."""
    return parameter.takes(supply.kind, many=supply.many)


def gives_kind(returns: Sequence[Return], kind: Kind) -> Gives:
    """Whether a value of this kind can be had: a gallery gives images; a file may turn out to be anything."""
    kinds = {one.kind for one in returns}
    if kind in kinds or (kind is Kind.IMAGE and Kind.GALLERY in kinds) or kind is Kind.ANY:
        return Gives.SURELY if returns else Gives.NO
    if kind in (Kind.NUMBER, Kind.INTEGER) and kinds & {Kind.NUMBER, Kind.INTEGER}:
        return Gives.SURELY
    if kind is Kind.TEXT and Kind.CHOICE in kinds:
        return Gives.SURELY
    if kind is Kind.FILE and any(one.is_file for one in kinds):
        return Gives.SURELY
    if kind is Kind.GALLERY and any(one.many and one.kind in _IN_GALLERY for one in returns):
        return Gives.SURELY
    loose = {Kind.ANY} | ({Kind.FILE, Kind.GALLERY} if kind in _IN_GALLERY else set())
    loose |= {Kind.FILE} if kind.is_file else set()
    return Gives.MAYBE if kinds & loose else Gives.NO


def _names(parameter: Parameter) -> tuple[str, ...]:
    """The names that tell what it means: its own, and its label's where the app did not name it."""
    return (parameter.name, slug(parameter.label, "parameter")) if parameter.label else (parameter.name,)


def _meaning(parameter: Parameter) -> str | None:
    return next((found for name in _names(parameter) if (found := meaning(name))), None)


def _same_name(supply: Supply, parameter: Parameter) -> bool:
    return supply.name.lower() == parameter.name.lower()


def _same_meaning(supply: Supply, parameter: Parameter) -> bool:
    known = meaning(supply.name)
    if known is not None:
        return known == _meaning(parameter)
    return supply.name.lower() in _names(parameter)


def _may_mean(supply: Supply, parameter: Parameter) -> bool:
    """Whether the names leave it open that they mean the same.

    A setting (a mask, a negative prompt) is bound by its name alone; a file that is only called by its kind
    may be any of the app's files.
    """
    ours, theirs = meaning(supply.name), _meaning(parameter)
    if not (is_content(ours) and is_content(theirs)):
        return False
    is_bare = supply.kind.is_file and supply.name == supply.kind
    return is_bare or ours is None or theirs is None or ours == theirs


def _content_fits(supply: Supply, parameter: Parameter) -> bool:
    """Whether content may go in without a word about it: not into a choice or an object, whatever fits."""
    if supply.kind not in _CONTENT or parameter.kind not in _CONTENT:
        return False
    if (supply.kind is Kind.TEXT) != (parameter.kind is Kind.TEXT):
        return False
    return goes_in(supply, parameter) and _may_mean(supply, parameter)


_Says: TypeAlias = Callable[[Supply, Parameter], bool]


class _Matching:
    """The work of one match: what is bound so far, and what is in question."""

    def __init__(self, endpoint: Endpoint, supplies: Sequence[Supply]) -> None:
        self.parameters, self.supplies = endpoint.parameters, supplies
        self.bound: dict[Supply, Bound] = {}
        self.ambiguous: list[Ambiguity] = []

    def by(self, how: By, says: _Says) -> None:
        """Bind every pair that is the only one for both its sides by this rule."""
        for supplies, parameters in self._groups(lambda one, other: goes_in(one, other) and says(one, other)):
            if len(supplies) == len(parameters) == 1:
                self._bind(supplies[0], parameters[0], how)
            else:
                self._ask(supplies, parameters)

    def by_kind(self) -> None:
        """Bind by kind alone: the required parameters first, for without them there is no call."""
        texts = [one for one in self.parameters if one.kind is Kind.TEXT]

        def required(supply: Supply, parameter: Parameter) -> bool:
            return parameter.required and _content_fits(supply, parameter)

        def possible(supply: Supply, parameter: Parameter) -> bool:
            is_known = parameter.required or parameter.kind is not Kind.TEXT or len(texts) == 1
            return is_known and _content_fits(supply, parameter)

        for says in (required, possible):
            for supplies, parameters in self._groups(says):
                exact = [(s, p) for s in supplies for p in parameters if (s.kind, s.many) == (p.kind, p.many)]
                if len(supplies) == len(parameters) == 1:
                    self._bind(supplies[0], parameters[0], By.KIND)
                elif _is_pairing(exact, supplies):
                    for supply, parameter in exact:
                        self._bind(supply, parameter, By.KIND)
                else:
                    self._ask(supplies, parameters)

    def _bind(self, supply: Supply, parameter: Parameter, how: By) -> None:
        self.bound[supply] = Bound(supply, parameter, how)

    def _ask(self, supplies: Sequence[Supply], parameters: Sequence[Parameter]) -> None:
        self.ambiguous.append(Ambiguity(tuple(supplies), tuple(one.name for one in parameters)))

    def _groups(self, says: _Says) -> list[tuple[list[Supply], list[Parameter]]]:
        """What is neither bound nor in question, in groups that hang together by a rule; in stable order."""
        asked = {one for several in self.ambiguous for one in several.supplies}
        held = {one.parameter.name for one in self.bound.values()}
        held |= {name for several in self.ambiguous for name in several.parameters}
        free = [one for one in self.supplies if one not in self.bound and one not in asked]
        open_to = {one: [p for p in self.parameters if p.name not in held and says(one, p)] for one in free}
        return list(_connected(open_to))


def _connected(
    open_to: Mapping[Supply, Sequence[Parameter]],
) -> Iterator[tuple[list[Supply], list[Parameter]]]:
    left = {supply: list(several) for supply, several in open_to.items() if several}
    while left:
        first = next(iter(left))
        supplies, parameters = [first], left.pop(first)
        grew = True
        while grew:
            names = {one.name for one in parameters}
            more = [one for one, several in left.items() if names & {other.name for other in several}]
            for one in more:
                supplies.append(one)
                parameters += [other for other in left.pop(one) if other.name not in names]
                names = {other.name for other in parameters}
            grew = bool(more)
        yield supplies, parameters


def _is_pairing(pairs: Sequence[tuple[Supply, Parameter]], supplies: Sequence[Supply]) -> bool:
    """Whether these pairs hold every supply once and no parameter twice."""
    givers, takers = {one for one, _ in pairs}, {one.name for _, one in pairs}
    return len(pairs) == len(givers) == len(takers) == len(supplies)
