"""What is written into the journal, and what is read from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from spaces_registry.signature import Json

Dead: TypeAlias = Callable[[str, int], bool]


def nobody(run: str, call: int) -> bool:
    """Every process that ever sent a call is taken to live."""
    del run, call
    return False


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be sent; journalled first, so that a crash leaves a trace.

    `size` is what of its arguments can decide how long it takes, as `CallSize.to_json` gives it.
    """

    run: str
    step: str
    item: int
    key: str
    kind: str
    place: str
    endpoint: str
    revision: str | None
    size: Json = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A run as it was begun: all that it takes to go on with it.

    Attributes:
        run: its id.
        chain: its chain's name.
        file: the chain's file, as it was named.
        beside: the chain's folder, absolute.
        text: the chain, word for word.
        folder: the run's own folder, absolute.
        inputs: by name, converted and checked; files as artifacts.
        options: how it was run, as JSON.
    """

    run: str
    chain: str
    file: str
    beside: str
    text: str
    folder: str
    inputs: Mapping[str, object]
    options: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Sending:
    """A call that may be sent now.

    Attributes:
        call: its number.
        job: how the work of an earlier such call is found again whose process died, or None.
        in_doubt: whether such a call was sent by a process that died, and nothing tells what came of it.
    """

    call: int
    job: Json = None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended.

    Attributes:
        failure: its class, as the failure's code; None for a good one.
        at: when, in seconds since the epoch.
        until: until when the place asked to be left alone, or None.
    """

    failure: str | None
    at: float
    until: float | None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A call whose work goes on elsewhere.

    Attributes:
        call: its number.
        item: which of the step's calls it is.
        place: where.
        key: the question.
    """

    call: int
    item: int
    place: str
    key: str


@dataclass(frozen=True, slots=True)
class Used:
    """What was used of one place on one day.

    Attributes:
        day: in UTC, e.g. `2026-11-21`.
        kind: `space`, `model`, `service`, `media`, `python` or `chain`.
        place: its address.
        calls: sent.
        failed: of them, those that yielded nothing; one whose end was not seen is not among them.
        gpu_s: seconds of ZeroGPU, as far as the answers said.
        usd: US dollars, as far as the answers said.
        work_s: seconds that the place worked, waiting not counted, as far as the answers said.
    """

    day: str
    kind: str
    place: str
    calls: int
    failed: int
    gpu_s: float
    usd: float
    work_s: float


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls may begin in a while.

    Attributes:
        name: what is counted: a place's address, host or another name of its.
        most: how many.
        since: from when on they count, in seconds since the epoch.
        per: `minute` or `day`.
    """

    name: str
    most: int
    since: float
    per: str


@dataclass(frozen=True, slots=True)
class Reached:
    """A rate that leaves no room for another call.

    Attributes:
        rate: which one.
        first: when the call was made whose place the next one takes, once it no longer counts.
    """

    rate: Rate
    first: float
