"""The circuit breaker: a place that failed twice in a row for reasons of its own rests for a while.

It is kept in the journal, so what one run learned the next one knows.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pipelines.journal import Outcome

REST_S: Final = 120.0
MEMORY_S: Final = 1800.0  # a failure older than this says nothing about today
_OWN = frozenset(
    {
        *("crashed", "unreachable", "busy", "timed-out", "building", "paused"),
        *("bad-output", "unexpected-answer"),
    }
)
_NAMED = frozenset({"out-of-quota", "rate-limited"})  # count only where the place named the moment
_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Rest:
    """A place that is not asked for a while.

    Attributes:
        failure: why: the class of its last failure.
        left_s: until it is asked again; 0 while one try is under way.
        because: the same in words.
    """

    failure: str
    left_s: float
    because: str


def resting(outcomes: Sequence[Outcome], now: float, patience_s: float) -> tuple[Rest | None, bool]:
    """Whether a place rests, and if not, whether it is on trial: one call is to go first.

    Args:
        outcomes: how its newest calls ended, the newest first.
        now: seconds since the epoch.
        patience_s: a named moment that is nearer than this is waited for rather than avoided.
    """
    if not outcomes or outcomes[0].failure is None:
        return None, False
    last, failure = outcomes[0], outcomes[0].failure
    if failure in _NAMED and last.until is not None and last.until - now > patience_s:
        left_s = last.until - now
        return Rest(failure, left_s, f"not asked: it said {failure}, for {left_s:.0f} s more"), False
    row = outcomes[:_IN_A_ROW]
    if len(row) < _IN_A_ROW or not all(_is_own(one) for one in row) or now - last.at > MEMORY_S:
        return None, False
    left_s = (last.until if last.until is not None else last.at + REST_S) - now
    if left_s > 0:
        return Rest(failure, left_s, f"not asked: it failed twice in a row, last {failure}"), False
    return None, True


def _is_own(outcome: Outcome) -> bool:
    named = outcome.failure in _NAMED and outcome.until is not None
    return named or outcome.failure in _OWN


class Breaker:
    """Knows which places rest.

    Args:
        outcomes: how the newest calls at a place ended, the newest first, at most so many.
        now: seconds since the epoch.
    """

    def __init__(
        self, outcomes: Callable[[str, int], Sequence[Outcome]], now: Callable[[], float] = time.time
    ) -> None:
        self._outcomes, self._now = outcomes, now
        self._under_way: Counter[str] = Counter()

    def rest(self, place: str, patience_s: float = 0.0) -> Rest | None:
        """Why a place is not to be asked now, or None; after its rest one try at a time is let through."""
        outcomes = self._outcomes(place, _IN_A_ROW)
        rest, is_on_trial = resting(outcomes, self._now(), patience_s)
        if rest is None and is_on_trial and self._under_way[place]:
            failure = outcomes[0].failure or ""
            return Rest(
                failure, 0.0, f"not asked: it failed twice in a row, last {failure}; one try is under way"
            )
        return rest

    @contextmanager
    def under_way(self, place: str) -> Iterator[None]:
        """While a call is made there."""
        self._under_way[place] += 1
        try:
            yield
        finally:
            self._under_way[place] -= 1
