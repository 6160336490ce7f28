import re
import subprocess

import pytest
from PIL import Image

from pipelines.programs.ffmpeg import find_ffmpeg
from spaces_registry.errors import RejectedInput
from spaces_registry.progress import Logged
from spaces_registry.signature import File


def loudness(path):
    """LUFS of the whole, by ffmpeg's own measure, which the operation does not use for the result."""
    command = [str(find_ffmpeg()), "-nostats", "-i", str(path), "-af", "ebur128", "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+|-inf) LUFS", said)[-1])


def sound(folder, name, options):
    """A sound by ffmpeg's own generators."""
    command = [str(find_ffmpeg()), "-loglevel", "error", *options.split(), str(folder / name)]
    subprocess.run(command, check=True)
    return File(folder / name, name)


def test_silence_is_as_long_as_it_is_asked_for(perform, look):
    """To the sample, so that sentences stay where they belong."""
    made = perform("silence", seconds=1.25, format="flac", channels=1)

    assert look.seconds(made, "a") == pytest.approx(1.25, abs=0.0001)
    assert look.loudness(made, 0, 1.25) == 0


@pytest.mark.parametrize(("how", "length"), [({"times": 3}, 1.5), ({"seconds": 1.2}, 1.2)])
def test_a_sound_is_repeated(perform, look, clips, how, length):
    """So many times, or to a length."""
    made = perform("loop_audio", audio=clips["short.wav"], **how)

    assert look.seconds(made, "a") == pytest.approx(length, abs=0.001)
    assert look.tone(made, length - 0.4, length - 0.1) == pytest.approx(880, abs=15)


@pytest.mark.parametrize("wanted", [-23, -14])
def test_a_sound_is_brought_to_its_loudness(perform, look, tmp_path, wanted):
    """Up and down; voices of two Spaces otherwise differ by half a room."""
    quiet = sound(tmp_path, "quiet.wav", "-f lavfi -i sine=440:d=4,volume=0.15,apulsator=hz=0.5")
    made = perform("normalize", audio=quiet, loudness=wanted)

    assert loudness(made) == pytest.approx(wanted, abs=0.6)
    assert look.seconds(made, "a") == pytest.approx(4.0, abs=0.01)


def test_a_video_keeps_its_picture_while_its_sound_is_levelled(perform, look, clips):
    """The picture is H.264 already and is copied."""
    made = perform("normalize_video", video=clips["blue.mp4"], loudness=-20)

    assert loudness(made) == pytest.approx(-20, abs=1)
    assert look.colour(made, 0.5)[2] > 200
    assert look.seconds(made, "v") == pytest.approx(1.0, abs=0.04)


def test_silence_stays_silence_and_says_so(perform, look, tmp_path):
    """Noise turned up to the loudness of a voice would be worse than nothing."""
    silent = sound(tmp_path, "silent.wav", "-f lavfi -i anullsrc -t 1")
    made = perform("normalize", audio=silent)

    assert look.loudness(made, 0, 1) == 0
    assert any(isinstance(one, Logged) and "silent" in one.message for one in perform.heard)


def test_a_sound_too_short_to_have_a_loudness_is_brought_to_its_peak(perform, look, tmp_path):
    """The standard measures from 0.4 s on; a click is a sound all the same."""
    short = sound(tmp_path, "short.wav", "-f lavfi -i sine=440:d=0.1")
    made = perform("normalize", audio=short, peak=-6)

    assert look.seconds(made, "a") == pytest.approx(0.1, abs=0.001)
    assert look.loudness(made, 0.02, 0.08) == pytest.approx(10 ** (-6 / 20) / 2**0.5, rel=0.05)


def test_a_waveform_is_high_where_the_sound_is_loud(perform, tmp_path):
    """The picture shows the whole of it, in the colours asked for."""
    loud = sound(tmp_path, "loud.wav", "-f lavfi -i sine=440:d=2,volume='if(lt(t,1),4,0)':eval=frame")
    made = perform("waveform", audio=loud, size="200x100", color="#ff0000", background="#000080")

    with Image.open(made) as image:
        assert image.size == (200, 100)
        red, _, blue = image.getpixel((50, 50))
        assert red > 150
        assert blue < 100
        assert image.getpixel((150, 20)) == pytest.approx((0, 0, 128), abs=2)
        assert image.getpixel((50, 2)) == pytest.approx((0, 0, 128), abs=2)


def test_a_waveform_may_be_transparent(perform, clips):
    """To be laid over something."""
    with Image.open(perform("waveform", audio=clips["long.wav"], background="transparent")) as image:
        assert image.size == (1200, 300)
        assert image.getpixel((600, 2))[3] == 0
        assert image.getpixel((600, 150))[3] > 200


def test_a_waveform_video_moves_and_is_heard(perform, look, clips):
    """A podcast as a film."""
    made = perform("waveform_video", audio=clips["long.wav"], size="160x90", color="white")

    assert look.seconds(made, "v") == pytest.approx(2.0, abs=0.05)
    assert look.tone(made, 0.5, 1.5) == pytest.approx(880, abs=10)
    assert lit(look, made, "crop=iw:10:0:40") > 200
    assert lit(look, made, "crop=iw:10:0:0") == 0


def lit(look, path, part):
    """How many pixels of that part of the picture are bright after a second."""
    picture = ["-vf", part, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"]
    return sum(level > 180 for level in look.decode(path, "-ss", "1", after=picture))


def test_a_video_without_sound_has_no_loudness(perform, clips):
    """It is refused by name."""
    with pytest.raises(RejectedInput, match=r"'red\.mp4' has no sound"):
        perform("normalize_video", video=clips["red.mp4"])
