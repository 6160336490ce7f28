"""Files that stand for more than they are: pictures, archives, names."""

import io
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from pipelines.artifacts import Store
from pipelines.artifacts.filetypes import filetype_of
from pipelines.artifacts.measures import Unmeasurable
from pipelines.artifacts.names import safe_name as published_name
from pipelines.artifacts.probe import measure, measure_media
from pipelines.programs.ffmpeg import find_ffmpeg
from pipelines.report import write_report
from spaces_registry.apps.files import Shelf, safe_name
from spaces_registry.network.origin import Origin
from spaces_registry.signature import File, Kind

NAMES = [
    *(
        "../../etc/passwd",
        "..\\..\\x.png",
        "/etc/passwd",
        "C:\\x.png",
        "\\\\host\\x",
        "a/../../b",
        "..",
        ".",
        "",
    ),
    *(
        "con",
        "NUL.png",
        "aux.tar.gz",
        "COM1",
        "com¹.png",
        "LPT³",
        "conin$",
        "CONOUT$.txt",
        "prn .txt",
        "nul.",
    ),
    *(
        "x" * 4000,
        "é" * 4000 + ".png",
        "x." + "y" * 4000,
        "a\u202egnp.exe",
        "a\x1b[31m.png",
        "a\nb.png",
        "a\x00b",
    ),
    *(
        "-rf",
        "`id`.png",
        "$(id).png",
        "a;b|c&d.png",
        "*.png",
        "a\ud800.png",
        " . ",
        "a ",
        "a.",
        "\u200b",
        "\ufeff",
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_becomes_one_plain_name_of_its_folder(tmp_path, name):
    """It comes from a stranger's server, and ends on disks of every system."""
    for made in (safe_name(name), published_name(name, ".png")):
        path = tmp_path / made
        path.write_bytes(b"x")

        assert path.resolve().parent == tmp_path.resolve()
        assert len(made.encode()) <= 255
        assert made.isprintable()
        assert not set(made) & set('/\\<>:"|?*`$\x00')
        assert made.partition(".")[0].strip().lower().rstrip("0123456789¹²³") not in (
            "con",
            "nul",
            "aux",
            "prn",
            "com",
            "lpt",
        )
        assert made == made.strip(" .")
        path.unlink()


def test_names_that_some_disk_takes_for_one_are_told_apart(tmp_path):
    """Two files of an answer must not become one, on a Mac or on Windows either."""
    shelf = Shelf(Origin("a", "http://127.0.0.1:9", None), "", tmp_path)  # type: ignore[arg-type] # nothing is asked
    names = [
        "a.png",
        "A.PNG",
        "e\u0301.png",
        "\u00e9.png",
        "stra\u00dfe.png",
        "STRASSE.png",
        "\ufb01.png",
        "fi.png",
    ]
    kept = [shelf.keep({"path": "/x", "orig_name": one}, None).path.name for one in names]

    assert len({one.casefold() for one in kept}) == len(names)
    assert kept[1] != "A.PNG"
    assert kept[5] == "STRASSE-2.png"
    assert kept[7] == "fi-2.png"


def png_of(width: int, height: int) -> bytes:
    """A picture that says how large it is, and little more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    facts = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", facts)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"), [(60_000, 60_000), (2**31 - 1, 1), (10_000, 12_000), (2**31 - 1, 2**31 - 1)]
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # as it is for a user
def test_a_picture_of_too_many_pixels_is_not_opened(tmp_path, width, height):
    """A kilobyte that unpacks to ten gigabytes; one just above the bound only made Pillow warn."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(width, height))

    with pytest.raises(Unmeasurable, match=r"more than [\d,]+ pixels"):
        measure(path)


@pytest.mark.parametrize(("width", "height"), [(65_500, 65_500), (16_000, 16_000)])
def test_a_film_of_absurd_size_is_told_and_not_decoded(tmp_path, width, height):
    """Its header alone must cost nothing."""
    box = struct.pack(">I4s", 0, b"") and b""
    visual = struct.pack(">6xH16xHH", 1, width & 0xFFFF, height & 0xFFFF) + b"\0" * 50
    entry = struct.pack(">I4s", 8 + len(visual), b"png ") + visual
    stsd = struct.pack(">I4sII", 16 + len(entry), b"stsd", 0, 1) + entry
    hdlr = struct.pack(">I4sII4s12x", 33, b"hdlr", 0, 0, b"vide") + b"\0"
    moov = struct.pack(">I4s", 8 + len(hdlr) + len(stsd), b"moov") + hdlr + stsd
    path = tmp_path / "absurd.mp4"
    path.write_bytes(struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + moov + box)

    with pytest.raises(Unmeasurable):
        measure(path)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nprivate.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile private.ts\n",
    ],
    ids=["hls", "concat"],
)
@pytest.mark.parametrize("name", ["film.mp4", "film.m3u8"])
def test_a_playlist_leads_ffmpeg_to_no_other_file(tmp_path, text, name):
    """What a place calls a film may be a list of files of yours, which would be shown to the next place."""
    program = find_ffmpeg()
    private, playlist = tmp_path / "private.ts", tmp_path / name
    made = ("-f", "lavfi", "-i", "testsrc=duration=1:size=64x64", str(private))
    subprocess.run([str(program), "-hide_banner", "-loglevel", "error", *made], check=True)
    playlist.write_text(text)

    assert measure_media(private, program).seconds
    with pytest.raises(Unmeasurable):
        measure_media(playlist, program)


