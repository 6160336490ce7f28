"""Every operation over a shelf of odd clips: length, step of flash and beep, shape, rate, loudness."""

import array
import io
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest
from odd_clips import FLASHES, SIZE, SOUNDS, VIDEOS, Clip, make_shelf
from PIL import Image

from pipelines.artifacts.packets import PacketReader
from pipelines.artifacts.probe import measure_media, packets_of
from pipelines.programs.ffmpeg import find_ffmpeg
from pipelines.runners.media import OPERATIONS
from spaces_registry.errors import RejectedInput
from spaces_registry.signature import File, Value

pytestmark = pytest.mark.films

BEEP, LEVEL = 0.1, 0.5 / 2**0.5  # how long a beep is, and its root mean square
CLIPS = {one.name: one for one in (*VIDEOS, *SOUNDS)}
ALSO_HEARD = ("late-sound.mp4", "longer-sound.mp4", "surround.mkv")  # videos whose sound alone is used


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """The shelf's folder."""
    folder = tmp_path_factory.mktemp("shelf")
    make_shelf(folder, find_ffmpeg())
    return folder


@dataclass(frozen=True)
class Row:
    """How one operation is called, and what of its clip is then seen and heard.

    Attributes:
        operation: its name.
        call: its arguments, for the clip's file and the shelf's folder.
        right: what its result is like, as another clip.
        crop: the filter that leaves of the result's picture what shows the clip.
        copies: whether the picture may be taken as it is, with the size and rate at which it is stored.
        loud: whether the beeps stay as loud as they were.
        listens: whether the clip has to have sound.
    """

    operation: str
    call: Callable[[File, Path], Mapping[str, Value]]
    right: Callable[[Clip], Clip]
    crop: Callable[[Clip], str] = lambda _: "null"
    copies: bool = False
    loud: bool = True
    listens: bool = False


def of(parameter: str, **others: Value) -> Callable[[File, Path], Mapping[str, Value]]:
    """Arguments that are the clip, and others that are the same for all."""
    return lambda file, _: {parameter: file, **others}


def beside(folder: Path, name: str) -> File:
    """Another file of the shelf."""
    return File(folder / name, name)


def moved(times: tuple[float, ...], seconds: float) -> tuple[float, ...]:
    """Moments on another clock; those before its start are not on it."""
    return tuple(one + seconds for one in times if one + seconds >= 0)


