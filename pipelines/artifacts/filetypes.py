"""What a file is, read from its bytes: its media type, its extension, and which kinds it may stand for.

The common media are told apart here, tightly, because a kind promised by a Space is verified against this;
the long tail is left to `puremagic`. The file's name is asked in two cases only, where bytes cannot tell:
which of the look-alike text formats a text is (`.csv`, `.md`, …), and whether raw bytes are a Gaussian splat.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO

from pipelines.artifacts.containers import (
    Tracks,
    after_id3,
    avif_moves,
    gif_moves,
    is_adts,
    is_mp3,
    matroska_tracks,
    mp4_tracks,
    ogg_first_packets,
    png_moves,
    webp_moves,
)
from pipelines.artifacts.encodings import unicode_words, unmarked_utf16
from spaces_registry.network.decoding import decoded
from spaces_registry.signature import Kind

_HEAD_BYTES = 256 * 1024
_JSON_BYTES = 16 * 1024 * 1024  # a JSON file larger than this is called plain text
_ZIP_TAIL_BYTES = 66_000  # the end of an archive with the longest comment
_ZIP_DIRECTORY_BYTES = 4 * 1024 * 1024  # an archive of more members is called an archive
_SURE = 0.4  # puremagic's confidence in a match of four bytes or more
_PROLOG_PARTS = 64  # declarations and comments read over before the root of a markup text
_MEDIA = (Kind.VIDEO, Kind.AUDIO, Kind.IMAGE, Kind.MODEL3D)


@dataclass(frozen=True, slots=True)
class FileType:
    """What the bytes of a file are.

    Attributes:
        extension: with its dot, lower case, e.g. `.png`.
        mime: media type, e.g. `image/png`.
        says: the words for a message, e.g. `a PNG image`.
        kinds: what it may stand for, the most telling first; empty for a text or an archive.
    """

    extension: str
    mime: str
    says: str
    kinds: tuple[Kind, ...] = ()

    @property
    def kind(self) -> Kind:
        """The kind that says most about these bytes; `file` if they are no medium."""
        return self.kinds[0] if self.kinds else Kind.FILE

    def serves_as(self, kind: Kind) -> bool:
        """Whether such bytes keep the promise of `kind`; `file` and `any` take every file, `text` none."""
        if kind == Kind.GALLERY:
            return Kind.IMAGE in self.kinds or Kind.VIDEO in self.kinds
        return kind in self.kinds or kind in {Kind.FILE, Kind.ANY}


def filetype_of(path: Path, name: str = "") -> FileType:
    """What the file at `path` is.

    Args:
        path: an existing regular file, read to a bounded amount.
        name: what its maker calls it; a tie-breaker among look-alike formats, nothing else.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        if not head:
            return _empty(PurePath(name).suffix.lower())
        found = (
            _by_magic(head)
            or _by_structure(head, stream)
            or _text(head, path, PurePath(name).suffix.lower())
            or _by_puremagic(stream)
            or _raw(path, PurePath(name).suffix.lower())
        )
        return _animated(found, stream)


def is_medium(head: bytes) -> bool:
    """Whether bytes begin as a picture, a sound, a video, a 3D model, a document or an archive does."""
    return (
        _by_magic(head) is not None
        or head[4:8] in _ISO_BOXES
        or head.startswith((b"\x1a\x45\xdf\xa3", b"GIF87a", b"GIF89a", b"PK\x03\x04"))
        or head.lstrip()[:5].lower() in {b"<?xml", b"<svg "}
    )


def _empty(suffix: str) -> FileType:
    """A file without bytes: a text, which may be empty, of the sort that its name says."""
    mime, _ = {**_NAMED, **_SUBTITLES}.get(suffix, ("text/plain", ""))
    return FileType(suffix if mime != "text/plain" else ".txt", mime, "an empty file")


def _image(extension: str, subtype: str, says: str) -> FileType:
    return FileType(extension, f"image/{subtype}", says, (Kind.IMAGE,))


