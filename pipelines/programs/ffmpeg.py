"""Running ffmpeg: finding it, telling how far it is, ending it, and saying in one line why it failed.

Inputs are files from strangers. ffmpeg may therefore open files only (no network), and only as formats that
hold nothing but media: a playlist could name other files of this disk and carry them into the result.
"""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.text import TextReceiveStream

from pipelines.artifacts.disk import StorageFailed
from pipelines.programs.environment import environment_for_children
from spaces_registry.errors import CallFailed, Crashed, RejectedInput, ToolkitError
from spaces_registry.network.bounds import find_bounds, told
from spaces_registry.progress import Listener, Progress

_FORMATS = (
    "aac,aiff,apng,asf,avi,caf,flac,flv,gif,image2,matroska,mov,mp3,mpeg,mpegts,ogg,png_pipe,srt,w64,wav,"
    "webp_anim,webvtt"
)
SAFE_INPUT = ("-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS)
# the same inputs give the same bytes: no dates, no versions, and as many threads on every machine
SAME_BYTES = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "2")
_RAISE = (
    "give it a smaller one; SPACECHAIN_MAX_MEMORY, SPACECHAIN_MAX_PIXELS and SPACECHAIN_MAX_DOWNLOAD"
    " raise the limits"
)
_WARDEN = Path(__file__).with_name("warden.py")
_KILL_S = 5.0
_TAIL_LINES = 60
_GENERIC = re.compile(
    r"Conversion failed|Error opening (in|out)put|Nothing was (written|encoded)|Last message repeated|"
    r"Task finished|Terminating thread|"
    r"Error (closing|writing|while|sending|submitting|muxing|processing|marking)|"
    r"Consider increasing the value|"
    r"Could not write header|Decode error rate|At least one output|cannot be determined",
    re.IGNORECASE,
)
_DAMAGED = re.compile(
    r"Invalid data found|moov atom not found|could not find codec parameters|does not contain any stream|"
    r"matches no streams|Invalid NAL|Header missing|not on whitelist|no decodable|"
    r"Decoder .{0,100}not found|EBML",
    re.IGNORECASE,
)
_LACKING = re.compile(r"No such filter|Unknown (de|en)coder", re.IGNORECASE)
_OPENING = "Error opening input files: "
_STARVED = 123  # what the warden says of a program that failed while it had much of its memory in use
_NO_MEMORY = re.compile(r"Cannot allocate memory|out of memory|malloc of size", re.IGNORECASE)
_TOO_LARGE = re.compile(r"File too large", re.IGNORECASE)
_TOO_WIDE = re.compile(r"Picture size (\d{1,9}x\d{1,9}) exceeds|Picture size (\d{1,9}x\d{1,9}) is invalid")
_LOOK_SHARE = 3  # a program that only looks has this share of the memory
_BLOCK_SHARE = 4  # and one block this share of that: an index of 80 million samples is one
_LINE = 10_000  # characters; of a longer line the end is read
_FULL = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
_SPEAKER = re.compile(r"^(\[[^\]]*@ 0x[0-9a-f]+\]|\[[a-z0-9#:/_-]+\])\s*", re.IGNORECASE)


class MediaNotInstalled(ToolkitError):
    """Pillow or ffmpeg is needed for this and is not here."""

    code = "media-not-installed"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not installed", hint='pip install "spacechain[media]"')
        self.what = what


class NoSuchFfmpeg(ToolkitError):
    """`SPACECHAIN_FFMPEG` names something that cannot be run."""

    code = "no-such-ffmpeg"

    def __init__(self, named: str) -> None:
        super().__init__(
            f"SPACECHAIN_FFMPEG names {named!r}, which is no program",
            hint="set it to the path of ffmpeg, or leave it out",
        )
        self.named = named


