import pytest
from PIL import Image

from spaces_registry.errors import RejectedInput
from spaces_registry.signature import File


def plain(folder, name, colour, size=(40, 30)):
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(folder / name)
    return File(folder / name, name)


def test_images_lie_row_by_row_with_gaps(perform, tmp_path):
    """Three of them in two columns leave one place empty, which is background."""
    images = [
        plain(tmp_path, f"{one}.png", one_colour)
        for one, one_colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)])
    ]
    made = perform("grid", images=images, columns=2, gap=5, background="#fff")

    with Image.open(made) as image:
        assert image.size == (85, 65) or image.size == (40 * 2 + 5, 30 * 2 + 5)
        seen = [image.getpixel(at) for at in [(20, 15), (65, 15), (20, 50), (65, 50), (42, 15)]]
    white = (255, 255, 255)
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), white, white]


def test_images_of_other_shapes_get_bars_and_may_be_transparent(perform, tmp_path):
    """The first one's size is everybody's."""
    images = [plain(tmp_path, "a.png", (255, 0, 0, 128)), plain(tmp_path, "b.png", (0, 0, 255), (30, 90))]
    made = perform("grid", images=images, background="transparent")

    with Image.open(made) as image:
        assert image.size == (80, 30)
        assert image.getpixel((20, 15))[3] == 128
        assert image.getpixel((45, 15))[3] == 0
        assert image.getpixel((60, 15)) == (0, 0, 255, 255)


def test_videos_play_at_once_and_hold_their_last_frame(perform, look, clips):
    """With the sound of the first that has some, though the first of all is silent."""
    made = perform(
        "grid_video", videos=[clips["red.mp4"], clips["brighter.mp4"], clips["blue.mp4"]], size="64x48", gap=3
    )
    measured = look.measures(made)

    assert (measured.width, measured.height) == (132, 100)
    assert look.seconds(made, "v") == pytest.approx(2.0, abs=0.04)
    assert look.colour(made, 1.8, (0.25, 0.25))[0] > 200  # red is over, and stays
    assert look.colour(made, 1.8, (0.75, 0.25))[1] > 150  # the second has become bright
    assert look.colour(made, 1.8, (0.25, 0.75))[2] > 200
    assert max(look.colour(made, 1.8, (0.75, 0.75))) < 30
    assert look.loudness(made, 0.2, 0.8) > 0.05
    assert look.loudness(made, 1.3, 1.8) < 0.01


def test_one_video_without_sound_is_a_grid_too(perform, look, clips):
    """What `each` gives may be one."""
    made = perform("grid_video", videos=[clips["odd.mkv"]], sound="mix")

    assert not look.measures(made).has_audio
    assert min(look.colour(made, 0.5)) > 230


def test_a_grid_beyond_what_players_show_is_refused(perform, clips):
    """With what to do about it."""
    with pytest.raises(RejectedInput, match="12800x720") as caught:
        perform("grid_video", videos=[clips["slow.mp4"]] * 10, columns=10)

    assert "480x270" in caught.value.hint
