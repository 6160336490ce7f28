import pytest

from spaces_registry.errors import RejectedInput


def test_a_longer_sound_holds_the_last_frame_and_is_heard_to_its_end(perform, look, clips):
    """A narration must not be cut because the generated clip was shorter."""
    made = perform("mux", video=clips["red.mp4"], audio=clips["long.wav"])

    assert look.seconds(made, "v") == pytest.approx(2, abs=0.05)
    assert look.seconds(made, "a") == pytest.approx(2, abs=0.05)
    assert look.colour(made, at=1.9)[0] > 200
    assert look.loudness(made, 1.7, 1.95) > 0.05


def test_a_longer_picture_goes_on_in_silence(perform, look, clips):
    """The other half of the rule: the film is not cut because the speech was short."""
    made = perform("mux", video=clips["red.mp4"], audio=clips["short.wav"])

    assert look.seconds(made, "v") == pytest.approx(1, abs=0.05)
    assert look.loudness(made, 0.1, 0.4) > 0.05
    assert look.loudness(made, 0.6, 0.95) < 0.001


@pytest.mark.parametrize(("length", "seconds"), [("shortest", 1), ("video", 1), ("audio", 2), ("longest", 2)])
def test_length_says_which_of_the_two_decides(perform, look, clips, length, seconds):
    """Four words, four results."""
    made = perform("mux", video=clips["red.mp4"], audio=clips["long.wav"], length=length)

    assert look.measures(made).seconds == pytest.approx(seconds, abs=0.06)


def test_the_picture_is_copied_when_it_can_stay_as_it_is(perform, look, clips):
    """Encoding again costs time and quality; a copied stream has the very same packets."""
    made = perform("mux", video=clips["red.mp4"], audio=clips["short.wav"])
    encoded = perform("mux", video=clips["vp9.webm"], audio=clips["short.wav"])

    assert packets(look, made) == packets(look, clips["red.mp4"].path)
    assert look.measures(encoded).video_codec == "h264"


def packets(look, path):
    """The checksums of the pictures' packets, without those of side data."""
    copied = look.decode(path, after=["-map", "0:v:0", "-c", "copy", "-f", "framecrc"]).decode()
    return [line.split(",")[4:6] for line in copied.splitlines() if line.startswith("0,")]


def test_the_clips_own_sound_is_replaced_unless_it_is_kept(perform, look, clips):
    """Generated clips often come with noise; a user says so when it is wanted."""
    replaced = perform("mux", video=clips["blue.mp4"], audio=clips["short.wav"])
    mixed = perform("mux", video=clips["blue.mp4"], audio=clips["short.wav"], keep_audio=True)

    assert look.tone(replaced, 0.1, 0.4) == pytest.approx(880, abs=15)
    assert look.loudness(replaced, 0.6, 0.9) < 0.001
    assert look.tone(mixed, 0.6, 0.9) == pytest.approx(440, abs=15)
    assert look.loudness(mixed, 0.1, 0.4) > look.loudness(mixed, 0.6, 0.9) * 1.2


def test_volume_makes_the_added_sound_quieter(perform, look, clips):
    """Music under a voice needs it."""
    loud = perform("mux", video=clips["red.mp4"], audio=clips["short.wav"])
    quiet = perform("mux", video=clips["red.mp4"], audio=clips["short.wav"], volume=0.25)

    assert look.loudness(quiet, 0.1, 0.4) == pytest.approx(look.loudness(loud, 0.1, 0.4) / 4, rel=0.1)


def test_odd_sizes_become_even(perform, look, clips):
    """H.264 takes no odd sides, and Spaces do return them."""
    measures = look.measures(perform("mux", video=clips["odd.mkv"], audio=clips["short.wav"]))

    assert (measures.width, measures.height, measures.pixel_format) == (64, 48, "yuv420p")


def test_a_sound_without_sound_is_refused_by_name(perform, clips):
    """A silent video handed as sound must not become a silent film."""
    with pytest.raises(RejectedInput, match=r"'red\.mp4' has no sound"):
        perform("mux", video=clips["red.mp4"], audio=clips["red.mp4"])


def test_clips_of_any_size_rate_and_sound_are_joined(perform, look, clips):
    """Clips of several Spaces never match; the first one's size and rate rule, and silence fills in."""
    made = perform("concat", videos=(clips["red.mp4"], clips["blue.mp4"], clips["vp9.webm"]))

    measures = look.measures(made)
    assert (measures.width, measures.height, measures.fps) == (320, 240, 25)
    assert look.seconds(made, "v") == pytest.approx(3, abs=0.01)
    assert look.seconds(made, "a") == pytest.approx(3, abs=0.05)
    assert look.colour(made, at=0.5)[0] > 200
    assert look.colour(made, at=1.5)[2] > 200
    assert max(look.colour(made, at=1.5, where=(0.05, 0.5))) < 20  # the bar beside an upright clip
    assert look.loudness(made, 0.1, 0.9) < 0.001
    assert look.loudness(made, 1.1, 1.9) > 0.05
    assert look.loudness(made, 2.1, 2.9) < 0.001


def test_one_clip_alone_is_a_film_too(perform, look, clips):
    """A loop over scenes may yield a single one."""
    made = perform("concat", videos=(clips["red.mp4"],), transition="crossfade")

    assert look.seconds(made, "v") == pytest.approx(1, abs=0.01)
    assert not look.measures(made).has_audio


def test_a_clip_whose_sound_is_longer_keeps_all_of_it(perform, look, clips):
    """Half a sentence at a cut would be a broken film."""
    made = perform("concat", videos=(clips["talkative.mp4"], clips["red.mp4"]))

    assert look.seconds(made, "v") == pytest.approx(3, abs=0.05)
    assert look.loudness(made, 1.5, 1.9) > 0.05