def _audio(extension: str, subtype: str, says: str) -> FileType:
    return FileType(extension, f"audio/{subtype}", says, (Kind.AUDIO,))


def _video(extension: str, subtype: str, says: str) -> FileType:
    return FileType(extension, f"video/{subtype}", says, (Kind.VIDEO, Kind.AUDIO))


def _model(extension: str, subtype: str, says: str) -> FileType:
    return FileType(extension, subtype, says, (Kind.MODEL3D,))


_MAGIC: tuple[tuple[bytes, FileType], ...] = (
    (b"\x89PNG\r\n\x1a\n", _image(".png", "png", "a PNG image")),
    (b"\xff\xd8\xff", _image(".jpg", "jpeg", "a JPEG image")),
    (b"II*\x00", _image(".tiff", "tiff", "a TIFF image")),
    (b"MM\x00*", _image(".tiff", "tiff", "a TIFF image")),
    (b"fLaC", _audio(".flac", "flac", "FLAC audio")),
    (b"glTF", _model(".glb", "model/gltf-binary", "a glTF model")),
    (b"ply\n", _model(".ply", "model/ply", "a PLY model")),
    (b"ply\r\n", _model(".ply", "model/ply", "a PLY model")),
    (b"%PDF-", FileType(".pdf", "application/pdf", "a PDF document")),
    (b"\x1f\x8b\x08", FileType(".gz", "application/gzip", "a gzip archive")),
)
_RIFF: Mapping[bytes, FileType] = {
    b"WAVE": _audio(".wav", "wav", "WAV audio"),
    b"WEBP": _image(".webp", "webp", "a WebP image"),
    b"AVI ": _video(".avi", "x-msvideo", "an AVI video"),
}
_THEORA = b"\x80theora"
_OGG: tuple[tuple[bytes, FileType], ...] = (  # the first packet of a stream's first page names the codec
    (b"OpusHead", _audio(".opus", "ogg", "Opus audio")),
    (b"\x01vorbis", _audio(".ogg", "ogg", "Ogg Vorbis audio")),
    (b"\x7fFLAC", _audio(".oga", "ogg", "FLAC audio in Ogg")),
    (b"Speex   ", _audio(".spx", "ogg", "Speex audio")),
    (_THEORA, _video(".ogv", "ogg", "an Ogg video")),
)
_BRANDS: Mapping[bytes, FileType] = {  # the major brand of an ISO base media file
    b"avif": _image(".avif", "avif", "an AVIF image"),
    b"avis": _image(".avif", "avif", "an AVIF image"),
    b"heic": _image(".heic", "heic", "a HEIC image"),
    b"heix": _image(".heic", "heic", "a HEIC image"),
    b"mif1": _image(".heic", "heif", "a HEIF image"),
    b"msf1": _image(".heic", "heif", "a HEIF image"),
    b"M4A ": _audio(".m4a", "mp4", "M4A audio"),
    b"M4B ": _audio(".m4a", "mp4", "M4A audio"),
}
_ISO_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free"})
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})  # the sizes its second header ever had


def _by_magic(head: bytes) -> FileType | None:
    fixed = next((found for magic, found in _MAGIC if head.startswith(magic)), None)
    return fixed or _riff_or_ogg(head) or _bitmap(head) or _mpeg_audio(head)


def _riff_or_ogg(head: bytes) -> FileType | None:
    if head[:4] in {b"RIFF", b"RF64", b"BW64"}:
        return _RIFF.get(head[8:12])
    if head.startswith(b"OggS"):
        first = ogg_first_packets(head)
        if any(one.startswith(_THEORA) for one in first):  # a sound may come before the picture
            return dict(_OGG)[_THEORA]
        return next((found for one in first for magic, found in _OGG if one.startswith(magic)), None)
    return None


