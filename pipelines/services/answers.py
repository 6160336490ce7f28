"""What a service gave: found in its answer, decoded or fetched at once, of the kind that was promised."""

import base64
import binascii
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread

from chains.services.model import Ask, Given
from pipelines.artifacts.filetypes import filetype_of
from pipelines.services.exchange import QUIET_S, Answer, Exchange, as_words, find
from pipelines.services.refusals import must_be_good
from pipelines.services.requests import request_of
from spaces_registry.apps.fetching import CannotWrite
from spaces_registry.apps.files import safe_name, same_name
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import BadOutput, CallFailed, TimedOut, Unreachable
from spaces_registry.network.intake import Rule
from spaces_registry.network.origin import patience, scrubbed
from spaces_registry.network.refusals import refused_by_status
from spaces_registry.progress import Receiving
from spaces_registry.signature import File, Kind, Value

_GONE = (403, 404, 410)
_TRIES = 3  # a result is paid for; a broken connection must not lose it
_LEAST = 64  # characters of base64 that could not as well be a path
_Refusal: TypeAlias = Callable[[Given, str], BadOutput]


class Expired(BadOutput):
    """The service does not hand out what its answer names, any more."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes the outputs of one call out of an answer; files lie in the call's folder."""

    exchange: Exchange
    names: Mapping[str, object]
    _taken: set[str] = field(default_factory=set)

    async def values(self, answer: Answer) -> tuple[Value, ...]:
        """Every output, in the endpoint's order.

        Raises:
            Expired: a file is no longer there.
            BadOutput: something is missing, or not of its kind.
            CallFailed: a file could not be fetched.
        """
        return tuple([await self._value(one, answer) for one in self.exchange.endpoint.gives])

    async def _value(self, given: Given, answer: Answer) -> Value:
        told = given.told
        files = told.kind.is_file or told.kind == Kind.GALLERY
        if given.query is None:
            return await self._body(given, answer) if files else _plain(self._missing, given, _text(answer))
        found = find(given.query, answer.body)
        if found is None or (files and found in ("", [])):
            if given.optional:
                return None
            raise self._missing(given)
        if not files:
            return _plain(self._missing, given, found)
        items = [one for one in found if one] if isinstance(found, list) else [found]
        most = self.exchange.origin.bounds.files
        if len(items) > most:
            raise self._missing(given, f"it gave more than {most:,} files in one call")
        if told.many or told.kind == Kind.GALLERY:
            return tuple([await self._file(given, one) for one in items])
        return await self._file(given, items[0])

    def _missing(self, given: Given, why: str = "") -> BadOutput:
        where = f"`{given.query}`" if given.query else "its body"
        what = why or f"{where} of its answer is empty"
        message = f"{self.exchange.place} promised {given.told.name} ({given.told.kind}), but {what}"
        return BadOutput(self.exchange.place, message)

    async def _body(self, given: Given, answer: Answer) -> File:
        if not answer.content:
            raise self._missing(given)
        mime = answer.response.headers.get("content-type", "").partition(";")[0].strip()
        return await self._written(given.told.name, answer.content, mime or None)

    async def _file(self, given: Given, item: object) -> File:
        if given.fetch is not None:
            return await self._fetched(given, given.fetch, item)
        if isinstance(item, Mapping):
            item = next((item[one] for one in ("url", "b64_json", "content", "data") if item.get(one)), None)
        if not isinstance(item, str):
            raise self._missing(
                given, f"`{given.query}` holds {as_words(item) or 'nothing'} in place of a file"[:200]
            )
        form = given.form or _form_of(item)
        if form == "data-uri" or item.startswith("data:"):
            head, _, text = item.partition(",")
            content = self._decoded(given, text) if head.endswith(";base64") else unquote(text).encode()
            return await self._written(given.told.name, content, head[5:].partition(";")[0] or None)
        if form == "base64":
            return await self._written(given.told.name, self._decoded(given, item), None)
        if form is None:
            raise self._missing(given, f"`{given.query}` holds {item[:60]!r} in place of a file")
        return await self._downloaded(given, self.exchange.address(item))

    def _decoded(self, given: Given, text: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as cause:
            raise self._missing(given, "it is no base64") from cause

    async def _written(self, name: str, content: bytes, mime: str | None) -> File:
        path = self._free(name)

        def write() -> File:
            try:
                path.write_bytes(content)
                kind = filetype_of(path)
                named = path.rename(path.with_name(self._free(f"{path.name}{kind.extension}").name))
            except OSError as cause:
                raise CannotWrite(path, cause) from cause
            return File(named, named.name, mime or kind.mime)

        return await anyio.to_thread.run_sync(write)

    def _free(self, name: str) -> Path:
        stem, dot, suffix = safe_name(name).partition(".")
        free, number = f"{stem}{dot}{suffix}", 1
        while same_name(free) in self._taken:
            number += 1
            free = f"{stem}-{number}{dot}{suffix}"
        self._taken.add(same_name(free))
        return self.exchange.call.folder / free

    async def _fetched(self, given: Given, fetch: Ask, item: object) -> File:
        exchange = self.exchange
        request = request_of(exchange.place, fetch, {**self.names, "item": item})
        answer = await exchange.send(request)
        if answer.status in _GONE:
            raise self._gone(given.told.name)
        must_be_good(exchange, answer, f"fetching {given.told.name}")
        name = item.get("filename") if isinstance(item, Mapping) else None
        exchange.tell(Receiving(str(name or given.told.name), len(answer.content)))
        return await self._body(given, answer)

    async def _downloaded(self, given: Given, url: str) -> File:
        for left in reversed(range(_TRIES)):
            try:
                return await self._download(given, url)
            except (Unreachable, TimedOut):
                if not left:
                    raise
                await anyio.sleep(0.5 * (_TRIES - left))
        raise AssertionError  # pragma: no cover - the last try returns or raises

    async def _download(self, given: Given, url: str) -> File:
        exchange, origin = self.exchange, self.exchange.origin
        try:
            base = safe_name(unquote(urlsplit(url).path).rpartition("/")[2] or given.told.name)
        except ValueError as cause:
            raise self._missing(given, f"{url[:60]!r} is no address") from cause
        limits = patience(exchange.call.clocks.connect_s, QUIET_S)
        rule = Rule(origin.bounds.download_bytes, is_file=True)
        async with origin.stream("GET", url, limits=limits, rule=rule) as response, origin.bordered():
            if not response.is_success:
                await response.aread()
                if response.status_code in _GONE:
                    raise self._gone(base)
                raise scrubbed(refused_by_status(exchange.place, response, f"fetching {base}"), origin)
            mime = response.headers.get("content-type", "").partition(";")[0].strip() or None
            if "." not in base:
                base += mimetypes.guess_extension(mime or "") or ""
            length = response.headers.get("content-length", "")
            exchange.tell(Receiving(base, int(length) if length.isascii() and length.isdigit() else None))
            path = self._free(base)
            try:
                with path.open("wb") as out:
                    async for chunk in response.aiter_bytes():
                        out.write(chunk)
            except OSError as cause:
                raise CannotWrite(path, cause) from cause
        return File(path, path.name, mime, url)

    def _gone(self, name: str) -> CallFailed:
        place = self.exchange.place
        message = f"{place} does not hand out {name}; its address has expired"
        return Expired(place, message, hint="results are kept for a short time only; run the step again")


def _form_of(text: str) -> str | None:
    """What a text is that stands for a file: an address, a data URI, base64; None if it is none of them."""
    if text.startswith("data:"):
        return "data-uri"
    if text.startswith(("http://", "https://")):
        return "url"
    if len(text) >= _LEAST and not any(one in text[:_LEAST] for one in ".?&:") and _is_base64(text):
        return "base64"  # a JPEG's begins with a slash, too
    if text.startswith("/"):
        return "url"
    return "base64" if _is_base64(text) else None


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text.strip())


