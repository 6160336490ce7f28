"""What a call tells while it is under way. Events are facts for listeners; nothing depends on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Waking:
    """The place is not ready yet.

    Attributes:
        stage: the Hub's word for its state, e.g. `SLEEPING`.
        waited_s: seconds waited so far.
    """

    stage: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class Held:
    """The call is not made yet: its place has as many as a limit allows.

    Attributes:
        limit: which one: `4 at once`, `10 a minute`, or the place's own words.
        wait_s: how long it is held, if that is known.
    """

    limit: str = ""
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class UsedUp:
    """The place answered, and said that no more calls are welcome for so many seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Retrying:
    """A try failed and is made again at the same place.

    Attributes:
        place: where.
        failure: the class of the failure, as its code.
        wait_s: until the next try.
        attempt: the number of the next try, from 2.
    """

    place: str
    failure: str
    wait_s: float
    attempt: int


@dataclass(frozen=True, slots=True)
class FellBack:
    """A place is given up and the next one is tried.

    Attributes:
        place: what was given up.
        failure: why, as the failure's code.
        to: what is tried next, as the chain names it.
        rests: whether it was not asked, because it failed so before.
    """

    place: str
    failure: str
    to: str
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What the place says that the call took of the user's share; told once, when it is known.

    Attributes:
        gpu_s: seconds of ZeroGPU, or None.
        usd: money in US dollars, or None.
        work_s: seconds that the place worked on the call, waiting not counted, or None.
    """

    gpu_s: float | None = None
    usd: float | None = None
    work_s: float | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A model wrote the next piece of its text."""

    text: str


@dataclass(frozen=True, slots=True)
class Sending:
    """An input file goes to the place.

    Attributes:
        name: the file's name.
        size_bytes: its whole size.
    """

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Queued:
    """The call waits in the place's queue.

    Attributes:
        position: calls ahead of this one; 0 is next.
        length: calls in the queue.
        eta_s: the place's own estimate, if it makes one.
    """

    position: int
    length: int
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The place works on the call; `eta_s` is its own estimate of the run."""

    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the place says it is.

    Attributes:
        done: units done, or None.
        total: units in all, or None.
        fraction: 0 to 1, or None if it cannot be told.
        unit: what is counted, e.g. `steps`.
        description: the place's own words.
    """

    done: float | None = None
    total: float | None = None
    fraction: float | None = None
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """The place said something to its user; `level` is info, warning, success or error."""

    level: str
    message: str


WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Yielded:
    """A generator yielded its next intermediate result; `count` starts at 1."""

    count: int


@dataclass(frozen=True, slots=True)
class Receiving:
    """An output file comes from the place.

    Attributes:
        name: the file's name.
        size_bytes: the size the place announced, if it did.
    """

    name: str
    size_bytes: int | None = None


CallEvent: TypeAlias = (
    Held
    | UsedUp
    | Retrying
    | FellBack
    | Spent
    | Written
    | Waking
    | Sending
    | Queued
    | Started
    | Progress
    | Logged
    | Yielded
    | Receiving
)
Listener: TypeAlias = Callable[[CallEvent], None]


def warning_in(event: CallEvent) -> str | None:
    """What an event warns of; None if it is no warning."""
    return event.message if isinstance(event, Logged) and event.level == WARNING else None


def unheard(event: CallEvent) -> None:
    """The listener that drops what it hears."""
    del event
