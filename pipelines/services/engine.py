"""One call of a service, from its arguments to its outputs."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import anyio
import httpx2

from chains.language.evaluate import ABSENT
from chains.services.model import Ask, Service, ServiceEndpoint
from pipelines.runners.protocol import Call
from pipelines.services.answers import Expired, Misfit, Receiver
from pipelines.services.exchange import Answer, Exchange, find
from pipelines.services.jobs import Gone, JobWork
from pipelines.services.leaves import leaves
from pipelines.services.progress import watch
from pipelines.services.refusals import must_be_good, refused
from pipelines.services.requests import Request, request_of
from pipelines.services.sizes import sized
from pipelines.services.streams import listen
from pipelines.services.uploads import Digester, Sender
from pipelines.services.workflow import filled_workflow
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import BadOutput, CallFailed, TimedOut, UnexpectedAnswer, Unreachable
from spaces_registry.network.complaints import complains
from spaces_registry.network.origin import Origin, scrubbed
from spaces_registry.network.refusals import begins_page
from spaces_registry.progress import Listener, Spent, Started
from spaces_registry.signature import Kind, Value

_REMEMBERED = 200_000  # bytes of an answer; one that is larger has its files in itself
_WHOLE = "received"  # under which an answer is remembered whose files are still to be fetched
_FAREWELL_S = 5.0  # for telling a service that its work is no longer wanted


async def perform(
    service: Service, endpoint: ServiceEndpoint, origin: Origin, call: Call, tell: Listener
) -> tuple[Value, ...]:
    """Call a service.

    Args:
        service: the vendor.
        endpoint: what of it is called.
        origin: where it is, and what it may be told.
        call: the call; a job that it remembers is asked for in place of a new one.
        tell: hears what happens.

    Returns:
        The outputs, in the endpoint's order.

    Raises:
        CallFailed: there are none; the class says why.
    """
    exchange = Exchange(service, endpoint, origin, call, tell)
    try:
        return await _performed(exchange)
    except CallFailed as failure:
        if isinstance(failure, Unreachable) and failure.said is None and failure.hint == failure.advice:
            failure.hint = _where(service, origin)
        raise scrubbed(failure, origin) from failure.__cause__


def _where(service: Service, origin: Origin) -> str:
    """The hint for a service that does not answer; the commonest is one of the user's own, not started."""
    looked = f"it was looked for at {origin.root}"
    if service.url_from is None or not service.url.startswith("http://127.0.0.1"):
        return looked
    return f"{looked}; start it, or say where it is: {service.url_from}, or `url:` in the step"


async def _performed(exchange: Exchange) -> tuple[Value, ...]:
    job = exchange.endpoint.job
    if isinstance(exchange.call.job, Mapping) and _WHOLE in exchange.call.job:
        known = Answer(httpx2.Response(200), b"", exchange.call.job[_WHOLE])
        with suppress(Expired):  # then it is asked anew
            return await _received(exchange, known, _no_names(exchange))
    elif job is not None and isinstance(exchange.call.job, Mapping):
        work = JobWork(exchange, job, exchange.call.job)
        try:
            return await _received(exchange, await work.awaited(), work.names)
        except (Gone, Expired):
            pass  # the service does not know it any more: it is asked anew
    prepared = await _prepared(exchange, Sender(exchange))
    request = request_of(
        exchange.place, exchange.endpoint.ask, prepared.names, prepared.extra, exchange.endpoint.extra
    )
    if job is not None:
        work = await JobWork.created(exchange, job, request)
        return await _received(exchange, await work.awaited(), {**prepared.names, **work.names})
    answer = await _answered(exchange, request, prepared.names)
    _remember(exchange, answer)
    return await _received(exchange, answer, prepared.names)


