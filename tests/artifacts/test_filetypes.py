import io
import json
import subprocess
import zipfile

import pytest
from PIL import Image

from pipelines.artifacts import WrongKind
from pipelines.artifacts.filetypes import filetype_of
from pipelines.programs.ffmpeg import find_ffmpeg
from spaces_registry.errors import BadOutput
from spaces_registry.signature import File, Kind

IMAGES = {
    "png": "png",
    "jpeg": "jpg",
    "webp": "webp",
    "gif": "gif",
    "bmp": "bmp",
    "tiff": "tiff",
    "avif": "avif",
}
SOUNDS = ["wav", "mp3", "flac", "ogg", "opus", "m4a", "aac"]
VIDEOS = ["mp4", "mov", "webm", "mkv", "avi"]


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """One real sound and one real video in each format."""
    folder = tmp_path_factory.mktemp("media")
    sound, picture = (
        ["-f", "lavfi", "-i", "sine=440:d=0.5"],
        ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.5"],
    )
    for form in SOUNDS:
        subprocess.run([find_ffmpeg(), "-loglevel", "error", *sound, folder / f"sound.{form}"], check=True)
    for form in VIDEOS:
        subprocess.run(
            [find_ffmpeg(), "-loglevel", "error", *sound, *picture, folder / f"video.{form}"], check=True
        )
    for name, codec in {"alone.mp4": "aac", "alone.webm": "libopus"}.items():
        subprocess.run(
            [find_ffmpeg(), "-loglevel", "error", *sound, "-c:a", codec, folder / name], check=True
        )
    return folder


@pytest.mark.parametrize(("form", "extension"), IMAGES.items())
def test_images_are_told_by_their_bytes(tmp_path, form, extension):
    """Under a name that says nothing."""
    Image.new("RGB", (20, 10), "red").save(tmp_path / "x", form)

    found = filetype_of(tmp_path / "x")

    assert (found.extension, found.mime, found.kind) == (f".{extension}", f"image/{form}", Kind.IMAGE)


@pytest.mark.parametrize("form", SOUNDS)
def test_sounds_are_told_by_their_bytes(media, form):
    """And are no video."""
    found = filetype_of(media / f"sound.{form}")

    assert (found.extension, found.kinds) == (f".{form}", (Kind.AUDIO,))
    assert found.mime.startswith("audio/")


@pytest.mark.parametrize("form", VIDEOS)
def test_videos_are_told_by_their_bytes_and_serve_as_sound_too(media, form):
    """A Space may give a video where its description says audio; players read its sound track."""
    found = filetype_of(media / f"video.{form}")

    assert (found.extension, found.kinds) == (f".{form}", (Kind.VIDEO, Kind.AUDIO))
    assert found.mime.startswith("video/")


@pytest.mark.parametrize(("name", "extension"), [("alone.mp4", ".m4a"), ("alone.webm", ".webm")])
def test_sound_alone_in_a_videos_container_is_sound(media, name, extension):
    """The container's name says video; its track table says otherwise."""
    found = filetype_of(media / name, name)

    assert (found.extension, found.kind, found.mime[:6]) == (extension, Kind.AUDIO, "audio/")


@pytest.mark.parametrize("form", ["gif", "webp", "png", "avif"])
def test_a_picture_serves_as_video_if_it_moves(tmp_path, form):
    """Video Spaces do return them; one frame is a picture, also if written as an animation of one."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moves", form, save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "stands", form)
    frames[0].save(tmp_path / "alone", form, save_all=True)

    moving, still = filetype_of(tmp_path / "moves"), filetype_of(tmp_path / "stands")

    assert moving.serves_as(Kind.VIDEO)
    assert (moving.kind, moving.extension, moving.mime) == (Kind.IMAGE, still.extension, still.mime)
    assert still.kinds == filetype_of(tmp_path / "alone").kinds == (Kind.IMAGE,)


@pytest.mark.parametrize("form", ["gif", "webp", "png", "avif"])
def test_a_cut_off_animation_is_still_told(tmp_path, form):
    """No length in it is trusted, and no end is waited for."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    whole = io.BytesIO()
    frames[0].save(whole, form, save_all=True, append_images=frames[1:])

    for end in range(40, len(whole.getvalue())):
        (tmp_path / "cut").write_bytes(whole.getvalue()[:end])
        assert filetype_of(tmp_path / "cut").mime == f"image/{form}"


