"""One call, with all that makes it safe: its limit, its place in the journal, its files in the store.

The order is the promise: bytes in the store, then the journal says so, then the step counts as done.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
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
from pipelines.engine.keeping import kept_outputs, mentions
from pipelines.engine.limits import Limits
from pipelines.engine.pickup import choose_pickup
from pipelines.engine.results import Result
from pipelines.engine.unexpected import (
    Question,
    UnexpectedAnswers,
    again,
    as_value,
    parts_in,
)
from pipelines.engine.work_times import CallSize, WorkTimes
from pipelines.journal import READ, Dead, Intent, Journal, nobody
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, CallFailed, InDoubt, ToolkitError, UnexpectedAnswer
from spaces_registry.progress import WARNING, CallEvent, Listener, Logged, Spent, UsedUp, unheard, warning_in
from spaces_registry.signature import Json, Value

_MOST_WARNINGS = 20  # of one call
INTERRUPTED, WITHHELD = "interrupted", "withheld"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a place gave.

    Attributes:
        key: the cache key (SHA-256, hex) of the question.
        values: in the order of the endpoint's returns; files as artifacts.
        cached: whether it was there already and nothing was asked.
        is_raw: whether the one value is the whole answer, of another shape than the returns, which the step's
            own `outputs` read.
        steps: how the steps of a nested chain ended, by name; empty for any other place.
    """

    key: str
    values: tuple[object, ...]
    cached: bool
    is_raw: bool = False
    steps: Mapping[str, Result] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What a call gave; `is_raw` as in `Answer`."""

    values: tuple[object, ...]
    is_raw: bool = False


@dataclass(slots=True)
class _Memory:
    """Keeps on disk how a call's work is found again; `told` is what it keeps."""

    keep: Callable[[Json], None]
    told: Json = None

    def __call__(self, job: Json) -> None:
        self.keep(job)
        self.told = job


