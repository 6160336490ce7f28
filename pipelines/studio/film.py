"""A film from one picture: a camera that moves as the prompt says, and light that lives. Made with ffmpeg."""

import hashlib
import math
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

Tell: TypeAlias = Callable[[int, int, str], None]
Rng: TypeAlias = np.random.Generator

FRAMES_PER_S = 24
_LONGEST_SIDE = 768
_SMALLEST_SIDE = 64
_TELL_EVERY = 6  # frames
_ROAM = 64  # pixels


class FilmFailed(RuntimeError):
    """No film could be made of this; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Camera:
    """What part of the picture is seen: places and widths in shares of the picture, at the start and the end.

    Attributes:
        start: x and y of the middle, and the width that is seen.
        end: the same at the end.
        bow: how far the path leaves the straight line, sideways, half way.
        shake: how far a hand lets it wander.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    bow: float = 0.0
    shake: float = 0.0


_WIDE, _CLOSE = 0.97, 0.74
_MOVING = r"(?:pan|track|truck|slid|mov|drift)\w*\s+(?:\w+\s+)?"
_TILTING = r"(?:pan|tilt|crane|ris|mov)\w*\s+(?:\w+\s+)?"
# words → move; the first that match win
_MOVES: tuple[tuple[str, Camera], ...] = (
    (r"static|still|locked[- ]off|tripod", Camera((0.5, 0.5, 0.97), (0.5, 0.5, 0.955))),
    (
        r"pull(?:s|ing)?[- ](?:out|back)|zoom(?:s|ing)?[- ]out|dolly[- ]out|reveal\w*|retreat\w*",
        Camera((0.5, 0.53, _CLOSE), (0.5, 0.5, _WIDE)),
    ),
    (_MOVING + "left", Camera((0.605, 0.5, 0.78), (0.395, 0.5, 0.78))),
    (_TILTING + r"up\w*|ascend\w*", Camera((0.5, 0.61, 0.77), (0.5, 0.39, 0.77))),
    (_TILTING + r"down\w*|descend\w*", Camera((0.5, 0.39, 0.77), (0.5, 0.61, 0.77))),
    (_MOVING + r"right|pan(?:s|ning)?", Camera((0.395, 0.5, 0.78), (0.605, 0.5, 0.78))),
    (
        r"orbit\w*|circl\w*|around|arc(?:s|ing)?|aerial|drone|float\w*|drift\w*",
        Camera((0.41, 0.53, 0.83), (0.59, 0.49, 0.76), bow=0.045),
    ),
    (
        r"hand-?held|shak\w*|walk\w*|run(?:s|ning)?|chase",
        Camera((0.5, 0.52, 0.86), (0.5, 0.5, 0.79), shake=0.008),
    ),
    (
        r"push(?:es|ing)?|zoom\w*|dolly\w*|forward|toward\w*|closer|approach\w*",
        Camera((0.5, 0.5, _WIDE), (0.5, 0.53, _CLOSE)),
    ),
)
_UNSAID = (
    Camera((0.5, 0.5, _WIDE), (0.52, 0.525, 0.77)),
    Camera((0.47, 0.5, 0.9), (0.53, 0.51, 0.79), bow=0.015),
    Camera((0.43, 0.515, 0.84), (0.57, 0.5, 0.82)),
    Camera((0.5, 0.52, 0.78), (0.5, 0.5, _WIDE)),
)


def camera_for(prompt: str) -> Camera:
    """The camera move that a prompt asks for; without a word about it, one that its wording picks."""
    for words, camera in _MOVES:
        if re.search(rf"\b(?:{words})\b", prompt, re.IGNORECASE):
            return camera
    return _UNSAID[int(_dice(prompt).integers(len(_UNSAID)))]


