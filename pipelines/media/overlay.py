"""Laying a picture over another: a logo, a picture in the picture, a sticker."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread

from pipelines.artifacts.filetypes import filetype_of
from pipelines.media.coding import LARGEST, MP4_FILE, MP4_PICTURE, evened, stamp
from pipelines.media.crop import anchored
from pipelines.media.film import film_of
from pipelines.media.operation import Operation, Work, choice, needs, number, operation
from pipelines.media.pictures import file_form, opened, save
from pipelines.programs.ffmpeg import source
from spaces_registry.errors import RejectedInput
from spaces_registry.signature import File, Kind, Value

_PLACES = (
    *("bottom-right", "bottom-left", "top-right", "top-left"),
    *("center", "top", "bottom", "left", "right"),
)
_FAR = 16_384
_LONGEST_S = 86_400


async def _overlay(work: Work) -> tuple[Value, ...]:
    over = work.file("over")
    film = await film_of(work, work.file("video"))
    length, start, end = film.seconds, work.number("start"), work.maybe("end")
    if start >= length:
        raise work.refuse(f"start is {start:g} s, but the video is over after {length:.2f} s")
    if end is not None and end <= start:
        raise work.refuse(f"end is {end:g} s, which is not after start ({start:g} s)")
    until = length if end is None else min(end, length)
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        above = await _above(work, over, parts, film.rate)
        wide, high = _scaled(work, film.size[0], *above.size)
        x, y = _place(work, film.size[0] - wide, film.size[1] - high)
        graph = (
            f"{film.picture()},{evened()}[under];"
            f"{above.picture},scale={wide}:{high}:flags=bicubic+accurate_rnd,format=rgba,"
            f"colorchannelmixer=aa={work.number('opacity'):.3f},setpts=PTS+{stamp(start)}/TB[over];"
            f"[under][over]overlay={x}:{y}:eof_action={above.at_its_end}:format=auto"
            f":enable='between(t,{stamp(start)},{stamp(until)})'[v]"
        )
        result = work.made("overlay.mp4", "video/mp4")
        picture = ("-filter_complex", graph, "-map", "[v]", *MP4_PICTURE, *film.tracks())
        await work.ffmpeg().run(
            (*film.source(), *above.source, *picture, "-t", stamp(length), *MP4_FILE, result.name),
            work.tell,
            seconds=length,
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return (result,)


@dataclass(frozen=True, slots=True)
class _Above:
    """What is laid over: its input, the filters that show it, its size, and what happens when it is over."""

    source: tuple[str, ...]
    picture: str
    size: tuple[int, int]
    at_its_end: str


async def _above(work: Work, over: File, parts: Path, rate: int) -> _Above:
    """What is laid over, an image or a video; a video that is over goes away, an image stays.

    Raises:
        RejectedInput: it is neither.
    """
    found = filetype_of(over.path, over.name)
    if found.serves_as(Kind.IMAGE):
        size = await anyio.to_thread.run_sync(_as_png, work, over, parts / "over.png")
        return _Above(source(parts / "over.png"), "[1:v:0]setpts=PTS-STARTPTS", size, "repeat")
    if found.serves_as(Kind.VIDEO):
        film = await film_of(work, over)
        return _Above(
            film.source(), film.picture(1, rate=rate, over=None, until=film.shown), film.size, "pass"
        )
    raise work.refuse(f"over takes an image or a video, but {over.name!r} is {found.says}")


def _as_png(work: Work, file: File, path: Path) -> tuple[int, int]:
    image = opened(work, file)
    image.save(path, "PNG", compress_level=1)
    return image.size


def _scaled(work: Work, under: int, width: int, height: int) -> tuple[int, int]:
    """The size of what is laid over, its shape kept.

    Raises:
        RejectedInput: it would be larger than any picture.
    """
    share = work.maybe("scale")
    wide = width if share is None else max(1, round(under * share))
    high = max(1, round(height * wide / width))
    if max(wide, high) > 2 * LARGEST:
        raise too_large(work, wide, high)
    return wide, high


def too_large(work: Work, wide: int, high: int) -> RejectedInput:
    """The error for a picture beyond what can be worked with."""
    return work.refuse(f"{wide}x{high} pixels are too many", hint="give a smaller scale")


def _place(work: Work, free_x: int, free_y: int) -> tuple[int, int]:
    """Where it begins, in pixels from the left and the top of what lies below; it may stick out."""
    margin = round(work.number("margin"))
    left, top = anchored(work.word("position"), free_x - 2 * margin, free_y - 2 * margin)
    x, y = work.maybe("x"), work.maybe("y")
    return round(left + margin if x is None else x), round(top + margin if y is None else y)


async def _overlay_image(work: Work) -> tuple[Value, ...]:
    image, over = work.file("image"), work.file("over")
    return (await anyio.to_thread.run_sync(partial(_laid_over, work, image, over)),)


def _laid_over(work: Work, file: File, over: File) -> File:
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to import

    below, above = opened(work, file), opened(work, over).convert("RGBA")
    wide, high = _scaled(work, below.width, *above.size)
    above = above.resize((wide, high), Image.Resampling.LANCZOS)
    opacity = work.number("opacity")
    above.putalpha(above.getchannel("A").point(lambda level: level * opacity))
    layer = Image.new("RGBA", below.size, (0, 0, 0, 0))
    layer.paste(above, _place(work, below.width - wide, below.height - high))
    laid = Image.alpha_composite(below.convert("RGBA"), layer)
    result = laid if below.mode == "RGBA" else laid.convert("RGB")
    result.info = below.info
    return save(work, result, "overlay_image", file_form(file), 92, (0, 0, 0, 255))


_LAID = (
    choice("position", "Where it lies", *_PLACES),
    number("margin", "Pixels between it and the sides", 16, 0, LARGEST, whole=True),
    number("x", "Where it begins, in pixels from the left, instead", None, -_FAR, _FAR, whole=True),
    number("y", "Where it begins, in pixels from the top, instead", None, -_FAR, _FAR, whole=True),
    number("scale", "Its width as a share of the picture's; its own size if left out", None, 0.01, 4),
    number("opacity", "1 hides what lies below, 0 shows nothing", 1, 0, 1),
)
OVERLAY = operation(
    "overlay",
    "Lay an image or another video over a video; the sound is that of the video below.",
    (
        needs("video", Kind.VIDEO, "What lies below"),
        needs("over", Kind.FILE, "Image or video that is laid over it"),
        *_LAID,
        number("start", "When it appears, in seconds", 0, 0, _LONGEST_S),
        number("end", "When it disappears, in seconds; the end if left out", None, 0, _LONGEST_S),
    ),
    Kind.VIDEO,
    _overlay,
)
OVERLAY_IMAGE = operation(
    "overlay_image",
    "Lay an image over another.",
    (
        needs("image", Kind.IMAGE, "What lies below"),
        needs("over", Kind.IMAGE, "Image that is laid over it"),
        *_LAID,
    ),
    Kind.IMAGE,
    _overlay_image,
)
OVERLAYING: tuple[Operation, ...] = (OVERLAY, OVERLAY_IMAGE)