def _bitmap(head: bytes) -> FileType | None:
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return _image(".bmp", "bmp", "a BMP image")
    return None


def _mpeg_audio(head: bytes) -> FileType | None:
    """MP3 or AAC frames, bare or behind an ID3 tag; a tag is read over, since FLAC may wear one too."""
    frames = after_id3(head)
    if frames.startswith(b"fLaC"):
        return _audio(".flac", "flac", "FLAC audio")
    if is_adts(frames):
        return _audio(".aac", "aac", "AAC audio")
    if is_mp3(frames) or head.startswith(b"ID3"):
        return _audio(".mp3", "mpeg", "MP3 audio")
    return None


_ANIMATED: Mapping[str, tuple[Callable[[BinaryIO], bool], str]] = {
    ".gif": (gif_moves, "an animated GIF"),
    ".png": (png_moves, "an animated PNG"),
    ".webp": (webp_moves, "an animated WebP"),
    ".avif": (avif_moves, "an animated AVIF"),
}


def _animated(found: FileType, stream: BinaryIO) -> FileType:
    """A picture of several frames serves as a video, too; the same without them is only a picture."""
    moves, says = _ANIMATED.get(found.extension, (None, ""))
    is_moving = moves is not None and moves(stream)
    return replace(found, says=says, kinds=(Kind.IMAGE, Kind.VIDEO)) if is_moving else found


def _by_structure(head: bytes, stream: BinaryIO) -> FileType | None:
    if head[4:8] in _ISO_BOXES:
        return _iso_media(head, stream)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(matroska_tracks(head), webm=b"webm" in head[:64])
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:  # noqa: PLR2004 - packets of 188 bytes
        return _video(".ts", "mp2t", "an MPEG transport stream")
    if head[:6] in {b"GIF87a", b"GIF89a"}:
        return _image(".gif", "gif", "a GIF image")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(stream)
    triangles = int.from_bytes(head[80:84], "little")
    if triangles and stream.seek(0, 2) == 84 + 50 * triangles:  # a binary STL is told by its size alone
        return _model(".stl", "model/stl", "an STL model")
    return None


def _iso_media(head: bytes, stream: BinaryIO) -> FileType | None:
    """MP4, QuickTime and the image formats that live in the same boxes; QuickTime may lack the first box."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    if found := _BRANDS.get(brand):
        # HEIF's general brand is also worn by AVIF, which then stands among the compatible brands
        avif = found.mime == "image/heif" and b"avif" in head[: int.from_bytes(head[:4], "big")]
        return _BRANDS[b"avif"] if avif else found
    tracks = mp4_tracks(stream)
    if head[4:8] != b"ftyp" and not tracks.known:
        return None
    if tracks.sound and not tracks.picture:
        return _audio(".m4a", "mp4", "sound without a picture, in MP4")
    if brand == b"qt  ":
        return _video(".mov", "quicktime", "a QuickTime video")
    return _video(".mp4", "mp4", "an MP4 video")


def _matroska(tracks: Tracks, *, webm: bool) -> FileType:
    extension, subtype = (".webm", "webm") if webm else (".mkv", "x-matroska")
    if tracks.sound and not tracks.picture:
        return _audio(extension if webm else ".mka", subtype, "sound without a picture, in Matroska")
    return _video(extension, subtype, "a WebM video" if webm else "a Matroska video")


_ZIPS: tuple[tuple[str, str, str, str], ...] = (  # a member's start, extension, media type, words
    ("word/", ".docx", "vnd.openxmlformats-officedocument.wordprocessingml.document", "a Word document"),
    ("xl/", ".xlsx", "vnd.openxmlformats-officedocument.spreadsheetml.sheet", "an Excel sheet"),
    ("ppt/", ".pptx", "vnd.openxmlformats-officedocument.presentationml.presentation", "a slide deck"),
)


def _is_small_zip(stream: BinaryIO) -> bool:
    """Whether an archive's directory is small enough to be read: a million members take a gigabyte there."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - _ZIP_TAIL_BYTES))
    tail = stream.read(_ZIP_TAIL_BYTES)
    at = tail.rfind(b"PK\x05\x06")
    return at >= 0 and int.from_bytes(tail[at + 12 : at + 16], "little") <= _ZIP_DIRECTORY_BYTES


