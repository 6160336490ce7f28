import os
import subprocess
import sys
import threading

import pytest

from pipelines.artifacts.measures import Unmeasurable
from pipelines.artifacts.probe import measure, parse_media
from pipelines.programs.ffmpeg import MediaNotInstalled, NoSuchFfmpeg, find_ffmpeg


def test_a_turned_picture_is_measured_as_it_is_shown(clips):
    """A phone's portrait is stored lying down."""
    measures = measure(clips["turned.jpg"].path)

    assert (measures.width, measures.height) == (30, 60)


def test_a_turned_video_is_measured_as_it_is_shown(clips, tmp_path):
    """So is its film."""
    turned = tmp_path / "turned.mp4"
    command = [
        str(find_ffmpeg()),
        "-loglevel",
        "error",
        "-display_rotation",
        "90",
        "-i",
        clips["red.mp4"].path,
    ]
    subprocess.run([*command, "-c", "copy", turned], check=True)

    measures = measure(turned)

    assert (measures.width, measures.height, measures.upright) == (240, 320, False)


def test_a_cover_picture_does_not_make_a_sound_a_video(clips, tmp_path):
    """An MP3 with its cover has a video stream by name only."""
    covered = tmp_path / "covered.mp3"
    command = [
        str(find_ffmpeg()),
        "-loglevel",
        "error",
        "-i",
        clips["tone.mp3"].path,
        "-i",
        clips["wide.png"].path,
    ]
    subprocess.run(
        [*command, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic", covered],
        check=True,
    )

    measures = measure(covered)

    assert (measures.has_video, measures.has_audio, measures.width) == (False, True, None)


def test_tags_cannot_pass_for_facts(clips, tmp_path):
    """A title is a stranger's text, and stands in the same output."""
    tagged = tmp_path / "tagged.mp4"
    lie = "x\n  Duration: 09:09:09.00\n  Stream #0:0: Video: h264, yuv420p, 9x9, 9 fps"
    command = [
        str(find_ffmpeg()),
        "-loglevel",
        "error",
        "-i",
        clips["blue.mp4"].path,
        "-metadata",
        f"title={lie}",
    ]
    subprocess.run([*command, "-c", "copy", tagged], check=True)

    measures = measure(tagged)

    assert (measures.width, measures.height) == (120, 160)
    assert measures.seconds == pytest.approx(1, abs=0.05)


def test_a_recording_without_a_length_is_measured_by_its_packets(clips, tmp_path):
    """What browsers record names no duration."""
    streamed = tmp_path / "streamed.webm"
    command = [
        str(find_ffmpeg()),
        "-loglevel",
        "error",
        "-i",
        clips["vp9.webm"].path,
        "-c",
        "copy",
        "-live",
        "1",
    ]
    with streamed.open("wb") as file:
        subprocess.run([*command, "-f", "webm", "pipe:1"], check=True, stdout=file)

    assert measure(streamed).seconds == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "attributes", ['width="20px" height="10"', 'viewBox="0 0 20 10"', 'width="100%" viewBox="0,0,20,10"']
)
def test_a_drawing_has_the_size_it_names(tmp_path, attributes):
    """Either of the two ways a drawing can say it."""
    (tmp_path / "a.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}></svg>')

    measures = measure(tmp_path / "a.svg")

    assert (measures.width, measures.height) == (20, 10)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + b"x" * 50, b"RIFF\0\0\0\0WAVEjunk", b"hello", b"<svg></svg>"]
)
def test_what_cannot_be_measured_says_so(tmp_path, content):
    """Never a traceback of a decoder."""
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(Unmeasurable):
        measure(tmp_path / "x")


def test_somebodys_choice_of_ffmpeg_comes_first(tmp_path):
    """The variable is for those whose build is better."""
    own = tmp_path / "my ffmpeg"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)

    assert find_ffmpeg({"SPACECHAIN_FFMPEG": str(own)}) == own


