"""What a service gave: found in its answer, decoded or fetched at once, of the kind that was promised."""

import mimetypes
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread

from chains.services.model import Ask, Given
from pipelines.artifacts.filetypes import filetype_of, is_medium
from pipelines.services.exchange import QUIET_S, Answer, Exchange, as_words, find
from pipelines.services.leaves import Leaf, decoded, fitting, leaves
from pipelines.services.refusals import must_be_good
from pipelines.services.requests import request_of
from spaces_registry.apps.fetching import CannotWrite
from spaces_registry.apps.files import safe_name, same_name
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import BadOutput, CallFailed, RejectedInput, TimedOut, Unreachable
from spaces_registry.network.intake import Rule
from spaces_registry.network.origin import patience, scrubbed
from spaces_registry.network.refusals import refused_by_status
from spaces_registry.progress import Logged, Receiving
from spaces_registry.signature import File, Kind, Value

_GONE = (403, 404, 410)
_TRIES = 3  # a result is paid for; a broken connection must not lose it
_Item = TypeVar("_Item")
_Refusal: TypeAlias = Callable[[Given, str], "Misfit"]


class Expired(BadOutput):
    """The service does not hand out what its answer names, any more."""


class Misfit(Exception):
    """An answer that is whole holds something else than an output should be; the text says what."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes the outputs of one call out of an answer; files lie in the call's folder."""

    exchange: Exchange
    names: Mapping[str, object]
    _taken: set[str] = field(default_factory=set)
    _files: dict[str, File] = field(default_factory=dict)

    async def values(self, answer: Answer) -> tuple[Value, ...]:
        """Every output, in the endpoint's order.

        Raises:
            Expired: a file is no longer there.
            RejectedInput: a checker held all of it back.
            Misfit: something is missing, or not of its kind.
            CallFailed: a file could not be fetched.
        """
        answer = uncensored(self.exchange, answer)
        return tuple([await self._value(one, answer) for one in self.exchange.endpoint.gives])

    async def whole(self, answer: Answer) -> Value:
        """All of an answer, with files in place of all that it says are files, as far as they can be had."""
        if answer.body is None:
            return await self._plain_body(answer)
        most = self.exchange.origin.bounds.files
        for leaf in [one for one in leaves(answer.body) if one.is_told][:most]:
            with suppress(CallFailed, Misfit):
                await self._file("file", leaf)
        return self._clean(answer.body)

    async def _plain_body(self, answer: Answer) -> Value:
        if not answer.content:
            return None
        if not is_medium(answer.content[:64]):
            return self.exchange.origin.scrub(_text(answer))
        mime = answer.response.headers.get("content-type", "").partition(";")[0].strip()
        return await self._written("answer", answer.content, mime or None)

    def _clean(self, value: object) -> Value:
        """JSON with the files that were fetched in their places, and without the key."""
        match value:
            case str():
                return self._files.get(value) or self.exchange.origin.scrub(value)
            case File() | None | bool() | int() | float():
                return value
            case Mapping():
                return {str(name): self._clean(one) for name, one in value.items()}
            case Sequence():
                return [self._clean(one) for one in value]
        return None

    async def _value(self, given: Given, answer: Answer) -> Value:
        told = given.told
        files = told.kind.is_file or told.kind == Kind.GALLERY
        if given.query is None:
            return await self._body(given, answer) if files else _plain(self._misfit, given, _text(answer))
        found = find(given.query, answer.body)
        if found is None or (files and found in ("", [])):
            if given.optional:
                return None
            raise self._misfit(given)
        if not files:
            value = _plain(self._misfit, given, found)
            return self._clean(value) if told.kind in (Kind.JSON, Kind.ANY) else value
        if given.fetch is not None:
            items = [one for one in found if one] if isinstance(found, list) else [found]
            return await self._all(given, items, partial(self._fetched, given, given.fetch))
        candidates = fitting([*leaves(found, given.form)], told.kind)
        several = await self._all(given, candidates, partial(self._file_or_page, given))
        if not several and not given.optional:
            raise self._misfit(given, f"gave {_shown(found)}")
        return several or None

    async def _all(
        self, given: Given, items: Sequence[_Item], take: Callable[[_Item], Awaitable[File | None]]
    ) -> Value:
        """The files of these, or the first of them where only one is promised; None if there is none."""
        most = self.exchange.origin.bounds.files
        if len(items) > most:
            raise self._misfit(given, f"gave more than {most:,} files in one call")
        is_single = not (given.told.many or given.told.kind == Kind.GALLERY)
        files: list[File] = []
        for one in items:
            if (file := await take(one)) is not None:
                files.append(file)
                if is_single:
                    return file
        return tuple(files) or None

    def _misfit(self, given: Given, what: str = "") -> Misfit:
        what = what or ("answered with nothing" if given.query is None else "gave none")
        return Misfit(
            f"{self.exchange.place} {what}, where {self.exchange.endpoint.name} gives {given.told.name}"
            f" ({given.told.kind})"
        )

    async def _body(self, given: Given, answer: Answer) -> File:
        if isinstance(answer.body, File):  # it was kept
            return answer.body
        if not answer.content:
            raise self._misfit(given)
        mime = answer.response.headers.get("content-type", "").partition(";")[0].strip()
        return await self._written(given.told.name, answer.content, mime or None)

    async def _file_or_page(self, given: Given, leaf: Leaf) -> File | None:
        """A file; None for an address that leads to a page, where nothing says that it is a file's."""
        file = await self._file(given.told.name, leaf)
        if leaf.is_told or filetype_of(file.path, file.name).mime != "text/html":
            return file
        self.exchange.tell(Logged("info", f"{leaf.value} is a web page, and is not taken for a file"))
        return None

    async def _file(self, name: str, leaf: Leaf) -> File:
        if isinstance(leaf.value, File):
            return leaf.value
        if leaf.form != "url" or leaf.value not in self._files:  # an address is fetched once
            self._files[leaf.value] = await self._new_file(name, leaf, leaf.value)
        return self._files[leaf.value]

    async def _new_file(self, name: str, leaf: Leaf, text: str) -> File:
        if leaf.form == "data-uri" or text.startswith("data:"):
            head, _, inner = text.partition(",")
            content = self._decoded(inner) if head.endswith(";base64") else unquote(inner).encode()
            return await self._written(name, content, head[5:].partition(";")[0] or None)
        if leaf.form == "base64":
            return await self._written(name, self._decoded(text), None)
        try:
            url = self.exchange.address(text)
        except BadOutput as cause:
            raise Misfit(cause.message) from cause
        return await self._downloaded(name, url)

    def _decoded(self, text: str) -> bytes:
        try:
            return decoded(text)
        except ValueError as cause:
            raise Misfit(f"{self.exchange.place} gave base64 that is none") from cause

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

    async def _downloaded(self, name: str, url: str) -> File:
        for left in reversed(range(_TRIES)):
            try:
                return await self._download(name, url)
            except (Unreachable, TimedOut):
                if not left:
                    raise
                await anyio.sleep(0.5 * (_TRIES - left))
        raise AssertionError  # pragma: no cover - the last try returns or raises

    async def _download(self, name: str, url: str) -> File:
        exchange, origin = self.exchange, self.exchange.origin
        try:
            base = safe_name(unquote(urlsplit(url).path).rpartition("/")[2] or name)
        except ValueError as cause:
            raise Misfit(f"{exchange.place} names {url[:60]!r}, which is no address") from cause
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