def _remember(exchange: Exchange, answer: Answer) -> None:
    """Keep an answer that names files elsewhere until they are fetched: the next try fetches them alone."""
    if answer.body is None or len(answer.content) > _REMEMBERED:
        return
    if any(one.form == "url" for one in leaves(answer.body)):
        exchange.call.remember({_WHOLE: json.loads(exchange.origin.scrub(json.dumps(answer.body)) or "null")})


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The arguments as templates see them, and those that the file does not declare."""

    names: Mapping[str, object]
    extra: Mapping[str, object]


async def _prepared(exchange: Exchange, sender: Sender | Digester) -> _Prepared:
    endpoint = exchange.endpoint
    given = await sized(
        endpoint, {name: value for name, value in exchange.call.arguments.items() if value is not None}
    )
    if endpoint.uses is not None and endpoint.uses in given:
        others = {
            name: await sender.sendable(value, endpoint.form_of(name))
            for name, value in given.items()
            if name != endpoint.uses
        }
        given = {
            **others,
            endpoint.uses: filled_workflow(exchange.place, given[endpoint.uses], others, endpoint),
        }
    else:
        given = {name: await sender.sendable(value, endpoint.form_of(name)) for name, value in given.items()}
    declared = {one.name for one in endpoint.takes}
    names: dict[str, object] = {**dict.fromkeys(declared, ABSENT)}
    names |= {name: value for name, value in given.items() if name in declared}
    extra = {name: value for name, value in given.items() if name not in declared}
    return _Prepared(names, extra if endpoint.extra is not None else {})


async def _answered(exchange: Exchange, request: Request, names: Mapping[str, object]) -> Answer:
    """The answer of a service that answers at once, or in a stream."""
    run_s = exchange.call.clocks.run_s
    exchange.tell(Started())
    answer: Answer | None = None
    failure: CallFailed | None = None
    try:
        with anyio.move_on_after(run_s):
            async with anyio.create_task_group() as tasks:
                if exchange.endpoint.meanwhile is not None:
                    tasks.start_soon(watch, exchange, exchange.endpoint.meanwhile, names)
                try:
                    if exchange.endpoint.stream is not None:
                        answer = await listen(exchange, exchange.endpoint.stream, request)
                    else:
                        answer = await exchange.send(request, quiet_s=None)
                        must_be_good(exchange, answer, exchange.endpoint.name)
                        if complains(answer.body):
                            raise refused(exchange, answer, exchange.endpoint.name)
                except CallFailed as caught:  # out of the group, where it would be one of several
                    failure = caught
                tasks.cancel_scope.cancel()
    except anyio.get_cancelled_exc_class():
        await say_farewell(exchange, exchange.endpoint.cancel, names)
        raise
    if failure is not None:
        raise failure
    if answer is None:
        await say_farewell(exchange, exchange.endpoint.cancel, names)
        message = f"{exchange.place} took longer than {run_s:g} s"
        raise TimedOut(exchange.place, message, hint="give the step a longer timeout")
    return answer


async def say_farewell(exchange: Exchange, ask: Ask | None, names: Mapping[str, object]) -> None:
    """Tell the service that the work is not wanted any more; whether it hears that changes nothing here."""
    if ask is None:
        return
    with anyio.move_on_after(_FAREWELL_S, shield=True):
        try:
            await exchange.ask(ask, names)
        except CallFailed:
            return


async def _received(exchange: Exchange, answer: Answer, names: Mapping[str, object]) -> tuple[Value, ...]:
    _tell_usage(exchange, answer)
    receiver = Receiver(exchange, names)
    try:
        return await receiver.values(answer)
    except Misfit as cause:
        if begins_page(answer.content):  # a proxy's, or a sign-in: not the service's, and gone tomorrow
            raise BadOutput(exchange.place, f"{cause}; it sent a web page") from cause
        hint = _made_for(exchange, whole := await receiver.whole(answer))
        message = exchange.origin.scrub(str(cause)) or ""
        raise UnexpectedAnswer(exchange.place, message, whole, hint=hint) from cause


async def read(exchange: Exchange, answer: Value) -> tuple[Value, ...]:
    """The outputs in an answer that came before, whose files were fetched then.

    Raises:
        UnexpectedAnswer: they are not in it.
        CallFailed: they cannot be had.
    """
    try:
        return await Receiver(exchange, _no_names(exchange)).values(Answer(httpx2.Response(200), b"", answer))
    except Misfit as cause:
        raise UnexpectedAnswer(exchange.place, str(cause), answer) from cause


def _no_names(exchange: Exchange) -> Mapping[str, object]:
    """What templates may mention, where nothing is known of it."""
    return {**dict.fromkeys((one.name for one in exchange.endpoint.takes), ABSENT), "job": {}}


async def request_digest(exchange: Exchange) -> str:
    """What a call asks of its service: the same for every endpoint that would send the very same request.

    Returns:
        SHA-256 in hex; empty if the request cannot be written.
    """
    endpoint = exchange.endpoint
    try:
        prepared = await _prepared(exchange, Digester())
        request = request_of(exchange.place, endpoint.ask, prepared.names, prepared.extra, endpoint.extra)
    except CallFailed:
        return ""
    sent = (exchange.origin.root, request.method, request.path, sorted(request.content.items()))
    return hashlib.sha256(repr(sent).encode(errors="replace")).hexdigest()


def _made_for(exchange: Exchange, whole: Value) -> str | None:
    """The hint at another endpoint of the service, which gives files of any shape."""
    names = [
        one.name
        for one in exchange.service.endpoints.values()
        if one.name != exchange.endpoint.name and any(given.told.kind == Kind.FILE for given in one.gives)
    ]
    if not names or not any(True for _ in leaves(whole)):
        return None
    return f"`endpoint: {names[0]}` is made for such models"


def _tell_usage(exchange: Exchange, answer: Answer) -> None:
    usage = exchange.endpoint.usage
    usd, seconds = _number(find(usage.usd, answer.body)), _number(find(usage.seconds, answer.body))
    if usd is None and usage.usd_per_second is not None and seconds is not None:
        usd = usage.usd_per_second * seconds
    if usd is None:
        usd = usage.usd_per_call
    if usd is not None or seconds is not None:
        exchange.tell(Spent(usd=usd, work_s=seconds))


def _number(value: object) -> float | None:
    """A number, also one that is written as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value) or value < 0:
        return None
    return float(value)
