"""Pictures that stand still, made to move: one image as a clip, several as a slide show."""

import shutil
from functools import partial
from pathlib import Path

import anyio.to_thread

from pipelines.media.coding import MP4_FILE, MP4_PICTURE, even, stamp
from pipelines.media.join import (
    TRANSITION,
    Form,
    Joint,
    between,
    chosen_size,
    faded,
    join,
    part_span,
)
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.media.pictures import colour, fitted, flattened, opened
from pipelines.programs.ffmpeg import SAFE_INPUT
from spaces_registry.signature import File, Kind, Value

_ZOOM = 1.2  # how much nearer the picture comes, and how much wider than the frame it is for a pan
_LONGEST_SIDE = 1920  # of a clip whose size is the image's own
_MOST_SLIDES_S = 600
_YUV = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv444p"


async def _still(work: Work) -> tuple[Value, ...]:
    image, motion = work.file("image"), work.word("motion")
    form = Form(*await _size(work, image), fps=int(work.number("fps")), sound=False)
    count = max(1, round(work.number("seconds") * form.fps))
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        prepared = await _prepared(work, image, form, motion, parts / "still.png")
        result = work.made("still.mp4", "video/mp4")
        arguments = _shown(prepared, form, count, motion, (0.0, 0.0))
        await work.ffmpeg().run(
            (*arguments, *MP4_PICTURE, *MP4_FILE, result.name), work.tell, seconds=count / form.fps
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return (result,)


async def _slideshow(work: Work) -> tuple[Value, ...]:
    images = work.files("images")
    form = Form(*await _size(work, images[0]), fps=int(work.number("fps")), sound=False)
    joint = Joint(work.word("transition"), work.number("transition_seconds"))
    counts = [max(1, round(work.number("seconds") * form.fps))] * len(images)
    fades = joint.fades(counts, form.fps)
    moving = work.word("motion") == "zoom"
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        clips = []
        for index, image in enumerate(images):
            motion = ("zoom-in", "zoom-out")[index % 2] if moving else "none"
            prepared = await _prepared(work, image, form, motion, parts / f"{index:04}.png")
            clip = prepared.with_suffix(".mov")
            arguments = _shown(prepared, form, counts[index], motion, fades[index])
            await work.ffmpeg().run(
                (*arguments, *between(joint), str(clip.relative_to(work.folder))),
                work.tell,
                seconds=counts[index] / form.fps,
                span=part_span(counts, index),
            )
            clips.append(clip)
        return (await join(work, clips, counts, form, joint, "slideshow.mp4"),)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


async def _size(work: Work, image: File) -> tuple[int, int]:
    """The `size` argument, or that of the image, made smaller where it is very large."""
    width, height = await anyio.to_thread.run_sync(lambda: opened(work, image).size)
    smaller = min(1.0, _LONGEST_SIDE / max(width, height))
    return chosen_size(work, max(16, even(width * smaller)), max(16, even(height * smaller)))


async def _prepared(work: Work, image: File, form: Form, motion: str, path: Path) -> Path:
    """The image as PNG, upright, at the clip's size, or larger where it is going to move."""
    scale = 1.0 if motion == "none" else _ZOOM
    size = even(form.width * scale), even(form.height * scale)
    fit, background = work.word("fit"), colour(work, "background")
    await anyio.to_thread.run_sync(partial(_prepare, work, image, size, fit, background, path))
    return path


def _prepare(
    work: Work,
    file: File,
    size: tuple[int, int],
    fit: str,
    background: tuple[int, int, int, int],
    path: Path,
) -> None:
    image = flattened(opened(work, file), background)
    fitted(image, *size, fit, (*background[:3], 255)).convert("RGB").save(path, "PNG", compress_level=1)


def _shown(path: Path, form: Form, count: int, motion: str, fades: tuple[float, float]) -> tuple[str, ...]:
    """The arguments that show one prepared image for `count` frames."""
    length = count / form.fps
    reader = ("-f", "image2", "-pattern_type", "none", "-loop", "1", "-framerate", str(form.fps))
    scaled = f"scale={form.width}:{form.height}:flags=bicubic+accurate_rnd"
    picture = (
        f"[0:v]{_YUV}{_moved(motion, count)},{scaled},setsar=1,trim=end_frame={count}"
        f"{faded('fade', fades, length)},format=yuv420p[v]"
    )
    return (
        *(*SAFE_INPUT, *reader, "-t", stamp(length + 1), "-i", f"file:{path.absolute()}"),
        *("-filter_complex", picture, "-map", "[v]"),
    )


def _moved(motion: str, count: int) -> str:
    """The filter that moves a window over the picture, with its leading comma; empty if it stands still.

    `perspective` places the window to a fraction of a pixel; `zoompan` knows whole pixels only, and jitters.
    """
    if motion == "none":
        return ""
    margin = (1 - 1 / _ZOOM) / 2  # share of a side that lies outside of the window at its nearest
    at = f"(in/{max(1, count - 1)})"
    match motion:
        case "zoom-in":
            left = right = top = f"{margin:.6f}*{at}"
        case "zoom-out":
            left = right = top = f"{margin:.6f}*(1-{at})"
        case "pan-right":
            left, right, top = f"{2 * margin:.6f}*{at}", f"{2 * margin:.6f}*(1-{at})", f"{margin:.6f}"
        case _:  # pan-left
            left, right, top = f"{2 * margin:.6f}*(1-{at})", f"{2 * margin:.6f}*{at}", f"{margin:.6f}"
    x0, x1, y0, y1 = f"W*{left}", f"W-W*{right}", f"H*{top}", f"H-H*{top}"
    corners = f"x0='{x0}':y0='{y0}':x1='{x1}':y1='{y0}':x2='{x0}':y2='{y1}':x3='{x1}':y3='{y1}'"
    return f",perspective=eval=frame:sense=source:interpolation=linear:{corners}"


_FRAME = (
    option("size", Kind.TEXT, "Like 1280x720; the image's own if left out"),
    choice("fit", "Bars, cropping or distortion where the shapes differ", "contain", "cover", "stretch"),
    option("background", Kind.TEXT, "Colour of the bars, and behind transparency", "black"),
    number("fps", "Frames a second", 30, 1, 60, whole=True),
)
STILL = operation(
    "still",
    "Make a clip of one image, standing still or with a slow camera move.",
    (
        needs("image", Kind.IMAGE, "Image"),
        number("seconds", "How long it lasts", 4, 0.1, _MOST_SLIDES_S),
        choice("motion", "Camera move", "none", "zoom-in", "zoom-out", "pan-left", "pan-right"),
        *_FRAME,
    ),
    Kind.VIDEO,
    _still,
)
SLIDESHOW = operation(
    "slideshow",
    "Show images one after another.",
    (
        needs("images", Kind.IMAGE, "Images, in order", many=True),
        number("seconds", "How long each is shown", 3, 0.1, _MOST_SLIDES_S),
        *TRANSITION,
        choice("motion", "`zoom` moves slowly in on one and out on the next", "none", "zoom"),
        *_FRAME,
    ),
    Kind.VIDEO,
    _slideshow,
)
SLIDES: tuple[Operation, ...] = (STILL, SLIDESHOW)