def shoot(first_frame: Path, prompt: str, duration_s: float, file: Path, tell: Tell) -> None:
    """Film a picture: H.264 in MP4, 24 frames a second, exactly `duration_s` to the nearest frame.

    Args:
        first_frame: any picture that Pillow reads; the film is at most 768 pixels long and keeps its shape.
        prompt: words for the camera steer it.
        duration_s: seconds.
        file: is written.
        tell: hears frames done, frames in all, and what is done.

    Raises:
        FilmFailed: the picture cannot be read, or ffmpeg refuses.
    """
    picture = _open(first_frame)
    size = _film_size(picture.size)
    frames = max(1, round(duration_s * FRAMES_PER_S))
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - ffmpeg that came with the extra, no shell
            _command(size, file), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
        )
        with process:
            assert process.stdin is not None  # noqa: S101 - opened with a pipe
            try:
                for done, frame in enumerate(_frames(picture, size, prompt, frames)):
                    if done % _TELL_EVERY == 0:
                        tell(done, frames, "filming")
                    process.stdin.write(frame.tobytes())
                process.stdin.close()
            except BrokenPipeError:
                pass  # ffmpeg has ended, and says why
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            raise FilmFailed(f"ffmpeg could not write the film: {said[-1] if said else 'no reason given'}")
    tell(frames, frames, "filming")


def _open(first_frame: Path) -> Image.Image:
    try:
        with Image.open(first_frame) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as cause:
        raise FilmFailed("The first frame is not a picture that can be read.") from cause
    if min(picture.size) < _SMALLEST_SIDE:
        raise FilmFailed(
            f"The first frame is {picture.width}x{picture.height}; a side must be at least {_SMALLEST_SIDE}."
        )
    # an even, bounded size before filming makes every frame cost the same
    picture.thumbnail((round(_LONGEST_SIDE * 1.34), round(_LONGEST_SIDE * 1.34)), Image.Resampling.LANCZOS)
    return picture


def _film_size(picture: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _LONGEST_SIDE / max(picture))
    width, height = (max(2, round(side * scale / 2) * 2) for side in picture)
    return width, height


def _command(size: tuple[int, int], file: Path) -> list[str]:
    from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415 - asks the disk where ffmpeg is

    try:
        ffmpeg = str(get_ffmpeg_exe())
    except RuntimeError as cause:
        raise FilmFailed("There is no ffmpeg: imageio-ffmpeg came without one.") from cause
    return [
        ffmpeg, "-y", "-loglevel", "error", "-nostats",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}",
        "-r", str(FRAMES_PER_S), "-i", "-",
        "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "20",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
        "-movflags", "+faststart", "-an", str(file),
    ]  # fmt: skip


def _frames(picture: Image.Image, size: tuple[int, int], prompt: str, count: int) -> Iterator[Image.Image]:
    camera, rng = camera_for(prompt), _dice(prompt)
    set_up = _Lighting.over(picture, size, rng)
    wander = rng.uniform(0, 2 * math.pi, 4)
    for number in range(count):
        time_s = number / FRAMES_PER_S
        share = number / max(count - 1, 1)
        box = _box(picture.size, camera, share, time_s, wander)
        frame = picture.resize(size, Image.Resampling.BICUBIC, box=box)
        yield set_up.light(set_up.sparkle(frame, box, time_s), time_s)


