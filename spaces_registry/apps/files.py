"""Files on their way to an app and back: streamed, under safe and unique names, each fetched at once."""

import base64
import binascii
import mimetypes
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import anyio
import httpx2

from spaces_registry.apps.fetching import PLAYLIST, CannotWrite, Fetching
from spaces_registry.clocks import Clocks
from spaces_registry.errors import BadOutput, OverBound, RejectedInput, Unreachable
from spaces_registry.network.decoding import answered
from spaces_registry.network.origin import Origin, patience, scrubbed
from spaces_registry.network.refusals import not_json, refused_by_status
from spaces_registry.progress import Listener, Sending
from spaces_registry.signature import File, Json, Space

_AT_ONCE = 4  # downloads of one call
_LONGEST = 180  # bytes of a name, well below any file system's 255
_SUFFIX = 10  # characters of what still counts as a suffix
_RESERVED = re.compile(  # Windows opens a device by these, whatever stands behind the dot
    r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?: *\..*)?", re.IGNORECASE
)


async def upload(
    origin: Origin, space: Space, files: Iterable[File], clocks: Clocks, tell: Listener
) -> dict[File, Json]:
    """Send files to an app, each once, and return its FileData for each.

    Raises:
        RejectedInput: a file that is not there, or larger than the app takes.
        CallFailed: the app did not take it.
    """
    found = dict.fromkeys(files)
    sizes = {one: size_of(origin.place, one, space.max_file_bytes) for one in found}
    sent: dict[File, Json] = {}
    for one, size in sizes.items():
        tell(Sending(one.name, size))
        name = safe_name(one.name if PurePosixPath(one.name).suffix else one.name + one.path.suffix)
        with one.path.open("rb") as content:
            response = await origin.send(
                "POST",
                f"{space.prefix}/upload",
                limits=patience(clocks.connect_s, clocks.quiet_s),
                at_most_bytes=origin.bounds.refusal_bytes,
                files=[("files", (name, content, one.mime or "application/octet-stream"))],
            )
        sent[one] = _file_data(origin, response, name, size, one.mime)
    return sent


def size_of(place: str, file: File, limit: int | None) -> int:
    """The file's size in bytes, once it is sure that it can be read.

    Raises:
        RejectedInput: it cannot be read, or is larger than `limit`.
    """
    try:
        with file.path.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
    except OSError as cause:
        raise RejectedInput(place, f"cannot read {file.path}: {cause.strerror}") from cause
    if limit is not None and size > limit:
        message = f"{place} takes files up to {limit} bytes; {file.name!r} has {size}"
        raise RejectedInput(place, message, hint="make it smaller first")
    return size


def _file_data(origin: Origin, response: httpx2.Response, name: str, size: int, mime: str | None) -> Json:
    doing = f"sending {name}"
    if not response.is_success:
        raise scrubbed(refused_by_status(origin.place, response, doing), origin)
    try:
        answer = answered(response.content)
    except ValueError as cause:
        raise scrubbed(not_json(origin.place, response, doing), origin) from cause
    match answer:
        case [str(path), *_]:
            return {
                "path": path,
                "orig_name": name,
                "size": size,
                "mime_type": mime,
                "meta": {"_type": "gradio.FileData"},
            }
    raise Unreachable(origin.place, f"{origin.place}: {doing} was not answered with a place for it")


