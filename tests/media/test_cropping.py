import pytest
from PIL import Image

from spaces_registry.errors import RejectedInput
from spaces_registry.signature import File

COLOURS = {"left": (255, 0, 0), "middle": (0, 255, 0), "right": (0, 0, 255)}


@pytest.fixture
def thirds(tmp_path):
    """A picture of 90x30: red, green and blue beside each other."""
    image = Image.new("RGB", (90, 30))
    for place, one in enumerate(COLOURS.values()):
        image.paste(one, (place * 30, 0, place * 30 + 30, 30))
    image.save(tmp_path / "thirds.png")
    return File(tmp_path / "thirds.png", "thirds.png")


@pytest.mark.parametrize(
    ("part", "size", "seen"),
    [
        ({"aspect": "1:1"}, (30, 30), "middle"),
        ({"aspect": "1:1", "anchor": "top-left"}, (30, 30), "left"),
        ({"width": 20, "height": 10, "anchor": "right"}, (20, 10), "right"),
        ({"width": 21, "height": 7, "x": 65, "y": 3}, (21, 7), "right"),
        ({"aspect": "2/1", "height": 5, "x": 0}, (10, 5), "left"),
    ],
)
def test_crop_keeps_the_part_that_is_asked_for(perform, thirds, part, size, seen):
    """To a shape, to a size, or a box; odd sizes stay what they are in an image."""
    made = perform("crop", image=thirds, **part)

    with Image.open(made) as image:
        assert image.size == size
        assert image.getpixel((size[0] // 2, size[1] // 2)) == COLOURS[seen]


def test_crop_keeps_transparency_and_turns_upright(perform, clips):
    """What a phone or a drawing program wrote is cut as it is seen."""
    with Image.open(perform("crop", image=clips["clear.png"], width=10, height=10)) as clear:
        assert clear.getpixel((5, 5))[3] == 0
    with Image.open(perform("crop", image=clips["turned.jpg"], aspect="1:1", anchor="top")) as top:
        assert top.size == (30, 30)
        assert top.getpixel((15, 2))[0] > 200  # the yellow edge


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({}, "nothing says what to cut out"),
        ({"width": 200}, "200x30 does not fit into 90x30"),
        ({"width": 50, "height": 20, "x": 60}, "outside the picture of 90x30"),
        ({"aspect": "wide"}, "aspect is 'wide'"),
        ({"aspect": "1:1", "width": 4, "height": 4}, "both sides as well"),
    ],
)
def test_a_part_that_is_not_there_is_refused(perform, thirds, part, words):
    """Black bars in its place would be a wrong picture."""
    with pytest.raises(RejectedInput, match=words):
        perform("crop", image=thirds, **part)


def test_crop_video_keeps_the_sound_and_makes_a_portrait(perform, look, clips):
    """The usual wish: a tall film for a phone, of a wide one."""
    tall = perform("crop_video", video=clips["red.mp4"], aspect="9:16")
    heard = perform("crop_video", video=clips["blue.mp4"], width=51, height=33, x=3, y=1)

    assert (look.measures(tall).width, look.measures(tall).height) == (134, 240)
    assert (look.measures(heard).width, look.measures(heard).height) == (50, 32)
    assert look.loudness(heard, 0.2, 0.8) > 0.05
    assert look.seconds(heard, "v") == pytest.approx(1.0, abs=0.04)
