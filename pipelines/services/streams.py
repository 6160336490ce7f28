"""Answers in server-sent events: pieces of text, told as they come, joined at the end."""

import httpx2

from chains.services.model import Stream
from pipelines.services.exchange import Answer, Exchange, find
from pipelines.services.refusals import lacking, must_be_good, refused, unread
from pipelines.services.requests import Request
from spaces_registry.network.chats import Chat, Part, first_choice, is_chat, is_message, parts
from spaces_registry.network.complaints import complains
from spaces_registry.network.origin import scrubbed
from spaces_registry.progress import WARNING, Logged, Written


async def listen(exchange: Exchange, stream: Stream, request: Request) -> Answer:
    """Send a request whose answer comes in events; `gives` looks into `{text, last}`.

    Raises:
        CallFailed: it was refused, or an event tells of an error.
        BadOutput: an event is none, or there is no text at all.
        Unreachable: it ends in the middle.
    """
    async with exchange.open(request, quiet_s=None) as response:
        if not response.is_success:
            must_be_good(exchange, await exchange.read(response), exchange.endpoint.name)
        async with exchange.origin.bordered():
            return await _heard(exchange, stream, response)


async def _heard(exchange: Exchange, stream: Stream, response: httpx2.Response) -> Answer:
    chat, last = Chat(exchange.place, exchange.origin.all_secrets()), None
    async for part in parts(exchange.place, response.aiter_bytes(), stream.end):
        if part.is_end:
            chat.is_ended = True
            continue
        text, reason = _read(exchange, stream, Answer(response, part.content, part.body), part)
        last = part.body
        if (piece := chat.write(text, reason)) and not part.is_whole:
            exchange.tell(Written(piece))
        chat.notice(first_choice(last))
        chat.is_ended = chat.is_ended or part.is_whole
    if rest := chat.close():
        exchange.tell(Written(rest))
    if (warning := chat.finished(must_end=stream.finish is not None)) is not None:
        exchange.tell(Logged(WARNING, warning))
    answer = Answer(response, b"", {"text": chat.text, "last": last})
    must_be_good(exchange, answer, exchange.endpoint.name)
    return answer


def _read(exchange: Exchange, stream: Stream, answer: Answer, part: Part) -> tuple[object, object]:
    """The text of an event or of a whole answer, and why the text ends, if it does.

    Raises:
        CallFailed: it tells of an error, or is no answer to a chat.
    """
    if part.is_whole:
        must_be_good(exchange, answer, exchange.endpoint.name)
    if find(stream.error, part.body) or complains(part.body):
        failure = refused(exchange, answer, "its answer" if part.is_whole else "its stream")
        if part.is_whole and failure.hint == failure.advice:
            failure.hint = lacking(exchange) or failure.hint
        raise failure
    first = first_choice(part.body)
    text = find(stream.whole if part.is_whole or is_message(first) else stream.delta, first)
    if part.is_whole and not isinstance(text, str | list) and not is_chat(first):
        raise scrubbed(unread(exchange, answer), exchange.origin)
    return text, find(stream.finish, first)
