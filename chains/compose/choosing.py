"""Which of several ways through the endpoints of a row is taken where all of them fit."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from chains.compose.sources import Stop
from chains.compose.wiring import Wiring
from spaces_registry.fitting.synonyms import meaning
from spaces_registry.signature import Endpoint, Kind

_MOST_SHOWN = 6  # names in a message


class _Linked(Protocol):
    @property
    def space(self) -> str: ...


def covered(wiring: Wiring) -> int:
    """To how many parameters goes what the user gave."""
    return sum(source.is_input for bound in wiring.bound.values() for source in bound.values())


def alike(stops: Sequence[Stop], wiring: Wiring, others: Sequence[Stop], wired: Wiring) -> bool:
    """Whether two ways make the same kinds of things, of the same values under the same meaning."""
    return all(
        _gives(one.endpoint) == _gives(other.endpoint)
        and _takes(one.endpoint, one.name, wiring) == _takes(other.endpoint, other.name, wired)
        for one, other in zip(stops, others, strict=True)
    )


def _gives(endpoint: Endpoint) -> Kind | None:
    """The kind of what an endpoint is called for: its first medium, else its first return."""
    kinds = [one.kind for one in endpoint.returns]
    return next((one for one in kinds if one.is_file or one is Kind.GALLERY), kinds[0] if kinds else None)


def _takes(endpoint: Endpoint, name: str, wiring: Wiring) -> set[tuple[str, Kind, str]]:
    """What goes in, each with the kind and the meaning of the parameter that takes it."""
    bound = wiring.bound[name]
    return {
        (source.root, one.kind, meaning(one.name) or one.name.lower())
        for one in endpoint.parameters
        if (source := bound.get(one.name)) is not None
    }


def chosen_among(
    row: Sequence[_Linked], stops: Sequence[Stop], ways: Sequence[Sequence[Stop]]
) -> Iterator[str]:
    """Of each Space with several endpoints that fit, which is called, and the option that changes it."""
    for at, (one, stop) in enumerate(zip(row, stops, strict=True)):
        called = stop.endpoint.name
        others = [name for name in dict.fromkeys(way[at].endpoint.name for way in ways) if name != called]
        if others:
            names = ", ".join(others[:_MOST_SHOWN]) + (", …" if len(others) > _MOST_SHOWN else "")
            fit = "fits" if len(others) == 1 else "fit"
            option = f"--endpoint {one.space}={others[0]}"
            yield f"{called} of {one.space} is called; {names} {fit} as well: {option}"
