"""How a step ended: `Succeeded`, `Failed` or `Skipped`. A failure is a value; exceptions stop the run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pipelines.engine.outputs import EachOutputs, StepOutputs
from pipelines.places.finding import Choice
from spaces_registry.errors import ToolkitError


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a place that did not succeed.

    Attributes:
        via: the place.
        failure: the class of the failure, as its code.
        said: the place's own words, or why it could not be tried.
        seconds: how long the try took.
        then: what was done about it: `retry`, `fall-back` or `stop`.
        wait_s: how long the next try was waited for, or how long the place asked to wait.
        skipped: whether nothing was asked, since the place rests.
    """

    via: str
    failure: str
    said: str | None
    seconds: float
    then: str = "stop"
    wait_s: float | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class CallDone:
    """One call of a step: where it was made, how long it took, whether its result was already there.

    Attributes:
        item: its place among the items of `each`, from 0.
        via: the address of the place that answered, or was tried last.
        url: where the place really was, if it is one on the network.
        endpoint: what was called.
        revision: the commit that ran, if known.
        cached: the result was in the store and no call was made.
        seconds: from the first byte to the last file kept; 0 for a cached one.
        key: the cache key (SHA-256, hex).
        failure: why it yielded nothing, else None.
        attempts: the tries that failed, in order, whether or not a later one succeeded.
        choice: why it was this place, where it had to be chosen.
        steps: how the steps of a nested chain ended, by name; empty for any other place.
        warnings: what was warned of meanwhile, by the place or by us, in order.
    """

    item: int
    via: str
    url: str | None
    endpoint: str
    revision: str | None
    cached: bool
    seconds: float
    key: str | None
    failure: ToolkitError | None = None
    attempts: tuple[Attempt, ...] = ()
    choice: Choice = field(default_factory=Choice)
    steps: Mapping[str, "Result"] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def tries(self) -> int:
        """How often a place was asked for it."""
        asked = sum(not one.skipped for one in self.attempts)
        return asked + (self.failure is None and not self.cached)


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The step's outputs are kept.

    Attributes:
        step: its name.
        outputs: what others read from it.
        calls: in the order of the items; with `keep_going` some may have failed.
        seconds: from start to end.
    """

    step: str
    outputs: StepOutputs | EachOutputs
    calls: tuple[CallDone, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The step was tried and has no outputs.

    Attributes:
        step: its name.
        error: why; of several failed items the first.
        calls: in the order of the items, the good ones too: their results stay in the store.
        seconds: from start to end.
    """

    step: str
    error: ToolkitError
    calls: tuple[CallDone, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """The step never started.

    Attributes:
        step: its name.
        because: in words: its `when`, or the step it would have read from.
        by_choice: whether `when` decided it (its own or another step's) and no failure did.
    """

    step: str
    because: str
    by_choice: bool


Result: TypeAlias = Succeeded | Failed | Skipped


def first_unsuccessful(needs: Sequence[str], results: Mapping[str, Result]) -> str | None:
    """The first needed step that failed, or that was skipped because another one failed."""
    return next((name for name in needs if _failed(results[name])), None)


def failed_ones(results: Iterable[Result]) -> tuple[Failed, ...]:
    """The failures among results, in order."""
    return tuple(one for one in results if isinstance(one, Failed))


def _failed(result: Result) -> bool:
    match result:
        case Failed():
            return True
        case Skipped(by_choice=by_choice):
            return not by_choice
        case Succeeded():
            return False
