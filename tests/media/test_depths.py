"""Pictures and sounds of more than 8 and 16 bits: kept where the result can hold them, else it is said."""

import array
import math

import pytest
from PIL import Image

from chains.model import Expect
from pipelines.artifacts import Store
from pipelines.engine.expectations import verify
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
