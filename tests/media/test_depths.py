"""Pictures and sounds of more than 8 and 16 bits: kept where the result can hold them, else it is said."""

import array
import math
import subprocess

import pytest
from PIL import Image

from chains.model import Expect
from pipelines.artifacts import Store
from pipelines.engine.expectations import verify
from pipelines.programs.ffmpeg import find_ffmpeg
from spaces_registry.errors import BadOutput
from spaces_registry.signature import File, Kind


def warnings(perform):
    return [one.message for one in perform.heard if getattr(one, "level", "") == "warning"]


@pytest.fixture
def numbers(tmp_path):
    """Writes a picture of floats or whole numbers, 64 x 4, its columns as given."""

    def write(*values, mode="F", name="depth.tiff") -> File:
        code = "f" if mode == "F" else "i" if mode == "I" else "H"
        row = array.array(code, [values[at * len(values) // 64] for at in range(64)])
        Image.frombytes(mode, (64, 4), row.tobytes() * 4).save(tmp_path / name)
        return File(tmp_path / name, name)

    return write


def greys(path):
    """The grey of the first and of the last column, of 0 to 255."""
    with Image.open(path) as image:
        grey = image.convert("L")
        return grey.getpixel((0, 0)), grey.getpixel((grey.width - 1, 0))


@pytest.mark.parametrize(
    ("values", "mode", "shown"),
    [
        ((0.0, 0.5, 0.98), "F", (0, 255)),
        ((0.7, 3.0, 12.5), "F", (0, 255)),
        ((-4.0, 0.0, 4.0), "F", (0, 255)),
        ((9.0, 1.0), "F", (255, 0)),
        ((math.nan, 0.5, 1.0), "F", (0, 255)),
        ((0.5, math.nan, 1.0), "F", (0, 255)),
        ((0.2, math.inf, 1.0), "F", (0, 255)),
        ((0.25, 0.25), "F", (63, 63)),
        ((7.0, 7.0), "F", (7, 7)),
        ((math.nan, math.nan), "F", (0, 0)),
        ((-70_000, 0, 70_000), "I", (0, 255)),
        ((9, 9), "I", (9, 9)),
    ],
)
@pytest.mark.parametrize("operation", ["convert", "crop", "resize"])
def test_numbers_without_a_scale_become_greys(perform, numbers, operation, values, mode, shown):
    """A depth map in metres, or from 0 to 1, was black; what its numbers mean is nowhere in it."""
    more = {"crop": {"width": 64}, "resize": {"width": 64}}.get(operation, {})

    assert greys(perform(operation, image=numbers(*values, mode=mode), **more)) == pytest.approx(shown, abs=1)
    assert bool(warnings(perform)) == (len({*values}) > 1 and not all(map(math.isnan, values)))


def test_numbers_without_a_scale_are_not_blank(tmp_path, numbers):
    """`not_blank` would throw every depth map away."""
    store = Store(tmp_path / "store")

    verify(Expect(not_blank=True), [store.keep(numbers(0.1, 0.9), Kind.IMAGE)], "a place")
    with pytest.raises(BadOutput):
        verify(Expect(not_blank=True), [store.keep(numbers(0.1, name="flat.tiff"), Kind.IMAGE)], "a place")


SIXTEEN = {
    "convert": {"format": "png"},
    "crop": {"width": 32, "anchor": "left"},
    "resize": {"width": 64, "height": 8, "background": "#808080"},
}


@pytest.mark.parametrize("name", ["depth.png", "depth.tiff"])
@pytest.mark.parametrize("operation", SIXTEEN)
def test_grey_of_16_bits_keeps_them(perform, numbers, operation, name):
    """Depths are told apart in the lower bits."""
    made = perform(
        operation, image=numbers(1000, 1001, 1002, 60_000, mode="I;16", name=name), **SIXTEEN[operation]
    )

    with Image.open(made) as image:
        assert image.mode == "I;16"
        assert image.getpixel((0, image.height // 2)) == 1000
        assert image.getpixel((17, image.height // 2)) == 1001
    assert not warnings(perform)


def test_bars_of_a_16_bit_picture_have_their_colour(perform, numbers):
    """Grey bars keep the depth; others cannot, and it is said."""
    deep = numbers(1000, 60_000, mode="I;16", name="depth.png")
    grey = perform("resize", image=deep, width=64, height=8, background="#808080")
    red = perform("resize", image=deep, width=64, height=8, background="red")

    with Image.open(grey) as image:
        assert image.getpixel((0, 0)) == 0x8080
    with Image.open(red) as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 0, 0)
    assert warnings(perform) == ["'depth.png' has 16 bits a channel, of which 8 are kept"]


@pytest.mark.parametrize("pixels", ["rgb48be", "rgba64be", "ya16be"])
@pytest.mark.parametrize("operation", ["convert", "grid", "overlay_image"])
def test_what_loses_bits_says_so_once(perform, look, tmp_path, clips, pixels, operation):
    """Pillow reads 8 bits of pictures of 16 bits a colour."""
    deep = File(tmp_path / "deep.png", "deep.png")
    deep.path.write_bytes(
        look.decode(clips["wide.png"].path, after=["-pix_fmt", pixels, "-f", "image2pipe", "-c:v", "png"])
    )
    given = {"images": [deep]} if operation == "grid" else {"image": deep}
    more = {"over": clips["clear.png"]} if operation == "overlay_image" else {}

    perform(operation, **given, **more)

    assert warnings(perform) == ["'deep.png' has 16 bits a channel, of which 8 are kept"]


# a sound below the last of 16 bits: written with fewer bits, nothing of it is left
QUIET = "sine=440:d=1:r=44100,volume=0.00008"
SOUNDS = {
    "deep.wav": ("pcm_s24le", "pcm_s24le"),
    "whole.wav": ("pcm_s32le", "pcm_s32le"),
    "float.wav": ("pcm_f32le", "pcm_f32le"),
    "deep.flac": ("flac", "flac"),
    "apple.m4a": ("alac", "alac"),
    "deep.aiff": ("pcm_s24be", "pcm_s24le"),
    "deep.caf": ("pcm_s24be", "pcm_s24le"),
    "deep.oga": ("flac", "flac"),
}


@pytest.fixture
def quiet(tmp_path):
    """Writes the quiet sound with a codec, of 24 bits where it has no other depth."""

    def write(name: str, codec: str) -> File:
        deep = ("-sample_fmt", "s32p" if codec == "alac" else "s32") if codec in {"flac", "alac"} else ()
        command = [str(find_ffmpeg()), "-y", "-loglevel", "error", "-f", "lavfi", "-i", QUIET]
        subprocess.run([*command, "-c:a", codec, *deep, str(tmp_path / name)], check=True)
        return File(tmp_path / name, name)

    return write


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("operation", ["trim_audio", "loop_audio", "convert_audio"])
def test_a_sound_is_written_as_deep_as_it_came(perform, look, quiet, operation, name):
    """Studios work with 24 bits, and models with floats; the quiet is in the bits that were cut."""
    codec, kept = SOUNDS[name]
    sound = quiet(name, codec)
    if operation == "convert_audio":
        given, kept = (
            {"audio": sound, "format": "wav"},
            {"flac": "pcm_s24le", "alac": "pcm_s24le"}.get(kept, kept),
        )
    else:
        given = {"audio": sound, **({"start": 0.25} if operation == "trim_audio" else {"times": 2})}

    made = perform(operation, **given)

    assert look.measures(made).audio_codec == kept
    assert look.loudness(made, 0.1, 0.7) == pytest.approx(0.00008 / 8 / 2**0.5, rel=0.05)
    assert not warnings(perform)


@pytest.mark.parametrize("codec", ["pcm_s24le", "pcm_f32le", "alac"])
def test_the_sound_of_a_video_is_taken_out_as_deep_as_it_is(perform, look, clips, tmp_path, codec):
    """Cameras and editors write 24 bits into QuickTime."""
    film = File(tmp_path / "film.mov", "film.mov")
    inputs = ("-i", str(clips["red.mp4"].path), "-f", "lavfi", "-i", QUIET, "-c:v", "copy", "-c:a", codec)
    deep = ("-sample_fmt", "s32p") if codec == "alac" else ()
    subprocess.run([str(find_ffmpeg()), "-loglevel", "error", *inputs, *deep, str(film.path)], check=True)

    found = look.measures(perform("extract_audio", video=film))

    assert found.audio_codec == ("pcm_s24le" if codec == "alac" else codec)


@pytest.mark.parametrize("name", ["deep.wav", "float.wav", "apple.m4a", "deep.flac"])
def test_a_sound_keeps_depth_and_rate_when_it_is_levelled(perform, look, tmp_path, name):
    """Only its loudness was asked for."""
    codec = SOUNDS[name][0]
    loud = tmp_path / name
    command = [
        str(find_ffmpeg()),
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=440:d=1:r=96000",
        "-c:a",
        codec,
    ]
    deep = ("-sample_fmt", "s32p" if codec == "alac" else "s32") if codec in {"flac", "alac"} else ()
    subprocess.run([*command, *deep, str(loud)], check=True)

    found = look.measures(perform("normalize", audio=File(loud, name), loudness=-20))

    assert found.audio_codec == SOUNDS[name][1]
    assert found.sample_rate == 96_000
    assert found.sample_format == ("flt" if codec == "pcm_f32le" else "24")


def test_sixteen_bits_stay_sixteen(perform, look, clips):
    """Bits that nothing is in only make a file larger."""
    made = perform("convert_audio", audio=clips["long.wav"], format="flac")

    assert look.measures(made).sample_format == "s16"


def test_floats_in_flac_are_told(perform, quiet):
    """It holds 24 bits; a format that was chosen for its losses needs no word."""
    sound = quiet("float.wav", "pcm_f32le")
    perform("convert_audio", audio=sound, format="mp3")
    assert not warnings(perform)

    perform("convert_audio", audio=sound, format="flac")
    assert warnings(perform) == ["'float.wav' has more than 24 bits a sample, of which FLAC holds 24"]