@dataclass(frozen=True, slots=True)
class _Sent:
    """A call that the journal knows of.

    Attributes:
        number: the journal's.
        job: what an earlier process left of it, or None.
        size: of its arguments, for a Space's.
        at: when it was sent, in seconds since the epoch.
    """

    number: int
    job: Json
    size: CallSize | None
    at: float


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
        times: how long apps worked on calls before.
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
    times: WorkTimes
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
    _asked: dict[str, anyio.Lock] = field(default_factory=dict)
    _answered: dict[str, tuple[object, ...]] = field(default_factory=dict)
    _left: dict[str, Json] = field(default_factory=dict)
    _unexpected: UnexpectedAnswers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_unexpected", UnexpectedAnswers(self.run, self.store, self.journal))

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
            step: the step, or the fallback of it that this place is for, with the names for its outputs.
            place: where.
            item: which of the step's calls.
            values: its arguments.
            tell: hears what happens.
            rest: why the place is not to be asked now; asked for where no result is kept.
            begun: hears that the call has its turn.

        Raises:
            UnexpectedAnswer: it answered in another shape than promised, now or before; the answer is kept.
            CallFailed: it yielded nothing, or not what was expected.
            ToolkitError: it cannot be made, kept or recorded, or would exceed the budget.
        """
        bound = bind(place.endpoint, values, place=place.address)
        key = place.key(bound)
        # equal questions wait for one answer, unless each is to be asked by itself
        async with self._asked.setdefault(key, anyio.Lock()) if step.cache else nullcontext():
            if (kept := await self._kept(step, place, item, key, tell)) is not None:
                return Answer(key, kept, cached=True)
            question = Question(step, self.within + step.name, place, item, key, bound)
            if (read := await self._read_again(question)) is not None:
                return Answer(key, read.values, cached=True, is_raw=read.is_raw)
            if (why := rest()) is not None:
                return why
            with self.breaker.under_way(place.address):
                async with self.limits.turn(place, tell, patience_s=step.retry.up_to_s):
                    begun()
                    outputs = await self._send(question, tell)
            if not outputs.is_raw:
                self._answered[key] = outputs.values
        return Answer(key, outputs.values, cached=False, is_raw=outputs.is_raw)

    async def has(self, step: Step, place: Place, item: int, values: Mapping[str, object]) -> bool:
        """Whether the outputs of a call are there already; one whose arguments do not fit has none."""
        try:
            bound = bind(place.endpoint, values, place=place.address)
        except CallFailed:
            return False
        return await self._kept(step, place, item, place.key(bound), unheard) is not None

    def has_own(self, step: Step, place: Place, item: int, values: Mapping[str, object]) -> bool:
        """Whether the run received a call's outputs there before it was resumed."""
        try:
            key = place.key(bind(place.endpoint, values, place=place.address))
        except CallFailed:
            return False
        return self.journal.result(key, self.store, of=(self.run, self.within + step.name, item)) is not None

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
        if found is not None and any(map(_is_update, found)):  # an earlier version kept it as if it were data
            found = None
        if found is None or step.expect == Expect():
            return found
        try:
            await anyio.to_thread.run_sync(verify, step.expect, found, place.address)
        except BadOutput:  # kept for a step that expected less
            return None
        return found

    async def _read_again(self, question: Question) -> _Outputs | None:
        """What an answer of an unexpected shape holds that came before; None if none did.

        Raises:
            UnexpectedAnswer: it cannot be read by this step either; nothing is asked.
        """
        step, place = question.step, question.place
        with TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
            call = Call(
                place.address, place.endpoint, as_arguments(question.bound), Path(folder), step.timeout
            )
            whole = await self._unexpected.find(
                question, call, is_fresh=question.name in self.fresh, resumed=self.resumed
            )
            if whole is None:
                return None
            if place.reader is not None:
                with suppress(UnexpectedAnswer):
                    values = await place.reader.read(call, as_value(whole.answer))
                    return _Outputs(await anyio.to_thread.run_sync(self._take, step, place, values))
        if (outputs := await self._read_by_step(question, whole.answer)) is None:
            raise again(question, whole)
        return outputs

    async def _read_by_step(self, question: Question, answer: object) -> _Outputs | None:
        """An answer of an unexpected shape in which the step's own `outputs` find all that they name."""
        if (parts := parts_in(answer, question.step.outputs)) is None:
            return None
        await anyio.to_thread.run_sync(verify, question.step.expect, parts, question.place.address)
        return _Outputs((answer,), is_raw=True)

    async def _send(self, question: Question, tell: Listener) -> _Outputs:
        """Make a call that is not answered yet, and keep what comes of it."""
        step, place, key = question.step, question.place, question.key
        async with self._allowed(place) as share:
            sent = self._announce(question)
            pickup = choose_pickup(step, place, sent.size, self.times, is_watched=self.is_watched)
            remember = _Memory(partial(self.journal.job, sent.number, key))
            warnings: list[str] = []
            hear = self._hearing(place, share, warnings, tell)
            try:
                with TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
                    call = Call(
                        place.address,
                        place.endpoint,
                        as_arguments(question.bound),
                        Path(folder),
                        step.timeout,
                        job=sent.job,
                        work_s=pickup.work_s,
                        earliest_s=pickup.earliest_s,
                        remember=remember,
                    )
                    outputs = await self._called(question, sent.number, call, hear)
            except anyio.get_cancelled_exc_class():
                if remember.told is None:  # else its work may go on, and its result can be fetched
                    self.journal.failed(sent.number, key, INTERRUPTED, None)
                raise
            except OSError as cause:
                raise StorageFailed(self.scratch, cause) from cause
            except ToolkitError as failure:
                said, wait_s = (
                    (failure.said, failure.wait_s) if isinstance(failure, CallFailed) else (None, None)
                )
                self.journal.failed(sent.number, key, failure.code, said, wait_s=wait_s, spent=share.told)
                if failure.code == "unreachable" and (left := remember.told or sent.job) is not None:
                    self._left[key] = left  # the connection is gone, not the work
                raise
            self._record(sent.number, key, outputs, share.told, distinct(warnings))
            self.times.learn(place.address, place.endpoint.name, sent.size, share.told.work_s, sent.at)
        return outputs

    def _announce(self, question: Question) -> _Sent:
        """Write down that a call is about to be made, and take over what a dead process left of it.

        Raises:
            InDoubt: a dead process made it, nobody knows what came of it, and the step allows no repeat.
        """
        place, key = question.place, question.key
        size = CallSize.of(place.endpoint, question.bound) if place.kind == "space" else None
        kept = None if size is None else size.to_json()
        whose = (self.run, question.name, question.item, key)
        intent = Intent(*whose, place.kind, place.address, place.endpoint.name, place.revision, kept)
        sending, sent_at = self.journal.sent(intent, self.is_dead), time.time()
        job = sending.job or self._left.pop(key, None)
        if sending.in_doubt:
            self._doubt(question.step, place, intent, sending.call)
        return _Sent(sending.call, job, size, sent_at)

    def _hearing(self, place: Place, share: Share, warnings: list[str], tell: Listener) -> Listener:
        """A listener that counts what a call takes and keeps its warnings, and passes everything on."""

        def hear(event: CallEvent) -> None:
            if (warning := warning_in(event)) is not None and not mentions(warning, self.secrets):
                warnings.append(warning)
            match event:
                case Spent():
                    share.spent(event)
                case UsedUp(wait_s=wait_s):
                    self.limits.hold(place, wait_s)
            tell(event)

        return hear

    def _record(
        self, number: int, key: str, outputs: _Outputs, spent: Spent, warnings: Sequence[str]
    ) -> None:
        """Write down how a good call ended."""
        if outputs.is_raw:
            self.journal.failed(number, key, READ, None, spent=spent)
        elif mentions(outputs.values, self.secrets):
            self.journal.failed(number, key, WITHHELD, None, spent=spent)
        else:
            self.journal.received(number, key, outputs.values, spent, warnings)

    async def _called(self, question: Question, number: int, call: Call, hear: Listener) -> _Outputs:
        """Make the call; an answer of an unexpected shape is kept, and read by the step if it can."""
        step, place = question.step, question.place
        try:
            values = await place.runner(call, hear)
            return _Outputs(await anyio.to_thread.run_sync(self._take, step, place, values))
        except UnexpectedAnswer as failure:
            if failure.answer is None or mentions(failure.answer, self.secrets):
                raise
            await self._unexpected.keep(question, number, call, failure)
            if (outputs := await self._read_by_step(question, failure.answer)) is None:
                raise
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
        outputs = kept_outputs(self.store, place, values)
        verify(step.expect, outputs, place.address)
        return outputs


def distinct(warnings: Sequence[str]) -> tuple[str, ...]:
    """Every warning once, and no more of them than anybody reads."""
    return tuple(dict.fromkeys(warnings))[:_MOST_WARNINGS]


def _is_update(value: object) -> bool:
    """Whether a value is what an app tells its page to do, in place of what it made."""
    return isinstance(value, Mapping) and value.get("__type__") == "update"
