import pytest
from PIL import Image

from spaces_registry.errors import RejectedInput
from spaces_registry.signature import File


@pytest.fixture
def logo(tmp_path):
    """A white square of 40 pixels whose upper half is transparent."""
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (0, 20, 40, 40))
    image.save(tmp_path / "logo.png")
    return File(tmp_path / "logo.png", "logo.png")


def is_white(colour):
    return min(colour) > 200


def test_an_image_lies_in_its_corner_and_only_while_it_should(perform, look, clips, logo):
    """A logo that comes and goes; where it is transparent, the film is seen."""
    made = perform("overlay", video=clips["red.mp4"], over=logo, start=0.4, end=0.8, margin=10)
    inside, above = ((320 - 30) / 320, (240 - 20) / 240), ((320 - 30) / 320, (240 - 40) / 240)

    assert not is_white(look.colour(made, 0.2, inside))
    assert is_white(look.colour(made, 0.6, inside))
    assert not is_white(look.colour(made, 0.6, above))
    assert not is_white(look.colour(made, 0.92, inside))
    assert look.seconds(made, "v") == pytest.approx(1.0, abs=0.04)


def test_a_video_lies_over_a_video_at_its_size_and_shines_through(perform, look, clips):
    """A picture in the picture; the film below keeps its sound and its length."""
    made = perform(
        "overlay", video=clips["talkative.mp4"], over=clips["vp9.webm"], x=0, y=0, scale=0.5, opacity=0.5
    )
    red, green, _ = look.colour(made, 0.5, (0.2, 0.2))
    beside = look.colour(made, 0.5, (0.8, 0.8))

    assert red > 90
    assert green > 40
    assert beside[0] < 40
    assert look.loudness(made, 0.2, 0.8) > 0.05
    assert look.seconds(made, "v") == pytest.approx(2.0, abs=0.04)  # as long as its sound


def test_a_video_that_is_over_goes_away(perform, look, clips):
    """Its last frame would hide the rest of the film."""
    made = perform("overlay", video=clips["brighter.mp4"], over=clips["red.mp4"], scale=1, margin=0)

    assert look.colour(made, 0.5)[0] > 200
    assert look.colour(made, 1.8)[1] > 150


def test_an_image_lies_over_an_image(perform, clips, logo):
    """With its transparency, its opacity, and only where both are."""
    made = perform("overlay_image", image=clips["wide.png"], over=logo, x=-20, y=60, opacity=0.5)

    with Image.open(made) as image:
        assert image.mode == "RGB"
        assert image.getpixel((10, 90)) == pytest.approx((255, 127, 127), abs=2)
        assert image.getpixel((10, 70)) == (255, 0, 0)
        assert image.getpixel((30, 90)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"start": 5}, "start is 5 s, but the video is over after 1.00 s"),
        ({"start": 0.5, "end": 0.2}, "not after start"),
    ],
)
def test_a_time_at_which_nothing_would_be_seen_is_refused(perform, clips, logo, given, words):
    """A film without its logo looks finished and is not."""
    with pytest.raises(RejectedInput, match=words):
        perform("overlay", video=clips["red.mp4"], over=logo, **given)


def test_what_is_neither_image_nor_video_is_refused(perform, clips):
    """With what it is."""
    with pytest.raises(RejectedInput, match=r"over takes an image or a video, but 'long\.wav' is"):
        perform("overlay", video=clips["red.mp4"], over=clips["long.wav"])