def _zip(stream: BinaryIO) -> FileType:
    """A ZIP archive, or the document inside one; puremagic calls every archive a document."""
    archive = FileType(".zip", "application/zip", "a ZIP archive")
    if not _is_small_zip(stream):
        return archive
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as opened:
            members = opened.namelist()
            if "mimetype" in members:
                with opened.open("mimetype") as member:  # not `read`: unpacked it may be of any size
                    words = member.read(64)
                if words.strip() == b"application/epub+zip":
                    return FileType(".epub", "application/epub+zip", "an e-book")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return archive  # its directory is damaged or hidden by a password; it starts as an archive does
    if members and members[0].endswith((".usda", ".usdc", ".usd")):
        return _model(".usdz", "model/vnd.usdz+zip", "a USDZ model")
    for start, extension, subtype, says in _ZIPS:
        if "[Content_Types].xml" in members and any(one.startswith(start) for one in members):
            return FileType(extension, f"application/{subtype}", says)
    return archive


_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,9}))?"
# as programs write it: hours of one digit or none, no fraction or a long one, blanks of any kind
_BLANKS = r"[^\S\r\n]{0,99}"
_INDENT = r"(?:(?<![^\S\r\n])[^\S\r\n]*+)?"  # from its first blank on: tried once where a text is searched
TIMING = re.compile(rf"{_INDENT}{_TIME}{_BLANKS}-->{_BLANKS}{_TIME}(?![\d:])")
_SRT = re.compile(rf"\s*+(?:\d{{1,9}}{_BLANKS}[\r\n]\s*+)?{TIMING.pattern}")
_OBJ_LINE = re.compile(r"(#.*|(mtllib|usemtl|o|g|s|v|vn|vt|vp)\s.*)?$")
_OBJ_VERTEX = re.compile(r"^v\s+[-+.\d]\S*\s+[-+.\d]\S*\s+[-+.\d]", re.MULTILINE)
_NAMED: Mapping[str, tuple[str, str]] = {  # texts that their name tells apart; none that a click would run
    ".csv": ("text/csv", "comma-separated text"),
    ".tsv": ("text/tab-separated-values", "tab-separated text"),
    ".md": ("text/markdown", "Markdown text"),
    ".yaml": ("application/yaml", "YAML text"),
    ".jsonl": ("application/jsonl", "JSON lines"),
}
_SUBTITLES: Mapping[str, tuple[str, str]] = {
    ".srt": ("application/x-subrip", "SRT subtitles"),
    ".vtt": ("text/vtt", "WebVTT subtitles"),
}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # no text has these; ESC may colour a log


def _text(head: bytes, path: Path, suffix: str) -> FileType | None:
    """The type of a text in Unicode, or None if it is none; subtitles may be in any encoding."""
    text = _decoded(head)
    if text is None:
        return _old_subtitles(head)
    return _markup(text) or _model_text(text) or _subtitles(text) or _json(text, path) or _named_text(suffix)


def _decoded(head: bytes) -> str | None:
    whole = len(head) < _HEAD_BYTES
    for less in range(1 if whole else 5):  # the read may have ended inside a character
        if (words := unicode_words(head[: len(head) - less])) is not None:
            return None if _CONTROLS.search(words.text) else words.text
    return None


def _old_subtitles(head: bytes) -> FileType | None:
    """Subtitles in UTF-16 without a mark or in one byte a letter: their times are alike in all."""
    texts = [words.text for words in unmarked_utf16(head[: len(head) & ~1])]
    texts = texts or [head.decode("latin-1")]
    return next((_subtitles(text) for text in texts if not _CONTROLS.search(text)), None)


