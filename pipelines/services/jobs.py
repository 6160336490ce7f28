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
from pipelines.services.progress import fraction_in, whole_in
from pipelines.services.refusals import must_be_good, refused, wait_in
from pipelines.services.requests import Request
from spaces_registry.errors import (
    BadOutput,
    Building,
    Busy,
    CallFailed,
    Crashed,
    Drifted,
    Missing,
    RateLimited,
    TimedOut,
    Unreachable,
)
from spaces_registry.progress import Progress, Queued, Started
from spaces_registry.signature import Json

_LOST: Final = 6  # questions in a row that may get no answer; the work goes on meanwhile
_HICCUPS: Final = (Unreachable, TimedOut, Busy, RateLimited)
_UNKNOWN: Final = frozenset({404, 410})
_ACCEPTED: Final = 202
_FAREWELL_S: Final = 5.0
_KEPT: Final = 2000  # characters of a text in the first answer that are remembered; addresses are shorter


class Gone(Missing):
    """The service does not know the job any more, or it was canceled while nobody looked."""


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
    _place: object = None
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
        must_be_good(exchange, answer, exchange.endpoint.name)
        found = find(job.id, answer.body)
        if not isinstance(found, str | int) or isinstance(found, bool) or found == "":
            message = f"{exchange.place} took the job, but `{job.id}` is not in its answer"
            raise BadOutput(exchange.place, message)
        known: dict[str, Json] = {"id": found, "answer": _pruned(answer.body)}
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
            Gone: a job of an earlier run is not known any more.
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
        if first is None or find(status.word, first.body) is None:
            self._enter("waiting")
        elif self._judge(first):
            return first
        wait_s, lost = 0.0 if self.resumed else status.every_s, 0
        while True:
            await self._pause(wait_s)
            wait_s = min(max(wait_s * 1.5, status.every_s), status.up_to_s)
            try:
                answer = await self._question()
            except (*_HICCUPS, Building, Crashed) as failure:  # of the question, not of the job
                lost += 1
                if lost >= _LOST or isinstance(failure, _Late):
                    raise
                wait_s = max(wait_s, failure.wait_s or 0.0)
                continue
            lost = 0
            if self._judge(answer):
                return answer
            wait_s = max(wait_s, wait_in(self.exchange, answer) or 0.0)

    async def _question(self) -> Answer:
        answer = await self._ask(self.job.status.ask, None)
        if answer.status in _UNKNOWN:
            place = self.exchange.place
            if self.resumed:
                raise Gone(place, f"{place} does not know job {self.known.get('id')} any more")
            raise Unreachable(
                place, f"{place} does not know job {self.known.get('id')} (HTTP {answer.status})"
            )
        if not answer.response.is_success:
            must_be_good(self.exchange, answer, f"asking for job {self.known.get('id')}")
        return answer

    def _judge(self, answer: Answer) -> bool:
        """Whether the job is done, by an answer about it.

        Raises:
            CallFailed: it failed or was canceled.
        """
        status = self.job.status
        word = find(status.word, answer.body)
        if status.word is not None:
            unknown = "waiting" if word is None else "working"
            state = status.meanings.get(str(word).lower(), unknown)
        elif answer.status == _ACCEPTED:
            state = "waiting"
        elif status.done_when is not None:
            state = "done" if find(status.done_when, answer.body) else "waiting"
        else:
            state = "done"
        match state:
            case "done":
                must_be_good(self.exchange, answer, f"job {self.known.get('id')}")
                return True
            case "failed":
                raise refused(self.exchange, answer, f"job {self.known.get('id')}")
            case "canceled" if self.resumed:
                raise Gone(self.exchange.place, f"{self.exchange.place}: the job was canceled")
            case "canceled":
                raise Crashed(self.exchange.place, f"{self.exchange.place} canceled the job")
        self._enter(state, answer)
        return False

    def _enter(self, state: str, answer: Answer | None = None) -> None:
        """Take note of what the job does now, and tell it once."""
        status, tell = self.job.status, self.exchange.tell
        body = answer.body if answer else None
        if state == "waiting":
            position = whole_in(find(status.position, body)) or 0
            if (state, position) != (self._state, self._place):
                tell(Queued(position, position + 1))
            self._place = position
        elif self._state != state:
            if self._working_since_s is None:  # a job that says again and again that it begins has begun once
                self._working_since_s = time.monotonic()
            tell(Started())
        if (fraction := fraction_in(find(status.progress, body))) is not None:
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
            doing = "kept the job waiting" if working is None else "worked on the job"
            message = f"{self.exchange.place} {doing} for longer than {limit_s:g} s"
            raise _Late(self.exchange.place, message, hint="give the step a longer timeout")

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
            except Drifted as cause:
                if self.resumed:
                    raise Gone(self.exchange.place, cause.message) from cause
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
                message = f"{self.exchange.place} took the job, but `{ask.url}` is not in its answer"
                raise BadOutput(self.exchange.place, message)
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


class _Late(TimedOut):
    """One of the call's own clocks has run out."""


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
