"""Media that lie about how large, how long or how many they are cost a message, not gigabytes and minutes."""

import re
import resource
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest
from PIL import Image

from chains.model import Expect
from pipelines.artifacts import Store
from pipelines.artifacts.measures import Unmeasurable
from pipelines.artifacts.packets import PacketReader
from pipelines.artifacts.pixels import picture_in
from pipelines.artifacts.probe import measure
from pipelines.engine.expectations import verify
from pipelines.programs.ffmpeg import Ffmpeg, find_ffmpeg, wardened
from pipelines.programs.looking import look
from pipelines.runners.media import OPERATIONS, MediaRunner
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, Crashed, RejectedInput
from spaces_registry.signature import File, Kind

MB = 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a medium out of ffmpeg's options."""

    def made(name: str, options: str) -> Path:
        command = [str(find_ffmpeg()), "-loglevel", "error", "-f", "lavfi", *options.split(), tmp_path / name]
        subprocess.run(command, check=True)
        return tmp_path / name

    return made


@pytest.fixture
def perform(tmp_path: Path) -> Callable[..., Path]:
    """Performs an operation on a file; gives the first file that it makes."""

    def done(name: str, path: Path, **others: object) -> Path:
        endpoint = OPERATIONS[name]
        [needed] = [one for one in endpoint.parameters if one.required]
        file = File(path, path.name)
        folder = tmp_path / "performed"
        folder.mkdir()
        call = Call("media", endpoint, {needed.name: [file] if needed.many else file, **others}, folder)
        [value] = anyio.run(MediaRunner(), call, lambda _: None)
        return value.path

    return done


def expected(path: Path, tmp_path: Path, **expect: object) -> None:
    """Hold a video that a place gave against what a step expects."""
    artifact = Store(tmp_path / "store").keep(File(path, path.name), Kind.VIDEO)
    verify(Expect(**expect), [artifact], "place")


def boxes(data: bytes, *names: str) -> int:
    """Where the content of a box of an MP4 begins, named by its way."""
    at = 0
    for name in names:
        while data[at + 4 : at + 8] != name.encode():
            at += struct.unpack(">I", data[at : at + 4])[0]
        at += 8
    return at


def with_claim(path: Path, samples: int) -> Path:
    """The same sound with an index that claims so many samples of one byte."""
    data = bytearray(path.read_bytes())
    table = ("moov", "trak", "mdia", "minf", "stbl")
    size = boxes(data, *table, "stsz")
    struct.pack_into(">II", data, size + 4, 1, samples)
    struct.pack_into(">I", data, boxes(data, *table, "stts") + 8, samples)
    struct.pack_into(">I", data, boxes(data, *table, "stsc") + 12, samples)
    path.write_bytes(data)
    return path


def with_length(path: Path, milliseconds: float) -> Path:
    """The same Matroska file, whose header claims another length."""
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3
    struct.pack_into(">d", data, at, milliseconds)
    path.write_bytes(data)
    return path


def most_memory_of_children() -> int:
    """In bytes, of any that has ended."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit


MEASURED = """
import sys, resource
from pathlib import Path
from pipelines.artifacts.probe import measure
try:
    measure(Path(sys.argv[1]), exactly=True)
except Exception as cause:
    print(cause)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=sys.stderr)
"""


@pytest.mark.parametrize("samples", [40_000_000, 80_000_000])
def test_an_index_of_millions_of_samples_takes_no_memory(make, samples):
    """A sound of 1.6 kB took 2.9 GB and 15 s, a video 4.9 GB and a minute."""
    path = with_claim(make("a.m4a", "-i sine=440:d=0.05 -c:a aac"), samples)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, path], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert "nothing can be read of what its header claims" in done.stdout
    assert int(done.stderr) < 300 * MB


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 800 kB with a frame of 16,000 by 16,000 pixels."""
    path = tmp_path_factory.mktemp("wide") / "wide.mkv"
    frames = "-f lavfi -i color=red:s=16x16:r=1:d=1 -vf scale=16000:16000 -frames:v 1 -c:v png"
    subprocess.run([str(find_ffmpeg()), "-loglevel", "error", *frames.split(), path], check=True)
    return path


