"""Images by Pillow: opening what a stranger sent, resizing, converting. Pillow is imported when needed."""

from __future__ import annotations

import math
import re
from array import array
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from pipelines.artifacts.filetypes import filetype_of
from pipelines.artifacts.measures import Unmeasurable
from pipelines.artifacts.pixels import picture_in
from pipelines.media.coding import LARGEST
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.programs.ffmpeg import MediaNotInstalled
from spaces_registry.network.bounds import find_bounds
from spaces_registry.signature import File, Kind, Value

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

Colour = tuple[int, int, int, int]

_NUMBERS = frozenset({"F", "I"})  # modes whose levels have no fixed white
_SIGNED = re.compile(r";16B?N?S")  # as Pillow names what it reads; these may be negative
_FORMATS = {"png": ("PNG", "image/png"), "jpeg": ("JPEG", "image/jpeg"), "webp": ("WEBP", "image/webp")}
_EXTENSIONS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}


def colour(work: Work, name: str) -> Colour:
    """A colour argument, by name or as `#rrggbb[aa]`, as red, green, blue, alpha of 0 to 255.

    Raises:
        RejectedInput: it is no colour.
    """
    try:
        from PIL import ImageColor  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as cause:
        raise MediaNotInstalled("Pillow") from cause
    text = work.word(name)
    if text == "transparent":
        return 0, 0, 0, 0
    try:
        red, green, blue, *alpha = ImageColor.getrgb(text)
    except ValueError as cause:
        raise work.refuse(f"{name} is {text!r}, which is no colour", hint="write black or #1a2b3c") from cause
    return red, green, blue, alpha[0] if alpha else 255


def opened(work: Work, file: File, *, deep: bool = False) -> Image.Image:
    """The image of a file: its first frame, upright, as RGB or RGBA, in memory. Blocking.

    Args:
        work: the call.
        file: the image.
        deep: whether 16-bit grey may stay what it is; else what is lost is told as a warning.

    Raises:
        RejectedInput: it is damaged, a drawing (SVG), too large, or of a format that Pillow does not know.
        MediaNotInstalled: Pillow is missing.
    """
    try:
        from PIL import ImageOps  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as cause:
        raise MediaNotInstalled("Pillow") from cause
    if filetype_of(file.path).extension == ".svg":
        raise work.refuse(f"{file.name!r} is an SVG drawing", hint="only images made of pixels can be used")
    try:
        with picture_in(file.path) as image:
            if getattr(image, "is_animated", False):  # the number of frames takes a look at each of them
                work.warn(f"{file.name!r} is animated; only its first frame is used")
            layout = str([one[3] for one in getattr(image, "tile", ())])
            image.load()
            ImageOps.exif_transpose(image, in_place=True)  # without a copy of what is upright already
            upright: Image.Image = image
            is_16_bit = ";16" in layout and not _SIGNED.search(layout)
            if is_16_bit and upright.mode.startswith("I"):
                if deep:
                    return _restored(upright.convert("I").convert("I;16"), upright)
                upright = _restored(
                    upright.convert("I").point(lambda value: value / 256).convert("L"), upright
                )
            if is_16_bit:
                work.warn(f"{file.name!r} has 16 bits a channel, of which 8 are kept")
            if upright.mode in _NUMBERS:
                upright = _restored(in_greys(work, file, upright), upright)
            return _plain(upright)
    except Unmeasurable as cause:
        hint = "give it a smaller one; SPACECHAIN_MAX_PIXELS raises the limit"
        message = f"{file.name!r} cannot be used: {cause.said}"
        raise work.refuse(message, said=cause.said, hint=hint) from cause
    except Exception as cause:  # Pillow's plugins raise whatever their parser met: struct.error, KeyError, …
        said = str(cause).replace(str(file.path), file.name) or type(cause).__name__
        raise work.refuse(f"{file.name!r} cannot be decoded: {said}", said=said) from cause


def _restored(image: Image.Image, origin: Image.Image) -> Image.Image:
    image.info = origin.info
    return image


def in_greys(work: Work, file: File, image: Image.Image) -> Image.Image:
    """Numbers without a scale (floats, 32 bits) as greys: the least is black, the largest white.

    A depth map counts in metres or from 0 to 1; nothing in the file says which.
    """
    numbers, is_whole = image.convert("F"), True
    least, most = _range(numbers)
    if not (math.isfinite(least) and math.isfinite(most)):
        numbers, is_whole = _finite(numbers)
        least, most = _range(numbers)
    if least == most:  # nothing to scale by: a share of white, or a grey
        level = least * 255 if image.mode == "F" and 0 <= least <= 1 else least
        return numbers.point(lambda value: value * 0 + min(max(level, 0), 255)).convert("L")
    shown = f"{file.name!r} holds numbers from {least:g} to {most:g}: the least is shown as black"
    work.warn(f"{shown}, the largest as white" + ("" if is_whole else ", what is no number as black"))
    scale = 255 / (most - least)
    return numbers.point(lambda value: value * scale + (0.5 - least * scale)).convert("L")


def _range(numbers: Image.Image) -> tuple[float, float]:
    least, most = numbers.getextrema()
    if isinstance(least, tuple) or isinstance(most, tuple):  # of several channels, which floats never have
        return 0.0, 0.0
    return float(least), float(most)


def _finite(numbers: Image.Image) -> tuple[Image.Image, bool]:
    """The picture with its least number in place of what is none; and that it is not whole."""
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to import

    values = array("f", numbers.tobytes())
    least = min(filter(math.isfinite, values), default=0.0)
    mended = array("f", (value if math.isfinite(value) else least for value in values))
    return Image.frombytes("F", numbers.size, mended.tobytes()), False


