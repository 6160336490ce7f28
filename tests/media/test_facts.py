import pytest

from spaces_registry.errors import RejectedInput
from spaces_registry.signature import File


def test_a_video_says_all_about_itself(perform, clips):
    """An expression may then decide by its length or its shape."""
    (facts,) = perform.all("probe", file=clips["blue.mp4"])

    assert facts["kind"] == "video"
    assert (facts["width"], facts["height"], facts["fps"]) == (120, 160, 30)
    assert (facts["video_codec"], facts["audio_codec"], facts["has_audio"]) == ("h264", "aac", True)
    assert facts["seconds"] == pytest.approx(1.0, abs=0.05)
    assert facts["size_bytes"] == clips["blue.mp4"].path.stat().st_size


@pytest.mark.parametrize(
    ("name", "kind", "size"),
    [("turned.jpg", "image", (30, 60)), ("tone.mp3", "audio", (None, None)), ("vp9.webm", "video", (64, 48))],
)
def test_what_a_file_has_not_is_null(perform, clips, name, kind, size):
    """The same names for every kind, so that a chain may ask for any."""
    (facts,) = perform.all("probe", file=clips[name])

    assert facts["kind"] == kind
    assert (facts["width"], facts["height"]) == size
    assert (facts["seconds"] is None) == (kind == "image")


def test_any_other_file_has_a_size(perform, tmp_path):
    """It is no mistake to ask."""
    (tmp_path / "notes.txt").write_text("notes")
    (facts,) = perform.all("probe", file=File(tmp_path / "notes.txt", "notes.txt"))

    assert (facts["kind"], facts["size_bytes"], facts["seconds"]) == ("file", 5, None)


def test_a_damaged_film_is_refused(perform, clips, tmp_path):
    """Facts about half of it would be wrong ones."""
    (tmp_path / "cut.mp4").write_bytes(clips["slow.mp4"].path.read_bytes()[:30_000])

    with pytest.raises(RejectedInput, match=r"'cut\.mp4' cannot be decoded"):
        perform.all("probe", file=File(tmp_path / "cut.mp4", "cut.mp4"))