@pytest.mark.parametrize(
    ("operation", "others"),
    [("thumbnail", {}), ("resize_video", {"width": 32}), ("probe", {}), ("concat", {}), ("gif", {})],
)
def test_an_operation_says_which_frames_are_too_large(wide, perform, operation, others):
    """Each frame would take a gigabyte in three places."""
    with pytest.raises(RejectedInput, match=r"'wide.mkv' .*16000x16000 pixels, and at most 89,478,485"):
        perform(operation, wide, **others)


def test_a_place_whose_frames_are_too_large_has_failed(wide, tmp_path):
    """So that its fallback is asked."""
    with pytest.raises(BadOutput, match="frames of 16000x16000 pixels"):
        expected(wide, tmp_path, not_blank=True)


def test_pixels_that_are_made_square_are_counted_as_shown(make, perform):
    """Two million pixels that are a hundred times as wide as high are 200 million when they are square."""
    path = make("sar.mkv", "-i testsrc=s=2000x1000:r=5:d=1 -vf setsar=100/1 -pix_fmt yuv420p -c:v libx264")
    with pytest.raises(RejectedInput, match="200000x1000 pixels"):
        perform("thumbnail", path)


def test_a_frame_that_grows_after_the_first_is_not_decoded(make, perform, monkeypatch):
    """The header tells the size of the first alone."""
    monkeypatch.setenv("SPACECHAIN_MAX_PIXELS", "100000")
    parts = [make(f"{size}.mjpeg", f"-i testsrc=s={size}:r=1:d=1 -f mjpeg") for size in ("64x48", "640x480")]
    both = parts[0].with_name("both.mjpeg")
    both.write_bytes(b"".join(one.read_bytes() for one in parts))
    path = both.with_name("both.mkv")
    command = [find_ffmpeg(), "-loglevel", "error", "-r", "1", "-f", "mjpeg", "-i", both, "-c", "copy", path]
    subprocess.run(command, check=True)

    assert measure(path).width == 64
    with pytest.raises(RejectedInput, match=r"'both.mkv' has frames of 640x480 pixels, and at most 100,000"):
        perform("thumbnail", path, at=1.0)


@pytest.mark.parametrize(
    "operation", ["resize_video", "convert_video", "concat", "loop", "grid_video", "trim"]
)
def test_two_frames_a_day_apart_are_not_filled_up(make, perform, operation):
    """2.6 million frames between them would be encoded for hours."""
    path = make("day.mkv", "-i testsrc=s=64x48:r=1/86400:d=172800 -c:v mjpeg -fps_mode passthrough")
    with pytest.raises(RejectedInput, match=r"'day.mkv' holds \d frames over .* more than 1,000,000"):
        perform(operation, path, **({"width": 32} if operation == "resize_video" else {}))


def test_a_long_film_that_holds_its_frames_is_worked_on(make, perform, monkeypatch):
    """The limit is for frames that are made out of nothing."""
    monkeypatch.setenv("SPACECHAIN_MAX_FRAMES", "50")
    path = make("whole.mkv", "-i testsrc=s=64x48:r=25:d=4 -pix_fmt yuv420p -c:v libx264")

    assert measure(perform("trim", path, seconds=1.0)).seconds == pytest.approx(1)


def test_a_length_that_only_the_header_claims_is_not_believed(make, tmp_path):
    """A place that owes an hour must not pass with two seconds."""
    path = with_length(make("a.mkv", "-i testsrc=s=64x48:r=25:d=2 -pix_fmt yuv420p -c:v libx264"), 3.6e6)
    assert measure(path).seconds == pytest.approx(3600)

    with pytest.raises(BadOutput, match="is 2 s long, and should be at least 60"):
        expected(path, tmp_path, min_seconds=60)


def test_a_black_film_of_any_claimed_length_is_blank(make, tmp_path):
    """A year between two looks at it would look at nothing, and nothing is not blank."""
    path = with_length(make("a.mkv", "-i color=black:s=64x48:r=25:d=2 -pix_fmt yuv420p -c:v libx264"), 1e15)
    with pytest.raises(BadOutput, match="is blank"):
        expected(path, tmp_path, not_blank=True)


def test_a_program_that_takes_too_much_memory_is_stopped_and_says_so(make, perform, monkeypatch):
    """Whatever else lies: this limit holds for all of it."""
    monkeypatch.setenv("SPACECHAIN_MAX_MEMORY", "300MB")
    path = make("a.mkv", "-i color=red:s=4096x2160:r=25:d=2 -pix_fmt yuv420p -c:v libx264 -preset ultrafast")
    with pytest.raises(RejectedInput, match=r"'a.mkv' takes more than the 300 MB of memory") as caught:
        perform("convert_video", path)

    assert "SPACECHAIN_MAX_MEMORY" in str(caught.value.hint)