def _box(
    size: tuple[int, int],
    camera: Camera,
    share: float,
    time_s: float,
    wander: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> tuple[float, float, float, float]:
    """The part of the picture that a frame shows, in pixels and their fractions."""
    eased = _eased(share)
    # widths are mixed by ratio: a zoom then has the same speed from start to end
    wide = camera.start[2] * (camera.end[2] / camera.start[2]) ** eased
    x = camera.start[0] + (camera.end[0] - camera.start[0]) * eased
    y = camera.start[1] + (camera.end[1] - camera.start[1]) * eased - camera.bow * math.sin(math.pi * eased)
    x += camera.shake * (math.sin(2.9 * time_s + wander[0]) + 0.55 * math.sin(7.3 * time_s + wander[1]))
    y += camera.shake * (math.sin(3.7 * time_s + wander[2]) + 0.55 * math.sin(8.9 * time_s + wander[3]))
    half = wide / 2
    x, y = min(max(x, half), 1 - half), min(max(y, half), 1 - half)
    return (x - half) * size[0], (y - half) * size[1], (x + half) * size[0], (y + half) * size[1]


def _eased(share: float) -> float:
    """Slow at both ends, but never still: a quarter of the way is even speed."""
    return 0.28 * share + 0.72 * (share * share * (3 - 2 * share))


def _dice(prompt: str) -> Rng:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big"))


@dataclass(frozen=True, slots=True)
class _Lighting:
    """What moves beside the camera: highlights that glitter, light that drifts, the grain of film.

    Patterns are larger than a frame by `_ROAM` pixels each way, and wander as a cut-out of them moves.
    """

    highlights: Image.Image
    glitter: Image.Image
    drift: Image.Image
    grain: Image.Image
    phase: float

    @classmethod
    def over(cls, picture: Image.Image, size: tuple[int, int], rng: Rng) -> "_Lighting":
        """Lighting for a picture that is filmed at a size."""
        grey = picture.convert("L")
        broad = grey.resize((max(2, grey.width // 14), max(2, grey.height // 14)), Image.Resampling.BOX)
        around = broad.resize(grey.size, Image.Resampling.BICUBIC)
        above = ImageChops.subtract(grey, around).point(lambda level: min(255, max(0, level - 10) * 2))
        wide, high = size[0] + 2 * _ROAM, size[1] + 2 * _ROAM
        cells = Image.fromarray(rng.integers(0, 256, (high // 5, wide // 7), np.uint8))
        glints = cells.point(lambda level: max(0, level - 150) * 2)
        clouds = Image.fromarray(rng.uniform(0, 255, (5, 6)).astype(np.uint8))
        grain = rng.normal(128, 2.3, (high, wide)).clip(0, 255).astype(np.uint8)
        return cls(
            highlights=above,
            glitter=glints.resize((wide, high), Image.Resampling.BILINEAR),
            drift=clouds.resize((wide, high), Image.Resampling.BICUBIC),
            grain=Image.fromarray(grain),
            phase=float(rng.uniform(0, 6)),
        )

    def sparkle(
        self, frame: Image.Image, box: tuple[float, float, float, float], time_s: float
    ) -> Image.Image:
        """The frame, which shows `box` of the picture, with a glitter that runs through its highlights."""
        lights = self.highlights.resize(frame.size, Image.Resampling.BILINEAR, box=box)
        lit = ImageChops.multiply(lights, _cut(self.glitter, frame.size, 36 * time_s, -22 * time_s))
        return ImageChops.add(frame, Image.merge("RGB", (lit, lit, lit)))

    def light(self, frame: Image.Image, time_s: float) -> Image.Image:
        """The frame under light that wanders over it and breathes, with fresh grain."""
        breath = 0.035 * math.sin(1.7 * time_s + self.phase) + 0.012 * math.sin(5.3 * time_s)
        low, high = 0.90 + breath, 1.0 + breath / 2
        table = [min(255, round(255 * (low + (high - low) * level / 255))) for level in range(256)]
        shade = _cut(self.drift, frame.size, 21 * time_s, 9 * time_s).point(table)
        lit = ImageChops.multiply(frame, Image.merge("RGB", (shade, shade, shade)))
        frames = time_s * FRAMES_PER_S
        noise = _cut(self.grain, frame.size, 37 * frames, 53 * frames)
        return ImageChops.add(lit, Image.merge("RGB", (noise, noise, noise)), scale=1, offset=-128)


def _cut(pattern: Image.Image, size: tuple[int, int], across: float, down: float) -> Image.Image:
    """A frame's size out of a pattern, at an offset in pixels that turns back at the pattern's edges."""
    left, top = (abs(round(offset) % (4 * _ROAM) - 2 * _ROAM) for offset in (across, down))
    return pattern.crop((left, top, left + size[0], top + size[1]))
