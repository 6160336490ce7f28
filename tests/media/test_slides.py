from itertools import pairwise

import pytest
from PIL import Image

from spaces_registry.signature import File


@pytest.fixture
def striped(tmp_path):
    """A white bar, whose middle is at 60 % of the width, on black."""
    image = Image.new("RGB", (640, 360))
    image.paste((255, 255, 255), (376, 0, 392, 360))
    image.save(tmp_path / "striped.png")
    return File(tmp_path / "striped.png", "striped.png")


def bar(look, path, at):
    """Where the white bar's middle is, as a fraction of the width, weighed over a row of the frame."""
    seek = ["-ss", f"{at:.4f}"]
    row = look.decode(
        path, *seek, after=["-frames:v", "1", "-vf", "crop=iw:2:0:ih/2", "-f", "rawvideo", "-pix_fmt", "gray"]
    )
    levels = [max(0, level - 40) for level in row[: len(row) // 2]]
    return sum(place * level for place, level in enumerate(levels)) / sum(levels) / len(levels)


def test_a_still_lasts_as_long_as_it_should(perform, look, clips):
    """The picture is the image's own size, upright, and true in colour."""
    made = perform("still", image=clips["turned.jpg"], seconds=1.5, fps=10)

    measures = look.measures(made)
    assert (measures.width, measures.height, measures.fps) == (30, 60, 10)
    assert look.seconds(made, "v") == pytest.approx(1.5, abs=0.001)
    assert look.colour(made, at=1.0) == pytest.approx((0, 0, 255), abs=12)


@pytest.mark.parametrize(
    ("motion", "moves"), [("zoom-in", 1), ("zoom-out", -1), ("pan-left", 1), ("pan-right", -1), ("none", 0)]
)
def test_a_camera_move_is_even_and_goes_the_right_way(perform, look, striped, motion, moves):
    """Steps of whole pixels are seen as jitter; every tenth of the way must be a tenth of the move."""
    made = perform("still", image=striped, seconds=2, motion=motion, size="320x180", fps=20)

    places = [bar(look, made, at=one / 20) for one in range(1, 40, 4)]
    steps = [two - one for one, two in pairwise(places)]
    mean = sum(steps) / len(steps)
    assert (mean > 0.0005) - (mean < -0.0005) == moves
    # a fifth of a pixel of noise is what encoding adds; zoompan's rounding is a whole one
    assert max(abs(step - mean) for step in steps) * 320 < 0.35


def test_a_slideshow_shows_each_image_in_turn(perform, look, clips):
    """Each for its time, letterboxed into the first one's size."""
    made = perform("slideshow", images=(clips["wide.png"], clips["turned.jpg"]), seconds=0.5, fps=20)

    measures = look.measures(made)
    assert (measures.width, measures.height) == (200, 100)
    assert look.seconds(made, "v") == pytest.approx(1, abs=0.001)
    assert look.colour(made, at=0.25) == pytest.approx((255, 0, 0), abs=12)
    assert look.colour(made, at=0.75) == pytest.approx((0, 0, 255), abs=12)
    assert max(look.colour(made, at=0.75, where=(0.05, 0.5))) < 20


def test_a_slideshow_crossfades(perform, look, clips):
    """The storyboard's usual wish, with a slow zoom on top."""
    images = (clips["wide.png"], clips["wide.png"], clips["clear.png"])
    made = perform(
        "slideshow",
        images=images,
        seconds=1,
        transition="crossfade",
        transition_seconds=0.4,
        motion="zoom",
        fps=10,
    )

    assert look.seconds(made, "v") == pytest.approx(2.2, abs=0.01)
    assert look.colour(made, at=0.5)[0] > 240


def test_transparency_is_laid_over_the_background(perform, look, clips):
    """Behind a cut-out figure, not the colour that happens to hide there."""
    made = perform("still", image=clips["clear.png"], seconds=0.2, background="#00ff00")

    assert look.colour(made) == pytest.approx((0, 255, 0), abs=12)
