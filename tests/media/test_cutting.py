from itertools import pairwise

import pytest
from PIL import Image

from spaces_registry.errors import RejectedInput


def grey(look, path, at=0.0):
    """How bright the frame at that time is; the source grows by 116 levels a second, 4.6 a frame."""
    return look.colour(path, at=at)[1]


def test_trim_is_exact_to_the_frame(perform, look, clips):
    """The piece starts with the very frame asked for, not with the nearest key frame."""
    made = perform("trim", video=clips["brighter.mp4"], start=0.6, end=1.4)

    assert look.seconds(made, "v") == pytest.approx(0.8, abs=0.001)
    assert grey(look, made) == pytest.approx(grey(look, clips["brighter.mp4"].path, at=0.6), abs=3)


def test_trim_takes_a_length_instead_of_an_end(perform, look, clips):
    """Both ways of saying it are natural."""
    made = perform("trim", video=clips["blue.mp4"], start=0.25, seconds=0.5)

    assert look.seconds(made, "v") == pytest.approx(0.5, abs=0.01)
    assert look.seconds(made, "a") == pytest.approx(0.5, abs=0.05)


def test_an_end_behind_the_end_is_the_end(perform, look, clips):
    """`end: 10` on a clip of one second means: to its end."""
    made = perform("trim", video=clips["red.mp4"], start=0.4, end=10)

    assert look.seconds(made, "v") == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"start": 5}, "only 1.00 s"),
        ({"start": 0.5, "end": 0.2}, "not after start"),
        ({"end": 0.5, "seconds": 0.2}, "both end and seconds"),
        ({"start": -1}, "must be 0 to"),
        ({"start": True}, "takes a number"),
        ({"start": float("nan")}, "takes a number"),
    ],
)
def test_a_span_that_leaves_nothing_says_why(perform, clips, span, words):
    """An empty result would only fail later, somewhere else."""
    with pytest.raises(RejectedInput, match=words):
        perform("trim", video=clips["red.mp4"], **span)


@pytest.mark.parametrize("name", ["long.wav", "tone.mp3"])
def test_trim_audio_cuts_at_the_sample_and_keeps_the_format(perform, look, clips, name):
    """A sound is handed on as what it was."""
    made = perform("trim_audio", audio=clips[name], start=0.25, seconds=0.5)

    assert made.suffix == clips[name].path.suffix
    assert look.measures(made).seconds == pytest.approx(0.5, abs=0.06)
    assert look.tone(made, 0.1, 0.4) == pytest.approx(880, abs=15)


def test_extract_audio_is_the_sound_and_nothing_else(perform, look, clips):
    """What a speech recogniser is handed."""
    measures = look.measures(perform("extract_audio", video=clips["blue.mp4"]))

    assert (measures.has_video, measures.audio_codec) == (False, "pcm_s16le")
    assert measures.seconds == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("at", "time"), [("start", 0.0), ("middle", 1.0), ("end", 1.96), (1.5, 1.5), ("0.5", 0.5), (2, 1.96)]
)
def test_thumbnail_is_the_frame_that_is_shown_then(perform, clips, at, time):
    """A time between two frames is the earlier one; at the very end it is the last."""
    made = perform("thumbnail", video=clips["brighter.mp4"], at=at)

    with Image.open(made) as image:
        assert image.format == "PNG"
        assert image.getpixel((32, 24))[1] == pytest.approx(116 * time, abs=8)


def test_thumbnail_behind_the_end_is_refused(perform, clips):
    """The last frame in its place would be a wrong picture that nobody notices."""
    with pytest.raises(RejectedInput, match=r"at is 99 s, but the video is over after 2\.00 s"):
        perform("thumbnail", video=clips["brighter.mp4"], at=99)


def test_thumbnail_of_a_word_that_is_no_time_lists_the_words(perform, clips):
    """The hint is the list of what could have been meant."""
    with pytest.raises(RejectedInput) as caught:
        perform("thumbnail", video=clips["red.mp4"], at="centre")

    assert "start, middle, end" in caught.value.hint


def test_frames_are_evenly_spaced_and_in_order(perform, look, clips):
    """A captioning step reads them as a story."""
    (made,) = perform.all("frames", video=clips["brighter.mp4"], every=0.5)

    levels = [look.colour(one.path)[1] for one in made]
    assert len(levels) == 4
    assert [two - one for one, two in pairwise(levels)] == pytest.approx([58] * 3, abs=6)


def test_frames_stop_at_their_limit(perform, clips):
    """A long film must not fill the disk with pictures."""
    (made,) = perform.all("frames", video=clips["brighter.mp4"], every=0.04, limit=7)

    assert len(made) == 7


def test_loop_repeats_until_it_is_long_enough(perform, look, clips):
    """A clip of a second under two and a half seconds of speech."""
    made = perform("loop", video=clips["blue.mp4"], seconds=2.5)

    assert look.seconds(made, "v") == pytest.approx(2.5, abs=0.05)
    assert look.loudness(made, 2.0, 2.4) > 0.05


@pytest.mark.parametrize(
    ("chosen", "times"),
    [
        ({"nth": 20}, [0, 0.8, 1.6]),
        ({"count": 3}, [0, 0.98, 1.96]),
        ({"count": 1}, [1.0]),
        ({"at": (1.5, 0.2)}, [0.2, 1.5]),
        ({"at": (0.0, 2)}, [0, 1.96]),
    ],
)
def test_frames_are_those_that_are_asked_for(perform, clips, chosen, times):
    """By number or by time, each is the very frame that is shown then, in the order of the film."""
    (made,) = perform.all("frames", video=clips["brighter.mp4"], **chosen)

    assert [bright(one.path) for one in made] == pytest.approx([116 * one for one in times], abs=8)


def bright(path):
    with Image.open(path) as image:
        return image.getpixel((32, 24))[1]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"nth": 2, "count": 3}, "nth and count are given"),
        ({"at": (0.5, 9)}, r"at is 9 s, but the video is over after 2\.00 s"),
        ({"at": ()}, "empty list"),
    ],
)
def test_frames_that_cannot_be_say_why(perform, clips, chosen, words):
    """Two ways at once, or a time that is not in the film, are mistakes."""
    with pytest.raises(RejectedInput, match=words):
        perform.all("frames", video=clips["brighter.mp4"], **chosen)


def test_loop_repeats_so_many_times(perform, look, clips):
    """Without counting seconds."""
    made = perform("loop", video=clips["blue.mp4"], times=3)

    assert look.seconds(made, "v") == pytest.approx(3.0, abs=0.05)
    assert look.loudness(made, 2.5, 2.9) > 0.05
