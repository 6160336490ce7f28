"""What can be measured of an image, a sound or a video, and the error where it cannot."""

from dataclasses import dataclass
from pathlib import Path

from spaces_registry.errors import ToolkitError


class Unmeasurable(ToolkitError):
    """The bytes cannot be decoded far enough to measure them.

    Args:
        path: the file.
        said: the decoder's own words.
    """

    code = "unmeasurable"

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(
            f"{path.name} cannot be measured: {said}", hint="the file is damaged, or of a rare format"
        )
        self.path, self.said = path, said


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured; None where the file has no such thing.

    Attributes:
        width: pixels, as shown: turned as the file says, and as if all pixels were square.
        height: pixels, as shown.
        seconds: how long it lasts.
        has_video: whether there is a moving picture; a cover in a sound file is none.
        has_audio: whether there is sound.
        video_codec: ffmpeg's name, e.g. `h264`.
        audio_codec: ffmpeg's name, e.g. `aac`.
        pixel_format: ffmpeg's name, e.g. `yuv420p`.
        fps: frames a second; where their distance varies, of a rate that loses none.
        steady: whether `fps` is such a rate; if not, it is the average, and only the frames tell more.
        sample_format: what holds a sample, `s16`, `s32`, `flt`, …; `24` for 24 bits of `s32`.
        sample_rate: samples a second.
        square: whether its pixels are square.
        upright: whether its frames are stored the way they are shown.
        alpha: whether its picture may be transparent.
        hdr: `smpte2084` (PQ) or `arib-std-b67` (HLG) where it is brighter than a standard picture can be.
        colours: names of its colour matrix and its primaries, where it is that bright.
        channels: of its sound.
    """

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    has_video: bool = False
    has_audio: bool = False
    video_codec: str | None = None
    audio_codec: str | None = None
    pixel_format: str | None = None
    fps: float | None = None
    steady: bool = True
    sample_format: str | None = None
    sample_rate: int | None = None
    square: bool = True
    upright: bool = True
    alpha: bool = False
    hdr: str | None = None
    colours: tuple[str, str] | None = None
    channels: int | None = None
