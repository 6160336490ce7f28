"""One file of an answer, fetched at once: whole, or, of a stream, out of its segments."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import anyio
import httpx2

from spaces_registry.clocks import Clocks
from spaces_registry.disk import what_to_do
from spaces_registry.errors import (
    BadOutput,
    CallFailed,
    FileUnavailable,
    OverBound,
    ToolkitError,
    Unreachable,
)
from spaces_registry.network.bounds import told
from spaces_registry.network.intake import Rule
from spaces_registry.network.origin import Origin, patience, scrubbed
from spaces_registry.network.refusals import line, refused_by_status
from spaces_registry.progress import Listener, Receiving
from spaces_registry.signature import File

PLAYLIST, _WHOLE = "playlist.m3u8", "playlist-file"
_TRIES = 3  # at another host, for a connection that breaks: the answer itself is there, and paid
_WAIT_S = 0.5  # before the second of them, and twice as long before the third
_MOST_SEGMENTS = 100_000


class CannotWrite(ToolkitError):
    """A file cannot be written on this machine."""

    code = "storage-failed"

    def __init__(self, path: Path, cause: OSError) -> None:
        super().__init__(f"cannot write {path}: {cause.strerror or cause}", hint=what_to_do(cause.errno))
        self.path = path


@dataclass(frozen=True, slots=True)
class Fetching:
    """Fetches one file.

    Attributes:
        origin: the app whose answer names it.
        saved: where it is written, and what it is called.
        clocks: the time limits.
        tell: hears that it comes.
    """

    origin: Origin
    saved: File
    clocks: Clocks
    tell: Listener

    async def file(self, source: str) -> None:
        """Fetch it from its address, here or at another host.

        Raises:
            BadOutput: the app does not hand it out, or it is too large.
            FileUnavailable: another host does not.
            CallFailed: it could not be fetched.
        """
        for left in reversed(range(_TRIES)):
            try:
                await self._download(source)
            except Unreachable as cause:
                host = self._other_host(_asked(cause) or source)
                if host is None:
                    raise
                if not left or not isinstance(cause.__cause__, httpx2.HTTPError):
                    raise self._unavailable(host, cause.message) from cause
                await anyio.sleep(_WAIT_S * (_TRIES - left))
            else:
                return

    async def stream(self, playlist: str) -> None:
        """Fetch what a generator streamed: the one file that Gradio makes of it, else its segments joined.

        Source: `playlist-file` and `playlist.m3u8` in `gradio/routes.py`, since Gradio 5.

        Raises:
            CallFailed: neither can be had.
        """
        parts = urlsplit(playlist)
        whole = parts._replace(path=parts.path.removesuffix(PLAYLIST) + _WHOLE).geturl()
        if await self._has(whole):
            return
        found = [urljoin(playlist, one) for one in _segments(await self._text(playlist))]
        if not found:
            raise BadOutput(self.origin.place, f"{self.origin.place} streamed nothing for {self.saved.name}")
        for one in found:
            await self._download(one, more=True)
            if (size := self.saved.path.stat().st_size) > self.origin.bounds.download_bytes:
                self.saved.path.unlink(missing_ok=True)
                raise OverBound(self.origin.place, f"{self.origin.place} streams more than {told(size)}")

    async def _has(self, whole: str) -> bool:
        """Fetch the one file, if the app makes it: that takes ffmpeg there."""
        try:
            await self._download(whole)
        except Unreachable as cause:
            if isinstance(cause.__cause__, httpx2.HTTPError):
                raise
            return False
        except (CannotWrite, OSError):
            raise
        except CallFailed:
            return False
        if self.saved.path.stat().st_size:
            return True
        self.saved.path.unlink()
        return False

    async def _text(self, playlist: str) -> str:
        limits = patience(self.clocks.connect_s, self.clocks.quiet_s)
        rule = Rule(self.origin.bounds.description_bytes)
        async with self.origin.stream("GET", playlist, limits=limits, rule=rule) as response:
            async with self.origin.bordered():
                await response.aread()
            self._require(response)
            return response.text

    async def _download(self, source: str, *, more: bool = False) -> None:
        """Write an address's bytes to the file, behind what is there if there is to be more."""
        timeout = patience(self.clocks.connect_s, self.clocks.quiet_s)
        rule = Rule(self.origin.bounds.download_bytes, is_file=True)
        path = self.saved.path
        asking = self.origin.stream("GET", source, limits=timeout, rule=rule)
        async with asking as response, self.origin.bordered():
            if not response.is_success:
                await response.aread()
            self._require(response)
            length = response.headers.get("content-length", "")
            size = int(length) if length.isdecimal() and length.isascii() else None
            self.tell(Receiving(self.saved.name, size))
            try:
                with path.open("ab" if more else "xb") as out:
                    async for chunk in response.aiter_bytes():
                        out.write(chunk)
            except OSError as cause:
                raise CannotWrite(path, cause) from cause
            except BaseException:
                path.unlink(missing_ok=True)  # half a file must not pass for one
                raise

    def _require(self, response: httpx2.Response) -> None:
        """Refuse an answer that is none."""
        if response.is_success:
            return
        place, name = self.origin.place, self.saved.name
        refusal = refused_by_status(place, response, f"fetching {name}")
        if (host := self._other_host(str(response.request.url))) is not None:
            raise self._unavailable(host, f"HTTP {response.status_code}", refusal.said)
        if response.status_code in (403, 404):
            raise BadOutput(place, f"{place} does not hand out {name}", said=refusal.said)
        raise scrubbed(refusal, self.origin)

    def _other_host(self, source: str) -> str | None:
        """The host of an address that is not the app's own."""
        try:
            url = httpx2.URL(source)
        except (httpx2.InvalidURL, ValueError):
            return None
        return None if self.origin.is_own(url) or not url.host else url.netloc.decode("ascii", "replace")

    def _unavailable(self, host: str, why: str, said: str | None = None) -> CallFailed:
        place = self.origin.place
        why = line(why.removeprefix(place).lstrip(": "))
        return scrubbed(FileUnavailable(place, host, self.saved.name, why, said), self.origin)


def _asked(failure: CallFailed) -> str | None:
    """The address at which a request broke, which may be where a redirect led."""
    try:
        cause = failure.__cause__
        return str(cause.request.url) if isinstance(cause, httpx2.RequestError) else None
    except RuntimeError:  # it broke before there was one
        return None


def _segments(playlist: str) -> Iterator[str]:
    """The addresses in a playlist, in order."""
    lines = (one.strip() for one in playlist.splitlines())
    found = [one for one in lines if one and not one.startswith("#")]
    yield from found[:_MOST_SEGMENTS]