@dataclass(slots=True)
class Shelf:
    """The files of one call's outputs: named while the answer is read, fetched in `fill`."""

    origin: Origin
    prefix: str
    folder: Path
    _taken: set[str] = field(default_factory=set)
    _wanted: list[tuple[str, File]] = field(default_factory=list)
    _streams: set[Path] = field(default_factory=set)

    def keep(self, data: Mapping[str, Any] | str, caption: str | None) -> File:
        """A place in the folder for one FileData, data URI or URL.

        Raises:
            BadOutput: its address is none, or there are more files than one call may give.
        """
        if len(self._wanted) >= self.origin.bounds.files:
            place, most = self.origin.place, self.origin.bounds.files
            raise OverBound(place, f"{place} gives more than {most:,} files in one call")
        entry: Mapping[str, Any] = {"url": data} if isinstance(data, str) else data
        mime = entry.get("mime_type")
        try:
            source = self._source(entry)
            if source.startswith("data:"):
                mime = source[5:].partition(",")[0].partition(";")[0]
            name = safe_name(_name(entry, source, mime if isinstance(mime, str) else None))
        except ValueError as cause:  # an address such as `http://[`
            place = self.origin.place
            raise BadOutput(place, f"{place} names a file at an address that is none: {cause}") from cause
        path = self.folder / self._unique(name)
        kind = mime if isinstance(mime, str) and mime else mimetypes.guess_type(name)[0]
        url = None if source.startswith("data:") else source
        file = File(path, name, kind, url, caption)
        self._wanted.append((source, file))
        if entry.get("is_stream") is True and urlsplit(source).path.endswith(f"/{PLAYLIST}"):
            self._streams.add(path)
        return file

    def _source(self, entry: Mapping[str, Any]) -> str:
        """Where the bytes are: for a path the app's own file route, whatever host its FileData names."""
        path, url = entry.get("path") or entry.get("name"), entry.get("url") or entry.get("data")
        home = self.origin.root + self.prefix
        if isinstance(url, str) and (url.startswith("data:") or entry.get("is_stream") is True or not path):
            return url if urlsplit(url).scheme else f"{home}/{url.lstrip('/')}"
        if isinstance(path, str) and path.startswith(("http://", "https://", "data:")):
            return path
        return f"{home}/file={quote(str(path), safe='/:')}"

    def _unique(self, name: str) -> str:
        """The name, numbered if it is taken, on a file system that knows no capitals, too."""
        stem, dot, suffix = name.partition(".")
        free, number = name, 1
        while same_name(free) in self._taken or os.path.lexists(self.folder / free):
            number += 1
            free = f"{stem}-{number}{dot}{suffix}"
        self._taken.add(same_name(free))
        return free

    async def fill(self, clocks: Clocks, tell: Listener) -> None:
        """Fetch everything that was promised a place.

        Raises:
            BadOutput: the app does not hand out what it named.
            CallFailed: it could not be fetched.
        """
        limiter = anyio.CapacityLimiter(_AT_ONCE)
        failures: list[Exception] = []

        async def fetch(source: str, file: File) -> None:
            async with limiter:
                try:
                    await self._fetch(source, file, clocks, tell)
                except Exception as cause:  # noqa: BLE001 - the first one is raised below, out of the group
                    failures.append(cause)
                    group.cancel_scope.cancel()

        if len(self._wanted) == 1:  # the common case, without a group's cost
            await self._fetch(*self._wanted[0], clocks, tell)
            return
        async with anyio.create_task_group() as group:
            for source, file in self._wanted:
                group.start_soon(fetch, source, file)
        if failures:
            raise failures[0]

    async def _fetch(self, source: str, file: File, clocks: Clocks, tell: Listener) -> None:
        if source.startswith("data:"):
            content = _decoded(self.origin.place, source)
            try:
                file.path.write_bytes(content)
            except OSError as cause:
                raise CannotWrite(file.path, cause) from cause
            return
        fetching = Fetching(self.origin, file, clocks, tell)
        await (fetching.stream(source) if file.path in self._streams else fetching.file(source))


def _decoded(place: str, uri: str) -> bytes:
    head, _, text = uri.partition(",")
    try:
        return base64.b64decode(text, validate=True) if head.endswith(";base64") else unquote(text).encode()
    except (binascii.Error, ValueError) as cause:
        raise BadOutput(place, f"{place} gave a data URI that cannot be read") from cause


def _name(entry: Mapping[str, Any], source: str, mime: str | None) -> str:
    """What the app calls the file; never empty, with a suffix where one is known."""
    last = ""
    if not source.startswith("data:"):
        last = unquote(source.rpartition("file=")[2] if "/file=" in source else urlsplit(source).path)
    base = re.split(r"[/\\]", last)[-1]
    name = entry.get("orig_name")
    if not isinstance(name, str) or not name:
        name = base or "output"
    suffix = PurePosixPath(base).suffix or mimetypes.guess_extension(mime or "") or ""
    return name if PurePosixPath(name).suffix else name + suffix


def same_name(name: str) -> str:
    """What two names share that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def safe_name(name: str) -> str:
    """A plain file name out of anything: no folders or shell characters, not too long, never empty."""
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(one for one in base if one.isprintable() and one not in '<>:"|?*`$!{}')
    kept = kept.strip(" .")
    if not kept or _RESERVED.fullmatch(kept):
        kept = f"file-{kept}" if kept else "file"
    stem, dot, suffix = kept.rpartition(".")
    if not dot or len(suffix) > _SUFFIX:
        return _cut(kept, _LONGEST)
    return f"{_cut(stem, _LONGEST)}.{suffix}"


def _cut(text: str, size_bytes: int) -> str:
    return text.encode(errors="replace")[:size_bytes].decode(errors="ignore")
