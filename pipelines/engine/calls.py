"""One call, with all that makes it safe: its limit, its place in the journal, its files in the store.

The order is the promise: bytes in the store, then the journal says so, then the step counts as done.
"""

import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.to_thread

from chains.model import Expect, Step
from pipelines.artifacts import StorageFailed, Store
from pipelines.engine.binding import as_arguments, bind
from pipelines.engine.breaker import Breaker, Rest
from pipelines.engine.budget import Amounts, Budgets, Share
from pipelines.engine.expectations import verify
from pipelines.engine.limits import Limits
from pipelines.engine.pickup import ResultPickup, choose_pickup
from pipelines.engine.results import Result
from pipelines.engine.work_times import CallSize, PastCall, WorkTimes
from pipelines.journal import Dead, Intent, Journal, nobody
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, CallFailed, InDoubt, ToolkitError
from spaces_registry.network.decoding import sendable
from spaces_registry.progress import WARNING, CallEvent, Listener, Logged, Spent, UsedUp, unheard, warning_in
from spaces_registry.sayable import is_of_numbers
from spaces_registry.signature import File, Json, Return, Value

_MOST_WARNINGS = 20  # of one call
INTERRUPTED, WITHHELD = "interrupted", "withheld"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a place gave.

    Attributes:
        key: the cache key (SHA-256, hex) of the question.
        values: in the order of the endpoint's returns; files as artifacts.
        cached: whether it was there already and nothing was asked.
        steps: how the steps of a nested chain ended, by name; empty for any other place.
    """

    key: str
    values: tuple[object, ...]
    cached: bool
    steps: Mapping[str, Result] = field(default_factory=dict)


@dataclass(slots=True)
class _Memory:
    """Keeps on disk how a call's work is found again; `told` is what it keeps."""

    keep: Callable[[Json], None]
    told: Json = None

    def __call__(self, job: Json) -> None:
        self.keep(job)
        self.told = job


def _never() -> None:
    """No reason to leave a place alone."""


