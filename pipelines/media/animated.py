"""Animated pictures as videos.

ffmpeg decodes animated WebP, PNG and AVIF, but can neither seek in the first two nor repeat them, and of an
AVIF it shows the still picture that stands before the track. So what is to serve as a video is written out
once, without loss and with each frame's own time, before an operation sees it. GIFs are read as they are.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from pipelines.artifacts.filetypes import FileType, filetype_of
from pipelines.artifacts.probe import header_of
from pipelines.media.operation import Work
from pipelines.programs.ffmpeg import SAME_BYTES, source
from spaces_registry.errors import Crashed, RejectedInput
from spaces_registry.signature import File, Kind, Value

_DEMUXERS: Mapping[str, str] = {".webp": "webp_anim", ".png": "apng", ".avif": "mov"}
_EVERY_FRAME = (
    "-c:v",
    "ffv1",
    "-fps_mode",
    "passthrough",
    "-enc_time_base",
    "demux",
    *SAME_BYTES,
    "-f",
    "mov",
)
_HEADER_BYTES = 8


async def with_videos(work: Work) -> Work:
    """The same work, its animated pictures replaced by videos wherever a video is taken.

    Raises:
        RejectedInput: one cannot be decoded, be it damaged or the ffmpeg too old.
    """
    arguments: dict[str, Value] = dict(work.call.arguments)
    for parameter in work.call.endpoint.parameters:
        if parameter.kind == Kind.VIDEO and parameter.name in arguments:
            arguments[parameter.name] = await _replaced(work, arguments[parameter.name])
    return replace(work, call=replace(work.call, arguments=arguments))


async def _replaced(work: Work, value: Value) -> Value:
    match value:
        case File():
            found = await anyio.to_thread.run_sync(_animated, value)
            return value if found is None else await _written(work, value, found)
        case str() | Mapping():
            return value
        case Sequence():
            return [await _replaced(work, one) for one in value]
        case _:
            return value


def _animated(file: File) -> FileType | None:
    try:
        found = filetype_of(file.path, file.name)
    except OSError:
        return None  # the operation says what is wrong with it
    return found if found.extension in _DEMUXERS and found.serves_as(Kind.VIDEO) else None


async def _written(work: Work, file: File, found: FileType) -> File:
    """Every frame of an animated picture, with its time and transparency, where ffmpeg can seek."""
    folder = work.folder / "animated"
    await anyio.to_thread.run_sync(lambda: folder.mkdir(exist_ok=True))
    path = folder / f"{len([*folder.iterdir()])}.mov"
    origin, graph = file.path, "[0:v:0]null[v]"
    if found.extension == ".avif":
        origin = path.with_suffix(".mp4")
        await anyio.to_thread.run_sync(_write_track_alone, file.path, origin)
        if (await work.ffmpeg().ask(header_of(origin))).count(
            ": Video: "
        ) > 1:  # the second is the transparency
            graph = "[0:v:0][0:v:1]alphamerge[v]"
    arguments = (*source(origin), "-filter_complex", graph, "-map", "[v]", *_EVERY_FRAME)
    try:
        await work.ffmpeg().run((*arguments, str(path.relative_to(work.folder))), work.tell, seconds=0)
    except (RejectedInput, Crashed) as cause:
        if _DEMUXERS[found.extension] in await work.ffmpeg().ask(("-hide_banner", "-demuxers")):
            message = f"{file.name!r} cannot be decoded: {cause.said}"
            raise work.refuse(message, said=cause.said) from cause
        message = f"{file.name!r} is {found.says}, which this ffmpeg does not read"
        hint = "leave SPACECHAIN_FFMPEG unset to use the ffmpeg of spacechain[media], or name a newer one"
        raise work.refuse(message, said=cause.said, hint=hint) from cause
    return replace(file, path=path)


def _write_track_alone(origin: Path, target: Path) -> None:
    """Copy an AVIF so that its still picture is not seen: the box that describes it becomes a free one."""
    shutil.copyfile(origin, target)
    with target.open("r+b") as stream:
        while len(header := stream.read(_HEADER_BYTES)) == _HEADER_BYTES:
            size = int.from_bytes(header[:4], "big")
            if header[4:] == b"meta":
                stream.seek(-4, 1)
                stream.write(b"free")
                return
            if size < _HEADER_BYTES:
                return
            stream.seek(size - _HEADER_BYTES, 1)
