"""The pieces of ffmpeg's language that operations share: encoders, frames that fit, sound of one form."""

import re
from collections.abc import Mapping

from pipelines.artifacts.probe import Measures
from pipelines.programs.ffmpeg import SAME_BYTES

MP4_PICTURE = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p")
MP4_SOUND = ("-c:a", "aac", "-b:a", "192k")
MP4_FILE = (*SAME_BYTES, "-movflags", "+faststart", "-f", "mp4")
# between two runs of ffmpeg: quick, no visible loss, and sound without the gaps that AAC has at its ends
BETWEEN = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-crf",
    "10",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "pcm_s16le",
)
SOUND = "aresample=48000:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo"
SILENCE = "anullsrc=channel_layout=stereo:sample_rate=48000"
_SCALER = "flags=bicubic+accurate_rnd+full_chroma_int"
_SIZE = re.compile(r"\s*(\d{2,4})\s*[x×]\s*(\d{2,4})\s*", re.IGNORECASE)  # noqa: RUF001 - people type it

LARGEST = 4096  # pixels of a side; H.264 players go no further
SMALLEST = 16
_FASTEST, _USUAL = 60, 30  # frames a second


def parse_size(text: str) -> tuple[int, int] | None:
    """`1280x720` as two even numbers of pixels, or None if it is no size within 16 to 4096."""
    match = _SIZE.fullmatch(text)
    if not match:
        return None
    width, height = int(match[1]), int(match[2])
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        return None
    return even(width), even(height)


def even(pixels: float) -> int:
    """The nearest even number of at least 2: H.264 halves its colour planes."""
    return max(2, round(pixels / 2) * 2)


def evened() -> str:
    """A filter that makes width and height even, by at most a pixel."""
    return f"scale='max(2,trunc(iw/2)*2)':'max(2,trunc(ih/2)*2)':{_SCALER}"


def framed(width: int, height: int, fit: str, background: str = "black") -> str:
    """A filter that brings any picture to one size with square pixels.

    Args:
        width: pixels.
        height: pixels.
        fit: `contain` letterboxes, `cover` crops, `stretch` distorts.
        background: colour of the bars.
    """
    square = f"scale='max(2,iw*sar)':ih:{_SCALER},setsar=1"
    match fit:
        case "contain":
            scaled = f"scale={width}:{height}:force_original_aspect_ratio=decrease:{_SCALER}"
            return f"{square},{scaled},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:{background},setsar=1"
        case "cover":
            scaled = f"scale={width}:{height}:force_original_aspect_ratio=increase:{_SCALER}"
            return f"{square},{scaled},crop={width}:{height},setsar=1"
        case _:
            return f"scale={width}:{height}:{_SCALER},setsar=1"


def stamp(value: float) -> str:
    """A time as ffmpeg reads it, to the microsecond, never in exponents."""
    return f"{value:.6f}"


def frame_rate(measured: Measures) -> int:
    """Whole frames a second for a result made of this; some recordings claim 1000, and some nothing."""
    claimed = round(measured.fps or 0)
    return claimed if 1 <= claimed <= _FASTEST else _USUAL


_LAME = ("-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "1")
SOUND_FORMATS: Mapping[
    str, tuple[str, tuple[str, ...]]
] = {  # media type, encoder; the lossless default first
    "wav": ("audio/wav", ("-c:a", "pcm_s16le")),
    "mp3": ("audio/mpeg", _LAME),
    "ogg": ("audio/ogg", ("-c:a", "libvorbis", "-q:a", "5")),
    "flac": ("audio/flac", ("-c:a", "flac")),
    "m4a": ("audio/mp4", (*MP4_SOUND, "-f", "ipod", "-movflags", "+faststart")),
}
