"""One call, with all that makes it safe: its limit, its place in the journal, its files in the store.

The order is the promise: bytes in the store, then the journal says so, then the step counts as done.
"""

import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import anyio
import anyio.to_thread

from chains.model import Expect, Step
from pipelines.artifacts import Artifact, StorageFailed, Store
from pipelines.engine.binding import as_arguments, bind
from pipelines.engine.breaker import Breaker, Rest
from pipelines.engine.budget import Amounts, Budgets, Share
from pipelines.engine.expectations import verify
from pipelines.engine.limits import Limits
from pipelines.engine.results import Result
from pipelines.engine.unexpected import (
    Question,
    UnexpectedAnswers,
    again,
    as_value,
    must_be_of_kind,
    parts_in,
)
from pipelines.journal import READ, Dead, Intent, Journal, nobody
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, CallFailed, InDoubt, ToolkitError, UnexpectedAnswer
from spaces_registry.network.decoding import sendable
from spaces_registry.progress import CallEvent, Listener, Logged, Spent, UsedUp, unheard
from spaces_registry.signature import File, Json, Kind, Return, Value

INTERRUPTED, WITHHELD = "interrupted", "withheld"
WORTH_PROTECTING_S = 10.0  # of work: less is sooner done again than lost to view


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

    async def _kept(
        self, step: Step, place: Place, item: int, key: str, tell: Listener
    ) -> tuple[object, ...] | None:
        """An answer of this run, or of an earlier one if the step does not ask for a fresh one."""
        name = self.within + step.name

        def damaged(file: str) -> None:
            self.journal.runs.happened(self.run, "damaged", name, {"item": item, "file": file})
            tell(Logged("warning", f"{file} was kept from before, and is damaged: it is made again"))

        found = None
        if self.resumed:
            of = (self.run, name, item)
            found = self.journal.result(key, self.store, of=of, user=self.run, damaged=damaged)
        if found is None and step.cache:
            found = self._answered.get(key)
            if found is None and name not in self.fresh:
                found = self.journal.result(key, self.store, user=self.run, damaged=damaged)
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
        return await self._read_by_step(question, whole.answer) or _refuse(again(question, whole))

    async def _read_by_step(self, question: Question, answer: object) -> _Outputs | None:
        """An answer of an unexpected shape in which the step's own `outputs` find all that they name."""
        if (parts := parts_in(answer, question.step.outputs)) is None:
            return None
        await anyio.to_thread.run_sync(verify, question.step.expect, parts, question.place.address)
        return _Outputs((answer,), is_raw=True)

    async def _send(self, question: Question, tell: Listener) -> _Outputs:
        step, place, item, key = question.step, question.place, question.item, question.key
        async with self._allowed(place) as share:
            name, called = question.name, place.endpoint.name
            intent = Intent(self.run, name, item, key, place.kind, place.address, called, place.revision)
            sending = self.journal.sent(intent, self.is_dead)
            number, job = sending.call, sending.job or self._left.pop(key, None)
            if sending.in_doubt:
                self._doubt(step, place, intent, number)
            remember = _Memory(partial(self.journal.job, number, key))

            def hear(event: CallEvent) -> None:
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
                        as_arguments(question.bound),
                        Path(folder),
                        step.timeout,
                        job=job,
                        work_s=self._left_alone_s(step, place),
                        remember=remember,
                    )
                    outputs = await self._called(question, number, call, hear)
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
                if failure.code == "unreachable" and remember.told is not None:
                    self._left[key] = remember.told  # the connection is gone, not the work
                raise
            if outputs.is_raw:
                self.journal.failed(number, key, READ, None, spent=share.told)
            elif _mentions(outputs.values, self.secrets):
                self.journal.failed(number, key, WITHHELD, None, spent=share.told)
            else:
                self.journal.received(number, key, outputs.values, share.told)
        return outputs

    async def _called(self, question: Question, number: int, call: Call, hear: Listener) -> _Outputs:
        """Make the call; an answer of an unexpected shape is kept, and read by the step if it can."""
        step, place = question.step, question.place
        try:
            values = await place.runner(call, hear)
            return _Outputs(await anyio.to_thread.run_sync(self._take, step, place, values))
        except UnexpectedAnswer as failure:
            if _mentions(failure.answer, self.secrets):
                raise
            await self._unexpected.keep(question, number, call, failure)
            if (outputs := await self._read_by_step(question, failure.answer)) is None:
                raise
            return outputs

    def _left_alone_s(self, step: Step, place: Place) -> float | None:
        """How long the result of a call is to be left in a Space's memory; None to follow it at once."""
        if place.kind != "space" or step.pickup == "attached":
            return None
        work_s = self.journal.work_s(place.address, place.endpoint.name)
        is_worth_it = step.pickup == "detached" or (work_s or 0.0) >= WORTH_PROTECTING_S
        return work_s if is_worth_it else None

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
            raise UnexpectedAnswer(place.address, message, tuple(values))
        if not place.is_here:
            must_be_of_kind(place.address, place.endpoint, values)
        kept: dict[Path, Artifact] = {}
        return tuple(
            self._keep_one(place, one, value, kept) for one, value in zip(returns, values, strict=True)
        )

    def _keep_one(self, place: Place, told: Return, value: Value, kept: dict[Path, Artifact]) -> object:
        """A value with its files in the store; one file may stand at several places of an answer."""
        match value:
            case File():
                if value.path not in kept:
                    kind = _kind_in(told)
                    kept[value.path] = self.store.keep(value, kind, place=place.address, consume=True)
                return kept[value.path]
            case str():
                return sendable(value)
            case float() if not math.isfinite(value):
                return None  # as in all JSON that others wrote
            case None:
                return value
            case Mapping():
                return {sendable(name): self._keep_one(place, told, one, kept) for name, one in value.items()}
            case Sequence():
                return tuple(self._keep_one(place, told, one, kept) for one in value)
            case _:
                return value


def _kind_in(told: Return) -> Kind:
    """The kind of a file in a return's value: within JSON, whatever its bytes are."""
    return told.kind if told.kind.is_file or told.kind == Kind.GALLERY else Kind.ANY


def _refuse(failure: CallFailed) -> NoReturn:
    raise failure


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
