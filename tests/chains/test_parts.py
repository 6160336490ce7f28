"""Which parts a step's output offers, and where they lie."""

import pytest

from chains.meaning.parts import PartType, find_part, offered
from spaces_registry.signature import Endpoint, Kind, Return

RETURNS = (
    Return("log", Kind.TEXT),
    Return("result", Kind.IMAGE),
    Return("previews", Kind.IMAGE, many=True),
    Return("all_pictures", Kind.GALLERY),
    Return("clip", Kind.VIDEO),
    Return("seed", Kind.INTEGER),
    Return("text", Kind.AUDIO),
)
VALUES = ("done", "1.png", ("2.png", "3.png"), ("4.png", "5.png"), "c.mp4", 7, "a.wav")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", "done"),
        ("texts", ("done",)),
        ("image", "1.png"),
        ("images", ("1.png", "2.png", "3.png", "4.png", "5.png")),
        ("previews", ("2.png", "3.png")),
        ("gallery", ("4.png", "5.png")),
        ("all_pictures", ("4.png", "5.png")),
        ("video", "c.mp4"),
        ("clip", "c.mp4"),
        ("integer", 7),
        ("number", 7),
        ("seed", 7),
        ("audio", "a.wav"),
        ("audios", ("a.wav",)),
        ("file", "1.png"),
        ("files", ("1.png", "2.png", "3.png", "4.png", "5.png", "c.mp4", "a.wav")),
        ("outputs", VALUES),
    ],
)
def test_a_part_is_found_by_kind_by_plural_and_by_label(name: str, expected: object) -> None:
    """A chain survives another Space whose labels differ, because kinds come first."""
    found = find_part(RETURNS, name)

    assert found is not None
    assert found.pick(VALUES) == expected


@pytest.mark.parametrize("name", ["model3d", "json", "boolean", "nobody", "__class__", ""])
def test_what_a_step_does_not_return_is_not_found(name: str) -> None:
    """Better no part than a wrong one."""
    assert find_part(RETURNS, name) is None


def test_an_image_comes_out_of_a_gallery_and_out_of_a_list() -> None:
    """Many image Spaces return a gallery of one."""
    gallery = find_part([Return("result", Kind.GALLERY)], "image")
    several = find_part([Return("result", Kind.IMAGE, many=True)], "image")

    assert gallery is not None
    assert several is not None
    assert gallery.pick([("a.png", "b.png")]) == "a.png"
    assert several.pick([("a.png", "b.png")]) == "a.png"
    assert gallery.pick([()]) is None
    assert gallery.type == several.type == PartType(Kind.IMAGE)


def test_a_file_may_turn_out_to_be_anything() -> None:
    """Its bytes decide at run time, so no check before the run may say no."""
    for kind in (Kind.IMAGE, Kind.VIDEO, Kind.AUDIO, Kind.MODEL3D, Kind.FILE):
        found = find_part([Return("result", Kind.FILE)], str(kind))
        assert found is not None
        assert found.type == PartType(kind)
    assert find_part([Return("result", Kind.FILE)], "text") is None
    assert find_part([Return("result", Kind.ANY)], "text") is not None


def test_the_very_kind_wins_over_what_may_stand_for_it() -> None:
    """`image` is the image that the Space returns, not the first of a gallery before it."""
    returns = [Return("shots", Kind.GALLERY), Return("raw", Kind.FILE), Return("best", Kind.IMAGE)]

    found = find_part(returns, "image")

    assert found is not None
    assert found.pick([("a",), "b", "c"]) == "c"


def test_what_is_offered_names_the_steps_own_outputs_first() -> None:
    """It is what a hint lists, so the most certain comes first."""
    types = offered(Endpoint("/x", returns=RETURNS[:2]), {"picture": "[0]"})

    assert list(types)[:5] == ["picture", "text", "image", "log", "result"]
    assert types["images"] == PartType(Kind.IMAGE, many=True)
    assert types["outputs"] == PartType(Kind.ANY, many=True)
    assert "video" not in types
