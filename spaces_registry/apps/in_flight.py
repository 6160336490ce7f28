"""Our own calls that an app has in its queue, and what they tell of when it begins on the next one.

Gradio works on the calls of an endpoint in the order in which they came, on a few at once. How many those are
it does not tell; it is learned from the calls of ours that were answered while others of ours waited.
"""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

_REMEMBERED: Final = 50  # answered calls
_WAITED_S, _WAITED_SHARE = 0.5, 0.1  # a call that began so much later than it was sent has waited


@dataclass(eq=False, slots=True)
class SentCall:
    """A call that an app has in its queue or works on.

    Attributes:
        at: when it was sent, by the event loop's clock.
        joined_at: when the app said that it is in the queue.
        work_s: how long the app worked on it, once it has said so.
    """

    at: float
    joined_at: float | None = None
    work_s: float | None = None


@dataclass(slots=True)
class CallsInFlight:
    """The calls of one endpoint that this process sent and has no answer to yet."""

    _sent: list[SentCall] = field(default_factory=list)  # oldest first
    _worked: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _has_waited: bool = False
    _ended: anyio.Event = field(default_factory=anyio.Event)

    @contextmanager
    def sending(self) -> Iterator[SentCall]:
        """A call is sent within, and has ended after."""
        call = SentCall(anyio.current_time())
        self._sent.append(call)
        try:
            yield call
        finally:
            self._sent.remove(call)
            if call.work_s is not None:
                now = anyio.current_time()
                self.learn(call.at, now - call.work_s, now)
            self._ended.set()
            self._ended = anyio.Event()

    def learn(self, sent_at: float, began_at: float, ended_at: float) -> None:
        """A call was sent, and worked on from one moment to another (all by the event loop's clock)."""
        self._worked.append((began_at, ended_at))
        self._has_waited |= began_at - sent_at > max(_WAITED_S, _WAITED_SHARE * (ended_at - began_at))

    async def wait_for_end(self, at_most_s: float) -> bool:
        """Wait until another call has ended, or for so many seconds; whether one has."""
        with anyio.move_on_after(at_most_s) as limit:
            await self._ended.wait()
        return not limit.cancelled_caught

    @property
    def at_once(self) -> float:
        """The most of our calls that the app worked on at once; infinite until one of them had to wait."""
        if not self._has_waited:
            return math.inf
        return max(self._working_at((began + ended) / 2) for began, ended in self._worked)

    def _working_at(self, moment: float) -> int:
        return sum(began <= moment <= ended for began, ended in self._worked)

    def before(self, call: SentCall) -> int:
        """How many calls of ours certainly stand before one; of two that were sent together none does."""
        others = [other for other in self._sent if other is not call]
        return sum(other.joined_at is not None and other.joined_at < call.at for other in others)

    def may_have_begun(self, call: SentCall, queue_length: int | None) -> bool:
        """Whether the app may be working on a call already.

        Args:
            call: one that has not ended.
            queue_length: how many calls wait in the app, by its own word; None if it does not tell.
        """
        if queue_length is None:
            return True
        before = self.before(call)
        return before < self.at_once or before < len(self._sent) - queue_length
