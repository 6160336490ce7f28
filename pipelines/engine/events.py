"""The events of a run, for whoever shows it; nothing else depends on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pipelines.engine.results import Result
from spaces_registry.progress import CallEvent


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run has an id and a folder; its steps are about to start, in file order."""

    run: str
    chain: str
    folder: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """What the step reads from is there; `calls` is the number of items, 1 without `each`."""

    step: str
    via: str
    calls: int


@dataclass(frozen=True, slots=True)
class CallTold:
    """The place said something about one call of a step; `item` counts from 0."""

    step: str
    item: int
    event: CallEvent


@dataclass(frozen=True, slots=True)
class CallSettled:
    """One call of a step has ended."""

    step: str
    item: int
    ok: bool
    cached: bool


@dataclass(frozen=True, slots=True)
class StepSettled:
    """A step has its result."""

    step: str
    result: Result


@dataclass(frozen=True, slots=True)
class RunSettled:
    """The run is over; `status` as in `run.json`."""

    run: str
    status: str
    seconds: float


RunEvent: TypeAlias = RunStarted | StepStarted | CallTold | CallSettled | StepSettled | RunSettled
RunListener: TypeAlias = Callable[[RunEvent], None]


def unheard(event: RunEvent) -> None:
    """The listener that drops what it hears."""
    del event