def encoded(clip: Clip) -> Clip:
    """With even sides, and a last frame that is held while the sound goes on."""
    return replace(clip, size=(clip.size[0] // 2 * 2, clip.size[1] // 2 * 2), shown=clip.seconds)


def heard(clip: Clip) -> Clip:
    """The sound alone."""
    return replace(clip, shown=None, flashes=())


def padded(clip: Clip, seconds: float) -> Clip:
    """With a picture of that length, and a sound as long, if it has any."""
    return replace(encoded(clip), shown=seconds, heard=seconds if clip.heard else None)


def twice(clip: Clip) -> Clip:
    """Itself, and itself again."""
    return replace(
        encoded(clip),
        shown=2 * clip.seconds,
        heard=2 * clip.seconds if clip.heard else None,
        flashes=(*clip.flashes, *moved(clip.flashes, clip.seconds)),
        beeps=(*clip.beeps, *moved(clip.beeps, clip.seconds)),
    )


def half(clip: Clip) -> Clip:
    """48 pixels wide."""
    return replace(encoded(clip), size=(48, round(48 * clip.size[1] / clip.size[0] / 2) * 2))


def left_square(clip: Clip) -> Clip:
    """As wide as high."""
    high = encoded(clip).size[1]
    return replace(encoded(clip), size=(high, high))


def cut(clip: Clip) -> Clip:
    """From half its length on."""
    begun = clip.seconds / 2
    late = replace(clip, flashes=moved(clip.flashes, -begun), beeps=moved(clip.beeps, -begun))
    return padded(late, clip.seconds - begun)


def under_a_sound(clip: Clip) -> Clip:
    """With a sound of two seconds instead of its own."""
    shown = max(clip.shown or 0, 2.0)
    return replace(encoded(clip), shown=shown, heard=shown, beeps=FLASHES)


def above(clip: Clip) -> Clip:
    """Over a calm film of two seconds; what may be an image is one, and stands still."""
    seen = () if clip.name.endswith(".gif") else clip.flashes
    return replace(clip, size=SIZE, rate=30, shown=2.0, heard=None, beeps=(), flashes=seen, clear=False)


def drawn(clip: Clip) -> Clip:
    """A sound that is seen, ten frames a second."""
    return replace(clip, size=SIZE, shown=clip.heard, flashes=(), rate=10)


ON_VIDEOS: Mapping[str, Row] = {
    "mux": Row(
        "mux",
        lambda file, near: {"video": file, "audio": beside(near, "plain.wav")},
        under_a_sound,
        copies=True,
    ),
    "mux, its own sound kept": Row(
        "mux",
        lambda file, near: {"video": file, "audio": beside(near, "quiet.wav"), "keep_audio": True},
        lambda clip: replace(padded(clip, max(clip.seconds, 2.0)), heard=max(clip.seconds, 2.0)),
        copies=True,
    ),
    "concat": Row("concat", lambda file, _: {"videos": (file, file)}, twice),
    "trim": Row("trim", lambda file, _: {"video": file, "start": CLIPS[file.name].seconds / 2}, cut),
    "extract_audio": Row("extract_audio", of("video"), heard, listens=True),
    "loop": Row("loop", of("video", times=2), twice),
    "convert_video": Row("convert_video", of("video"), encoded),
    "convert_video, webm": Row("convert_video", of("video", format="webm"), encoded),
    "resize_video": Row("resize_video", of("video", width=48), half),
    "gif": Row(
        "gif",
        of("video", fps=25),
        lambda clip: replace(clip, rate=25, heard=None, beeps=()),
    ),
    "crop_video": Row("crop_video", of("video", aspect="1:1", anchor="left"), left_square),
    "overlay": Row(
        "overlay",
        lambda file, near: {"video": file, "over": beside(near, "red.png"), "scale": 0.1, "margin": 0},
        encoded,
    ),
    "overlay, above": Row(
        "overlay",
        lambda file, near: {"video": beside(near, "calm.mp4"), "over": file, "x": 0, "y": 0},
        above,
        crop=lambda clip: "crop='min(iw,{})':'min(ih,{})':0:0:exact=1".format(*clip.size),
    ),
    "grid_video": Row(
        "grid_video",
        lambda file, near: {"videos": (file, beside(near, "calm.mp4")), "columns": 2},
        lambda clip: replace(
            padded(clip, max(clip.seconds, 2.0)), size=(encoded(clip).size[0] * 2, encoded(clip).size[1])
        ),
        crop=lambda _: "crop=iw/2:ih:0:0",
    ),
    "subtitle": Row("subtitle", of("video", text="i", size=6), encoded),
    "subtitle, attached": Row("subtitle", of("video", text="i", mode="attach"), encoded, copies=True),
    "normalize_video": Row("normalize_video", of("video"), encoded, copies=True, loud=False, listens=True),
}
ON_SOUNDS: Mapping[str, Row] = {
    "trim_audio": Row(
        "trim_audio",
        of("audio", start=0.25),
        lambda clip: heard(replace(clip, beeps=moved(clip.beeps, -0.25), heard=(clip.heard or 0) - 0.25)),
    ),
    "convert_audio": Row("convert_audio", of("audio", format="mp3"), heard),
    "convert_audio, one channel": Row("convert_audio", of("audio", channels=1), heard, loud=False),
    "loop_audio": Row(
        "loop_audio", of("audio", times=2), lambda clip: heard(twice(replace(clip, shown=clip.heard)))
    ),
    "normalize": Row("normalize", of("audio"), heard, loud=False),
    "waveform_video": Row("waveform_video", of("audio", size="96x72", fps=10), drawn),
}
ON_IMAGES: Mapping[str, tuple[Callable[[File], Mapping[str, Value]], tuple[int, int]]] = {
    "still": (lambda file: {"image": file, "seconds": 0.2}, (96, 72)),
    "slideshow": (lambda file: {"images": (file, file), "seconds": 0.2}, (96, 72)),
    "resize": (lambda file: {"image": file, "width": 48}, (48, 36)),
    "convert": (lambda file: {"image": file, "format": "jpeg"}, (96, 72)),
    "crop": (lambda file: {"image": file, "aspect": "1:1", "anchor": "left"}, (72, 72)),
    "overlay_image": (lambda file: {"image": file, "over": file, "opacity": 0}, (96, 72)),
    "grid": (lambda file: {"images": (file,)}, (96, 72)),
}
ELSEWHERE = {"thumbnail", "frames", "waveform", "probe", "silence"}  # each with a test of its own, below


def test_no_operation_is_missing_here():
    """A new operation has to hold for odd clips as well."""
    rows = {one.operation for one in (*ON_VIDEOS.values(), *ON_SOUNDS.values())}

    assert rows | set(ON_IMAGES) | ELSEWHERE == set(OPERATIONS)


@pytest.mark.parametrize("name", ON_VIDEOS)
@pytest.mark.parametrize("clip", VIDEOS, ids=lambda one: one.name)
def test_a_video_comes_out_right(perform, shelf, clip, name):
    """What flashes and beeps together goes on doing so; nothing is cut, distorted, turned or slowed."""
    row = ON_VIDEOS[name]
    if row.listens and not clip.heard:
        with pytest.raises(RejectedInput, match="has no sound"):
            perform(row.operation, **row.call(beside(shelf, clip.name), shelf))
        return
    made = perform(row.operation, **row.call(beside(shelf, clip.name), shelf))

    stored = measure_media(shelf / clip.name, find_ffmpeg()) if row.copies else None
    assert_right(Seen(made, row.crop(clip)), row.right(clip), row, stored)


@pytest.mark.parametrize("name", ON_SOUNDS)
@pytest.mark.parametrize("sound", [*(one.name for one in SOUNDS), *ALSO_HEARD])
def test_a_sound_comes_out_right(perform, shelf, sound, name):
    """The same for the operations that only listen."""
    row = ON_SOUNDS[name]
    made = perform(row.operation, **row.call(beside(shelf, sound), shelf))

    assert_right(Seen(made, "null"), row.right(CLIPS[sound]), row, None)


def assert_right(seen, right, row, stored):
    """Compare what is seen and heard in a result with what is right."""
    frame, measures = 1 / right.rate, measure_media(seen.file, find_ffmpeg())
    sizes, rates = {right.size}, {right.rate}
    if stored:
        sizes, rates = sizes | {(stored.width, stored.height)}, rates | {round(stored.fps)}
    if right.shown:
        assert (measures.width, measures.height) in sizes
        assert (measures.square and measures.upright) or row.copies
        assert round(measures.fps or 0) in rates
        assert max(seen.end("v"), seen.end("a") if row.copies and right.heard else 0) == pytest.approx(
            right.seconds if row.copies else right.shown, abs=frame + 0.03
        )
        assert seen.flashes() == pytest.approx(right.flashes, abs=frame / 2 + 0.03)
        if row.operation != "waveform_video":
            seen.assert_square()
        if right.clear:
            assert seen.hidden() < 60
    assert measures.has_audio == bool(right.heard)
    if right.heard:
        assert seen.end("a") == pytest.approx(right.heard, abs=0.08)
        beeps = seen.beeps()
        assert beeps == pytest.approx(right.beeps, abs=0.04)
        if row.loud and beeps:
            assert seen.level(beeps[0]) == pytest.approx(LEVEL, rel=0.15)


@dataclass
class Seen:
    """Looks and listens into a result.

    Attributes:
        file: the result.
        crop: the filter that leaves of its picture what is looked at.
    """

    file: Path
    crop: str

    def decode(self, *options: str) -> bytes:
        """What ffmpeg makes of it, with what is transparent in it."""
        vp9 = ("-c:v", "libvpx-vp9") if self.file.suffix == ".webm" and "-map" in options[:1] else ()
        command = [str(find_ffmpeg()), "-loglevel", "error", *vp9, "-i", str(self.file), *options, "pipe:1"]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def end(self, stream: str) -> float:
        """When a track ends."""
        command = [str(find_ffmpeg()), *packets_of(self.file, stream)]
        said = subprocess.run(command, check=True, capture_output=True)
        reader = PacketReader(self.file)
        reader.hear(said.stdout)
        return reader.packets().end

    def flashes(self) -> list[float]:
        """When its picture turns white."""
        opaque = "format=gbrap,premultiply=inplace=1,format=gbrp"  # what is transparent is black
        steps = f"{self.crop},{opaque},fps=100:start_time=0,scale=8:6,format=gray"
        raw = self.decode("-map", "0:v:0", "-vf", steps, "-f", "rawvideo")
        light = [sum(raw[at : at + 48]) / 48 > 140 for at in range(0, len(raw), 48)]
        return [at / 100 for at, white in enumerate(light) if white and not (at and light[at - 1])]

    @cached_property
    def first(self) -> Image.Image:
        """Its first frame, as it is shown."""
        steps = f"{self.crop},scale='iw*sar':ih,setsar=1"
        raw = self.decode("-map", "0:v:0", "-vf", steps, "-frames:v", "1", "-c:v", "png", "-f", "image2pipe")
        return Image.open(io.BytesIO(raw)).convert("RGBA")

    def assert_square(self) -> None:
        """The green square is one, and at the left of the top, as large as it was."""
        assert_square(self.first)

    def hidden(self) -> int:
        """How much is seen of the blue that is transparent."""
        image = self.first
        _, _, blue, alpha = image.getpixel((image.width - 8, image.height // 2))
        return blue * alpha // 255

    @cached_property
    def samples(self) -> array.array:
        """Its first channel, 8000 samples a second, from the beginning of the file."""
        steps = "aresample=async=1:first_pts=0,pan=mono|c0=c0,aresample=8000"
        return array.array("h", self.decode("-map", "0:a:0", "-af", steps, "-f", "s16le"))

    def beeps(self) -> list[float]:
        """When it beeps."""
        times, last = [], -8000
        for at, sample in enumerate(self.samples):
            if abs(sample) > 1200:
                if at - last > 1600:
                    times.append(at / 8000)
                last = at
        return times

    def level(self, start: float) -> float:
        """The root mean square of a beep that begins then."""
        part = self.samples[int((start + 0.02) * 8000) : int((start + BEEP - 0.02) * 8000)]
        return (sum(one * one for one in part) / len(part)) ** 0.5 / 32768


def assert_square(image: Image.Image) -> None:
    """The green square of a picture has the shape and the place that it had."""
    picture = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA")).convert(
        "RGB"
    )
    points = [
        (x, y)
        for y in range(picture.height)
        for x in range(picture.width)
        for red, green, blue in [picture.getpixel((x, y))]
        if green > 90 and green > 1.5 * red and green > 1.5 * blue
    ]
    assert points, "there is no green square"
    left, right = min(x for x, _ in points), max(x for x, _ in points) + 1
    top, bottom = min(y for _, y in points), max(y for _, y in points) + 1
    sides = [left, top, right - left, bottom - top]
    sixth = picture.height / 6
    assert sides == pytest.approx([sixth, sixth, 2 * sixth, 2 * sixth], abs=2.1)


@pytest.mark.parametrize("name", ["late-picture.mkv", "late-sound.mp4", "shorter-sound.mp4", "vfr.webm"])
def test_what_mux_repeats_stays_in_step(perform, shelf, name):
    """The second turn is like the first, also where picture and sound do not begin or end together."""
    clip, file = CLIPS[name], beside(shelf, name)
    (long,) = perform.all("silence", seconds=4)
    shown = perform("mux", video=file, audio=long, keep_audio=True, shorter="loop")
    sounded = perform("mux", video=long_film(perform, shelf), audio=file, shorter="loop")

    again = twice(clip)
    assert Seen(shown, "null").flashes() == pytest.approx(again.flashes, abs=0.05)
    assert Seen(shown, "null").beeps() == pytest.approx(again.beeps, abs=0.05)
    turn = clip.heard
    assert Seen(sounded, "null").beeps()[: 2 * len(clip.beeps)] == pytest.approx(
        (*clip.beeps, *moved(clip.beeps, turn)), abs=0.05
    )


def long_film(perform, shelf):
    """Four seconds without sound."""
    made = perform("loop", video=beside(shelf, "calm.mp4"), times=2)
    return File(made, "long.mp4")


def test_extract_audio_can_begin_with_the_sound(perform, shelf):
    """For who wants the words and not their place in the video."""
    made = Seen(perform("extract_audio", video=beside(shelf, "late-sound.mp4"), begin="sound"), "null")

    assert made.beeps() == pytest.approx((0.7,), abs=0.04)
    assert made.end("a") == pytest.approx(1.2, abs=0.06)


@pytest.mark.parametrize("clip", VIDEOS, ids=lambda one: one.name)
def test_pictures_of_a_video_are_what_is_shown(perform, shelf, clip):
    """A picture that goes to another Space must not be flat, lying, squeezed, or show what is hidden."""
    file = beside(shelf, clip.name)
    shown = perform("thumbnail", video=file, at="start")
    ((first, *_),) = perform.all("frames", video=file, every=1)

    for path in (shown, first.path):
        with Image.open(path) as image:
            assert image.size == clip.size
            assert image.mode == ("RGBA" if clip.clear else "RGB")
            assert_square(image)
            if clip.clear:
                assert image.getpixel((image.width - 4, 4))[3] < 20


@pytest.mark.parametrize("clip", [one for one in VIDEOS if one.flashes], ids=lambda one: one.name)
def test_a_picture_of_a_moment_is_that_moments(perform, shelf, clip):
    """The flash, a moment before it, and what is held after the picture's end."""
    file, flash = beside(shelf, clip.name), clip.flashes[0]
    ((before, during, *_),) = perform.all("frames", video=file, at=(max(flash - 0.2, 0), flash + 0.05))
    shown = perform("thumbnail", video=file, at=flash + 0.05)
    held = perform("thumbnail", video=file, at=clip.seconds)

    assert [is_white(one) for one in (before.path, during.path, shown, held)] == [False, True, True, False]


def is_white(path):
    with Image.open(path) as image:
        point = image.convert("RGBA").getpixel((image.width * 3 // 4, image.height // 2))
    return min(point) > 170


@pytest.mark.parametrize(
    "clip", [one for one in (*VIDEOS, *SOUNDS) if one.name != "clear.gif"], ids=lambda one: one.name
)
def test_facts_are_those_of_what_is_shown(perform, shelf, clip):
    """`when: facts.json.width > 1000` is about what a person sees."""
    (facts,) = perform.all("probe", file=beside(shelf, clip.name))

    size = (facts["width"], facts["height"])
    assert size == (clip.size if clip.shown else (None, None))
    assert facts["seconds"] == pytest.approx(max(clip.shown or 0, clip.heard or 0), abs=0.06)
    assert facts["has_audio"] == bool(clip.heard)
    if clip.shown and facts["fps"] < 100:
        assert round(facts["fps"]) == clip.rate


@pytest.mark.parametrize("sound", [one.name for one in SOUNDS])
def test_a_sound_is_drawn_where_it_is_heard(perform, shelf, sound):
    """A picture of a sound has its beeps at their places, and nothing between them."""
    with Image.open(perform("waveform", audio=beside(shelf, sound), size="200x40")) as image:
        heights = [sum(max(image.getpixel((x, y))[:3]) > 60 for y in range(40)) for x in range(200)]

    assert min(heights[52:58] + heights[152:158]) > 12
    assert max(heights[10:48] + heights[66:148]) <= 4


@pytest.mark.parametrize("name", ON_IMAGES)
@pytest.mark.parametrize("form", ["plain.png", "turned.jpg", "clear.png", "plain.webp"])
def test_an_image_comes_out_right(perform, tmp_path, name, form):
    """Turned as its camera says, and with the shape that it had."""
    call, size = ON_IMAGES[name]
    picture = Image.new("RGBA", SIZE, (0, 0, 128, 0 if form == "clear.png" else 255))
    picture.paste((0, 192, 0, 255), (12, 12, 36, 36))
    exif = Image.Exif()
    if form == "turned.jpg":
        picture, exif[0x0112] = picture.convert("RGB").transpose(Image.Transpose.ROTATE_90), 6
    picture.save(tmp_path / form, exif=exif, quality=95)
    made = perform(name, **call(File(tmp_path / form, form)))

    image = Seen(made, "null").first if made.suffix == ".mp4" else Image.open(made)
    assert image.size == size
    assert_square(image)


@pytest.mark.parametrize("form", ["wav", "mp3", "ogg", "flac", "m4a"])
def test_a_silence_is_as_long_as_it_is_asked_for(perform, form):
    """In every format."""
    made = Seen(perform("silence", seconds=1.5, format=form), "null")

    assert made.end("a") == pytest.approx(1.5, abs=0.06)
    assert made.beeps() == []