def test_a_choice_that_is_no_program_is_an_error(tmp_path):
    """Falling back in silence would hide the slip."""
    with pytest.raises(NoSuchFfmpeg, match="nowhere"):
        find_ffmpeg({"SPACECHAIN_FFMPEG": str(tmp_path / "nowhere")})


def test_without_the_extra_the_message_says_what_to_install(tmp_path):
    """Measured in an interpreter that has neither Pillow nor an ffmpeg."""
    (tmp_path / "a.gif").write_bytes(b"GIF89a\x01\0\x01\0\0\0\0;")
    program = (
        "import sys; sys.modules['PIL'] = None; sys.modules['imageio_ffmpeg'] = None\n"
        "from pathlib import Path\n"
        "from pipelines.programs.ffmpeg import MediaNotInstalled, find_ffmpeg\n"
        "from pipelines.artifacts.probe import measure\n"
        "for ask in (lambda: measure(Path(sys.argv[1])), lambda: find_ffmpeg({'PATH': ''})):\n"
        "    try: ask()\n"
        "    except MediaNotInstalled as error: print(error, '|', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.gif"], check=True, capture_output=True, text=True
    )

    assert done.stdout.splitlines() == [
        'Pillow is not installed | pip install "spacechain[media]"',
        'ffmpeg is not installed | pip install "spacechain[media]"',
    ]
    assert MediaNotInstalled.code == "media-not-installed"


def test_measuring_ends_with_whoever_asked_for_it(tmp_path):
    """A run that was killed while it measured must not leave an ffmpeg that reads for hours."""
    fifo, program = tmp_path / "fifo", tmp_path / "ffmpeg"
    os.mkfifo(fifo)
    program.write_text(f'#!/bin/sh\nexec 9>"{fifo}"\necho here >&9\nsleep 1000\n')
    program.chmod(0o755)
    script = "import sys; from pathlib import Path; from pipelines.artifacts.probe import measure_media\n"
    script += "measure_media(Path(sys.argv[1]), Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", script, __file__, str(program)])
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        with fifo.open() as pipe:
            assert pipe.readline() == "here\n"
            process.kill()
            assert pipe.read() == ""  # nobody holds it open any more
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("h264, yuv420p, 640x360, 8.60 fps, 30 tbr, 90k tbn", (640, 360, 30.0, True)),
        ("vp8, yuv420p(tv), 640x360, SAR 1:1 DAR 16:9, 12.5 fps, 1k tbr, 1k tbn", (640, 360, 12.5, False)),
        (
            "h264, yuv420p, 720x576 [SAR 16:15 DAR 4:3], SAR 64:45 DAR 16:9, 25 fps, 25 tbr",
            (1024, 576, 25.0, True),
        ),
        ("theora, yuv420p, 640x360 [SAR 0:1 DAR 0:1], 30 tbr, 30 tbn", (640, 360, 30.0, True)),
        ("h264, yuv420p, 640x360, 240 fps, 240 tbr, 15360 tbn", (640, 360, 240.0, False)),
    ],
)
def test_a_line_of_ffmpeg_is_read(tmp_path, line, facts):
    """Every version has its own way with shapes and rates; these are lines of several."""
    found = parse_media(f"  Stream #0:0[0x1](und): Video: {line}\n", tmp_path)

    assert (found.width, found.height, found.fps, found.steady) == facts


@pytest.mark.parametrize(
    ("layout", "channels"),
    [
        ("mono", 1),
        ("stereo", 2),
        ("5.1(side)", 6),
        ("7.1", 8),
        ("3 channels (FL+FR+LFE)", 3),
        ("strange", None),
    ],
)
def test_channels_are_counted_by_their_names(tmp_path, layout, channels):
    """How loud a mix is depends on how many there are."""
    found = parse_media(f"  Stream #0:0: Audio: aac (LC), 44100 Hz, {layout}, fltp, 69 kb/s\n", tmp_path)

    assert found.channels == channels