def _plain(image: Image.Image) -> Image.Image:
    """Eight bits a channel, with alpha only where there is some."""
    alpha = image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info
    mode = "RGBA" if alpha else "RGB"
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)


def without_idle_alpha(path: Path) -> None:
    """Write a PNG again without transparency if it is opaque everywhere. Blocking.

    Raises:
        MediaNotInstalled: Pillow is missing.
    """
    with picture_in(path) as image:
        if image.mode != "RGBA" or image.getchannel("A").getextrema()[0] != 255:  # noqa: PLR2004 - opaque
            return
        opaque = image.convert("RGB")
    opaque.save(path, "PNG")


def fitted(image: Image.Image, width: int, height: int, fit: str, background: Colour) -> Image.Image:
    """The image at exactly that size: `contain` adds bars, `cover` crops, `stretch` distorts."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - an extra, and slow to import

    filtering = Image.Resampling.LANCZOS
    if fit == "stretch":
        return image.resize((width, height), filtering)
    if fit == "cover":
        return ImageOps.fit(image, (width, height), filtering)
    inner = ImageOps.contain(image, (width, height), filtering)
    if inner.size == (width, height):
        return inner
    if image.mode == "I;16":  # only with bars of a grey, see `_has_grey_bars`
        deep = Image.new("I;16", (width, height), background[0] * 257)
        deep.paste(inner, ((width - inner.width) // 2, (height - inner.height) // 2))
        return deep
    canvas = Image.new("RGBA", (width, height), background)
    place = ((width - inner.width) // 2, (height - inner.height) // 2)
    canvas.paste(inner, place)  # bars around the picture, nothing behind it: its own transparency stays
    return canvas if image.mode == "RGBA" or background[3] < 255 else canvas.convert("RGB")  # noqa: PLR2004


def flattened(image: Image.Image, background: Colour) -> Image.Image:
    """The image without transparency, over a background."""
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to import

    if image.mode != "RGBA":
        return image
    canvas = Image.new("RGBA", image.size, (*background[:3], 255))
    return Image.alpha_composite(canvas, image).convert("RGB")


def save(work: Work, image: Image.Image, stem: str, form: str, quality: int, background: Colour) -> File:
    """Write an image into the call's folder; what cannot be transparent is laid over `background`."""
    written, mime = _FORMATS[form]
    result = work.made(stem + _EXTENSIONS[form], mime)
    if form == "jpeg":
        image = flattened(image, background)
    extra = {} if form == "png" else {"quality": quality}
    icc = image.info.get("icc_profile")
    image.save(result.path, written, icc_profile=icc, **extra)
    return result


async def _resize(work: Work) -> tuple[Value, ...]:
    file, background, fit = work.file("image"), colour(work, "background"), work.word("fit")
    width, height = work.maybe("width"), work.maybe("height")
    if width is None and height is None:
        raise work.refuse("neither width nor height is given", hint="give one, or both")
    return (await anyio.to_thread.run_sync(partial(_resized, work, file, width, height, fit, background)),)


def _resized(
    work: Work, file: File, width: float | None, height: float | None, fit: str, background: Colour
) -> File:
    image = opened(work, file, deep=keeps_depth(file) and _has_grey_bars(background))
    wide = round(width or (height or 0) * image.width / image.height) or 1
    high = round(height or (width or 0) * image.height / image.width) or 1
    if wide * high > find_bounds().pixels:
        raise work.refuse(f"{wide}x{high} pixels are too many")
    shape = (
        fit if width and height else "stretch"
    )  # one side given: the other follows, and nothing is left to fit
    result = fitted(image, wide, high, shape, background)
    result.info = image.info
    form = file_form(file)
    return save(work, result, "resize", form, 92, background)


def _has_grey_bars(background: Colour) -> bool:
    red, green, blue, alpha = background
    return red == green == blue and alpha == 255  # noqa: PLR2004 - not transparent


def keeps_depth(file: File) -> bool:
    """Whether what is read from a file is written in a format that holds 16 bits a channel."""
    return filetype_of(file.path).extension not in {".jpg", ".webp"}


def file_form(file: File) -> str:
    """The format to write an image in that was read from `file`: its own, or PNG if that is not offered."""
    with picture_in(file.path) as image:
        form = (image.format or "").lower()
    return form if form in _FORMATS else "png"


async def _convert(work: Work) -> tuple[Value, ...]:
    file, form = work.file("image"), work.word("format")
    quality, background = int(work.number("quality")), colour(work, "background")
    return (
        await anyio.to_thread.run_sync(
            lambda: save(work, opened(work, file, deep=form == "png"), "convert", form, quality, background)
        ),
    )


RESIZE = operation(
    "resize",
    "Bring an image to another size.",
    (
        needs("image", Kind.IMAGE, "Image"),
        number("width", "Width in pixels; follows the height if left out", None, 1, LARGEST * 4, whole=True),
        number("height", "Height in pixels; follows the width if left out", None, 1, LARGEST * 4, whole=True),
        choice("fit", "Bars, cropping or distortion where the shapes differ", "contain", "cover", "stretch"),
        option("background", Kind.TEXT, "Colour of the bars; `transparent` is one", "black"),
    ),
    Kind.IMAGE,
    _resize,
)
CONVERT = operation(
    "convert",
    "Write an image in another format.",
    (
        needs("image", Kind.IMAGE, "Image"),
        choice("format", "Format", "png", "jpeg", "webp"),
        number("quality", "Quality of JPEG and WebP", 90, 1, 100, whole=True),
        option("background", Kind.TEXT, "What transparency becomes in JPEG", "white"),
    ),
    Kind.IMAGE,
    _convert,
)
PICTURES: tuple[Operation, ...] = (RESIZE, CONVERT)
