"""What every runner is: one call in, its outputs out; it knows nothing of chains, retries or the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spaces_registry.clocks import Clocks
from spaces_registry.progress import Listener
from spaces_registry.signature import Endpoint, Json, Value


def forget(job: Json) -> None:
    """What is done with a job's facts where nobody will ask for it again."""
    del job


@dataclass(frozen=True, slots=True)
class Call:
    """One call, ready to be made.

    Attributes:
        place: what is called: a Space's address, a model, a service, `media`, or a user's `file.py`.
        endpoint: what of it is called.
        arguments: by parameter name, defaults filled in; a file is a `File`, several are a tuple of them.
        folder: an existing, empty folder of this call's own, for the files that it makes or fetches.
        clocks: its time limits.
        job: what `remember` was told by an earlier try of this very call whose end was not seen, or None.
        work_s: how long the place usually works on such a call, if its result is to be left there until then.
        earliest_s: how long it works at the least, where the result is not to wait there for us at all.
        remember: to be told how to find the work again, before it is waited for: a job's id and addresses as
            JSON without secrets. It is on disk when this returns.
    """

    place: str
    endpoint: Endpoint
    arguments: Mapping[str, Value]
    folder: Path
    clocks: Clocks = Clocks()
    job: Json = None
    work_s: float | None = None
    remember: Callable[[Json], None] = forget
    earliest_s: float | None = None


class Runner(Protocol):
    """Makes one call; returns its outputs in the endpoint's order, or raises `CallFailed`."""

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Make the call, telling what happens meanwhile."""
        ...


class Reader(Protocol):
    """Reads an answer to a call that came before, in a shape that was not expected then."""

    async def asked(self, call: Call) -> str:
        """What the call asks of its place, as a digest: the same for all that send the same request."""
        ...

    async def read(self, call: Call, answer: Value) -> tuple[Value, ...]:
        """The outputs in a whole answer, whose files are `File`s; `UnexpectedAnswer` if it does not fit."""
        ...
