import pytest
from PIL import Image

from spaces_registry.errors import RejectedInput


@pytest.mark.parametrize(
    ("form", "codec"),
    [("wav", "pcm_s16le"), ("mp3", "mp3"), ("ogg", "vorbis"), ("flac", "flac"), ("m4a", "aac")],
)
def test_sound_is_written_in_every_format_on_offer(perform, look, clips, form, codec):
    """Each Space takes another one."""
    made = perform("convert_audio", audio=clips["long.wav"], format=form)

    assert made.suffix == f".{form}"
    assert look.measures(made).audio_codec == codec
    assert look.measures(made).seconds == pytest.approx(2, abs=0.06)
    assert look.tone(made, 0.5, 1.5) == pytest.approx(880, abs=10)


def test_sound_gets_the_rate_that_a_recogniser_wants(perform, clips):
    """16 kHz mono is what speech models are trained on."""
    made = perform("convert_audio", audio=clips["long.wav"], rate=16000, channels=1)

    assert made.stat().st_size == pytest.approx(2 * 16000 * 2, abs=200)


@pytest.mark.parametrize(("form", "codecs"), [("mp4", ("h264", "aac")), ("webm", ("vp9", "opus"))])
def test_video_is_written_in_both_formats(perform, look, clips, form, codecs):
    """With its sound, size and length."""
    measures = look.measures(perform("convert_video", video=clips["blue.mp4"], format=form))

    assert (measures.video_codec, measures.audio_codec) == codecs
    assert (measures.width, measures.height) == (120, 160)
    assert measures.seconds == pytest.approx(1, abs=0.05)


def test_a_format_that_is_not_offered_is_refused_with_the_list(perform, clips):
    """The hint has all there is."""
    with pytest.raises(RejectedInput) as caught:
        perform("convert_video", video=clips["red.mp4"], format="avi")

    assert "mp4, webm" in caught.value.hint


def test_a_gif_moves_and_lasts_as_long_as_the_video(perform, clips):
    """Durations of its frames add up; its width is the one asked for."""
    made = perform("gif", video=clips["brighter.mp4"], width=32, fps=10)

    with Image.open(made) as image:
        assert image.size == (32, 24)
        assert image.n_frames == 20
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            total += image.info["duration"]
    assert total == pytest.approx(2000, abs=50)


def test_a_gif_is_never_wider_than_its_video(perform, clips):
    """Enlarging a GIF only makes it heavy."""
    with Image.open(perform("gif", video=clips["brighter.mp4"], width=480)) as image:
        assert image.width == 64


@pytest.mark.parametrize(
    ("fit", "edge"), [("contain", (0, 0, 255)), ("cover", (255, 0, 0)), ("stretch", (255, 0, 0))]
)
def test_a_video_is_fitted_into_its_new_size(perform, look, clips, fit, edge):
    """Bars have the background's colour; cropping and distorting leave none."""
    made = perform("resize_video", video=clips["red.mp4"], width=100, height=200, fit=fit, background="blue")

    measures = look.measures(made)
    assert (measures.width, measures.height) == (100, 200)
    assert look.colour(made, where=(0.5, 0.02)) == pytest.approx(edge, abs=6)
    assert look.colour(made) == pytest.approx((255, 0, 0), abs=6)


def test_a_video_keeps_its_shape_when_one_side_is_given(perform, look, clips):
    """The usual wish: smaller, please."""
    measures = look.measures(perform("resize_video", video=clips["red.mp4"], height=120))

    assert (measures.width, measures.height) == (160, 120)


def test_an_image_keeps_its_shape_and_format_when_one_side_is_given(perform, clips):
    """A picture off a phone stays a JPEG, upright."""
    with Image.open(perform("resize", image=clips["turned.jpg"], width=15)) as image:
        assert (image.size, image.format) == ((15, 30), "JPEG")
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getpixel((7, 1))[2] < 100  # the yellow edge is on top now


@pytest.mark.parametrize(
    ("fit", "corner"), [("contain", (0, 128, 0)), ("cover", (255, 0, 0)), ("stretch", (255, 0, 0))]
)
def test_an_image_is_fitted_into_its_new_size(perform, clips, fit, corner):
    """The same three words as for videos, and the same meaning."""
    made = perform("resize", image=clips["wide.png"], width=50, height=50, fit=fit, background="green")

    with Image.open(made) as image:
        assert image.size == (50, 50)
        assert image.getpixel((0, 0))[:3] == corner
        assert image.getpixel((25, 25))[:3] == (255, 0, 0)


def test_bars_may_be_transparent(perform, clips):
    """For a picture that is laid over another one."""
    made = perform("resize", image=clips["wide.png"], width=50, height=50, background="transparent")

    with Image.open(made) as image:
        assert image.getpixel((0, 0))[3] == 0
        assert image.getpixel((25, 25)) == (255, 0, 0, 255)


@pytest.mark.parametrize(("form", "pillow"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_an_image_is_written_in_every_format_on_offer(perform, clips, form, pillow):
    """Read back by another decoder than the eye."""
    with Image.open(perform("convert", image=clips["wide.png"], format=form)) as image:
        assert (image.format, image.size) == (pillow, (200, 100))


def test_transparency_becomes_the_background_in_jpeg(perform, clips):
    """Not black, which is what the bytes behind the alpha often are."""
    with Image.open(
        perform("convert", image=clips["clear.png"], format="jpeg", background="#00ff00")
    ) as image:
        assert image.getpixel((20, 20)) == pytest.approx((0, 255, 0), abs=4)


def test_sixteen_bits_of_grey_keep_their_shades(perform, clips, tmp_path):
    """Depth maps come so; clipped, they would be white."""
    deep = tmp_path / "depth.png"
    Image.new("I;16", (8, 8), 0x8000).save(deep)

    given = type(clips["wide.png"])(deep, "depth.png")
    with Image.open(perform("convert", image=given)) as image:
        assert image.getpixel((4, 4)) == 0x8000
    with Image.open(perform("convert", image=given, format="jpeg")) as image:
        assert image.getpixel((4, 4)) == pytest.approx((128, 128, 128), abs=1)


@pytest.mark.parametrize("colour", ["rde", "0x123456:eval=frame", "", "'"])
def test_a_colour_that_is_none_is_refused(perform, clips, colour):
    """It would otherwise stand inside of a filter."""
    with pytest.raises(RejectedInput, match="no colour"):
        perform("resize_video", video=clips["red.mp4"], width=32, height=32, background=colour)


def test_a_size_needs_at_least_one_side(perform, clips):
    """Nothing asked for is a slip that should be told."""
    with pytest.raises(RejectedInput, match="neither width nor height"):
        perform("resize", image=clips["wide.png"])
