"""Trying one thing at one place until it works or is given up."""

import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import anyio

from chains.model import Retry
from pipelines.engine.policy import Action, Decision, decide
from pipelines.engine.results import Attempt
from spaces_registry.errors import CallFailed, ToolkitError
from spaces_registry.progress import Listener, Retrying

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes and waits are scattered.

    Attributes:
        clock: seconds, monotonic.
        sleep: waits that many seconds.
        chance: a number from 0 to 1, another one each time.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A place did not do it.

    Attributes:
        failure: the last one.
        action: `fall-back` or `stop`.
    """

    failure: ToolkitError
    action: Action


@dataclass(frozen=True, slots=True)
class Patience:
    """How one place is tried.

    Attributes:
        pace: how time passes.
        retry: what the step allows.
        is_here: whether the place is a program of this machine.
        in_a_hurry: an equal place is free, so that nothing is waited for.
    """

    pace: Pace
    retry: Retry
    is_here: bool = False
    in_a_hurry: bool = False

    async def persist(
        self, once: Callable[[int], Awaitable[T]], via: str, story: list[Attempt], tell: Listener
    ) -> T | GivenUp:
        """Do it once, and again as the policy has it; every failed try is added to the story.

        Args:
            once: does it; gets the number of the try, from 1.
            via: the place, for the story.
            story: what failed so far.
            tell: hears of the waits.
        """
        tries, ways = 0, Counter[str]()
        while True:
            tries += 1
            started = self.pace.clock()
            try:
                return await once(tries)
            except ToolkitError as failure:
                found = failure
            ways[found.code] += 1
            decision = self._decide(found, tries, ways[found.code])
            story.append(attempt_of(found, via, self.pace.clock() - started, decision))
            if decision.action is not Action.RETRY:
                return GivenUp(found, decision.action)
            wait_s = decision.wait_s or 0.0
            tell(Retrying(via, found.code, wait_s, tries + 1))
            await self.pace.sleep(wait_s)

    def _decide(self, failure: ToolkitError, tries: int, alike: int) -> Decision:
        chance = self.pace.chance
        decision = decide(failure, tries, self.retry, alike=alike, is_here=self.is_here, chance=chance)
        if self.in_a_hurry and decision.action is Action.RETRY:
            return replace(decision, action=Action.FALL_BACK, wait_s=getattr(failure, "wait_s", None))
        return decision


def attempt_of(failure: ToolkitError, via: str, seconds: float, decision: Decision) -> Attempt:
    """A failed try as it is told."""
    said = failure.said if isinstance(failure, CallFailed) and failure.said else failure.message
    return Attempt(via, failure.code, said, seconds, str(decision.action), decision.wait_s)
