"""How a call's result is fetched, and what an earlier process left of it.

Gradio keeps a result in memory, under the session that asked for it, to be fetched once. Whoever opens the
result stream and dies loses it; whoever has not opened it yet can fetch it later, from another process too.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from spaces_registry.signature import Json

_MARGIN = 1.3  # a call that takes longer than usual should be done, too, when its stream is opened
_MARGIN_S = 0.5
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
        job: what `remember` was told last by an earlier process whose end was not seen, or None.
        remember: keeps on disk how the result is found again; None says that there is nothing to find.
        clock: seconds since the epoch, the same for every process.
    """

    work_s: float | None = None
    job: Json = None
    remember: Callable[[Json], None] = _forget
    clock: Callable[[], float] = time.time

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
    def _left(self) -> Mapping[str, Any]:
        return self.job if isinstance(self.job, Mapping) else {}

    def left_s(self) -> float:
        """Seconds until the result is likely to be there; 0 if nobody is to wait for that."""
        if self.work_s is None:
            return 0.0
        sent_at = self._left.get("at")
        gone_s = self.clock() - sent_at if isinstance(sent_at, int | float) else 0.0
        return max(0.0, self.work_s * _MARGIN + _MARGIN_S - gone_s)

    def sending(self, session: str) -> None:
        """The call is about to be sent under a session."""
        self.remember({"session": session, "at": self.clock()})

    def answered(self, answer: list[Any]) -> None:
        """The app's answer is here, and no longer there."""
        self.remember({"answer": answer})

    def dropped(self) -> None:
        """The app was told to forget the call."""
        self.remember(None)
