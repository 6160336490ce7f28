"""A shelf of odd clips: a flash and a beep each second, in forms that cameras, recorders and Spaces make.

Each clip shows a green square on blue, upright and undistorted, and says what is right about it: when it
flashes and beeps, how long it is, how large as it is shown, and how fast.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

SIZE = (96, 72)
FLASHES = (0.5, 1.5)
_FLASH = "lt(mod(t+0.5005,1),0.1)"
_X264 = "-c:v libx264 -preset ultrafast -g 30 -pix_fmt yuv420p"
_AAC = "-c:a aac"
_PQ, _HLG = "smpte2084", "arib-std-b67"


@dataclass(frozen=True)
class Clip:
    """One clip, how it is made, and what is right about it.

    Attributes:
        name: of the file.
        options: how ffmpeg encodes it, of the marked picture (input 0) and sound (input 1).
        size: as shown.
        rate: whole frames a second that lose no frame of it.
        shown: when the picture ends; None for a sound alone.
        heard: when the sound ends; None where there is none.
        flashes: when it flashes.
        beeps: when it beeps.
        clear: whether the blue behind the square is transparent.
        inputs: more of them; `{stem}` stands for another clip of the shelf.
        source: the size, rate and length of the marked picture.
        sound: how long the marked sound is.
    """

    name: str
    options: str
    size: tuple[int, int] = SIZE
    rate: int = 30
    shown: float | None = 2.0
    heard: float | None = 2.0
    flashes: tuple[float, ...] = FLASHES
    beeps: tuple[float, ...] = FLASHES
    clear: bool = False
    inputs: str = ""
    source: tuple[int, int, str, float] = (*SIZE, "30", 2.0)
    sound: float = 2.0

    @property
    def seconds(self) -> float:
        """How long it lasts: as its picture, or its sound where that goes on."""
        shown, heard = self.shown or 0.0, self.heard or 0.0
        return heard if heard > shown + 0.1 else shown


def _silent(name: str, options: str, **facts: object) -> Clip:
    """A clip without sound."""
    return Clip(name, f"-map 0:v {options}", heard=None, beeps=(), **facts)  # type: ignore[arg-type]


def _copied(name: str, inputs: str, size: tuple[int, int] = SIZE) -> Clip:
    """The packets of another clip without sound, with other words about them."""
    return Clip(name, "-map 2 -c copy", heard=None, beeps=(), inputs=inputs, size=size)


def _heard(name: str, options: str, **facts: object) -> Clip:
    """A sound without a picture."""
    return Clip(name, f"-map 1:a {options}", shown=None, flashes=(), **facts)  # type: ignore[arg-type]


def _bright(transfer: str) -> str:
    """A picture whose white stands at 203 cd/m² of a high dynamic range."""
    named = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
    light = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020"
    coded = f"zscale=t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    told = f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    return (
        f"-vf {named},{light},{coded} -c:v libx265 -preset ultrafast -crf 8 -x265-params {told} -tag:v hvc1"
    )


_CLEAR = "-vf format=rgba,colorkey=0x000080:0.2:0"  # the blue behind the square is transparent
_SIDE = "pan=5.1(side)|FL=c0|FR=c0|FC=0*c0|LFE=0*c0|SL=0*c0|SR=0*c0"
_LATE = "[0:v]trim=start=0.8[v]"

VIDEOS: tuple[Clip, ...] = (
    Clip("plain.mp4", f"{_X264} {_AAC}"),
    # the picture begins late, the sound does, or one of the two ends early
    Clip(
        "late-picture.mp4",
        f"-filter_complex {_LATE} -map [v] -map 1:a {_X264} {_AAC}",
        flashes=FLASHES[1:],
    ),
    Clip(
        "late-sound.mp4",
        f"-filter_complex [1:a]atrim=start=0.8[a] -map 0:v -map [a] {_X264} {_AAC}",
        beeps=FLASHES[1:],
    ),
    Clip(
        "late-picture.mkv",
        f"-filter_complex {_LATE} -map [v] -map 1:a {_X264} -c:a pcm_s16le",
        flashes=FLASHES[1:],
    ),
    Clip("longer-sound.mp4", f"{_X264} {_AAC}", sound=3.0, heard=3.0, beeps=(*FLASHES, 2.5)),
    Clip("shorter-sound.mp4", f"{_X264} {_AAC}", sound=1.0, heard=1.0, beeps=FLASHES[:1]),
    Clip(
        "cut.mp4",
        "-map 2 -c copy",
        inputs="-ss 0.2 -i {plain}",
        shown=1.8,
        heard=1.8,
        flashes=(0.3, 1.3),
        beeps=(0.3, 1.3),
    ),
    # frames at uneven distances, and at rates that are rare
    Clip("vfr.mp4", f"-vf select='{_FLASH}+not(mod(n\\,7))+eq(n\\,59)' -fps_mode vfr {_X264} {_AAC}"),
    Clip(
        "vfr.webm",
        f"-vf settb=1/1000,setpts='PTS+4*mod(N\\,3)',select='{_FLASH}+not(mod(n\\,7))+eq(n\\,59)'"
        " -fps_mode passthrough -c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus",
    ),
    _silent("30-to-a-thousand-and-one.mp4", _X264, source=(*SIZE, "30000/1001", 2.0)),
    _silent("a-hundred-and-twenty.mp4", _X264, source=(*SIZE, "120", 2.0), rate=60),
    Clip("once-a-second.mp4", f"{_X264} {_AAC}", source=(*SIZE, "1", 2.0), rate=1, flashes=()),
    _silent(
        "a-frame.mp4", f"{_X264} -frames:v 1", source=(*SIZE, "25", 0.04), rate=25, shown=0.04, flashes=()
    ),
    # stored otherwise than shown
    Clip("anamorphic.mp4", f"-vf scale=54:72,setsar=16/9 {_X264} {_AAC}"),
    _silent("anamorphic.mkv", f"-vf scale=96:40,setsar=5/9 {_X264}", size=(53, 40)),
    _copied("turned-left.mp4", "-display_rotation 90 -i {lying-left}"),
    _copied("turned-right.mp4", "-display_rotation -90 -i {lying-right}"),
    _copied("upside-down.mp4", "-display_rotation 180 -i {standing-on-its-head}"),
    _copied("turned-anamorphic.mp4", "-display_rotation 90 -i {lying-anamorphic}", size=(54, 40)),
    _silent("odd.mkv", "-c:v ffv1 -pix_fmt yuv444p", size=(97, 73), source=(97, 73, "30", 2.0)),
    # transparent
    _silent(
        "clear.webm",
        f"{_CLEAR},format=yuva420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 0",
        clear=True,
    ),
    _silent(
        "clear8.webm",
        f"{_CLEAR},format=yuva420p -c:v libvpx -deadline realtime -cpu-used 8 -auto-alt-ref 0",
        clear=True,
    ),
    _silent("clear.mov", f"{_CLEAR},format=yuva444p10le -c:v prores_ks -profile:v 4444", clear=True),
    _silent(
        "clear.gif",
        f"{_CLEAR},split[a][b];[a]palettegen[p];[b][p]paletteuse",
        source=(*SIZE, "10", 2.0),
        rate=10,
        clear=True,
    ),
    # other colours, more bits, brighter
    _silent("ten-bits.mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le"),
    _silent("rgb.mkv", "-c:v libx264rgb -preset ultrafast"),
    _silent("full-range.mov", "-c:v mjpeg -pix_fmt yuvj420p"),
    _silent("pq.mp4", _bright(_PQ), source=(*SIZE, "10", 2.0), rate=10),
    _silent("hlg.mp4", _bright(_HLG), source=(*SIZE, "10", 2.0), rate=10),
    # several channels, one, and other containers
    Clip("mono.mp4", f"-af pan=mono|c0=c0 {_X264} {_AAC}"),
    Clip("surround.mkv", f"-af {_SIDE} {_X264} -c:a ac3"),
    Clip("old.avi", "-c:v mpeg4 -c:a libmp3lame", shown=2.033),
    Clip("free.ogv", "-map 1:a -map 0:v -c:v libtheora -q:v 8 -c:a libvorbis"),
    Clip("live.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus -live 1"),
    Clip("two-sounds.mkv", f"-map 0:v -map 1:a -map 0:a? -map 1:a {_X264} {_AAC}"),
)
SOUNDS: tuple[Clip, ...] = (
    _heard("plain.wav", ""),
    _heard("surround.wav", f"-af {_SIDE.replace('(side)', '').replace('S', 'B')}"),
    _heard(
        "cover.mp3", "-map 2:v -c:a libmp3lame -c:v copy -disposition:v attached_pic", inputs="-i {cover}"
    ),
    _heard("cover.m4a", "-map 2:v -c:a aac -c:v copy -disposition:v attached_pic", inputs="-i {cover}"),
    _heard("telephone.wav", "-ar 8000 -c:a pcm_mulaw"),
    _heard("speech.opus", "-c:a libopus"),
)
_PARTS: tuple[Clip, ...] = (  # what others are made of
    _silent("lying-left.mp4", f"-vf transpose=clock {_X264}"),
    _silent("lying-right.mp4", f"-vf transpose=cclock {_X264}"),
    _silent("standing-on-its-head.mp4", f"-vf hflip,vflip {_X264}"),
    _silent("lying-anamorphic.mp4", f"-vf transpose=clock,scale=72:54,setsar=9/16 {_X264}"),
    _silent("cover.png", "-frames:v 1"),
    _silent("red.png", "-vf drawbox=color=0x800000:t=fill -frames:v 1"),
    _heard("quiet.wav", "-af volume=0"),
    _silent("calm.mp4", f"-vf drawbox=color=0x404040:t=fill {_X264}"),
)


def make_shelf(folder: Path, program: Path) -> None:
    """Make every clip of the shelf in a folder."""
    for clip in (*_PARTS, *VIDEOS, *SOUNDS):
        width, height, rate, seconds = clip.source
        square = (
            f"drawbox=x={height // 6}:y={height // 6}:w={height // 3}:h={height // 3}:color=0x00C000:t=fill"
        )
        flash = f"drawbox=x=0:y=0:w=iw-1:h=ih:color=white:t=fill:enable='{_FLASH}'"
        picture = f"color=c=0x000080:s={width}x{height}:r={rate}:d={seconds},format=gbrp,{flash},{square}"
        beep = f"0.5*sin(2*PI*1000*t)*{_FLASH}"
        sound = f"aevalsrc='{beep}|{beep}':s=48000:d={clip.sound}"
        marked = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
        words = [*clip.inputs.format_map(_Paths(folder)).split(), *clip.options.split()]
        command = [str(program), "-loglevel", "error", *marked, *words, str(folder / clip.name)]
        subprocess.run(command, check=True)


class _Paths(dict[str, str]):
    """The path of a clip by its name without its extension."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __missing__(self, stem: str) -> str:
        return str(next(self.folder.glob(f"{stem}.*")))