def _markup(text: str) -> FileType | None:
    """SVG, HTML or XML, by the root element behind declarations and comments."""
    rest = text.lstrip()
    xml = rest.startswith("<?xml")
    for _ in range(_PROLOG_PARTS):
        if not rest.startswith(("<?", "<!--")):
            break
        rest = rest.partition("-->" if rest.startswith("<!--") else ">")[2].lstrip()
    if re.match(r"<(!doctype\s+)?svg[\s>]", rest, re.IGNORECASE):
        return _image(".svg", "svg+xml", "an SVG drawing")
    if re.match(r"<(!doctype\s+html|html|head|body)[\s>]", rest, re.IGNORECASE):
        return FileType(".html", "text/html", "an HTML page")
    return FileType(".xml", "application/xml", "an XML text") if xml else None


def _model_text(text: str) -> FileType | None:
    if text.startswith("solid") and "facet normal" in text:
        return _model(".stl", "model/stl", "an STL model")
    lines = text.split("\n", 20)[:20]
    if _OBJ_VERTEX.search(text) and all(
        _OBJ_LINE.match(line) for line in lines if line[:1] not in {"f", "l"}
    ):
        return _model(".obj", "model/obj", "an OBJ model")
    return None


def _subtitles(text: str) -> FileType | None:
    if text.startswith("WEBVTT"):
        return FileType(".vtt", "text/vtt", "WebVTT subtitles")
    return FileType(".srt", "application/x-subrip", "SRT subtitles") if _SRT.match(text) else None


def _json(text: str, path: Path) -> FileType | None:
    if not text.lstrip().startswith(("{", "[")) or path.stat().st_size > _JSON_BYTES:
        return None
    try:
        data = decoded(path.read_bytes())
    except ValueError:
        return None
    if isinstance(data, dict) and isinstance(data.get("asset"), dict) and "version" in data["asset"]:
        return _model(".gltf", "model/gltf+json", "a glTF model")
    return FileType(".json", "application/json", "JSON text")


def _named_text(suffix: str) -> FileType:
    suffix = {".yml": ".yaml", ".markdown": ".md"}.get(suffix, suffix)
    if suffix in _NAMED:
        return FileType(suffix, *_NAMED[suffix])
    return FileType(".txt", "text/plain", "plain text")


def _by_puremagic(stream: BinaryIO) -> FileType | None:
    import puremagic  # noqa: PLC0415 - its tables load only for the rare formats

    stream.seek(0)
    try:
        matches = puremagic.magic_stream(stream)
    except (puremagic.PureError, ValueError):
        return None
    sure = (one for one in matches if one.confidence >= _SURE and one.mime_type and one.extension)
    if (best := next(sure, None)) is None:
        return None
    family = Kind(best.mime_type.partition("/")[0]) if best.mime_type.partition("/")[0] in _MEDIA else None
    kinds = (Kind.VIDEO, Kind.AUDIO) if family == Kind.VIDEO else (family,) if family else ()
    return FileType(best.extension, best.mime_type, f"a {best.extension.lstrip('.').upper()} file", kinds)


def _raw(path: Path, suffix: str) -> FileType:
    if suffix == ".splat" and path.stat().st_size % 32 == 0:  # 32 bytes a splat, and no magic number
        return _model(".splat", "application/octet-stream", "a Gaussian splat")
    return FileType(".bin", "application/octet-stream", "bytes of no known type")


def first_words(path: Path, length: int = 160) -> str | None:
    """How a text file begins, on one line; None if it is no text. A page sent as a picture says why."""
    found = filetype_of(path)
    if not found.mime.startswith(("text/", "application/json")):
        return None
    with path.open("rb") as stream:
        text = stream.read(4096).decode("utf-8", "replace")
    return " ".join(re.sub(r"<[^<>]*>", " ", text).split())[:length] or None