def test_a_result_that_grows_too_large_is_stopped_and_says_so(make, perform, monkeypatch):
    """A disk is full sooner than an hour of noise is over."""
    monkeypatch.setenv("SPACECHAIN_MAX_DOWNLOAD", "100000")
    path = make("a.flac", "-i anullsrc=r=48000 -t 60")
    with pytest.raises(RejectedInput, match=r"what is made of 'a.flac' would be larger than 100,000 bytes"):
        perform("convert_audio", path, format="wav")


def test_the_limits_hold_for_the_program_and_what_it_starts(tmp_path):
    """They are set on the warden, from which all inherit."""
    shown = "import resource as r; print(r.getrlimit(r.RLIMIT_DATA)[0], r.getrlimit(r.RLIMIT_FSIZE)[0])"
    script = tmp_path / "program"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{shown}'\n")
    script.chmod(0o755)
    said: list[bytes] = []
    look(script, (), said.append, said.append, within_s=60, most_bytes=1000)

    assert b"".join(said).split() == [b"%d" % (2 * 2**30), b"%d" % (20 * 2**30)]


def test_a_program_that_does_not_stop_talking_is_stopped(tmp_path):
    """A file can make ffmpeg complain for ever."""
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\nexec yes\n")
    script.chmod(0o755)
    said: list[bytes] = []
    look(script, (), said.append, said.append, within_s=60, most_bytes=200_000)

    assert 0 < len(b"".join(said)) <= 200_000


def test_packets_are_counted_and_not_gathered():
    """Millions of lines about them would take gigabytes as text."""
    reader = PacketReader(Path("a.mkv"))
    reader.hear(b"#tb 0: 1/1000\n")
    lines = b"0,          0,          0,        1,     1, 0x00000001\n" * 10_000
    for _ in range(1000):
        reader.hear(lines)

    with pytest.raises(Unmeasurable, match="more than 10,000,000 packets"):
        reader.hear(lines)


def test_packets_are_read_wherever_the_pipe_cuts():
    """A line may come in two pieces."""
    text = b"#tb 0: 1/10\n#x\n0, 0, 20, 10, 9, 0x1\n0, 1, 0, 10, 9, 0x2\n0, 2, 10, 10, 9, 0x3"
    for cut in range(len(text)):
        reader = PacketReader(Path("a.mkv"))
        reader.hear(text[:cut])
        reader.hear(text[cut:])
        found = reader.packets()
        assert ([*found.starts], found.end) == ([0, 1, 2], 3)


def test_packets_that_claim_years_are_refused():
    """A result of that length would be made out of nothing."""
    reader = PacketReader(Path("a.mkv"))
    reader.hear(b"#tb 0: 1/1\n0, 0, 0, 1, 9, 0x1\n0, 1, 99999999, 1, 9, 0x2\n")

    with pytest.raises(Unmeasurable, match="claims to last 100,000,000 s"):
        reader.packets()


@pytest.mark.parametrize("kind", ["hear", "complain"])
def test_a_program_that_never_ends_its_line_takes_no_memory(kind):
    """What is said of packets is read as it comes, however it comes."""
    reader = PacketReader(Path("a.mkv"))
    take = getattr(reader, kind)
    tracemalloc.start()
    try:
        for _ in range(100):
            take(b"x" * MB)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < 8 * MB


