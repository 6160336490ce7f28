"""Work that a service does on its own time: created once, remembered, asked about until it is done."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import anyio

from chains.language.evaluate import ABSENT
from chains.services.model import Ask, Job
from pipelines.services.exchange import Answer, Exchange, find
from pipelines.services.progress import fraction_in
from pipelines.services.refusals import must_be_good, refused, wait_in, words_in
from pipelines.services.requests import Request
from pipelines.services.states import UNKNOWN, State, state_in, state_in_queue
from spaces_registry.errors import (
    Building,
    Busy,
    CallFailed,
    Crashed,
    Drifted,
    Missing,
    RateLimited,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from spaces_registry.network.refusals import line
from spaces_registry.progress import Progress, Queued, Started
from spaces_registry.signature import Json

_LOST: Final = 6  # questions in a row that may get no answer; the work goes on meanwhile
_HICCUPS: Final = (Unreachable, TimedOut, Busy, RateLimited)
_GONE: Final = 2  # looks in a row after which a job that the service does not know is given up
_FAREWELL_S: Final = 5.0
_KEPT: Final = 2000  # characters of a text in the first answer that are remembered; addresses are shorter


class Gone(Missing):
    """The service does not know the job any more, or it was canceled there."""


@dataclass(slots=True)
class JobWork:
    """One job.

    Attributes:
        exchange: the call.
        job: how its file describes it.
        known: its `id`, and the `answer` that it was created with; what is remembered.
        resumed: whether another run created it.
        first: the first answer, where it is at hand.
    """

    exchange: Exchange
    job: Job
    known: Mapping[str, Json]
    resumed: bool = True
    first: Answer | None = None
    _state: str = ""
    _place: int | None = None
    _is_known: bool = False
    _working_since_s: float | None = None
    _began_s: float = field(default_factory=time.monotonic)

    @classmethod
    async def created(cls, exchange: Exchange, job: Job, request: Request) -> "JobWork":
        """Create a job, and remember it before it is waited for.

        A job whose answer is not heard could neither be canceled nor asked for again, so an interruption
        waits a little for it, and cancels it.

        Raises:
            CallFailed: the service did not take it.
        """
        run_s = exchange.call.clocks.run_s
        work: JobWork | None = None
        failure: CallFailed | None = None
        try:
            async with anyio.create_task_group() as tasks:
                with anyio.CancelScope(shield=True, deadline=anyio.current_time() + run_s) as patience:
                    tasks.start_soon(_hurry, patience)
                    try:
                        work = await cls._taken(exchange, job, request)
                    except CallFailed as caught:  # out of the group, where it would be one of several
                        failure = caught
                tasks.cancel_scope.cancel()
            await anyio.lowlevel.checkpoint()
        except anyio.get_cancelled_exc_class():
            if work is not None:
                await work._cancel()  # noqa: SLF001 - it is of this class
            raise
        if failure is not None:
            raise failure
        if work is None:
            message = f"{exchange.place} did not take the job within {run_s:g} s"
            raise TimedOut(exchange.place, message, hint="give the step a longer timeout")
        return work

    @classmethod
    async def _taken(cls, exchange: Exchange, job: Job, request: Request) -> "JobWork":
        answer = await exchange.send(request, quiet_s=None)
        found = find(job.id, answer.body)
        known: dict[str, Json] = {"id": found, "answer": _pruned(answer.body)}
        is_named = isinstance(found, str | int) and not isinstance(found, bool) and found != ""
        try:
            must_be_good(exchange, answer, exchange.endpoint.name)
        except CallFailed:
            if answer.response.is_success and is_named:  # it was taken, and is not wanted like this
                await cls(exchange, job, known)._cancel()  # noqa: SLF001 - it is of this class
            raise
        if not is_named:
            hint = f"`id` of its `job` in {exchange.service.source.file} does not find one"
            message = f"{exchange.place} took the job and named none"
            raise UnexpectedAnswer(exchange.place, message, None, hint=hint)
        exchange.call.remember(known)
        return cls(exchange, job, known, resumed=False, first=answer)

    @property
    def names(self) -> Mapping[str, object]:
        """What templates about the job may mention, beside the parameters."""
        declared = dict.fromkeys((one.name for one in self.exchange.endpoint.takes), ABSENT)
        return {**declared, **self.exchange.call.arguments, "job": self.known}

    async def awaited(self) -> Answer:
        """The answer that holds the outputs, once the job is done.

        Raises:
            Gone: the service does not know it any more, or it was canceled there.
            TimedOut: it waited or worked for too long; the service was told that it is not wanted any more.
            CallFailed: it failed.
        """
        try:
            done = await self._done()
        except anyio.get_cancelled_exc_class():
            await self._cancel()
            raise
        if self.job.result is None:
            return done
        return await self._result(done)

    async def _done(self) -> Answer:
        status, first = self.job.status, self.first
        state = State(None) if first is None or status.word is None else state_in(self.job, first)
        if first is None or state.word is None:
            self._enter("waiting" if self.job.tells_waiting else "working")
        elif self._judge(state, first):
            return first
        wait_s, lost, absent = 0.0 if self.resumed else status.every_s, 0, 0
        while True:
            await self._pause(wait_s)
            wait_s = min(max(wait_s * 1.5, status.every_s), status.up_to_s)
            try:
                answer, state = await self._look()
            except (*_HICCUPS, Building, Crashed) as failure:  # of the question, not of the job
                lost += 1
                if lost >= _LOST:
                    raise self._unanswered(failure) from failure
                wait_s = max(wait_s, failure.wait_s or 0.0)
                continue
            lost = 0
            if state.word == "absent":
                absent += 1
                if absent >= self._most_absent:
                    raise self._gone(f"does not know job {self.known.get('id')} any more")
                continue
            absent, self._is_known = 0, True
            if self._judge(state, answer):
                return answer
            wait_s = max(wait_s, wait_in(self.exchange, answer) or 0.0)

    @property
    def _most_absent(self) -> int:
        """Looks in a row at which the service may not know the job.

        Right after it was created that may be a lag. Later there is a second look because a job may end
        between the two questions of the first.
        """
        return _GONE if self.resumed or self._is_known or self.job.queue is not None else _LOST

    async def _look(self) -> tuple[Answer, State]:
        """Ask once how the job is.

        Raises:
            CallFailed: the question was refused, or not answered.
        """
        answer = await self._ask(self.job.status.ask, None)
        if not answer.response.is_success and answer.status not in UNKNOWN:
            must_be_good(self.exchange, answer, f"asking for job {self.known.get('id')}")
        state, queue = state_in(self.job, answer), self.job.queue
        if state.word in (None, "absent") and queue is not None:
            return answer, state_in_queue(queue, await self._ask(queue.ask, None), self.known.get("id"))
        return answer, state

    def _unanswered(self, failure: CallFailed) -> Unreachable:
        """The job goes on, and the next try asks for it in place of creating another."""
        message = f"{self.exchange.place} says nothing of job {self.known.get('id')}: {failure.message}"
        return Unreachable(
            self.exchange.place, message, said=failure.said, wait_s=failure.wait_s, hint=failure.hint
        )

    def _gone(self, how: str) -> Gone:
        hint = "it was deleted there, or the service started anew; run the step again for a new job"
        return Gone(self.exchange.place, f"{self.exchange.place} {how}", hint=hint)

    def _judge(self, state: State, answer: Answer) -> bool:
        """Whether the job is done, by an answer about it.

        Raises:
            CallFailed: it failed or was canceled.
        """
        name = f"job {self.known.get('id')}"
        match state.word:
            case "done":
                must_be_good(self.exchange, answer, name)
                return True
            case "failed":
                raise refused(self.exchange, answer, name)
            case "canceled":
                said = words_in(self.exchange, answer)
                message = (
                    f"{self.exchange.place}: {name} was canceled there{f': {line(said)}' if said else ''}"
                )
                hint = "run the step again for a new job"
                raise Gone(self.exchange.place, message, said=said, hint=hint)
        self._enter(state.word or self._state, answer, state.position)
        return False

    def _enter(self, state: str, answer: Answer | None = None, position: int | None = None) -> None:
        """Take note of what the job does now, and tell it once."""
        status, tell = self.job.status, self.exchange.tell
        if state == "waiting":
            place = position or 0
            if (state, place) != (self._state, self._place):
                tell(Queued(place, place + 1))
            self._place = place
        elif self._state != state:
            if self._working_since_s is None:  # a job that says again and again that it begins has begun once
                self._working_since_s = time.monotonic()
            tell(Started())
        if answer and (fraction := fraction_in(find(status.progress, answer.body))) is not None:
            tell(Progress(fraction=fraction))
        self._state = state

    async def _pause(self, wait_s: float) -> None:
        """Wait, no longer than the clock allows that runs now.

        Raises:
            TimedOut: it has run out.
        """
        clocks = self.exchange.call.clocks
        working = self._working_since_s
        limit_s = clocks.queue_s if working is None else clocks.run_s
        left_s = (self._began_s if working is None else working) + limit_s - time.monotonic()
        await anyio.sleep(max(0.0, min(wait_s, left_s)))
        if left_s <= 0:
            await self._cancel()
            clock, doing = (
                ("queue", "kept the job waiting") if working is None else ("run", "worked on the job")
            )
            message = f"{self.exchange.place} {doing} for longer than {limit_s:g} s"
            hint = f"give the step a longer timeout: `timeout: {{{clock}: …}}`"
            raise TimedOut(self.exchange.place, message, hint=hint)

    async def _result(self, done: Answer) -> Answer:
        """The answer that holds the outputs, where the job's state does not."""
        ask = self.job.result
        assert ask is not None  # noqa: S101 - the caller has looked
        for left in reversed(range(_LOST)):
            try:
                answer = await self._ask(ask, done)
                must_be_good(self.exchange, answer, f"fetching the result of job {self.known.get('id')}")
            except _HICCUPS as failure:
                if not left or (failure.wait_s or 0.0) > self.exchange.call.clocks.run_s:
                    raise
                await anyio.sleep(max(self.job.status.every_s, failure.wait_s or 0.0))
            except (Drifted, Missing) as cause:
                if answer.status in UNKNOWN:
                    raise self._gone(f"has no result of job {self.known.get('id')} any more") from cause
                raise
            else:
                return answer
        raise AssertionError  # pragma: no cover - the last try returns or raises

    async def _ask(self, ask: Ask, done: Answer | None) -> Answer:
        url = None
        if ask.url is not None:
            sources = (self.known.get("answer"), done.body if done else None)
            url = next((one for source in sources if isinstance(one := find(ask.url, source), str)), None)
            if not url:
                hint = f"`url: {ask.url}` in {self.exchange.service.source.file} does not find one"
                message = f"{self.exchange.place} took the job and named no address to ask for it"
                raise UnexpectedAnswer(self.exchange.place, message, None, hint=hint)
        return await self.exchange.ask(replace(ask, url=None), self.names, url=url)

    async def _cancel(self) -> None:
        """Tell the service that the job is not wanted any more; whether it hears changes nothing here."""
        with anyio.move_on_after(_FAREWELL_S, shield=True):
            for one in self.job.cancel:
                with suppress(CallFailed):
                    await self._ask(one, None)


async def _hurry(patience: anyio.CancelScope) -> None:
    """Shorten a shielded wait when the run is interrupted."""
    try:
        await anyio.sleep_forever()
    finally:
        patience.deadline = min(patience.deadline, anyio.current_time() + _FAREWELL_S)


def _pruned(body: Any) -> Json:
    """A first answer without what is too long to be an address: inputs that it repeats, pictures."""
    match body:
        case str():
            return body if len(body) <= _KEPT else ""
        case Mapping():
            return {str(name): _pruned(one) for name, one in body.items() if name != "input"}
        case list():
            return [_pruned(one) for one in body]
        case None | bool() | int() | float():
            return body
    return None
