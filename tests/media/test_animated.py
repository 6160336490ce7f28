import anyio
import pytest
from PIL import Image

from chains.model import Expect
from pipelines.artifacts import Store
from pipelines.artifacts.probe import measure
from pipelines.engine.expectations import verify
from pipelines.media.animated import with_videos
from pipelines.media.operation import Work
from pipelines.programs.ffmpeg import find_ffmpeg
from pipelines.runners.media import MediaRunner
from spaces_registry.errors import BadOutput, RejectedInput
from spaces_registry.signature import File, Kind

FORMS = ["gif", "webp", "png", "avif"]
COLOURS = [(255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)]


@pytest.fixture
def animated(tmp_path):
    """Writes a picture of four frames, red, green, blue, white, each shown for so many milliseconds."""

    def write(form: str, shown=(250, 250, 250, 250), *, clear: bool = False) -> File:
        frames = [Image.new("RGBA", (64, 48), (*one, 255)) for one in COLOURS]
        for one in frames if clear else ():
            one.paste((0, 0, 0, 0), (0, 0, 32, 48))
        more = {"disposal": 2} if form == "gif" else {}
        path = tmp_path / f"moves.{form}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=list(shown), **more)
        return File(path, path.name)

    return write


def near(colour, wanted):
    return all(abs(one - two) < 40 for one, two in zip(colour, wanted, strict=True))


def shown(look, path, at, x=0.5, y=0.2):
    """The colour of a point at a time, by decoding all that comes before: a seek in a GIF loses frames."""
    point = f"fps=20,select='eq(n,{round(at * 20)})',format=rgb24,crop=1:1:iw*{x}:ih*{y}"
    return tuple(
        look.decode(path, after=["-vf", point, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"])
    )


# operation, its arguments, the length of the result, the index of the colour at its start and at its end
FILMS = {
    "convert_video": ({}, 1.0, 0, 3),
    "resize_video": ({"width": 32}, 1.0, 0, 3),
    "crop_video": ({"aspect": "1:1"}, 1.0, 0, 3),
    "trim": ({"start": 0.25, "end": 0.75}, 0.5, 1, 2),
    "loop": ({"times": 2}, 2.0, 0, 3),
    "subtitle": ({"text": "."}, 1.0, 0, 3),
    "gif": ({"width": 64, "fps": 4}, 1.0, 0, 3),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operation", FILMS)
def test_an_animated_picture_is_a_video_to_every_operation(perform, look, animated, operation, form):
    """Many video Spaces answer with WebP; its frames, their order and its length are right."""
    more, length, first, last = FILMS[operation]

    made = perform(operation, video=animated(form), **more)

    assert look.seconds(made, "v") == pytest.approx(length, abs=0.02)
    assert near(shown(look, made, 0.1), COLOURS[first])
    assert near(shown(look, made, length - 0.1), COLOURS[last])


@pytest.mark.parametrize("form", FORMS)
def test_animated_pictures_are_joined_laid_out_and_given_sound(perform, look, clips, animated, form):
    """Where several videos are taken, and beside sound."""
    moving = animated(form)

    joined = perform("concat", videos=[moving, clips["red.mp4"], moving])
    beside = perform("grid_video", videos=[moving, moving])
    spoken = perform("mux", video=moving, audio=clips["long.wav"], shorter="loop")
    marked = perform("overlay", video=moving, over=clips["clear.png"])

    assert look.seconds(joined, "v") == pytest.approx(3.0, abs=0.02)
    assert near(shown(look, joined, 2.9), COLOURS[3])
    assert look.seconds(beside, "v") == pytest.approx(1.0, abs=0.02)
    assert near(shown(look, beside, 0.6, 0.9), COLOURS[2])
    assert look.seconds(spoken, "v") == pytest.approx(2.0, abs=0.02)
    assert near(shown(look, spoken, 1.3), COLOURS[1])
    assert near(shown(look, marked, 0.6), COLOURS[2])


@pytest.mark.parametrize("form", FORMS)
def test_each_frame_of_an_animated_picture_keeps_its_own_time(perform, look, animated, form):
    """The times of animations differ from frame to frame; the last one's counts, too."""
    moving = animated(form, (100, 500, 50, 1000))

    frames = perform.all("frames", video=moving, nth=1)[0]
    shown = perform("thumbnail", video=moving, at=0.62)

    assert [near(look.colour(one.path), two) for one, two in zip(frames, COLOURS, strict=True)] == [True] * 4
    assert near(look.colour(shown), COLOURS[2])
    assert measure(moving.path).seconds == pytest.approx(1.65, abs=0.001)


@pytest.mark.parametrize("form", ["webp", "png", "avif"])
def test_what_is_transparent_in_an_animated_picture_stays_so(perform, look, animated, form):
    """What operations see of it has its transparency, which an AVIF keeps in a track of its own."""
    work = anyio.run(
        with_videos, Work(perform.call("trim", video=animated(form, clear=True)), perform.heard.append)
    )
    frame = look.decode(
        work.file("video").path, after=["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgba"]
    )

    assert frame[3] == 0
    assert frame[63 * 4 + 3] == 255


@pytest.mark.parametrize("form", FORMS)
def test_an_animated_picture_serves_as_an_image_where_one_is_asked_for(perform, animated, form):
    """As before: its first frame, with a warning."""
    with Image.open(perform("resize", image=animated(form), width=32)) as image:
        assert near(image.convert("RGB").getpixel((5, 5)), COLOURS[0])

    assert any("animated" in getattr(one, "message", "") for one in perform.heard)


@pytest.mark.parametrize("form", FORMS)
def test_a_kept_animation_has_the_parts_of_a_video(tmp_path, animated, form):
    """`check` promises `seconds` of every video, so a run must have them."""
    kept = Store(tmp_path / "store").keep(animated(form), Kind.VIDEO)

    assert (kept.part("width"), kept.part("height")) == (64, 48)
    assert kept.part("seconds") == pytest.approx(1.0)


def test_an_animation_too_short_is_not_what_was_expected(tmp_path, animated):
    """`min_seconds` holds for a video, whatever its bytes are."""
    kept = Store(tmp_path / "store").keep(animated("webp"), Kind.VIDEO)

    verify(Expect(min_seconds=0.9), [kept], "a place")
    with pytest.raises(BadOutput, match=r"1 s long"):
        verify(Expect(min_seconds=2), [kept], "a place")


def test_a_damaged_animation_is_refused_by_its_name(perform, animated):
    """And not by that of a file of ours."""
    moving = animated("webp")
    moving.path.write_bytes(moving.path.read_bytes()[:150] + b"ANMF\x04\0\0\0\0\0\0\0ANMF\x04\0\0\0\0\0\0\0")

    with pytest.raises(RejectedInput, match=r"'moves\.webp'"):
        perform("trim", video=moving, start=0.1)


def test_an_ffmpeg_that_reads_no_animated_webp_is_named(perform, tmp_path, animated):
    """Those of distributions are years old."""
    old = tmp_path / "ffmpeg"
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *-demuxers*) "{find_ffmpeg()}" -demuxers | grep -v webp;;'
        ' *moves.webp*) echo "image data not found" >&2; exit 1;; esac\n'
    )
    old.chmod(0o755)
    call = perform.call("gif", video=animated("webp"))

    with pytest.raises(
        RejectedInput, match=r"'moves\.webp' is an animated WebP, which this ffmpeg"
    ) as caught:
        anyio.run(MediaRunner(old), call, perform.heard.append)

    assert "SPACECHAIN_FFMPEG" in caught.value.hint
