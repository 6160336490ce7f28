"""Calls media operations: ffmpeg and Pillow, on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from pipelines.media.animated import with_videos
from pipelines.media.catalogue import BY_NAME
from pipelines.media.operation import Work
from pipelines.runners.protocol import Call
from spaces_registry.errors import TimedOut, nearest
from spaces_registry.progress import CallEvent, Listener, Logged, Started
from spaces_registry.signature import Endpoint, Misnamed, Value, meant_among

OPERATIONS: Mapping[str, Endpoint] = {name: one.endpoint for name, one in BY_NAME.items()}


class UnknownOperation(Misnamed):
    """There is no media operation of that name."""

    code = "unknown-operation"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no media operation {name!r}", hint=nearest(name, OPERATIONS))
        self.name, self.meant = name, meant_among(name, OPERATIONS)


@dataclass(frozen=True, slots=True)
class MediaRunner:
    """Performs one media operation.

    Attributes:
        ffmpeg: the program to run, or None to look for it when it is needed.
    """

    ffmpeg: Path | None = None

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Perform the operation that the call's endpoint names; its files lie in the call's folder.

        Raises:
            UnknownOperation: there is none of that name.
            RejectedInput: an argument cannot be used.
            Crashed: ffmpeg failed.
            TimedOut: it took longer than `run_s`.
            MediaNotInstalled: ffmpeg or Pillow is missing.
            StorageFailed: the disk is full.
        """
        operation = BY_NAME.get(call.endpoint.name)
        if operation is None:
            raise UnknownOperation(call.endpoint.name)
        work = Work(call, _once(tell), self.ffmpeg)
        tell(Started())
        try:
            with anyio.fail_after(call.clocks.run_s):
                return await operation.perform(await with_videos(work))
        except TimeoutError as cause:
            message = f"{work.place} took longer than {call.clocks.run_s:g} s"
            raise TimedOut(work.place, message, hint="give the step a longer timeout") from cause


def _once(tell: Listener) -> Listener:
    """A listener that is not told the same words twice: an operation may open a file more than once."""
    said: set[Logged] = set()

    def hear(event: CallEvent) -> None:
        if isinstance(event, Logged):
            if event in said:
                return
            said.add(event)
        tell(event)

    return hear
