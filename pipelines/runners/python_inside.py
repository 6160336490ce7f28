"""Calls of a user's own Python functions inside of our process: at once, with all that it means.

Nothing here can end a thread. It is a daemon, so that one that never returns does not keep the command from
ending, and the event loop waits for a word of it in another one, which is let go when nobody waits any more.
"""

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import anyio
import anyio.to_thread

from pipelines.runners import python_child
from pipelines.runners.protocol import Call
from pipelines.runners.python import handed, named, told
from spaces_registry.errors import TimedOut
from spaces_registry.progress import Listener, Started
from spaces_registry.signature import Value

_IS_USERS: ContextVar[bool] = ContextVar("is_users", default=False)


@dataclass(frozen=True, slots=True)
class InsideRunner:
    """Runs a user's function in a thread of ours; its current folder is the command's.

    Attributes:
        file: the source, trusted to run here.
        sha256: of its bytes; nothing else is run.
    """

    file: Path
    sha256: str

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Run the function; what it raises is a crash, told in its own words.

        Raises:
            Crashed: it raised something, `SystemExit` too.
            BadOutput: it returned what no step can read, or not as much as it promises.
            TimedOut: it took longer than `run_s`; it goes on, and nobody waits for it.
            Drifted: the file was changed since it was checked.
        """
        tell(Started())
        arguments = await anyio.to_thread.run_sync(handed, call)
        with _own_stdout() as kept:
            try:
                with anyio.fail_after(call.clocks.run_s):
                    answer = await _in_thread(lambda: self._made(call, arguments))
            except TimeoutError as cause:
                kept.append(True)
                message = (
                    f"{named(call, self.file)} did not end within {call.clocks.run_s:g} s; it runs inside of"
                    " spacechain, which cannot end it: it goes on until it returns or the command ends"
                )
                hint = "give the step a longer timeout, or let it run in a process of its own: isolate: true"
                raise TimedOut(call.place, message, hint=hint) from cause
        return await anyio.to_thread.run_sync(told, call, self.file, answer)

    def _made(self, call: Call, arguments: dict[str, object]) -> dict[str, Any]:
        """Make the call; whatever the function raises is an answer, too."""
        try:
            source = self.file.read_bytes()
        except OSError as cause:
            return {"changed": f"cannot be read any more: {cause.strerror}"}
        if hashlib.sha256(source).hexdigest() != self.sha256:
            return {"changed": "was changed after it was checked"}
        name = str(self.file.absolute())
        order = {"file": name, "sha256": self.sha256, "function": call.endpoint.name, "arguments": arguments}
        return python_child.outcome(order, lambda: python_child.called(order, source))


async def _in_thread(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work gives, done in a daemon thread; cancelled, it is left to itself."""
    answers: list[dict[str, Any]] = []
    settled = threading.Event()

    def run() -> None:
        _IS_USERS.set(True)
        try:
            answers.append(work())
        finally:
            settled.set()

    threading.Thread(target=run, name="spacechain function", daemon=True).start()
    try:
        await anyio.to_thread.run_sync(settled.wait, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
    finally:
        settled.set()  # lets the one go that waits
    return answers[0] if answers else {"ended": "no answer"}


class _Stdout:
    """Standard output, of which the user's functions get standard error: what they print is no result."""

    def __init__(self, real: TextIO) -> None:
        self.real, self.users = real, 0

    def write(self, text: str) -> int:
        """Write where the writer belongs."""
        return (sys.stderr if _IS_USERS.get() else self.real).write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)


@contextmanager
def _own_stdout() -> Iterator[list[bool]]:
    """Keep results and prints apart meanwhile; for good if what is yielded hears that one goes on."""
    kept: list[bool] = []
    stdout: Any = sys.stdout
    shared = stdout if isinstance(stdout, _Stdout) else _Stdout(stdout)
    shared.users += 1
    sys.stdout = shared
    try:
        yield kept
    finally:
        shared.users -= not kept
        current: Any = sys.stdout
        if shared.users == 0 and current is shared:
            sys.stdout = shared.real