def test_a_fade_goes_through_black_and_takes_no_time(perform, look, clips):
    """The sum of the clips stays the length of the film, so a sound track made for it still fits."""
    made = perform(
        "concat", videos=(clips["red.mp4"], clips["vp9.webm"]), transition="fade", transition_seconds=0.6
    )

    assert look.seconds(made, "v") == pytest.approx(2, abs=0.01)
    assert look.colour(made, at=0.5)[0] > 200
    assert max(look.colour(made, at=1.0)) < 40
    assert look.colour(made, at=1.5)[0] > 200


def test_a_crossfade_overlaps_picture_and_sound(perform, look, clips):
    """Halfway through, both clips are seen."""
    videos = (clips["red.mp4"], clips["blue.mp4"])
    made = perform(
        "concat", videos=videos, transition="crossfade", transition_seconds=0.4, size="200x100", fps=20
    )

    measures = look.measures(made)
    assert (measures.width, measures.height, measures.fps) == (200, 100, 20)
    assert look.seconds(made, "v") == pytest.approx(1.6, abs=0.01)
    assert look.seconds(made, "a") == pytest.approx(1.6, abs=0.05)
    red, _, blue = look.colour(made, at=0.8)
    assert 60 < red < 200
    assert 60 < blue < 200
    assert look.colour(made, at=0.3)[0] > 200


def test_a_transition_longer_than_a_clip_is_shortened(perform, look, clips):
    """Ten seconds of fade between two clips of one second is a slip, not a reason to fail."""
    videos = (clips["red.mp4"], clips["vp9.webm"])
    made = perform("concat", videos=videos, transition="crossfade", transition_seconds=10)

    assert look.seconds(made, "v") == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("size", ["big", "1280", "0x0", "99999x100", "1280x720; rm"])
def test_a_size_that_is_none_is_refused_with_an_example(perform, clips, size):
    """What is no size must not reach ffmpeg's filters."""
    with pytest.raises(RejectedInput) as caught:
        perform("concat", videos=(clips["red.mp4"],), size=size)

    assert "1280x720" in caught.value.hint


def test_an_empty_list_is_refused(perform):
    """A loop that yielded nothing has to be named as the reason."""
    with pytest.raises(RejectedInput, match="empty list"):
        perform("concat", videos=())


def test_mux_can_repeat_the_shorter_of_the_two(perform, look, clips):
    """A short tune under a long film, or a short clip above a long narration, in one step."""
    film = perform("mux", video=clips["brighter.mp4"], audio=clips["short.wav"], shorter="loop")
    song = perform(
        "mux", video=clips["brighter.mp4"], audio=clips["long.wav"], length="longest", shorter="loop"
    )
    tale = perform("mux", video=clips["red.mp4"], audio=clips["long.wav"], shorter="loop")

    assert look.loudness(film, 1.6, 1.9) > 0.05
    assert look.seconds(song, "v") == pytest.approx(2.0, abs=0.05)
    assert look.seconds(tale, "v") == pytest.approx(2.0, abs=0.05)


def test_clips_of_other_colour_forms_look_as_they_did(perform, look, make):
    """What is told of the first clip's colours holds for all; a clip of full range came out pale."""
    full = make("full.mov", "-f lavfi -i color=red:s=64x48:r=25:d=1 -c:v mjpeg -pix_fmt yuvj420p")
    plain = make("plain.mp4", "-f lavfi -i color=red:s=64x48:r=25:d=1 -pix_fmt yuv420p")
    for videos in ((full, plain), (plain, full)):
        made = perform("concat", videos=videos)

        for at in (0.5, 1.5):
            assert look.colour(made, at=at) == pytest.approx((253, 0, 0), abs=6)


@pytest.mark.parametrize(
    ("layout", "left", "right"),
    [
        ("mono|c0=c0", 1.0, 1.0),
        ("stereo|c0=c0|c1=0*c0", 1.0, 0.0),
        ("5.1|FL=c0|FR=0*c0|FC=0*c0|LFE=0*c0|BL=0*c0|BR=0*c0", 1.0, 0.0),
        ("5.1|FL=0*c0|FR=0*c0|FC=c0|LFE=0*c0|BL=0*c0|BR=0*c0", 0.707, 0.707),
    ],
)
def test_sound_of_any_channels_keeps_its_level(perform, look, make, layout, left, right):
    """`volume: 1` leaves it as it is; a voice in one channel came out 3 dB quieter."""
    sound = make("sound.wav", f"-f lavfi -i sine=440:d=1 -af pan={layout}")
    clip = make(
        "clip.mkv", f"-f lavfi -i color=s=64x48:d=1 -f lavfi -i sine=440:d=1 -af pan={layout} -c:a pcm_s16le"
    )
    whole = look.channel(make("whole.wav", "-f lavfi -i sine=440:d=1").path, 0)
    for made in (perform("mux", video=clip, audio=sound), perform("concat", videos=(clip,))):
        levels = [look.channel(made, side) / whole for side in (0, 1)]

        assert levels == pytest.approx([left, right], abs=0.03)


def test_all_channels_at_once_are_not_clipped(perform, look, make):
    """The sum of five loud channels is held by a limiter, not cut off."""
    loud = "volume=12dB,pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0"
    sound = make("loud.wav", f"-f lavfi -i sine=440:d=1 -af {loud}")
    made = perform("convert_audio", audio=sound, channels=2)

    assert 0.5 < look.channel(made, 0) < 0.75  # a sine at full scale has 0.707, a clipped one more