def uncensored(exchange: Exchange, answer: Answer) -> Answer:
    """An answer without what a checker held back: pictures that it made black.

    Raises:
        RejectedInput: nothing else was in it.
    """
    body, held, left = answer.body, 0, 0
    for name, query in exchange.service.censored.items():
        if not isinstance(body, Mapping) or not body.get(name):
            continue
        flags, items = find(query, body), body[name]
        several = items if isinstance(items, list) else [items]
        marks = flags if isinstance(flags, list) else [flags] * len(several)
        good = [one for at, one in enumerate(several) if at >= len(marks) or marks[at] is not True]
        if len(good) < len(several):
            body = {**body, name: good if isinstance(items, list) else None}
        held, left = held + len(several) - len(good), left + len(good)
    if not held:
        return answer
    what = f"its safety checker held back {held} of {held + left}"
    if not left:
        fields = " or ".join(dict.fromkeys(exchange.service.censored.values()))
        message, said = f"{exchange.place}: {what}", f"the safety checker made every picture black ({fields})"
        raise RejectedInput(exchange.place, message, said=said, hint="say it in other words")
    exchange.tell(Logged("warning", f"{exchange.place}: {what}; what is left is used"))
    return replace(answer, body=body)


def _shown(found: object) -> str:
    """What came in place of a file, in a few words."""
    if isinstance(found, str):
        return f"the text {found[:60]!r}"
    if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
        return f"the text {''.join(found)[:60]!r}"
    several = found if isinstance(found, list) else [found]
    said = as_words([one for one in several if one])
    return f"{said[:200]} without a file in it" if said else "none"


def _text(answer: Answer) -> str:
    if isinstance(answer.body, str) and not answer.content:
        return answer.body  # it was kept
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
    raise refusal(given, f"gave {as_words(found) or 'nothing'}"[:200])
