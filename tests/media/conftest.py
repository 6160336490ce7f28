"""Small real clips, sounds and pictures, made once, and the means to look and listen into results."""

import array
import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from PIL import Image

from pipelines.artifacts.measures import Measures
from pipelines.artifacts.probe import measure, stream_seconds
from pipelines.programs.ffmpeg import find_ffmpeg
from pipelines.runners.media import OPERATIONS, MediaRunner
from pipelines.runners.protocol import Call
from spaces_registry.clocks import Clocks
from spaces_registry.progress import CallEvent
from spaces_registry.signature import File, Value

SOURCES = {
    "red.mp4": "-f lavfi -i color=red:s=320x240:r=25:d=1 -pix_fmt yuv420p",
    "blue.mp4": "-f lavfi -i color=blue:s=120x160:r=30:d=1 -f lavfi -i sine=440:d=1 -pix_fmt yuv420p",
    "brighter.mp4": "-f lavfi -i nullsrc=s=64x48:r=25:d=2,geq=lum='16+T*100':cb=128:cr=128 -pix_fmt yuv420p",
    "talkative.mp4": "-f lavfi -i color=green:s=64x48:r=25:d=1 -f lavfi -i sine=440:d=2 -pix_fmt yuv420p",
    "odd.mkv": "-f lavfi -i color=white:s=65x49:r=25:d=1 -c:v ffv1 -pix_fmt yuv444p",
    "vp9.webm": "-f lavfi -i color=red:s=64x48:r=25:d=1 -c:v libvpx-vp9 -deadline realtime",
    "long.wav": "-f lavfi -i sine=880:d=2",
    "short.wav": "-f lavfi -i sine=880:d=0.5",
    "tone.mp3": "-f lavfi -i sine=880:d=1",
    "slow.mp4": "-f lavfi -i mandelbrot=s=1280x720:r=30 -t 1 -pix_fmt yuv420p -preset ultrafast",
}


@dataclass(frozen=True)
class Clips:
    """The session's sources, by name."""

    folder: Path

    def __getitem__(self, name: str) -> File:
        return File(self.folder / name, name)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Everything in `SOURCES`, and some images."""
    folder = tmp_path_factory.mktemp("clips")
    for name, options in SOURCES.items():
        command = [str(find_ffmpeg()), "-loglevel", "error", *options.split(), str(folder / name)]
        subprocess.run(command, check=True)
    Image.new("RGB", (200, 100), "red").save(folder / "wide.png")
    Image.new("RGBA", (40, 40), (0, 0, 255, 0)).save(folder / "clear.png")
    upright = Image.new("RGB", (60, 30), "blue")
    upright.paste((255, 255, 0), (0, 0, 10, 30))  # a yellow left edge, which turning puts on top
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn to the right
    upright.save(folder / "turned.jpg", exif=exif, quality=95)
    return Clips(folder)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, str], File]:
    """Makes one more clip of a test's own, out of ffmpeg's options."""

    def made(name: str, options: str) -> File:
        command = [str(find_ffmpeg()), "-loglevel", "error", *options.split(), str(tmp_path / name)]
        subprocess.run(command, check=True)
        return File(tmp_path / name, name)

    return made


@dataclass
class Performer:
    """Performs operations, each in a folder of its own."""

    folder: Path
    heard: list[CallEvent] = field(default_factory=list)
    count: int = 0

    def call(self, operation: str, clocks: Clocks = Clocks(), **arguments: Value) -> Call:
        """A call in a new, empty folder."""
        self.count += 1
        folder = self.folder / f"call {self.count}"
        folder.mkdir()
        return Call(f"media {operation}", OPERATIONS[operation], arguments, folder, clocks)

    def all(self, operation: str, **arguments: Value) -> tuple[Value, ...]:
        """Everything an operation returns."""
        return anyio.run(MediaRunner(), self.call(operation, **arguments), self.heard.append)

    def __call__(self, operation: str, **arguments: Value) -> Path:
        """The one file that an operation returns."""
        (made,) = self.all(operation, **arguments)
        assert isinstance(made, File)
        return made.path


@pytest.fixture
def perform(tmp_path: Path) -> Performer:
    """Performs operations below the test's own folder."""
    return Performer(tmp_path)


@dataclass(frozen=True)
class Look:
    """Looks and listens into a file, by decoding it."""

    program: Path

    def measures(self, path: Path) -> Measures:
        """Size, length and streams."""
        return measure(path)

    def seconds(self, path: Path, stream: str) -> float:
        """The exact length of the video (`v`) or audio (`a`) stream."""
        return stream_seconds(path, self.program, stream)

    def colour(
        self, path: Path, at: float = 0.0, where: tuple[float, float] = (0.5, 0.5)
    ) -> tuple[int, int, int]:
        """The colour of one point, given as fractions of the sides, of the frame shown at that time."""
        seek = ["-ss", f"{at:.4f}"] if at else []
        picture = self.decode(path, *seek, after=["-frames:v", "1", "-f", "image2pipe", "-c:v", "ppm"])
        header, size, _, pixels = picture.split(b"\n", 3)
        assert header == b"P6"
        width, height = map(int, size.split())
        place = (int(where[1] * (height - 1)) * width + int(where[0] * (width - 1))) * 3
        red, green, blue = pixels[place : place + 3]
        return red, green, blue

    def loudness(self, path: Path, start: float, end: float) -> float:
        """Root mean square of the sound between two times, 0 to 1."""
        raw = self.decode(path, after=["-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le"])
        samples = array.array("f", raw)[int(start * 48000) : int(end * 48000)]
        assert samples, f"no sound from {start} to {end} s"
        return math.sqrt(sum(one * one for one in samples) / len(samples))

    def channel(self, path: Path, number: int) -> float:
        """Root mean square of one channel but for its first and last tenth of a second, 0 to 1."""
        one = ["-map", "0:a:0", "-af", f"pan=mono|c0=c{number}", "-ar", "48000", "-f", "f32le"]
        samples = array.array("f", self.decode(path, after=one))[4800:-4800]
        return math.sqrt(sum(one * one for one in samples) / len(samples))

    def tone(self, path: Path, start: float, end: float) -> float:
        """The pitch of the sound between two times, in Hz, from its zero crossings."""
        raw = self.decode(path, after=["-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le"])
        samples = array.array("f", raw)[int(start * 48000) : int(end * 48000)]
        crossings = sum(one < 0 <= two for one, two in pairwise(samples))
        return crossings / (end - start)

    def decode(self, path: Path, *before: str, after: list[str]) -> bytes:
        """What ffmpeg makes of a file, with options before and after it."""
        command = [str(self.program), "-loglevel", "error", *before, "-i", str(path), *after, "pipe:1"]
        return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def look() -> Look:
    """Decodes with the ffmpeg that the operations use."""
    return Look(find_ffmpeg())
