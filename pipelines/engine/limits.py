"""When a place may be called: so many calls at once, a minute, a day, and none while it wants a pause.

Calls at once are counted in this process; those of a minute and a day over all of them, in the journal.
Callers wait in a line, in the order they came: one that has to wait holds up only who wants the same.
"""

import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio

from chains.model import Limit
from pipelines.engine.gates import Gate, gates_of, names_of
from pipelines.journal import Journal, JournalFailed, Rate, Reached
from pipelines.places.place import Place
from spaces_registry.errors import OutOfQuota, RateLimited, ToolkitError
from spaces_registry.progress import Held, Listener, unheard

_MINUTE_S = 60.0
_LONGEST_NAP_S = 60.0  # then the journal is looked at again; clocks have been known to be set
_NO_TIME_S = 0.001
_PAUSE = "it asked to be left alone"
_PLENTY = 1_000_000  # room where nothing limits it


@dataclass(slots=True, eq=False)
class _Caller:
    """One call in the line.

    Attributes:
        place: where it goes.
        gates: what it has to pass.
        patience_s: how long it waits for a place that asked to be left alone.
        called: set when it has its turn, or something new about its wait is known.
        has_turn: whether it may go.
        failure: why it never may.
        why: what it waits for, in words.
        until: when it is worth looking again; None while somebody before it waits for the same.
    """

    place: Place
    gates: tuple[Gate, ...]
    patience_s: float
    called: anyio.Event = field(default_factory=anyio.Event)
    has_turn: bool = False
    failure: ToolkitError | None = None
    why: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class _Wait:
    """Why a call may not go now: at which gate, in words, and until when if that is known."""

    gate: str
    why: str
    until: float | None = None


