"""How well a Space suits a need, as a number and in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spaces_registry.catalogue import WellKnown, relevance
from spaces_registry.fitting.matching import By, Gives, Match, Supply, gives_kind, match
from spaces_registry.hub.hub import ASLEEP, STARTING
from spaces_registry.signature import Endpoint, Kind, Parameter, Space, fits

# parts of the score; they make 1 together
_FIT, _RELEVANCE, _STATE, _HARDWARE, _LIKES = 0.40, 0.35, 0.10, 0.07, 0.08
_BY = {By.NAME: 1.0, By.SYNONYM: 0.95, By.KIND: 0.85}
_GIVES = {Gives.SURELY: 1.0, Gives.MAYBE: 0.6, Gives.NO: 0.0}
_UNPROVEN = 0.5  # the fit of a Space that could not be looked at
_UNSAID = 0.8  # of what a need leaves open
_TO_WRITE = 0.06  # for a required text or setting that the caller has to add
_MOST_LIKES = 10_000
_FAST = 0.9  # ZeroGPU counts against the caller's share


@dataclass(frozen=True, slots=True)
class Need:
    """What is looked for.

    Attributes:
        words: what the Space should do, in plain words.
        takes: what it must be able to take; empty leaves it open.
        gives: kinds that it must give; empty leaves it open.
        category: slug or label of one of the Hub's categories.
        among: ids, URLs or aliases; nothing else is considered.
        complete: whether what `takes` offers must suffice for a call, as in a chain; else the caller can add
            texts and settings.
    """

    words: str = ""
    takes: tuple[Supply, ...] = ()
    gives: tuple[Kind, ...] = ()
    category: str | None = None
    among: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a Space beside its signature.

    Attributes:
        id: its address, as it is shown.
        relevance: 0 to 1, or None if there were no words.
        stage: the Hub's word for its state.
        hardware: the Hub's word for what it runs on.
        likes: how many people like it.
        category: slug.
        about: one line.
        revision: the commit that runs.
    """

    id: str
    relevance: float | None = None
    stage: str | None = None
    hardware: str | None = None
    likes: int = 0
    category: str | None = None
    about: str = ""
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Space that can do what is needed.

    Attributes:
        space: id, or URL.
        endpoint: what of it to call; None if it could not be looked at.
        score: 0 to 1, the higher the better.
        relevance: 0 to 1: how well it suits the words; None if there were none.
        stage: the Hub's word for its state.
        hardware: the Hub's word for what it runs on.
        likes: how many people like it.
        category: slug.
        about: one line.
        binding: name of the supply to name of the parameter.
        unbound: required parameters that nothing goes to.
        unused: supplies that no parameter takes.
        why: the reasons for its place, in words.
        revision: the commit that was looked at.
        signature: the endpoint's.
    """

    space: str
    endpoint: str | None
    score: float
    relevance: float | None
    stage: str | None
    hardware: str | None
    likes: int
    category: str | None
    about: str
    binding: Mapping[str, str]
    unbound: tuple[str, ...]
    unused: tuple[str, ...]
    why: tuple[str, ...]
    revision: str | None = None
    signature: Endpoint | None = field(default=None, repr=False)


def best_endpoint(space: Space, need: Need, expected: Kind | None) -> tuple[Match, float] | str:
    """The endpoint of a Space that suits a need best, and how well: 0 to 1; or why none does.

    Of endpoints that suit equally well the app's first is taken.

    Args:
        space: described.
        need: what is looked for.
        expected: the kind that Spaces of its category make, if there is one.
    """
    if not space.endpoints:
        return "it offers no API"
    matches = [match(one, need.takes, need.gives) for one in space.endpoints]
    fitting = [one for one in matches if not objections(one, need)]
    if not fitting:
        nearest = min(matches, key=lambda one: len(objections(one, need)))
        prefix = f"{nearest.endpoint.name}: " if len(matches) > 1 else ""
        return prefix + "; ".join(objections(nearest, need))
    best = max(fitting, key=lambda one: _fit(one, need, expected) + _spoken_of(one, need))
    return best, _fit(best, need, expected)


def objections(found: Match, need: Need) -> list[str]:
    """Why an endpoint cannot be used for a need; empty if it can."""
    told = [f"gives no {kind}" for kind in found.lacking]
    told += [str(one) for one in found.ambiguous]
    for one in found.unused:
        if one.kind.is_file or one.kind in (Kind.GALLERY, Kind.TEXT):
            same = found.endpoint.parameter(one.name)
            told.append(
                f"its {same.name} takes {_shown(same)}, not {one.shown}" if same else f"takes no {one.shown}"
            )
    for parameter in found.unbound:
        if need.complete or (need.takes and _is_file(parameter)):
            told.append(f"also needs {parameter.name} ({_shown(parameter)})")
    return told


def _is_file(parameter: Parameter) -> bool:
    return parameter.kind.is_file or parameter.kind is Kind.GALLERY


def _shown(parameter: Parameter) -> str:
    return f"a list of {parameter.kind}" if parameter.many else str(parameter.kind)


def _fit(found: Match, need: Need, expected: Kind | None) -> float:
    """How well an endpoint suits a need, 0 to 1."""
    by = {one.supply: _BY[one.by] for one in found.bound}
    takes = _mean([by.get(one, _UNPROVEN) for one in need.takes], _UNSAID)
    returns = found.endpoint.returns
    if need.gives:
        gives = _mean([_GIVES[one] for one in found.gives.values()], _UNSAID)
    elif expected is not None:
        gives = max(_UNPROVEN, _GIVES[gives_kind(returns, expected)])
    else:
        gives = _UNSAID if returns else 0.0
    left = sum(_TO_WRITE for one in found.unbound if need.takes or _is_file(one))
    return (takes + gives) / 2 - min(left, 0.3)


def _spoken_of(found: Match, need: Need) -> float:
    """What an endpoint's own name adds when it is compared with the others of its Space."""
    return relevance(need.words, found.endpoint.name, found.endpoint.description) / 5


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def candidate(facts: Facts, need: Need, found: Match, fit: float) -> Candidate:
    """A Space that was looked at, with its score and the reasons."""
    why = [*_of_words(facts), *_of_match(found, need), *_of_state(facts)]
    return Candidate(
        space=facts.id,
        endpoint=found.endpoint.name,
        score=_score(facts, fit),
        relevance=facts.relevance,
        stage=facts.stage,
        hardware=facts.hardware,
        likes=facts.likes,
        category=facts.category,
        about=facts.about,
        binding=found.binding,
        unbound=tuple(one.name for one in found.unbound),
        unused=tuple(one.name for one in found.unused),
        why=tuple(why),
        revision=facts.revision,
        signature=found.endpoint,
    )