def _silent() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class CallMaker:
    """Makes the calls of one run, each at most once for the same question.

    Attributes:
        run: the run's id.
        store: where files are kept.
        journal: where calls are recorded.
        limits: how many calls a place gets at once.
        breaker: hears which places are at work.
        scratch: an existing folder on the store's file system.
        fresh: steps whose kept results are not to be used; those of nested chains as `outer/inner`.
        budgets: what the run may use; None for all.
        within: what stands before the names of steps: `outer/` for those of a nested chain.
        is_dead: whether the process that sent a call is gone, by the call's run and number.
        secrets: values that no journal may hold: an answer that repeats one is used and not kept.
        resumed: whether the run goes on after its process died: what it received is received.
        is_watched: whether a person looks on, and sees the progress of calls.
    """

    run: str
    store: Store
    journal: Journal
    limits: Limits
    breaker: Breaker
    scratch: Path
    fresh: frozenset[str] = frozenset()
    budgets: Budgets | None = None
    within: str = ""
    is_dead: Dead = nobody
    secrets: tuple[str, ...] = field(default=(), repr=False)
    resumed: bool = False
    is_watched: bool = False
    _past: dict[tuple[str, str], deque[PastCall]] = field(default_factory=dict)
    _asked: dict[str, anyio.Lock] = field(default_factory=dict)
    _answered: dict[str, tuple[object, ...]] = field(default_factory=dict)
    _left: dict[str, Json] = field(default_factory=dict)

    async def make(
        self,
        step: Step,
        place: Place,
        item: int,
        values: Mapping[str, object],
        tell: Listener,
        *,
        rest: Callable[[], Rest | None] = _never,
        begun: Callable[[], None] = _silent,
    ) -> Answer | Rest:
        """The outputs of one call, from the store or its place.

        Args:
            step: the step, or the fallback of it that this place is for.
            place: where.
            item: which of the step's calls.
            values: its arguments.
            tell: hears what happens.
            rest: why the place is not to be asked now; asked for where no result is kept.
            begun: hears that the call has its turn.

        Raises:
            CallFailed: it yielded nothing, or not what was expected.
            ToolkitError: it cannot be made, kept or recorded, or would exceed the budget.
        """
        bound = bind(place.endpoint, values, place=place.address)
        key = place.key(bound)
        # equal questions wait for one answer, unless each is to be asked by itself
        async with self._asked.setdefault(key, anyio.Lock()) if step.cache else nullcontext():
            if (kept := await self._kept(step, place, item, key, tell)) is not None:
                return Answer(key, kept, cached=True)
            if (why := rest()) is not None:
                return why
            with self.breaker.under_way(place.address):
                async with self.limits.turn(place, tell, patience_s=step.retry.up_to_s):
                    begun()
                    outputs = await self._send(step, place, item, key, bound, tell)
            self._answered[key] = outputs
        return Answer(key, outputs, cached=False)

    async def has(self, step: Step, place: Place, item: int, values: Mapping[str, object]) -> bool:
        """Whether the outputs of a call are there already; one whose arguments do not fit has none."""
        try:
            bound = bind(place.endpoint, values, place=place.address)
        except CallFailed:
            return False
        return await self._kept(step, place, item, place.key(bound), unheard) is not None

    async def _kept(
        self, step: Step, place: Place, item: int, key: str, tell: Listener
    ) -> tuple[object, ...] | None:
        """An answer of this run, or of an earlier one if the step does not ask for a fresh one."""
        name = self.within + step.name

        def damaged(file: str) -> None:
            self.journal.runs.happened(self.run, "damaged", name, {"item": item, "file": file})
            tell(Logged(WARNING, f"{file} was kept from before, and is damaged: it is made again"))

        def warned(line: str) -> None:
            tell(Logged(WARNING, line))

        result = partial(self.journal.result, key, self.store, user=self.run, damaged=damaged, warned=warned)
        found = None
        if self.resumed:
            found = result(of=(self.run, name, item))
        if found is None and step.cache:
            found = self._answered.get(key)
            if found is None and name not in self.fresh:
                found = result()
        if found is None or step.expect == Expect():
            return found
        try:
            await anyio.to_thread.run_sync(verify, step.expect, found, place.address)
        except BadOutput:  # kept for a step that expected less
            return None
        return found

    async def _send(
        self, step: Step, place: Place, item: int, key: str, bound: Mapping[str, object], tell: Listener
    ) -> tuple[object, ...]:
        async with self._allowed(place) as share:
            name, called = self.within + step.name, place.endpoint.name
            size = CallSize.of(place.endpoint, bound) if place.kind == "space" else None
            intent = Intent(
                self.run,
                name,
                item,
                key,
                place.kind,
                place.address,
                called,
                place.revision,
                None if size is None else size.to_json(),
            )
            sending, sent_at = self.journal.sent(intent, self.is_dead), time.time()
            times = WorkTimes(self.journal, self._past)
            pickup = (
                ResultPickup() if size is None else choose_pickup(step, place, size, times, self.is_watched)
            )
            number, job = sending.call, sending.job or self._left.pop(key, None)
            if sending.in_doubt:
                self._doubt(step, place, intent, number)
            remember = _Memory(partial(self.journal.job, number, key))

            warnings: list[str] = []

            def hear(event: CallEvent) -> None:
                if (warning := warning_in(event)) is not None and not _mentions(warning, self.secrets):
                    warnings.append(warning)
                match event:
                    case Spent():
                        share.spent(event)
                    case UsedUp(wait_s=wait_s):
                        self.limits.hold(place, wait_s)
                tell(event)

            try:
                with TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
                    call = Call(
                        place.address,
                        place.endpoint,
                        as_arguments(bound),
                        Path(folder),
                        step.timeout,
                        job=job,
                        work_s=pickup.work_s,
                        earliest_s=pickup.earliest_s,
                        remember=remember,
                    )
                    values = await place.runner(call, hear)
                    outputs = await anyio.to_thread.run_sync(self._take, step, place, values)
                    del values  # of a long answer, twice its size
            except anyio.get_cancelled_exc_class():
                if remember.told is None:  # else its work may go on, and its result can be fetched
                    self.journal.failed(number, key, INTERRUPTED, None)
                raise
            except OSError as cause:
                raise StorageFailed(self.scratch, cause) from cause
            except ToolkitError as failure:
                said, wait_s = (
                    (failure.said, failure.wait_s) if isinstance(failure, CallFailed) else (None, None)
                )
                self.journal.failed(number, key, failure.code, said, wait_s=wait_s, spent=share.told)
                if failure.code == "unreachable" and (left := remember.told or job) is not None:
                    self._left[key] = left  # the connection is gone, not the work
                raise
            if _mentions(outputs, self.secrets):
                self.journal.failed(number, key, WITHHELD, None, spent=share.told)
            else:
                self.journal.received(number, key, outputs, share.told, distinct(warnings))
                if size is not None and (work_s := share.told.work_s) is not None:
                    times.add(place.address, called, PastCall(size, work_s, sent_at, time.time()))
        return outputs

    def _doubt(self, step: Step, place: Place, intent: Intent, number: int) -> None:
        """A process that died sent this very call: say so, and repeat it only if the step allows repeats.

        Raises:
            InDoubt: it does not.
        """
        self.journal.runs.happened(self.run, "in-doubt", intent.step, {"item": intent.item, "call": number})
        if step.retry.attempts <= 1:
            doubt = InDoubt(place.address)
            self.journal.failed(number, intent.key, doubt.code, None)
            raise doubt

    @asynccontextmanager
    async def _allowed(self, place: Place) -> AsyncIterator[Share]:
        """What the call takes, of the run's budget if it has one."""
        if self.budgets is None:
            yield Share(Amounts())
            return
        async with self.budgets.allow(place) as share:
            yield share

    def _take(self, step: Step, place: Place, values: Sequence[Value]) -> tuple[object, ...]:
        """A call's answer in the store, if it is what the step expects."""
        outputs = self._keep(place, values)
        verify(step.expect, outputs, place.address)
        return outputs

    def _keep(self, place: Place, values: Sequence[Value]) -> tuple[object, ...]:
        """A call's answer with its files in the store, each verified to be of the kind it should be."""
        returns = place.endpoint.returns
        if len(values) != len(returns):
            message = (
                f"{place.address} {place.endpoint.name} returned {len(values)} values, not {len(returns)}"
            )
            raise BadOutput(place.address, message)
        return tuple(self._keep_one(place, one, value) for one, value in zip(returns, values, strict=True))

    def _keep_one(self, place: Place, told: Return, value: Value) -> object:
        match value:
            case File():
                return self.store.keep(value, told.kind, place=place.address, consume=True)
            case str():
                return sendable(value)
            case float() if not math.isfinite(value):
                return None  # as in all JSON that others wrote
            case None:
                return value
            case Mapping():
                return {sendable(name): self._keep_one(place, told, one) for name, one in value.items()}
            case Sequence() if is_of_numbers(value):
                return tuple(value)
            case Sequence():
                return tuple(self._keep_one(place, told, one) for one in value)
            case _:
                return value


def distinct(warnings: Sequence[str]) -> tuple[str, ...]:
    """Every warning once, and no more of them than anybody reads."""
    return tuple(dict.fromkeys(warnings))[:_MOST_WARNINGS]


def _mentions(value: object, secrets: Sequence[str]) -> bool:
    """Whether a text in a value repeats a secret."""
    match value:
        case str():
            return any(one in value for one in secrets if one)
        case Mapping():
            return any(_mentions(one, secrets) for one in (*value, *value.values()))
        case Sequence():
            return any(_mentions(one, secrets) for one in value)
        case _:
            return False
