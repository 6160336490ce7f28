import os
import shutil
import stat
from functools import partial
from pathlib import Path

import anyio
import pytest
from PIL import Image

from pipelines.programs.ffmpeg import Ffmpeg, find_ffmpeg
from pipelines.runners.media import OPERATIONS, MediaRunner, UnknownOperation
from pipelines.runners.protocol import Call
from spaces_registry.clocks import Clocks
from spaces_registry.errors import Crashed, RejectedInput, TimedOut
from spaces_registry.progress import Progress, Started
from spaces_registry.signature import Endpoint, File


@pytest.fixture
def told_ffmpeg(tmp_path):
    """The real ffmpeg behind a script that writes down its process id."""
    script, pid = tmp_path / "ffmpeg", tmp_path / "pid"
    script.write_text(
        f'#!/bin/sh\necho $$ > "{pid}.new" && mv "{pid}.new" "{pid}"\nexec "{find_ffmpeg()}" "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return script, pid


def is_running(pid: Path) -> bool:
    try:
        os.kill(int(pid.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_a_cancelled_operation_takes_its_ffmpeg_with_it(perform, clips, told_ffmpeg):
    """Ctrl-C must not leave an encoder running for an hour."""
    script, pid = told_ffmpeg
    call = perform.call("loop", video=clips["slow.mp4"], seconds=3600)

    async def cancel_when_it_works() -> bool:
        with anyio.CancelScope() as scope:

            def heard(event):
                if isinstance(event, Progress):
                    scope.cancel()

            await MediaRunner(script)(call, heard)
        return scope.cancelled_caught

    assert anyio.run(cancel_when_it_works)
    assert not is_running(pid)


def test_an_operation_that_takes_too_long_is_ended(perform, clips, told_ffmpeg):
    """The run clock holds here as it does for a Space."""
    script, pid = told_ffmpeg
    call = perform.call("loop", Clocks(run_s=0.5), video=clips["slow.mp4"], seconds=3600)

    with pytest.raises(TimedOut, match=r"media loop took longer than 0\.5 s"):
        anyio.run(MediaRunner(script), call, perform.heard.append)

    assert not is_running(pid)


def test_progress_goes_from_nothing_to_all(perform, clips):
    """A live view has something to show, and it ends at the end."""
    perform("concat", videos=(clips["slow.mp4"], clips["red.mp4"]))

    fractions = [one.fraction for one in perform.heard if isinstance(one, Progress)]
    assert isinstance(perform.heard[0], Started)
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1, abs=0.05)


def test_the_same_inputs_give_the_same_bytes(perform, clips):
    """Results are kept under the hash of their bytes; a date inside would make each run's another."""
    for operation, arguments in {
        "mux": {"video": clips["vp9.webm"], "audio": clips["tone.mp3"]},
        "concat": {"videos": (clips["red.mp4"], clips["blue.mp4"]), "transition": "crossfade"},
        "convert_video": {"video": clips["blue.mp4"], "format": "webm"},
        "convert_audio": {"audio": clips["tone.mp3"], "format": "ogg"},
        "still": {"image": clips["wide.png"], "seconds": 0.5, "motion": "zoom-in"},
        "gif": {"video": clips["red.mp4"]},
    }.items():
        first, second = (perform(operation, **arguments).read_bytes() for _ in range(2))
        assert first == second, operation


def test_nothing_but_the_result_is_left_in_the_folder(perform, clips):
    """What an operation needs in between goes away with it, also when it fails."""
    made = perform("concat", videos=(clips["red.mp4"], clips["blue.mp4"]))
    failing = perform.call("slideshow", images=(clips["wide.png"], clips["wide.png"]), background="no colour")
    with pytest.raises(RejectedInput):
        anyio.run(MediaRunner(), failing, perform.heard.append)

    assert [one.name for one in made.parent.iterdir()] == ["concat.mp4"]
    assert list(failing.folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["-y.mp4", "a b 100%d.mp4", "münchen 🎬.mp4", "http:x.mp4", "it's;[0:v].mp4"]
)
def test_hostile_file_names_are_only_names(perform, look, clips, tmp_path, name):
    """Neither an option, nor a protocol, nor a pattern, nor a filter."""
    shutil.copy(clips["red.mp4"].path, tmp_path / name)
    odd = File(tmp_path / name, name)

    made = perform("concat", videos=(odd, odd))

    assert look.seconds(made, "v") == pytest.approx(2, abs=0.01)


def test_a_hostile_folder_is_only_a_folder(perform, clips, tmp_path):
    """Outputs and images are patterns to ffmpeg unless it is told better."""
    folder = tmp_path / "50%d it's -i x"
    folder.mkdir()
    call = Call("media", OPERATIONS["frames"], {"video": clips["red.mp4"], "every": 0.5}, folder)
    still = Call("media", OPERATIONS["still"], {"image": clips["wide.png"], "seconds": 0.2}, folder)

    (made,) = anyio.run(MediaRunner(), call, perform.heard.append)
    anyio.run(MediaRunner(), still, perform.heard.append)

    assert [one.path.exists() for one in made] == [True, True]
    assert (folder / "still.mp4").exists()


DAMAGED = {
    "page.mp4": b"<!DOCTYPE html><title>Sign in</title><p>You have to sign in",
    "noise.mp4": b"\0\0\0\x18ftypmp42" + b"\x55" * 5000,
    "empty.mp4": b"",
    "list.mp4": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_video_is_refused_by_name(perform, tmp_path, name):
    """The message names the user's file, not a path of ours, and never goes on with half of it."""
    (tmp_path / name).write_bytes(DAMAGED[name])

    with pytest.raises(RejectedInput, match=name) as caught:
        perform("trim", video=File(tmp_path / name, name))

    assert str(tmp_path) not in str(caught.value)


def test_an_error_page_in_place_of_a_video_is_quoted(perform, tmp_path):
    """The page says what went wrong better than we can."""
    (tmp_path / "page.mp4").write_bytes(DAMAGED["page.mp4"])

    with pytest.raises(RejectedInput) as caught:
        perform("trim", video=File(tmp_path / "page.mp4", "page.mp4"))

    assert "You have to sign in" in caught.value.said


@pytest.mark.parametrize("name", ["red.mp4", "vp9.webm"])
def test_a_video_that_was_cut_off_is_refused(perform, clips, tmp_path, name):
    """Half a download would pass for a shorter film."""
    half = tmp_path / name
    bytes_ = perform("convert_video", video=clips["red.mp4"], format=half.suffix[1:]).read_bytes()
    half.write_bytes(bytes_[: len(bytes_) * 2 // 3])

    with pytest.raises(RejectedInput, match="cut off"):
        perform("trim", video=File(half, name))


def test_a_truncated_image_is_refused(perform, clips, tmp_path):
    """Grey lower halves have been published."""
    half = tmp_path / "half.png"
    half.write_bytes(clips["wide.png"].path.read_bytes()[:-40])

    with pytest.raises(RejectedInput, match=r"half\.png"):
        perform("resize", image=File(half, "half.png"), width=10)


def test_a_decompression_bomb_is_refused_before_it_unfolds(perform, tmp_path):
    """A few kilobytes that would take gigabytes of memory."""
    bomb = tmp_path / "bomb.png"
    Image.new("1", (30_000, 3_000)).save(bomb)

    with pytest.raises(RejectedInput, match="89,478,485 pixels"):
        perform("resize", image=File(bomb, "bomb.png"), width=10)


def test_a_drawing_is_refused_as_a_drawing(perform, tmp_path):
    """SVG counts as an image, and Pillow cannot draw it."""
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')

    with pytest.raises(RejectedInput, match="SVG drawing"):
        perform("resize", image=File(tmp_path / "logo.svg", "logo.svg"), width=10)


def test_a_program_that_is_no_ffmpeg_fails_as_one_line(perform, clips, tmp_path):
    """Whatever SPACECHAIN_FFMPEG points at, no traceback reaches the user."""
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho something is wrong >&2\nexit 9\n")
    broken.chmod(0o755)
    call = perform.call("gif", video=clips["red.mp4"])

    with pytest.raises((RejectedInput, Crashed), match="something is wrong"):
        anyio.run(MediaRunner(broken), call, perform.heard.append)


def test_an_unknown_operation_names_the_nearest(tmp_path):
    """`media: mix` was meant to be `mux`."""
    with pytest.raises(UnknownOperation) as caught:
        anyio.run(MediaRunner(), Call("media", Endpoint("thumbnial"), {}, tmp_path), print)

    assert caught.value.hint == "did you mean 'thumbnail'?"
    assert caught.value.code == "unknown-operation"


def test_an_ffmpeg_that_lacks_something_is_told_as_such(tmp_path):
    """A build of one's own without `zscale` cannot show HDR; the hint is the build that can."""
    ffmpeg = Ffmpeg(find_ffmpeg(), tmp_path, "media trim", {})
    run = partial(ffmpeg.run, seconds=1)
    with pytest.raises(Crashed, match="lacks a part that this needs") as caught:
        anyio.run(run, ("-f", "lavfi", "-i", "color,nosuchfilter", "x.mp4"), lambda _: None)

    assert "imageio-ffmpeg" in caught.value.hint