def program(folder: Path, script: str) -> Path:
    """A program of the test's own in the place of ffmpeg."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_an_operation_that_looks_hears_no_more_than_it_needs(tmp_path):
    """What is said for ever is not listened to for ever."""
    ffmpeg = Ffmpeg(program(tmp_path, "exec yes"), tmp_path, "place", {})
    said: list[bytes] = []

    async def listen() -> None:
        with anyio.fail_after(60):
            await ffmpeg.look((), said.append, said.append, most_bytes=200_000)

    anyio.run(listen)
    assert 0 < len(b"".join(said)) <= 200_000


@pytest.mark.parametrize("line_ends", ["x", "\\n"])
def test_what_a_program_complains_is_kept_to_its_end(tmp_path, line_ends):
    """A file can make ffmpeg complain of each of its bytes."""
    script = f"head -c 50000000 /dev/zero | tr '\\0' '{line_ends}' >&2; echo >&2; echo it broke >&2; exit 1"
    ffmpeg = Ffmpeg(program(tmp_path, script), tmp_path, "place", {})
    tracemalloc.start()
    try:
        with pytest.raises(Crashed, match="broke"):
            anyio.run(partial(ffmpeg.run, (), lambda _: None, seconds=0))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < 20 * MB


def test_a_program_that_fails_with_much_memory_in_use_failed_for_want_of_more(tmp_path, monkeypatch):
    """Not every one of them says so, and some are ended before they can."""
    monkeypatch.setenv("SPACECHAIN_MAX_MEMORY", "300MB")
    script = f"exec {sys.executable} -c 'held = bytearray(150 * 2**20); raise SystemExit(1)'"
    ffmpeg = Ffmpeg(program(tmp_path, script), tmp_path, "place", {tmp_path / "a.mkv": "a.mkv"})
    with pytest.raises(RejectedInput, match=r"'a.mkv' takes more than the 300 MB of memory"):
        anyio.run(partial(ffmpeg.run, (), lambda _: None, seconds=0))


def test_a_program_that_says_nothing_is_not_waited_for(tmp_path):
    """A look is worth so long, and no longer."""
    with pytest.raises(TimeoutError):
        look(program(tmp_path, "exec sleep 60"), (), list, list, within_s=0.5, most_bytes=1000)


def test_a_picture_of_more_pixels_than_are_worked_on_is_refused_by_its_header(tmp_path, monkeypatch):
    """Pillow itself refuses twice as many, and of the rest it warns."""
    path = tmp_path / "a.png"
    Image.new("1", (64, 48)).save(path)
    monkeypatch.setenv("SPACECHAIN_MAX_PIXELS", "3071")
    with pytest.raises(Unmeasurable, match="more than 3,071 pixels: 64x48"), picture_in(path):
        pass
    monkeypatch.setenv("SPACECHAIN_MAX_PIXELS", "3072")
    with picture_in(path) as image:
        assert image.size == (64, 48)


def test_who_raises_the_limit_on_pixels_raises_that_of_pillow(tmp_path, monkeypatch):
    """The user's word holds for both."""
    path = tmp_path / "a.png"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)  # it is put back afterwards
    Image.new("1", (10_000, 9_000)).save(path)
    with pytest.raises(Unmeasurable, match="more than 89,478,485 pixels"), picture_in(path):
        pass
    monkeypatch.setenv("SPACECHAIN_MAX_PIXELS", "90000000")
    with picture_in(path) as image:
        assert image.size == (10_000, 9_000)


def test_a_later_frame_of_too_many_pixels_is_refused(tmp_path):
    """The header tells the size of the first alone."""
    path = tmp_path / "a.tiff"
    wide = Image.new("1", (14_000, 14_000))
    Image.new("1", (8, 8)).save(path, save_all=True, append_images=[wide], compression="tiff_deflate")

    def take_second() -> None:
        with picture_in(path) as image:
            image.seek(1)
            image.load()

    with pytest.raises(Unmeasurable, match="a frame of it has more than"):
        take_second()


def test_no_picture_is_drawn_by_another_program(tmp_path):
    """Pillow has EPS drawn by Ghostscript, which is a language to program in."""
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n")
    with Image.open(path) as image:
        assert image.format == "EPS"

    with pytest.raises(Image.UnidentifiedImageError), picture_in(path):
        pass


def test_every_picture_is_opened_in_one_place_and_every_ffmpeg_is_limited():
    """One that is opened elsewhere has no limits."""
    opened = re.compile(r"\bImage\.open\(|\bsubprocess\.(?:run|Popen)\(|\bopen_process\(")
    found = {
        str(one.relative_to(ROOT / "pipelines")): {*opened.findall(one.read_text())}
        for one in (ROOT / "pipelines").rglob("*.py")
        if "studio" not in one.parts and opened.search(one.read_text())
    }

    assert found == {
        "artifacts/pixels.py": {"Image.open("},
        "programs/ffmpeg.py": {"open_process("},
        "programs/looking.py": {"subprocess.Popen("},
        "engine/expectations.py": {"subprocess.run("},  # a pattern over a text, with limits of its own
        "runners/python.py": {"open_process("},  # what the user trusts
    }
    assert "-max_alloc" in wardened(Path("ffmpeg"), ("-version",))