def _text(answer: Answer) -> str:
    return answer.content.decode("utf-8", errors="replace")


def _plain(refusal: _Refusal, given: Given, found: object) -> Value:
    """A value that is no file, of the kind that was promised."""
    if given.told.many:
        several = found if isinstance(found, list) else [found]
        return tuple(_one(refusal, given, one) for one in several)
    texts = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    if given.told.kind == Kind.TEXT and isinstance(found, list) and len(texts) == len(found):
        return "".join(texts)  # a model's text, piece by piece
    return _one(refusal, given, found)


def _one(refusal: _Refusal, given: Given, found: object) -> Value:
    match given.told.kind, found:
        case ((Kind.TEXT | Kind.CHOICE), str()):
            return found
        case ((Kind.TEXT | Kind.CHOICE), bool() | int() | float()):
            return str(found).lower() if isinstance(found, bool) else str(found)
        case Kind.BOOLEAN, bool():
            return found
        case Kind.NUMBER, int() | float() if not isinstance(found, bool) and is_finite(found):
            return found
        case Kind.INTEGER, int() | float() if (
            not isinstance(found, bool) and is_finite(found) and found == int(found)
        ):
            return int(found)
        case ((Kind.JSON | Kind.ANY), None | bool() | int() | float() | str() | Mapping() | Sequence()):
            return found
    raise refusal(given, f"it gave {as_words(found) or 'nothing'}"[:200])
