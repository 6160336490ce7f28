"""What the steps of a chain resolved to, as values, and whether that is still what the chain asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from chains.meaning.needs import wanted
from chains.model import Chain, FindStep, SpaceStep, Step
from chains.problems import Problem
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Endpoint, Kind, Parameter, Return

VERSION: Final = 1


class NoLock(ToolkitError):
    """`--frozen` needs a lock, and the chain has none."""

    code = "no-lock"

    def __init__(self, chain: Chain) -> None:
        hint = f"write it first: spacechain lock {chain.source.file}"
        super().__init__(f"{chain.source.file} has no lock beside it", hint=hint)


@dataclass(frozen=True, slots=True)
class Question:
    """What a `find` step asks for; a lock speaks of the step as long as this is the same.

    Attributes:
        words: as written.
        arguments: names of its arguments, sorted.
        takes: kinds, as written.
        gives: kinds that it must give: as written, else as the chain reads them.
        category: as written.
        among: as written.
    """

    words: str
    arguments: tuple[str, ...] = ()
    takes: tuple[Kind, ...] = ()
    gives: tuple[Kind, ...] = ()
    category: str | None = None
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a `find` step asked, and in words why this Space was the answer."""

    question: Question
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LockedStep:
    """What one step resolved to.

    Attributes:
        space: `owner/name` or a URL.
        endpoint: its name.
        fingerprint: the endpoint's, which names in `parameters` and `returns` give again.
        revision: commit that ran, if it was known.
        parameters: under the endpoint's own names, in its order.
        returns: in its order.
        binding: name written in the chain to parameter of the endpoint, where they differ.
        written: what the chain writes for the Space, where that is another name: an alias, its page's URL.
        found: for a `find` step, what it asked.
        gradio: version of Gradio that ran, if it was known.
    """

    space: str
    endpoint: str
    fingerprint: str
    revision: str | None = None
    parameters: tuple[Parameter, ...] = ()
    returns: tuple[Return, ...] = ()
    binding: Mapping[str, str] = field(default_factory=dict)
    written: str | None = None
    found: Finding | None = None
    gradio: str | None = None

    @classmethod
    def of(cls, space: str, endpoint: Endpoint, revision: str | None = None) -> "LockedStep":
        """What a step resolved to; `endpoint` has its own names. `replace` adds the rest."""
        return cls(
            space=space,
            endpoint=endpoint.name,
            fingerprint=endpoint.fingerprint,
            revision=revision,
            parameters=endpoint.parameters,
            returns=endpoint.returns,
        )

    @property
    def signature(self) -> Endpoint:
        """The endpoint as it was, under its own names; to check against, not to call."""
        return Endpoint(self.endpoint, self.parameters, self.returns)


@dataclass(frozen=True, slots=True)
class Lock:
    """What the steps of a chain resolved to.

    Attributes:
        steps: by name, in the chain's order; only steps that call a Space.
        chain: the chain's name.
        version: of the file's form.
    """

    steps: Mapping[str, LockedStep]
    chain: str
    version: int = VERSION


def question_of(step: FindStep, chain: Chain) -> Question:
    """What a step asks for, as the chain has it now."""
    return Question(
        words=step.words,
        arguments=tuple(sorted(step.arguments)),
        takes=step.takes,
        gives=wanted(step, chain),
        category=step.category,
        among=step.among,
    )


def as_written(endpoint: Endpoint, binding: Mapping[str, str]) -> Endpoint:
    """The endpoint as the chain sees it: under the names that the chain writes.

    Args:
        endpoint: under its own names.
        binding: name written in the chain to parameter of the endpoint; of parameters that the endpoint has
            not, nothing is said. A parameter whose own name the chain writes for another one gets a number.
    """
    own = [one.name for one in endpoint.parameters]
    names = {parameter: name for name, parameter in binding.items() if parameter in own}
    taken = {*own, *names.values()}
    for name in own:
        if name not in names and name in names.values():
            names[name] = next(free for number in count(2) if (free := f"{name}_{number}") not in taken)
            taken.add(names[name])
    return endpoint.with_names(names)


def outdated(chain: Chain, lock: Lock, *, frozen: bool = False) -> Iterator[Problem]:
    """Where the chain was changed after it was locked; such a step is to be resolved anew.

    A lock is about the steps themselves: their fallbacks and equivalent Spaces are not in it.

    Args:
        chain: as it is now.
        lock: its lock.
        frozen: whether a step without a lock of its own keeps the chain from running.
    """
    for step in chain.steps.values():
        if isinstance(step, SpaceStep | FindStep):
            locked = lock.steps.get(step.name)
            why = "is not in the lock" if locked is None else unlike(locked, step, chain)
            if why is not None:
                yield Problem(
                    at=step.words_at if isinstance(step, FindStep) else step.space_at,
                    code="lock-outdated",
                    message=f"step `{step.name}` {why}",
                    hint="bring the lock up to date with `spacechain lock --update`",
                    step=step.name,
                    severity="error" if frozen else "warning",
                )


def unlike(locked: LockedStep, step: Step, chain: Chain) -> str | None:
    """Why what was locked is not this step as it is written now; None if it is."""
    match step:
        case FindStep() if locked.found is None:
            return f"looks for a Space now; the lock has {locked.space}, which the chain named itself"
        case FindStep() if locked.found is not None:
            asks = question_of(step, chain)
            return (
                None if asks == locked.found.question else "asks for something else than when it was locked"
            )
        case SpaceStep() if locked.found is not None or step.space not in {locked.space, locked.written}:
            return f"names {step.space}, but the lock has {locked.space}"
        case SpaceStep() if step.endpoint not in {None, locked.endpoint}:
            return f"names {step.endpoint}, but the lock has {locked.endpoint}"
        case SpaceStep():
            return None
    return "calls no Space any more"
