"""Laying a picture over another: a logo, a picture in the picture, a sticker."""

import shutil
from functools import partial
from pathlib import Path

import anyio.to_thread

from pipelines.artifacts.filetypes import filetype_of
from pipelines.media.coding import LARGEST, MP4_FILE, MP4_PICTURE, MP4_SOUND, evened, frame_rate, stamp
from pipelines.media.crop import anchored
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
    video, over = work.file("video"), work.file("over")
    measured = await work.picture(video)
    length = await work.seconds(video, "v")
    start, end = work.number("start"), work.maybe("end")
    if start >= length:
        raise work.refuse(f"start is {start:g} s, but the video is over after {length:.2f} s")
    if end is not None and end <= start:
        raise work.refuse(f"end is {end:g} s, which is not after start ({start:g} s)")
    width, height = measured.width or 2, measured.height or 2
    found = filetype_of(over.path, over.name)
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        if found.serves_as(Kind.IMAGE):
            over_width, over_height = await anyio.to_thread.run_sync(_as_png, work, over, parts / "over.png")
            shown = source(parts / "over.png")
        elif found.serves_as(Kind.VIDEO):
            moving = await work.picture(over)
            over_width, over_height = moving.width or 2, moving.height or 2
            shown = source(over.path)
        else:
            raise work.refuse(f"over takes an image or a video, but {over.name!r} is {found.says}")
        wide, high = _scaled(work, width, over_width, over_height)
        x, y = _place(work, width - wide, height - high)
        until = length if end is None else min(end, length)
        graph = (
            f"[0:v:0]fps={frame_rate(measured)},{evened()}[under];"
            f"[1:v:0]scale={wide}:{high}:flags=bicubic+accurate_rnd,format=rgba,"
            f"colorchannelmixer=aa={work.number('opacity'):.3f},setpts=PTS-STARTPTS+{stamp(start)}/TB[over];"
            f"[under][over]overlay={x}:{y}:eof_action={_at_its_end(found.serves_as(Kind.IMAGE))}:format=auto"
            f":enable='between(t,{stamp(start)},{stamp(until)})'[v]"
        )
        result = work.made("overlay.mp4", "video/mp4")
        sound = ("-map", "0:a:0", *MP4_SOUND) if measured.has_audio else ()
        picture = ("-filter_complex", graph, "-map", "[v]", *MP4_PICTURE, "-t", stamp(length))
        await work.ffmpeg().run(
            (*source(video.path), *shown, *picture, *sound, *MP4_FILE, result.name), work.tell, seconds=length
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return (result,)


def _at_its_end(is_still: bool) -> str:  # noqa: FBT001 - the one thing it says
    """A video that is over goes away; an image stays."""
    return "repeat" if is_still else "pass"


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