def test_an_archive_is_told_without_unpacking_it(tmp_path):
    """What names itself an e-book may hold a gigabyte where its type should stand."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("mimetype", "w") as member:
        for _ in range(300):
            member.write(b" " * 2**20)
    path = tmp_path / "bomb.epub"
    path.write_bytes(made.getvalue())
    import resource  # noqa: PLC0415

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = filetype_of(path, "bomb.epub")

    assert found.extension == ".zip"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_an_archive_of_very_many_members_is_an_archive(tmp_path):
    """Its directory would be read as a whole."""
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", b"")  # it would be a document, if anybody looked
        for number in range(35_000):
            archive.writestr(f"word/{number:0100}", b"")

    assert filetype_of(path).extension == ".zip"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' + b"9" * 10_000 + b"}",
        b"{" + b'"a":1,' * 100 + b'"a":2}',
        b"[1e999]",
    ],
)
def test_json_of_any_sort_is_a_text(tmp_path, content):
    """Its look decides what it is called, and nothing else."""
    path = tmp_path / "x.json"
    path.write_bytes(content)

    assert filetype_of(path).extension in (".json", ".txt")


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>"
MARKUP = "</h1><script>alert('x')</script><img src=x onerror=alert(1)>\"' onclick='alert(1)"


def test_nothing_that_came_from_outside_is_markup_on_the_page(tmp_path):
    """Place names, errors, file names, texts: a page is opened by a double click."""
    store = Store(tmp_path / "store")
    for name, content in (("draw.svg", SVG), ("page.html", b"<html><script>alert(3)</script></html>")):
        path = tmp_path / name
        path.write_bytes(content)
        store.keep(File(path, name), Kind.FILE)
    step = {
        "status": "failed",
        "via": MARKUP,
        "endpoint": MARKUP,
        "revision": MARKUP,
        "because": MARKUP,
        "why": [MARKUP],
        "passed_over": [{"space": MARKUP, "why": MARKUP}],
        "outputs": {
            MARKUP: {"kind": "text", "value": MARKUP + "\ud800"},
            "drawing": {
                "kind": "image",
                "mime": "image/svg+xml",
                "path": str(tmp_path / "draw.svg"),
                "size_bytes": 9,
            },
            "page": {
                "kind": "file",
                "mime": "text/html",
                "path": str(tmp_path / "page.html"),
                "size_bytes": 9,
            },
            "fake": {
                "kind": "image",
                "mime": f"image/png{MARKUP}",
                "path": str(tmp_path / MARKUP),
                "size_bytes": 9,
            },
            "away": {
                "kind": "image",
                "mime": "image/png",
                "path": "javascript:alert(1)//x.png",
                "size_bytes": 9,
            },
        },
        "error": {"code": MARKUP, "message": MARKUP, "hint": MARKUP, "said": MARKUP},
        "story": [{"via": MARKUP, "class": MARKUP, "said": MARKUP, "then": MARKUP, "seconds": 1e999}],
    }
    document = {
        "run": MARKUP,
        "chain": MARKUP,
        "status": MARKUP,
        "folder": str(tmp_path),
        "file": MARKUP,
        "inputs": {MARKUP: MARKUP},
        "outputs": step["outputs"],
        "steps": {MARKUP: step},
    }
    page = write_report(tmp_path, document).read_text(encoding="utf-8")

    assert "<script" not in page
    assert "onerror=alert" not in page.replace("&lt;img src=x onerror=alert", "")
    assert "<svg" not in page
    assert "<iframe" not in page
    assert '<img src="./draw.svg' not in page
    assert "javascript:alert" not in page.replace("x.png (not in this folder)", "")
    assert "default-src 'none'" in page
    assert "download>page.html" in page or "download" in page


def test_the_page_of_a_store_is_no_path_out_of_it(tmp_path):
    """A record names a hash, and a hash alone."""
    store = Store(tmp_path / "store")
    for hostile in ("../../etc/passwd", "a" * 63, "A" * 64, "/etc/passwd", "", "a" * 64 + "/../x"):
        assert store.get(hostile) is None
        assert not store.verify(hostile)
    assert not Path(tmp_path / "store").exists()
