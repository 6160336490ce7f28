"""Cutting a part out of a picture: to a size, to a shape, or a box."""

import re
from dataclasses import dataclass

import anyio.to_thread

from pipelines.media.coding import MP4_FILE, MP4_PICTURE
from pipelines.media.film import film_of
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.media.pictures import file_form, keeps_depth, opened, save
from spaces_registry.signature import File, Kind, Value

_SIDE = 16_384
_ASPECT = re.compile(r"\s*(\d{1,5}(?:\.\d+)?)\s*[:/]\s*(\d{1,5}(?:\.\d+)?)\s*")
_ANCHORS = (
    "center",
    "top",
    "bottom",
    "left",
    "right",
    "top-left",
    "top-right",
    "bottom-left",
    "bottom-right",
)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in pixels from its left and top."""

    x: int
    y: int
    width: int
    height: int


def parse_aspect(text: str) -> float | None:
    """`16:9` as width by height; None if it is no shape."""
    match = _ASPECT.fullmatch(text)
    if not match or not float(match[1]) or not float(match[2]):
        return None
    return float(match[1]) / float(match[2])


def anchored(anchor: str, free_x: float, free_y: float) -> tuple[int, int]:
    """How far from the left and the top something begins that leaves so much room beside and above it."""
    words = anchor.split("-")
    across = 0.0 if "left" in words else 1.0 if "right" in words else 0.5
    down = 0.0 if "top" in words else 1.0 if "bottom" in words else 0.5
    return round(free_x * across), round(free_y * down)


def box_in(work: Work, width: int, height: int) -> Box:
    """What is to be cut out of a picture of that size.

    Raises:
        RejectedInput: nothing says what, or it lies outside the picture.
    """
    wide, high = _size(work, width, height)
    if wide > width or high > height:
        message = f"a part of {wide}x{high} does not fit into {width}x{height}"
        raise work.refuse(message, hint="ask for less, or bring it to size with `resize`")
    x, y = work.maybe("x"), work.maybe("y")
    left, top = anchored(work.word("anchor"), width - wide, height - high)
    left, top = round(left if x is None else x), round(top if y is None else y)
    if left + wide > width or top + high > height:
        message = f"the box ends at {left + wide}, {top + high}, outside the picture of {width}x{height}"
        raise work.refuse(message, hint="move it, or make it smaller")
    return Box(left, top, wide, high)


def _size(work: Work, width: int, height: int) -> tuple[int, int]:
    wide, high, aspect = work.maybe("width"), work.maybe("height"), work.value("aspect")
    if aspect is None:
        if wide is None and high is None:
            raise work.refuse("nothing says what to cut out", hint="give aspect, or width and height")
        return round(wide or width), round(high or height)
    shape = parse_aspect(str(aspect))
    if shape is None:
        raise work.refuse(f"aspect is {aspect!r}", hint="write it like 16:9")
    if wide is not None and high is not None:
        raise work.refuse("aspect is given, and both sides as well", hint="give aspect and at most one side")
    if wide is not None:
        return round(wide), max(1, round(wide / shape))
    if high is not None:
        return max(1, round(high * shape)), round(high)
    return max(1, min(width, round(height * shape))), max(1, min(height, round(width / shape)))


async def _crop(work: Work) -> tuple[Value, ...]:
    file = work.file("image")
    return (await anyio.to_thread.run_sync(_cropped, work, file),)


def _cropped(work: Work, file: File) -> File:
    image = opened(work, file, deep=keeps_depth(file))
    box = box_in(work, *image.size)
    part = image.crop((box.x, box.y, box.x + box.width, box.y + box.height))
    part.info = image.info
    return save(work, part, "crop", file_form(file), 92, (0, 0, 0, 255))


async def _crop_video(work: Work) -> tuple[Value, ...]:
    film = await film_of(work, work.file("video"))
    box = box_in(work, *film.size)
    wide, high = max(2, box.width // 2 * 2), max(2, box.height // 2 * 2)
    x, y = min(box.x, film.size[0] - wide), min(box.y, film.size[1] - high)
    # of full colour, a part may begin at any pixel
    part = f"format=yuv444p,crop={wide}:{high}:{max(0, x)}:{max(0, y)}:exact=1,setsar=1"
    result = work.made("crop_video.mp4", "video/mp4")
    picture = ("-filter_complex", f"{film.picture()},{part}[v]", "-map", "[v]", *MP4_PICTURE)
    await work.ffmpeg().run(
        (*film.source(), *picture, *film.tracks(), *MP4_FILE, result.name), work.tell, seconds=film.seconds
    )
    return (result,)


_PART = (
    option("aspect", Kind.TEXT, "Shape of the part, like 16:9; the largest there is, unless a side is given"),
    number("width", "Width of the part in pixels; all of it if left out", None, 1, _SIDE, whole=True),
    number("height", "Height of the part in pixels; all of it if left out", None, 1, _SIDE, whole=True),
    choice("anchor", "Which part is kept", *_ANCHORS),
    number("x", "Where it begins, in pixels from the left, instead", None, 0, _SIDE, whole=True),
    number("y", "Where it begins, in pixels from the top, instead", None, 0, _SIDE, whole=True),
)
CROP = operation(
    "crop",
    "Cut a part out of an image: to a shape, to a size, or a box.",
    (needs("image", Kind.IMAGE, "Image"), *_PART),
    Kind.IMAGE,
    _crop,
)
CROP_VIDEO = operation(
    "crop_video",
    "Cut a part out of the picture of a video: to a shape, to a size, or a box.",
    (needs("video", Kind.VIDEO, "Video"), *_PART),
    Kind.VIDEO,
    _crop_video,
)
CROPPING: tuple[Operation, ...] = (CROP, CROP_VIDEO)