class Limits:
    """Who may call when; one for all runs of a workshop.

    Args:
        written: the chain's limits, by any name that `names_of` gives a place.
        journal: what is counted over all runs and processes.
        now: seconds since the epoch.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        written: Mapping[str, Limit],
        journal: Journal,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._written = {name.lower().rstrip("/"): limit for name, limit in written.items()}
        self._journal, self._now, self._sleep = journal, now, sleep
        self._line: list[_Caller] = []
        self._under_way: Counter[str] = Counter()
        self._held: dict[str, float] = {}
        self._freed = anyio.Event()

    @asynccontextmanager
    async def turn(
        self, place: Place, tell: Listener = unheard, *, patience_s: float = math.inf
    ) -> AsyncIterator[None]:
        """Wait for a place's turn, and hold it until the call has ended.

        A call that fails as rate-limited, with a wait, holds up all who come after it for so long.

        Args:
            place: where the call goes.
            tell: hears what is waited for, and how long if that is known.
            patience_s: how long to wait for a place that asked to be left alone.

        Raises:
            OutOfQuota: as many calls as a day may have were made; `wait_s` is until midnight, UTC.
            RateLimited: the place wants to be left alone for longer than `patience_s`.
            JournalFailed: the calls of other runs cannot be counted.
        """
        caller = _Caller(place, gates_of(place, self._written), patience_s)
        await self._wait(caller, tell)
        try:
            yield
        except RateLimited as failure:
            if failure.wait_s is not None:
                self.hold(place, failure.wait_s)
            raise
        finally:
            self._leave(caller)

    def hold(self, place: Place, seconds: float) -> None:
        """Leave a place alone for so long, because it asked for it; a shorter wait changes nothing."""
        name, until = names_of(place)[0], self._now() + seconds
        self._held[name] = max(until, self._held.get(name, 0.0))

    def free(self, place: Place) -> int:
        """How many calls to a place could begin now; 0 while somebody waits for it."""
        gates = gates_of(place, self._written)
        if self._held_until(place) is not None:
            return 0
        room = [one.concurrency - self._under_way[one.name] for one in gates if one.concurrency is not None]
        room += [rate.most - self._journal.turns(rate.name, rate.since) for rate in self._rates(gates)]
        names = {one.name for one in gates}
        waiting = sum(bool(names & {gate.name for gate in one.gates}) for one in self._line)
        return max(0, min(room, default=_PLENTY) - waiting)

    async def freed(self) -> None:
        """Wait until some call has ended."""
        await self._freed.wait()

    async def _wait(self, caller: _Caller, tell: Listener) -> None:
        self._line.append(caller)
        try:
            self._call_up()
            await self._in_line(caller, tell)
        except BaseException:
            if caller.has_turn:
                self._leave(caller)
            else:
                self._drop(caller)
            raise
        if caller.failure is not None:
            self._drop(caller)
            raise caller.failure

    async def _in_line(self, caller: _Caller, tell: Listener) -> None:
        """Until it has its turn, or never will."""
        told = ""
        while not caller.has_turn and caller.failure is None:
            if caller.why and caller.why != told:
                told = caller.why
                tell(Held(caller.why, None if caller.until is None else caller.until - self._now()))
            caller.called = anyio.Event()
            await self._called_or(caller)
            if not caller.has_turn and caller.failure is None:
                self._call_up()

    def _drop(self, caller: _Caller) -> None:
        self._line.remove(caller)
        self._call_up()  # it may have been the one that looks at the clock for those behind it

    async def _called_or(self, caller: _Caller) -> None:
        """Wait until the caller is called, or the time has come to look again."""
        if caller.until is None:
            await caller.called.wait()
            return

        async def nap(seconds: float) -> None:
            await self._sleep(seconds)
            caller.called.set()

        seconds = min(max(caller.until - self._now(), _NO_TIME_S), _LONGEST_NAP_S)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(nap, seconds)
            await caller.called.wait()
            tasks.cancel_scope.cancel()

    def _leave(self, caller: _Caller) -> None:
        for gate in caller.gates:
            self._under_way[gate.name] -= 1
        self._freed.set()
        self._freed = anyio.Event()
        self._call_up()

    def _call_up(self) -> None:
        """Give a turn to everybody in the line who may go, in order; nothing else happens meanwhile."""
        closed: dict[str, _Caller] = {}
        for caller in (*self._line,):
            if caller.failure is not None:
                continue
            before = next((closed[gate.name] for gate in caller.gates if gate.name in closed), None)
            if before is not None and not self._asks_too_much(before, caller):
                caller.why, caller.until = before.why, None
                continue
            wait = None
            try:
                wait = self._admit(caller)
            except JournalFailed as failure:  # the caller's to tell; it may be another one's end that is seen
                caller.failure = failure
            if caller.has_turn or caller.failure is not None:
                caller.called.set()
                if caller.has_turn:
                    self._line.remove(caller)
            elif wait is not None:
                closed[wait.gate] = caller
                if wait.until is not None and (caller.until is None or wait.until < caller.until):
                    caller.called.set()
                caller.why, caller.until = wait.why, wait.until

    def _asks_too_much(self, before: _Caller, caller: _Caller) -> bool:
        """Whether the pause that one caller waits for is too long for another one behind it."""
        if before.why != _PAUSE or before.until is None:
            return False
        return before.until - self._now() > caller.patience_s

    def _admit(self, caller: _Caller) -> _Wait | None:
        """Give the caller its turn, or say what it waits for; where waiting is no use, set its `failure`."""
        if (until := self._held_until(caller.place)) is not None:
            wait_s = until - self._now()
            if wait_s > caller.patience_s:
                caller.failure = _left_alone(caller.place, wait_s)
                return None
            return _Wait(names_of(caller.place)[0], _PAUSE, until)
        for gate in caller.gates:
            if gate.concurrency is not None and self._under_way[gate.name] >= gate.concurrency:
                return _Wait(gate.name, f"{gate.concurrency} at once")
        if (reached := self._counted(caller)) is not None:
            rate = reached.rate
            if rate.per == "day":
                caller.failure = self._day_is_over(caller.place, rate)
                return None
            return _Wait(rate.name, f"{rate.most} a minute", reached.first + _MINUTE_S)
        caller.has_turn = True
        for gate in caller.gates:
            self._under_way[gate.name] += 1
        return None

    def _counted(self, caller: _Caller) -> Reached | None:
        """Count the call, in this process and all others, unless a rate leaves no room; work here is not."""
        if caller.place.is_here and not any(self._rates(caller.gates)):
            return None
        return self._journal.turn(names_of(caller.place), tuple(self._rates(caller.gates)), self._now())

    def _rates(self, gates: tuple[Gate, ...]) -> Iterator[Rate]:
        for gate in gates:
            if gate.per_day is not None:
                yield Rate(gate.name, gate.per_day, self._midnight(), "day")
            if gate.per_minute is not None:
                yield Rate(gate.name, gate.per_minute, self._now() - _MINUTE_S, "minute")

    def _held_until(self, place: Place) -> float | None:
        """Until when a place wants to be left alone, by what it told this run or any other one."""
        if place.is_here:
            return None
        now = self._now()
        held = self._held.get(names_of(place)[0], 0.0)
        until = max(held, self._journal.held_until(place.address, now) or 0.0)
        return until if until > now else None

    def _midnight(self) -> float:
        """When the day began, in UTC."""
        today = datetime.fromtimestamp(self._now(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today.timestamp()

    def _day_is_over(self, place: Place, rate: Rate) -> OutOfQuota:
        tomorrow = datetime.fromtimestamp(rate.since, UTC) + timedelta(days=1)
        wait_s = tomorrow.timestamp() - self._now()
        return OutOfQuota(
            place.address,
            f"{place.address}: {_all_calls(rate.most)} made (limits of {rate.name})",
            wait_s=wait_s,
            hint=f"the next one is possible from {tomorrow:%Y-%m-%d %H:%M} UTC; `per_day` is the limit",
        )


def _all_calls(most: int) -> str:
    return "the one call that a day may have is" if most == 1 else f"the {most} calls that a day may have are"


def _left_alone(place: Place, wait_s: float) -> RateLimited:
    return RateLimited(
        place.address,
        f"{place.address}: it asked to be left alone for another {wait_s:.0f} s",
        wait_s=wait_s,
        hint="wait so long, or give the step a fallback",
    )
