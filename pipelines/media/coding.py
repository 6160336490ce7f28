"""The pieces of ffmpeg's language that operations share: encoders, frames that fit, sound of one form."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from pipelines.artifacts.measures import Measures
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
HEARD = "aresample=async=1:first_pts=0"  # gaps become silence, that before a late sound as well
_TWO = "aformat=sample_fmts=fltp:channel_layouts=stereo"
# of floating samples, since of whole ones ffmpeg makes a quieter mix
_DOWNMIXED = f"aformat=sample_fmts=fltp,{_TWO},alimiter=limit=0.97:level=disabled:latency=1"
SILENCE = "anullsrc=channel_layout=stereo:sample_rate=48000"
_SCALER = "flags=bicubic+accurate_rnd+full_chroma_int"
_SIZE = re.compile(r"\s*(\d{2,4})\s*[x×]\s*(\d{2,4})\s*", re.IGNORECASE)  # noqa: RUF001 - people type it

LARGEST = 4096  # pixels of a side; H.264 players go no further
SMALLEST = 16
FASTEST, _USUAL = 60, 30  # frames a second


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
    """The filters that make width and height even, by at most a pixel, and the pixels square."""
    return f"scale='max(2,trunc(iw/2)*2)':'max(2,trunc(ih/2)*2)':{_SCALER},setsar=1"


def framed(width: int, height: int, fit: str, background: str = "black") -> str:
    """A filter that brings a picture of square pixels to one size.

    Args:
        width: pixels.
        height: pixels.
        fit: `contain` letterboxes, `cover` crops, `stretch` distorts.
        background: colour of the bars.
    """
    match fit:
        case "contain":
            scaled = f"scale={width}:{height}:force_original_aspect_ratio=decrease:{_SCALER}"
            return f"{scaled},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:{background},setsar=1"
        case "cover":
            scaled = f"scale={width}:{height}:force_original_aspect_ratio=increase:{_SCALER}"
            return f"{scaled},crop={width}:{height},setsar=1"
        case _:
            return f"scale={width}:{height}:{_SCALER},setsar=1"


def looked_at(measured: Measures, over: str | None, label: str = "") -> tuple[str, ...]:
    """The filters that make of a decoded picture what a person sees: in 8 bits, undistorted, opaque.

    Args:
        measured: the video.
        over: the colour that shows where it is transparent; None keeps the transparency.
        label: tells these filters apart from those of other pictures of the same graph.
    """
    tone = _tone_mapped(measured) if measured.hdr else ()
    square = () if measured.square else (f"scale={measured.width}:{measured.height}:{_SCALER}", "setsar=1")
    return (*tone, *square, *(_laid_over(over, label) if over and measured.alpha else ()))


def _tone_mapped(measured: Measures) -> tuple[str, ...]:
    """Standard brightness: white at 203 cd/m² (ITU-R BT.2408), and what is brighter compressed below it."""
    matrix, primaries = measured.colours or ("unknown", "unknown")
    named = (("colorspace", matrix, "bt2020nc"), ("color_primaries", primaries, "bt2020"))
    missing = [f"{name}={usual}" for name, value, usual in named if value in {"unknown", "reserved"}]
    wide = "gbrapf32le" if measured.alpha else "gbrpf32le"
    narrow = "yuva444p" if measured.alpha else "yuv444p"
    return (
        *((f"setparams={':'.join(missing)}",) if missing else ()),
        *("zscale=t=linear:npl=203", f"format={wide}", "zscale=p=bt709"),
        *("tonemap=mobius:param=0.5:desat=0", "zscale=t=bt709:m=bt709:r=tv", f"format={narrow}"),
    )


def _laid_over(background: str, label: str) -> tuple[str, ...]:
    whole, below, above = (f"[{name}{label}]" for name in ("whole", "below", "above"))
    filled = f"drawbox=color={background}@1:t=fill:replace=1"
    return (
        "format=yuva444p",
        f"split{whole}{above};{whole}{filled}{below};{below}{above}overlay=format=yuv444",
    )


def stereo(measured: Measures) -> str:
    """The filters that bring any sound to two channels of 48 kHz, as loud as it was.

    One channel goes to both sides whole; by itself ffmpeg takes 3 dB from it. More than two are mixed with
    the weights of ITU-R BS.775, and a limiter holds the few moments at which their sum is too loud.
    """
    return ",".join((f"aresample=48000:{HEARD.partition('=')[2]}", *mixed_to(2, measured), _TWO))


def mixed_to(channels: int, measured: Measures) -> tuple[str, ...]:
    """The filters that bring a sound to one channel or two, as loud as it was; none if it has so many."""
    there = measured.channels or 2
    if there == channels:
        return ()
    if there == 1:
        return ("pan=stereo|c0=c0|c1=c0",)
    both = (_DOWNMIXED,) if there > 2 else ()  # noqa: PLR2004 - a stereo sound
    return both if channels == 2 else (*both, "pan=mono|c0=0.5*c0+0.5*c1")  # noqa: PLR2004


def one_colour_form() -> str:
    """The filters that bring any picture to the colours of high definition, told so to players.

    Of clips that follow each other in one track, only what is told of the first is believed.
    """
    scaled = f"scale=out_color_matrix=bt709:out_range=tv:{_SCALER},format=yuv420p"
    return f"{scaled},setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"


def stamp(value: float) -> str:
    """A time as ffmpeg reads it, to the microsecond, never in exponents."""
    return f"{value:.6f}"


def frame_rate(measured: Measures) -> int:
    """Whole frames a second for a result made of this; some recordings claim 1000, and some nothing."""
    claimed = round(measured.fps or 0)
    return min(claimed, FASTEST) if claimed >= 1 else _USUAL


def pace(times: Sequence[float]) -> float | None:
    """Frames a second where they follow each other fast, of the moments at which they begin; None for one."""
    steps = sorted(two - one for one, two in pairwise(times) if two > one)
    return 1 / steps[len(steps) // 10] if steps else None


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