def unproven(facts: Facts, known: WellKnown | None, reason: str) -> Candidate:
    """A Space that could not be looked at, ranked by what the Hub or the catalog says."""
    why = [*_of_words(facts)]
    if known is not None:
        takes, gives = " and ".join(known.takes), " and ".join(known.gives)
        why.append(f"known to take {takes} and to give {gives}")
    why += [reason, *_of_state(facts)]
    return Candidate(
        space=facts.id,
        endpoint=None,
        score=_score(facts, _UNPROVEN if known is None else _UNSAID),
        relevance=facts.relevance,
        stage=facts.stage,
        hardware=facts.hardware,
        likes=facts.likes,
        category=facts.category,
        about=facts.about,
        binding={},
        unbound=(),
        unused=(),
        why=tuple(why),
        revision=facts.revision,
    )


def may_suit(known: WellKnown, need: Need) -> bool:
    """Whether what the catalog says of a Space leaves room for a need."""
    takes = all(any(fits(one.kind, kind) for kind in known.takes) for one in need.takes if one.kind.is_file)
    gives = all(
        kind in known.gives or (kind is Kind.IMAGE and Kind.GALLERY in known.gives) for kind in need.gives
    )
    return takes and gives


def promise(facts: Facts) -> float:
    """How much a Space promises before it was looked at; for choosing which to look at first."""
    return _score(facts, _UNPROVEN)


def order(one: Candidate) -> tuple[float, str]:
    """Sorts candidates, best first; equally good ones by id."""
    return (-one.score, one.space.lower())


def _score(facts: Facts, fit: float) -> float:
    likes = min(1.0, math.log1p(max(0, facts.likes)) / math.log1p(_MOST_LIKES))
    relevant = _UNPROVEN if facts.relevance is None else facts.relevance
    return round(
        _FIT * max(0.0, fit)
        + _RELEVANCE * relevant
        + _STATE * _ready(facts.stage)
        + _HARDWARE * _speed(facts.hardware)
        + _LIKES * likes,
        4,
    )


def _ready(stage: str | None) -> float:
    if stage is None or stage.startswith("RUNNING"):
        return 1.0
    return 0.2 if stage in ASLEEP | STARTING else 0.0


def _speed(hardware: str | None) -> float:
    if hardware is None:
        return 0.5
    if hardware.startswith("zero"):
        return _FAST
    return 0.3 if hardware.startswith("cpu") else 1.0


def _of_words(facts: Facts) -> list[str]:
    return [] if facts.relevance is None else [f"{facts.relevance:.0%} relevant to the words"]


def _of_match(found: Match, need: Need) -> list[str]:
    told: list[str] = []
    for one in found.bound:
        how = {By.NAME: "", By.SYNONYM: ", which means the same", By.KIND: ", the only one that takes it"}
        name = one.parameter.name
        told.append(
            f"takes {one.supply.name}"
            if one.by is By.NAME
            else f"takes {one.supply.name} as {name}{how[one.by]}"
        )
    for kind, given in found.gives.items():
        told.append(f"gives {kind}" if given is Gives.SURELY else f"gives a file that may be {kind}")
    if not need.gives and found.endpoint.returns:
        told.append("gives " + ", ".join(dict.fromkeys(str(one.kind) for one in found.endpoint.returns)))
    if found.unbound:
        told.append("also needs " + ", ".join(f"{one.name} ({_shown(one)})" for one in found.unbound))
    if found.unused:
        told.append("has no use for " + ", ".join(one.name for one in found.unused))
    return told


def _of_state(facts: Facts) -> list[str]:
    told: list[str] = []
    match facts.stage:
        case None:
            pass
        case stage if stage in ASLEEP:
            told.append("asleep, wakes when it is called")
        case stage if stage in STARTING:
            told.append("starting")
        case stage if stage.startswith("RUNNING"):
            told.append("running" + _on(facts.hardware))
        case stage:
            told.append(stage.lower().replace("_", " "))
    if facts.likes:
        told.append("1 like" if facts.likes == 1 else f"{facts.likes} likes")
    return told


def _on(hardware: str | None) -> str:
    if hardware is None:
        return ""
    if hardware.startswith("zero"):
        return " on ZeroGPU, from your daily share"
    return f" on {hardware}" + (", which is slow for models" if hardware.startswith("cpu") else "")
