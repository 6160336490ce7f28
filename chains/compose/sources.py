"""Where a value of a composed chain comes from: the parts of a step's output, and what the user gives."""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.meaning.parts import find_part
from spaces_registry.errors import ToolkitError
from spaces_registry.fitting.matching import Supply, goes_in
from spaces_registry.signature import Endpoint, Kind, Parameter, Return

INPUTS = "inputs"


class WrongWire(ToolkitError):
    """A wire names what is not there, or what does not fit."""

    code = "wrong-wire"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a part of a step's output, or an input.

    Attributes:
        root: the step's name, or `inputs`.
        part: what of it.
        kind: what it is.
        many: whether it is a list of that kind.
    """

    root: str
    part: str
    kind: Kind
    many: bool = False

    @property
    def is_input(self) -> bool:
        """Whether the user gives it."""
        return self.root == INPUTS

    def __str__(self) -> str:
        return f"{self.root}.{self.part}"


@dataclass(frozen=True, slots=True)
class Stop:
    """One step: its name, and what it calls."""

    name: str
    endpoint: Endpoint


def fitting_part(stop: Stop, parameter: Parameter) -> Source:
    """What of a step's output goes to a parameter, where only the step is named.

    Raises:
        WrongWire: nothing of it does, or several things do.
    """
    returns = stop.endpoint.returns
    sources = [Source(stop.name, part_of(returns, at), held(one), one.many) for at, one in enumerate(returns)]
    fitting = [one for one in sources if goes_in(Supply(one.part, one.kind, one.many), parameter)]
    wanted = Kind.IMAGE if parameter.kind is Kind.GALLERY else parameter.kind
    chosen = [one for one in fitting if one.kind is wanted] or fitting
    if not chosen:
        told = ", ".join(str(one.kind) for one in sources) or "nothing"
        raise WrongWire(f"{stop.name} gives {told}, and {parameter.name} takes {parameter.kind}")
    if len(chosen) > 1:
        raise WrongWire(
            f"{stop.name} gives several things that {parameter.name} takes",
            hint=f"say which: {' or '.join(map(str, chosen))}",
        )
    return chosen[0]


def part_of(returns: Sequence[Return], at: int) -> str:
    """The clearest name of a return: its kind if it is the first of it, else its label, else its place."""
    kind = held(returns[at])
    for name in (str(kind), returns[at].name):
        found = find_part(returns, name)
        if found is not None and [one.index for one in found.places] == [at]:
            return name
    return f"outputs[{at}]"


def held(one: Return) -> Kind:
    """The kind of what is handed on: a gallery's items are images."""
    return Kind.IMAGE if one.kind is Kind.GALLERY else one.kind
