"""Answers in server-sent events: pieces of text, told as they come, joined at the end."""

from collections.abc import AsyncIterator

import httpx2

from chains.services.model import Stream
from pipelines.services.exchange import Answer, Exchange, find
from pipelines.services.refusals import must_be_good, refused
from pipelines.services.requests import Request
from spaces_registry.errors import BadOutput, Unreachable
from spaces_registry.network.decoding import answered
from spaces_registry.network.redaction import TextRedactor
from spaces_registry.progress import Written

_MOST = 16 * 2**20  # bytes of one event, and characters of a whole text


async def listen(exchange: Exchange, stream: Stream, request: Request) -> Answer:
    """Send a request whose answer comes in events; `gives` looks into `{text, last}`.

    Raises:
        CallFailed: it was refused, or an event tells of an error.
        BadOutput: an event is none, or there is no text at all.
        Unreachable: it ends in the middle.
    """
    async with exchange.open(request, quiet_s=None) as response:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not response.is_success or kind != "text/event-stream":
            answer = await exchange.read(response)
            must_be_good(exchange, answer, exchange.endpoint.name)
            text = find(stream.whole, answer.body)
            if not isinstance(text, str):
                raise BadOutput(
                    exchange.place, f"{exchange.place} does not answer in a stream, but with {kind}"
                )
            return Answer(response, b"", {"text": text, "last": answer.body})
        return await _joined(exchange, stream, response)


async def _joined(exchange: Exchange, stream: Stream, response: httpx2.Response) -> Answer:
    pieces: list[str] = []
    length, ended = 0, False
    last: object = None
    redactor = TextRedactor(exchange.origin.all_secrets())
    async with exchange.origin.bordered():
        async for data in events(exchange.place, response.aiter_bytes()):
            if data == stream.end:
                ended = True
                break
            try:
                last = answered(data.encode())
            except ValueError as cause:
                message = f"{exchange.place} sent an event that is no JSON: {data[:100]!r}"
                raise BadOutput(exchange.place, exchange.origin.scrub(message) or "") from cause
            if find(stream.error, last):
                raise refused(exchange, Answer(response, data.encode(), last), "its stream")
            ended = ended or bool(find(stream.finish, last))
            piece = find(stream.delta, last)
            if isinstance(piece, str) and piece:
                length += len(piece)
                _write(exchange, redactor.feed(piece), pieces)
            if length > _MOST:
                raise BadOutput(exchange.place, f"{exchange.place} does not stop writing")
    _write(exchange, redactor.end(), pieces)
    if not pieces:
        raise BadOutput(exchange.place, f"{exchange.place} wrote nothing")
    if stream.finish is not None and not ended:
        message = f"{exchange.place} broke its answer off after {length} letters"
        raise Unreachable(exchange.place, message)
    answer = Answer(response, b"", {"text": "".join(pieces), "last": last})
    must_be_good(exchange, answer, exchange.endpoint.name)
    return answer


def _write(exchange: Exchange, piece: str, pieces: list[str]) -> None:
    """Keep and tell a piece of the text, if there is anything in it."""
    if piece:
        pieces.append(piece)
        exchange.tell(Written(piece))


async def events(place: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The data of every event; several lines of one event are joined.

    Raises:
        BadOutput: an event has no end.
    """
    buffer = bytearray()
    data: list[str] = []
    async for chunk in chunks:
        buffer += chunk
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end]).rstrip(b"\r").decode("utf-8", errors="replace")
            del buffer[: end + 1]
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data = []
        if len(buffer) > _MOST:
            raise BadOutput(place, f"{place} sent an event without an end")
    rest = buffer.decode("utf-8", errors="replace").strip()
    if rest.startswith("data:"):
        data.append(rest[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)