def archive(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name in names:
            opened.writestr(name, "x")
    return content.getvalue()


OTHERS = {
    "scene.glb": (b"glTF\x02\0\0\0\x14\0\0\0" + b"\0" * 20, ".glb", Kind.MODEL3D),
    "scene.gltf": (json.dumps({"asset": {"version": "2.0"}}).encode(), ".gltf", Kind.MODEL3D),
    "scene.obj": (b"# made\nmtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", ".obj", Kind.MODEL3D),
    "scene.ply": (b"ply\nformat ascii 1.0\n", ".ply", Kind.MODEL3D),
    "ascii.stl": (b"solid x\nfacet normal 0 0 0\n", ".stl", Kind.MODEL3D),
    "binary.stl": (b"\0" * 80 + (2).to_bytes(4, "little") + b"\x01" * 100, ".stl", Kind.MODEL3D),
    "scene.splat": (bytes(range(200, 232)) * 4, ".splat", Kind.MODEL3D),
    "scene.usdz": (archive("scene.usdc"), ".usdz", Kind.MODEL3D),
    "logo.svg": (b'<?xml version="1.0"?><!-- a --><svg xmlns="x"></svg>', ".svg", Kind.IMAGE),
    "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ".heic", Kind.IMAGE),
    "page.html": (b"<!doctype html><svg></svg>", ".html", Kind.FILE),
    "all.zip": (archive("a.txt"), ".zip", Kind.FILE),
    "letter.docx": (archive("[Content_Types].xml", "word/document.xml"), ".docx", Kind.FILE),
    "paper.pdf": (b"%PDF-1.7\n", ".pdf", Kind.FILE),
    "data.json": (b'{"a": 1}', ".json", Kind.FILE),
    "data.csv": (b"a,b\n1,2\n", ".csv", Kind.FILE),
    "words.srt": ("1\n00:00:00,000 --> 00:00:01,000\nhé\n".encode(), ".srt", Kind.FILE),
    "words.vtt": (b"WEBVTT\n\n", ".vtt", Kind.FILE),
    "note.txt": ("grüße\n".encode(), ".txt", Kind.FILE),
    "script.sh": (b"#!/bin/sh\n", ".txt", Kind.FILE),
    "noise.dat": (bytes(range(7, 250)) * 4, ".bin", Kind.FILE),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_rest_is_told_apart(tmp_path, name):
    """Models, drawings, documents and texts; a script does not get to be one by its name."""
    content, extension, kind = OTHERS[name]
    (tmp_path / "x").write_bytes(content)

    found = filetype_of(tmp_path / "x", name)

    assert (found.extension, found.kind) == (extension, kind)


@pytest.mark.parametrize("name", ["page.html", "note.txt", "noise.dat", "data.json", "all.zip"])
@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.MODEL3D, Kind.GALLERY, Kind.TEXT])
def test_a_broken_promise_is_bad_output(store, written, name, kind):
    """An error page named clip.mp4 must fail where it came from, not three steps later."""
    with pytest.raises(BadOutput, match=r"'clip\.mp4' should be an? "):
        store.keep(written("clip.mp4", OTHERS[name][0]), kind)


def test_the_page_that_came_instead_is_quoted(store, written):
    """It says why, and the user should not have to look for it."""
    page = b"<!doctype html><html><body><h1>503</h1> The Space is sleeping</body></html>"

    with pytest.raises(WrongKind) as caught:
        store.keep(written("clip.mp4", page), Kind.VIDEO, place="owner/video")

    assert str(caught.value) == "'clip.mp4' should be a video, but it is an HTML page"
    assert (caught.value.place, caught.value.said) == ("owner/video", "503 The Space is sleeping")


@pytest.mark.parametrize(
    ("kind", "becomes"), [(Kind.GALLERY, Kind.VIDEO), (Kind.ANY, Kind.VIDEO), (Kind.FILE, Kind.FILE)]
)
def test_a_gallery_or_anything_becomes_what_its_bytes_are(store, media, kind, becomes):
    """So that `$clips.videos` finds them; a promised file stays a file."""
    assert store.keep(File(media / "video.mp4", "a.mp4"), kind).kind == becomes


@pytest.mark.parametrize(
    "content",
    [
        b"<!---->" * 30_000,
        b"<?x>" * 60_000,
        b"v 1 1 1\n" * 30_000,
        b"[" * 250_000,
        b"\0\0\0\x08free" * 30_000,
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        b"GIF89a" + b"\x21\xf9\x04" * 80_000,
        b"PK\x03\x04" + b"\xff" * 1000,
        b"\xff\xfe" * 1000,
        b"OggS",
        b"RIFF",
        b"\x1a\x45\xdf\xa3",
        b"\0\0\0\x01ftyp",
    ],
)
def test_hostile_bytes_are_told_too(tmp_path, content):
    """Neither an exception nor a search that never ends."""
    (tmp_path / "x").write_bytes(content)

    assert filetype_of(tmp_path / "x").extension


def ogg_page(packet: bytes, kind: int = 2) -> bytes:
    """One page of an Ogg file that holds one packet; kind 2 begins a stream."""
    return b"OggS\0" + bytes([kind]) + bytes(20) + bytes([1, len(packet)]) + packet


@pytest.mark.parametrize(
    ("packets", "extension"),
    [
        ((b"\x80theora" + bytes(35), b"\x01vorbis" + bytes(23)), ".ogv"),
        ((b"\x01vorbis" + bytes(23), b"\x80theora" + bytes(35)), ".ogv"),
        ((b"fishead\0" + bytes(56), b"\x01vorbis" + bytes(23), b"\x80theora" + bytes(35)), ".ogv"),
        ((b"fishead\0" + bytes(56), b"OpusHead" + bytes(11)), ".opus"),
        ((b"\x01vorbis" + bytes(23),), ".ogg"),
    ],
)
def test_an_ogg_file_with_a_picture_is_a_video_whatever_comes_first(tmp_path, packets, extension):
    """Its streams stand in any order, and an index may come before them."""
    pages = b"".join(ogg_page(one) for one in packets)
    (tmp_path / "x").write_bytes(pages + ogg_page(b"\x80theora", kind=0))

    assert filetype_of(tmp_path / "x").extension == extension


def test_a_json_file_of_many_little_objects_is_not_decoded_to_be_told(tmp_path):
    """Sixteen megabytes of them would take half a gigabyte, only to be called JSON."""
    (tmp_path / "small.json").write_bytes(b"[" + b'{"a":1},' * 1000 + b"1]")
    (tmp_path / "bloated.json").write_bytes(b"[" + b'{"a":1},' * 500_000 + b"1]")

    assert filetype_of(tmp_path / "small.json").says == "JSON text"
    assert filetype_of(tmp_path / "bloated.json").says == "plain text"
