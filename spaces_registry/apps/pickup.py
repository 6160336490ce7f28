"""How a call's result is fetched, and what an earlier process left of it.

Gradio keeps a result in memory, under the session that asked for it, to be fetched once. Whoever opens the
result stream and dies loses it; whoever has not opened it yet can fetch it later, from another process too.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from spaces_registry.signature import Json

_MARGIN = 1.3  # a call that takes longer than usual should be done, too, when its stream is opened
_MARGIN_S = 0.5
_EARLY_S = 0.05  # before a result can be there, its stream is open: it is not to wait for us
_LONGER = 5.0  # times as long as usual; a call that is worked on for longer is taken for lost
_FETCH_S = 0.3  # a result that is there is fetched in less; one that is not yet there holds nobody up


def _forget(job: Json) -> None:
    del job


class Gate:
    """Lets results be fetched one by one: only what is being fetched can be lost with the process."""

    def __init__(self) -> None:
        self._door = anyio.Lock()
        self._before = anyio.Event()
        self._before.set()

    async def enter(self) -> anyio.Event:
        """Wait for whoever fetches now, but no longer than a fetch takes; returns what to set when done."""
        async with self._door:
            with anyio.move_on_after(_FETCH_S):
                await self._before.wait()
            self._before = anyio.Event()
            return self._before


@dataclass(frozen=True, slots=True)
class Pickup:
    """How one call's result is fetched.

    Attributes:
        work_s: how long the app usually works on such a call: the stream is opened only then. None opens it
            at once, which tells of progress, and loses the result with the process.
        earliest_s: how long it works at the least, if the result is not to wait for us: the stream is opened
            just before the result can be there. None opens it when the result is there for sure.
        job: what `remember` was told last by an earlier process whose end was not seen, or None.
        remember: keeps on disk how the result is found again; None says that there is nothing to find.
        clock: seconds since the epoch, the same for every process.
        silent_least_s: how long an app may at least say nothing of a call that an earlier process sent.
    """

    work_s: float | None = None
    job: Json = None
    remember: Callable[[Json], None] = _forget
    clock: Callable[[], float] = time.time
    silent_least_s: float = 20.0
    earliest_s: float | None = None

    @property
    def session(self) -> str | None:
        """Gradio's session hash under which an earlier process sent the call."""
        session = self._left.get("session")
        return session if isinstance(session, str) else None

    @property
    def received(self) -> list[Any] | None:
        """The app's answer, if an earlier process received it; its files are still to be fetched."""
        answer = self._left.get("answer")
        return list(answer) if isinstance(answer, list) else None

    @property
    def sent_at(self) -> float | None:
        """When an earlier process sent the call, by the clock."""
        sent_at = self._left.get("at")
        return float(sent_at) if isinstance(sent_at, int | float) else None

    @property
    def was_left(self) -> bool:
        """Whether that process left in good order, and took the call out of the queue if it waited there."""
        return self._left.get("left") is True

    @property
    def silent_s(self) -> float:
        """How long the app may say nothing of a call that an earlier process sent."""
        return math.inf if self.work_s is None else max(self.silent_least_s, self.work_s * _LONGER)

    @property
    def _left(self) -> Mapping[str, Any]:
        return self.job if isinstance(self.job, Mapping) else {}

    def left_s(self) -> float:
        """Seconds until the result is likely to be there; 0 if nobody is to wait for that."""
        if self.work_s is None:
            return 0.0
        gone_s = 0.0 if self.sent_at is None else self.clock() - self.sent_at
        return max(0.0, self.closed_s - gone_s)

    @property
    def closed_s(self) -> float:
        """How many seconds of work the stream stays closed; 0 if it is opened at once."""
        if self.earliest_s is not None:
            return max(0.0, self.earliest_s - _EARLY_S)
        return 0.0 if self.work_s is None else self.work_s * _MARGIN + _MARGIN_S

    def sending(self, session: str) -> float:
        """The call is about to be sent under a session; returns when, by the clock."""
        now = self.clock()
        self.remember({"session": session, "at": now})
        return now

    def leaving(self, session: str, sent_at: float) -> None:
        """The app was told to begin no work on the call; one that it works on is left there."""
        self.remember({"session": session, "at": sent_at, "left": True})

    def answered(self, answer: list[Any]) -> None:
        """The app's answer is here, and no longer there."""
        self.remember({"answer": answer})

    def dropped(self) -> None:
        """The app was told to forget the call."""
        self.remember(None)