def find_ffmpeg(environ: Mapping[str, str] | None = None) -> Path:
    """The ffmpeg to run.

    `SPACECHAIN_FFMPEG` comes first, since it is somebody's choice; then the build in `imageio-ffmpeg`, since
    it has the encoders that are needed and is the same on every machine; then whatever lies on PATH.

    Raises:
        NoSuchFfmpeg: the choice cannot be run.
        MediaNotInstalled: there is none at all.
    """
    environ = os.environ if environ is None else environ
    if named := environ.get("SPACECHAIN_FFMPEG"):
        if found := shutil.which(named, path=environ.get("PATH", "")):
            return Path(found)
        raise NoSuchFfmpeg(named)
    try:
        from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415 - an extra

        return Path(get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # not installed, or a wheel without a program for this machine
        if found := shutil.which("ffmpeg", path=environ.get("PATH", "")):
            return Path(found)
    raise MediaNotInstalled("ffmpeg")


def source(path: Path, *options: str) -> tuple[str, ...]:
    """The arguments that make `path` an input; a name with a dash, a colon or a `%` stays a name.

    A frame of more pixels than are worked on is not decoded, whatever the header said before.
    """
    largest = ("-max_pixels", str(find_bounds().pixels))
    return (*SAFE_INPUT, *largest, *options, "-i", f"file:{path.absolute()}")


def wardened(program: Path, arguments: Sequence[str], *, is_look: bool = False) -> tuple[str, ...]:
    """The command that runs an ffmpeg within limits, and so that it ends when standard input does.

    It needs a session of its own: whatever is in its process group ends with it. Its own limit on one block
    of memory holds on every system, and before the block is filled.

    Args:
        program: the ffmpeg.
        arguments: its arguments.
        is_look: whether it only looks at a medium, and makes none.
    """
    bounds = find_bounds()
    memory = bounds.memory_bytes // (_LOOK_SHARE if is_look else 1)
    warden = (sys.executable, "-I", "-S", str(_WARDEN), str(memory), str(bounds.download_bytes))
    return (*warden, str(program), "-max_alloc", str(memory // _BLOCK_SHARE), *arguments)


def too_wide(text: str) -> str | None:
    """What ffmpeg says of a frame that it did not decode for its size, in words that follow "it"; or None."""
    if not (found := _TOO_WIDE.search(text)):
        return None
    return f"has frames of {found[1] or found[2]} pixels, and at most {find_bounds().pixels:,} are worked on"


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """One ffmpeg, working in one folder for one place.

    Attributes:
        program: what to run.
        folder: its working folder; outputs are named relative to it.
        place: the name in error messages, e.g. `media mux`.
        names: what to call files in messages, by path.
    """

    program: Path
    folder: Path
    place: str
    names: Mapping[Path, str]

    async def run(
        self,
        arguments: Sequence[str],
        tell: Listener,
        *,
        seconds: float,
        span: tuple[float, float] = (0.0, 1.0),
    ) -> tuple[str, ...]:
        """Run ffmpeg to its end; it is killed, and gone, when this is cancelled.

        Args:
            arguments: inputs, filters and the output.
            tell: hears the progress.
            seconds: how long the output will be.
            span: the part of the whole work that this run is, as fractions.

        Returns:
            The last lines that it said while it succeeded.

        Raises:
            RejectedInput: it cannot decode what it was given.
            Crashed: it failed otherwise.
            StorageFailed: the disk is full.
        """
        quiet = ("-hide_banner", "-nostdin", "-loglevel", "error", "-nostats", "-progress", "pipe:1", "-y")
        command = wardened(self.program, (*quiet, "-filter_complex_threads", "2", *arguments))
        with anyio.CancelScope(shield=True):  # a process started is a process that must be ended
            process = await self._start(command)
        words: list[str] = []
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            assert process.stderr is not None  # noqa: S101 - asked for above
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_listen, process.stderr, words)
                await _follow(process.stdout, tell, seconds, span)
            code = await process.wait()
        finally:
            await _end(process)
        if code:
            raise self._failure(words, code)
        return tuple(words)

    async def ask(self, arguments: Sequence[str]) -> str:
        """What ffmpeg writes, on either stream; its exit code means nothing when it was only asked."""
        said: list[bytes] = []
        complaints: list[bytes] = []
        await self.look(arguments, said.append, complaints.append, most_bytes=find_bounds().said_bytes)
        return b"\n".join((b"".join(said), b"".join(complaints))).decode("utf-8", "replace")

    async def look(
        self,
        arguments: Sequence[str],
        hear: Callable[[bytes], object],
        complain: Callable[[bytes], object],
        *,
        most_bytes: int,
    ) -> None:
        """Have ffmpeg look at a medium; what it says after `most_bytes` on a stream is not waited for.

        Args:
            arguments: inputs, and what to do with them.
            hear: gets each piece of its standard output.
            complain: gets each piece of its standard error.
            most_bytes: of either stream.
        """
        with anyio.CancelScope(shield=True):
            process = await self._start(wardened(self.program, arguments, is_look=True))
        try:
            assert process.stdout is not None  # noqa: S101 - `open_process` makes both
            assert process.stderr is not None  # noqa: S101 - `open_process` makes both
            failures: list[ToolkitError] = []
            async with anyio.create_task_group() as tasks:

                async def gather(stream: ByteReceiveStream, hear: Callable[[bytes], object]) -> None:
                    try:
                        if await _gather(stream, hear, most_bytes):
                            return
                    except ToolkitError as failure:
                        failures.append(failure)
                    tasks.cancel_scope.cancel()  # enough was said

                tasks.start_soon(gather, process.stderr, complain)
                await gather(process.stdout, hear)
            if failures:
                raise failures[0]
            if not tasks.cancel_scope.cancel_called:
                await process.wait()
        finally:
            await _end(process)

    async def _start(self, command: Sequence[str]) -> Process:
        try:
            return await anyio.open_process(
                command,
                stdin=subprocess.PIPE,  # the lifeline: it ends when we do, and the program with it
                cwd=self.folder,
                env={**environment_for_children(), "AV_LOG_FORCE_NOCOLOR": "1"},
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
        except OSError as cause:
            message = f"{self.place}: {self.program.name} could not be started: {cause.strerror}"
            raise Crashed(self.place, message) from cause

    def _failure(self, words: Sequence[str], code: int) -> ToolkitError:
        said = last_words("\n".join(words), self.names) or f"exit code {code}"
        if excess := self._excess("\n".join(words), code):
            return RejectedInput(self.place, f"{self.place}: {excess}", said=said, hint=_RAISE)
        if _FULL.search("\n".join(words)):
            return StorageFailed(self.folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        if _LACKING.search("\n".join(words)):  # an ffmpeg of the user's own, with less in it
            message = f"{self.place}: {self.program} lacks a part that this needs: {said}"
            hint = "use the one that comes along: leave SPACECHAIN_FFMPEG out, and install imageio-ffmpeg"
            return Crashed(self.place, message, said=said, hint=hint)
        kind: type[CallFailed] = RejectedInput if _DAMAGED.search("\n".join(words)) else Crashed
        return kind(self.place, f"{self.place}: ffmpeg failed: {said}", said=said)

    def _excess(self, text: str, code: int) -> str | None:
        """What was more than a program here may take, in words; None if that was not why it failed."""
        named, bounds = " or ".join(repr(one) for one in dict.fromkeys(self.names.values())), find_bounds()
        if wide := too_wide(text):
            return f"{named} {wide}"
        if _TOO_LARGE.search(text):
            return f"what is made of {named} would be larger than {told(bounds.download_bytes)}"
        if _NO_MEMORY.search(text) or (code == _STARVED and not _DAMAGED.search(text)):
            return (
                f"{named} takes more than the {told(bounds.memory_bytes)} of memory that a program here has"
            )
        return None


def last_words(text: str, names: Mapping[Path, str]) -> str:
    """The line of ffmpeg's complaints that says most, without addresses and folders; empty if silent."""
    for path, name in names.items():
        text = text.replace(f"file:{path.absolute()}", name).replace(str(path.absolute()), name)
    lines = [_SPEAKER.sub("", _SPEAKER.sub("", line)).strip() for line in text.splitlines()]
    telling = [line for line in lines if line and not _GENERIC.search(line)]
    return (telling or [line for line in lines if line] or [""])[-1].removeprefix(_OPENING)


async def _gather(stream: ByteReceiveStream, hear: Callable[[bytes], object], most_bytes: int) -> bool:
    """Hear a stream; whether it ended before it had said too much."""
    async for chunk in stream:
        most_bytes -= len(chunk)
        if most_bytes < 0:
            return False
        hear(chunk)
    return True


async def _listen(stream: ByteReceiveStream, words: list[str]) -> None:
    rest = ""
    async for chunk in TextReceiveStream(stream, errors="replace"):
        *lines, rest = (rest + chunk).split("\n")
        words.extend(lines)
        del words[:-_TAIL_LINES]
        rest = rest[-_LINE:]
    words.append(rest)


async def _follow(
    stream: ByteReceiveStream, tell: Listener, seconds: float, span: tuple[float, float]
) -> None:
    """Turn what `-progress` writes, `out_time_us=1500000` a few times a second, into progress."""
    rest = ""
    start, end = span
    async for chunk in TextReceiveStream(stream, errors="replace"):
        *lines, rest = (rest + chunk).split("\n")
        rest = rest[-_LINE:]
        for line in lines:
            name, _, value = line.partition("=")
            if name == "out_time_us" and value.isdigit() and seconds > 0:
                done = min(int(value) / 1e6, seconds)
                fraction = start + (end - start) * done / seconds
                tell(Progress(done, seconds, fraction, "seconds"))


async def _end(process: Process) -> None:
    """Return when the program is gone, killed if need be: by its warden, which also waits for it."""
    with anyio.CancelScope(shield=True):
        if process.returncode is None and process.stdin is not None:
            await process.stdin.aclose()
            with anyio.move_on_after(_KILL_S):
                await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it ended this very moment
                os.killpg(process.pid, signal.SIGKILL)
        await process.aclose()
