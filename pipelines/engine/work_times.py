"""How long a call will take, by what comparable calls took: the same endpoint, near arguments.

Two questions are answered. *How soon can the result be there?* is for calls whose result must not wait for
us: the shortest of the comparable calls says it, and where too few are known nothing is said. *How long does
it usually take?* is for calls whose result is to wait for us: any call of the endpoint is better than none.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipelines.artifacts import Artifact
from pipelines.journal import Journal
from spaces_registry.signature import Endpoint, Json

REMEMBERED: Final = 100  # calls of an endpoint that are looked at
_NEWEST = 20  # of the comparable ones: an app that became faster is believed soon
_FEWEST = 3
_SAME_TIME = 1.25  # the longest to the shortest of calls that took about the same time
_LARGER, _SMALLER, _SLACK = (
    1.1,
    0.5,
    32,
)  # how far a text, a list or a file may differ in size; units of slack
_LONGEST_OPTION = 60  # characters


@dataclass(frozen=True, slots=True)
class CallSize:
    """What of a call's arguments can decide how long the call takes.

    Attributes:
        options: choices and switches, by parameter: another one may take any time.
        numbers: by parameter; seeds left out.
        sizes: characters of a text, bytes of a file, the sum of those in a list, by parameter.
    """

    options: Mapping[str, Json] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, endpoint: Endpoint, arguments: Mapping[str, object]) -> "CallSize":
        """The size of a call of an endpoint with bound arguments."""
        choosing = {parameter.name for parameter in endpoint.parameters if parameter.choices}
        options: dict[str, Json] = {}
        numbers: dict[str, float] = {}
        sizes: dict[str, int] = {}
        for name, value in arguments.items():
            match value:
                case bool() | None:
                    options[name] = value
                case int() | float() | str() if name in choosing:
                    options[name] = str(value)[:_LONGEST_OPTION]
                case int() | float():
                    if "seed" not in name.lower():
                        numbers[name] = _as_float(value)
                case _:
                    sizes[name] = _length(value)
        return cls(options, numbers, sizes)

    @classmethod
    def from_json(cls, kept: Json) -> "CallSize | None":
        """What `to_json` gave; None for anything else."""
        match kept:
            case {"options": dict(options), "numbers": dict(numbers), "sizes": dict(sizes)}:
                amounts = (*numbers.values(), *sizes.values())
                if all(isinstance(amount, int | float) for amount in amounts):
                    return cls(options, numbers, sizes)
        return None

    def to_json(self) -> dict[str, Json]:
        """As the journal keeps it: no text and no name of a file is in it, only how large they are."""
        return {"options": {**self.options}, "numbers": {**self.numbers}, "sizes": {**self.sizes}}

    def is_like(self, other: "CallSize") -> bool:
        """Whether another call has the same options, and is as large or somewhat smaller."""
        return (
            self.options == other.options
            and self.numbers.keys() == other.numbers.keys()
            and self.sizes.keys() == other.sizes.keys()
            and all(
                _SMALLER * size - _SLACK <= other.sizes[name] <= _LARGER * size + _SLACK
                for name, size in self.sizes.items()
            )
        )


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer beyond all floats
        return math.inf


def _length(value: object) -> int:
    match value:
        case str():
            return len(value)
        case Artifact():
            return value.size_bytes
        case Mapping():
            return sum(_length(inner) for inner in value.values())
        case Sequence():
            return sum(_length(inner) for inner in value)
    return 1


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that was answered.

    Attributes:
        size: of its arguments; None of calls whose arguments' size was not kept.
        work_s: how long the app worked on it.
        sent_at: when it was sent, in seconds since the epoch.
        answered_at: when its outputs were kept.
    """

    size: CallSize | None
    work_s: float
    sent_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class WorkTimes:
    """The answered calls of each endpoint: read from the journal once, then kept up to date by a run's own.

    Attributes:
        journal: where calls are recorded.
    """

    journal: Journal
    _past: dict[tuple[str, str], deque[PastCall]] = field(default_factory=dict)

    def of(self, place: str, endpoint: str) -> Sequence[PastCall]:
        """The last answered calls of an endpoint, oldest first."""
        if (past := self._past.get((place, endpoint))) is None:
            rows = self.journal.work_times(place, endpoint, REMEMBERED)
            calls = (PastCall(CallSize.from_json(size), *times) for size, *times in rows)
            past = self._past[place, endpoint] = deque(calls, REMEMBERED)
        return [*past]

    def learn(
        self, place: str, endpoint: str, size: CallSize | None, work_s: float | None, sent_at: float
    ) -> None:
        """A call was answered just now; nothing is learned from one whose size or work is not known."""
        past = self._past.get((place, endpoint))
        if past is not None and size is not None and work_s is not None:
            past.append(PastCall(size, work_s, sent_at, time.time()))


def earliest_s(past: Iterable[PastCall], size: CallSize) -> float | None:
    """How long the app works on such a call at the least; None where too little is known to say so.

    Args:
        past: answered calls of the endpoint, oldest first.
        size: of the call that is to be made.
    """
    calls = [call for call in past if call.size is not None and size.is_like(call.size)]
    same = [call for call in calls if call.size is not None and call.size.numbers == size.numbers]
    for group in (same, calls if _numbers_do_not_matter(calls, size) else []):
        if _is_enough(group):
            return min(call.work_s for call in group[-_NEWEST:])
    return None


def usual_s(past: Sequence[PastCall], size: CallSize) -> float | None:
    """How long the app works on such a call: what all but the slowest tenth took; None if no call is known.

    Args:
        past: answered calls of the endpoint, oldest first.
        size: of the call that is to be made.
    """
    alike = [call for call in past if call.size is not None and size.is_like(call.size)]
    same = [call for call in alike if call.size is not None and call.size.numbers == size.numbers]
    times = sorted(call.work_s for call in (same or alike or past)[-_NEWEST:])
    return times[int(0.9 * (len(times) - 1))] if times else None


def _is_enough(calls: Sequence[PastCall]) -> bool:
    """Whether so many calls can be built on: those that were sent together may share a cold start."""
    if len(calls) < _FEWEST:
        return False
    return max(call.sent_at for call in calls) > min(call.answered_at for call in calls)


def _numbers_do_not_matter(calls: Sequence[PastCall], size: CallSize) -> bool:
    """Whether calls with other numbers took about the same time, and this one's numbers lie among theirs."""
    sizes = [call.size for call in calls if call.size is not None]
    if len({tuple(sorted(other.numbers.items())) for other in sizes}) < _FEWEST:
        return False
    times = [call.work_s for call in calls]
    return max(times) <= _SAME_TIME * min(times) and all(
        min(other.numbers[name] for other in sizes) <= number <= max(other.numbers[name] for other in sizes)
        for name, number in size.numbers.items()
    )
