"""What comes in over HTTP: unpacked, counted, and not waited for if it drips.

The HTTP library unpacks whatever packing an answer names, in one piece however large it becomes. Here only
what was asked for is unpacked, piece by piece: ten kilobytes that stand for ten gigabytes cost a message.
"""

import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import anyio
import httpx2

from spaces_registry.errors import BadOutput, OverBound, Unreachable
from spaces_registry.network.bounds import Bounds, told
from spaces_registry.network.charsets import readable_headers
from spaces_registry.network.redaction import Redactor, redacted

ACCEPTED = "gzip, deflate"
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_PIECE = 2**20
_BINARY = ("image/", "audio/", "video/", "application/octet-stream", "application/zip")
_KEPT = frozenset({"network_stream"})  # of what is known of a connection; the rest is in the place's words
ABOUT_BYTES = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Rule:
    """How one answer is taken in.

    Attributes:
        at_most_bytes: unpacked.
        is_file: whether it is a file: it has a pace to keep and a time to end in; anything else is under its
            call's own clocks.
    """

    at_most_bytes: int
    is_file: bool = False


def taken_in(
    place: str, response: httpx2.Response, rule: Rule, bounds: Bounds, secrets: tuple[str, ...] = ()
) -> httpx2.Response:
    """An answer whose body is still to be read, under a rule, without the secrets that it may repeat.

    Args:
        place: how to call who answers.
        response: as it came; its head is read.
        rule: how it is taken in.
        bounds: the limits.
        secrets: what must come through in no header and no part of the body.

    Raises:
        BadOutput: it is packed in a way that was not asked for.
    """
    response.headers = clean_headers(response, secrets)
    named = [one.strip().lower() for one in response.headers.get("content-encoding", "").split(",")]
    packings = [one for one in named if one and one != "identity"]
    if len(packings) > 1 or not _PACKED.issuperset(packings):
        packed = ", ".join(packings)[:60]
        raise BadOutput(place, f"{place} packed its answer in a way that was not asked for: {packed}")
    headers = [
        (name, text)
        for name, text in readable_headers(response.headers.raw)  # bytes: what is no ASCII stays as it came
        if not packings or name.lower() not in ABOUT_BYTES
    ]
    body = _Body(place, response, rule, bounds, packings[0] if packings else None)
    if secrets:
        kind = response.headers.get("content-type", "")
        is_binary = rule.is_file or kind.startswith(_BINARY)
        body.redactor = Redactor(secrets, same_length=is_binary)
    return httpx2.Response(
        response.status_code,
        headers=headers,
        stream=body,
        request=response.request,
        extensions={name: one for name, one in response.extensions.items() if name in _KEPT},
    )


def clean_headers(response: httpx2.Response, secrets: tuple[str, ...]) -> httpx2.Headers:
    """An answer's headers without the secrets in their names and values; what frames the body stays."""
    if not secrets:
        return response.headers
    return httpx2.Headers(
        [
            (name, text)
            if name.lower() in ABOUT_BYTES
            else (redacted(name, secrets), redacted(text, secrets))
            for name, text in response.headers.raw
        ]
    )


async def beginning(response: httpx2.Response, most_bytes: int) -> httpx2.Response:
    """An answer of which no more is read than its beginning, for one that is not what was asked for."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) >= most_bytes:
            break
    headers = [(name, text) for name, text in response.headers.raw if name.lower() not in ABOUT_BYTES]
    return httpx2.Response(
        response.status_code, headers=headers, content=bytes(content[:most_bytes]), request=response.request
    )


class _Body(httpx2.AsyncByteStream):
    """The bytes of an answer."""

    def __init__(
        self, place: str, response: httpx2.Response, rule: Rule, bounds: Bounds, packing: str | None
    ) -> None:
        self.place, self.response, self.rule, self.bounds = place, response, rule, bounds
        self.unpacker = _Unpacker(packing) if packing else None
        self.redactor: Redactor | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._bounded():
            if self.redactor is None:
                yield piece
            elif clean := self.redactor.feed(piece):
                yield clean
        if self.redactor is not None and (rest := self.redactor.end()):
            yield rest

    async def _bounded(self) -> AsyncIterator[bytes]:
        is_refusal = self.response.status_code >= 400  # noqa: PLR2004 - HTTP's first
        limit = (
            min(self.rule.at_most_bytes, self.bounds.refusal_bytes) if is_refusal else self.rule.at_most_bytes
        )
        total, pace = 0, _Pace(self.place, self.bounds) if self.rule.is_file else None
        async for raw in self.response.aiter_raw():
            for piece in self._unpacked(raw):
                total += len(piece)
                if total > limit and is_refusal:
                    yield piece[: len(piece) - (total - limit)]
                    return  # a refusal's first words are enough
                if total > limit:
                    raise OverBound(
                        self.place, f"{self.place} gives more than {told(limit)}; nobody reads that"
                    )
                yield piece
            if pace is not None:
                pace.came(len(raw))

    def _unpacked(self, raw: bytes) -> Iterator[bytes]:
        if self.unpacker is None:
            yield raw
            return
        try:
            yield from self.unpacker.feed(raw)
        except zlib.error as cause:
            raise BadOutput(self.place, f"{self.place}: its answer cannot be unpacked") from cause

    async def aclose(self) -> None:
        """Give the connection back."""
        await self.response.aclose()


class _Unpacker:
    """Unpacks gzip, of one or several parts, and deflate, with or without its own header."""

    def __init__(self, packing: str) -> None:
        self.bits = zlib.MAX_WBITS if packing == "deflate" else 16 + zlib.MAX_WBITS
        self.is_untried = packing == "deflate"
        self.inner = zlib.decompressobj(self.bits)

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """What the next bytes stand for, in pieces of bounded size."""
        while raw:
            try:
                piece = self.inner.decompress(raw, _PIECE)
            except zlib.error:
                if not self.is_untried:
                    raise
                self.bits = -zlib.MAX_WBITS
                self.inner = zlib.decompressobj(self.bits)
                piece = self.inner.decompress(raw, _PIECE)
            self.is_untried = False
            if piece:
                yield piece
            if self.inner.eof:
                raw = self.inner.unused_data
                self.inner = zlib.decompressobj(self.bits)
            else:
                raw = self.inner.unconsumed_tail


class _Pace:
    """Sees to it that a file comes at a pace worth waiting for, and ends."""

    def __init__(self, place: str, bounds: Bounds) -> None:
        self.place, self.bounds = place, bounds
        self.started = self.since = anyio.current_time()
        self.bytes = 0

    def came(self, size_bytes: int) -> None:
        """Some bytes came."""
        self.bytes += size_bytes
        now, bounds = anyio.current_time(), self.bounds
        if now - self.started > bounds.download_s:
            message = f"{self.place}: a file did not end within {bounds.download_s:g} s"
            raise Unreachable(self.place, message)
        if now - self.since >= bounds.pace_s:
            if self.bytes < bounds.pace_bytes:
                message = f"{self.place}: a file only drips, {self.bytes} bytes in {now - self.since:.0f} s"
                raise Unreachable(self.place, message)
            self.since, self.bytes = now, 0
