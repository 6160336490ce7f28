"""Subtitles: written into the picture, or as a track of their own."""

import shutil
from pathlib import Path

from pipelines.artifacts.encodings import (
    ENCODING_HINT,
    is_text_encoding,
    readings,
    unicode_words,
    unmarked_utf16,
)
from pipelines.artifacts.filetypes import TIMING, filetype_of
from pipelines.media.coding import MP4_FILE, MP4_PICTURE, evened
from pipelines.media.cues import as_srt, as_vtt, cues_of, plain_form
from pipelines.media.film import Film, film_of
from pipelines.media.join import is_ready
from pipelines.media.letters import drawable, has_no_font, no_font
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.programs.ffmpeg import source
from spaces_registry.progress import Logged
from spaces_registry.signature import File, Kind, Value

_TEXTS = frozenset({".srt", ".vtt"})
# `force_style` counts as the first SubStation Alpha did: 2 is centred, 4 more is the top, 8 more the middle
_AT = {"bottom": 2, "middle": 10, "top": 6}


async def _subtitle(work: Work) -> tuple[Value, ...]:
    film = await film_of(work, work.file("video"))
    length = film.seconds
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        plain = _written(work, parts, length)
        if work.word("mode") == "attach":
            return (await _attached(work, film, plain),)
        shown = plain.read_text(encoding="utf-8")
        shown = await drawable(work, shown, parts, vtt=plain.suffix == ".vtt")
        if not shown:  # all of it was signs that no font has; WebVTT may be empty, SRT may not
            plain, shown = plain.with_suffix(".vtt"), "WEBVTT\n"
        plain.write_text(shown, encoding="utf-8")
        result = work.made("subtitle.mp4", "video/mp4")
        style = f"Alignment={_AT[work.word('position')]},Fontsize={work.number('size'):g}"
        written = f"subtitles=parts/{plain.name}:force_style='{style}'"
        graph = f"{film.picture()},{evened()},{written}[v]"
        picture = ("-filter_complex", graph, "-map", "[v]", *MP4_PICTURE)
        words = await work.ffmpeg().run(
            ("-loglevel", "warning", *film.source(), *picture, *film.tracks(), *MP4_FILE, result.name),
            work.tell,
            seconds=length,
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    if has_no_font("\n".join(words)):
        raise no_font(work, "")
    return (result,)


def _written(work: Work, parts: Path, length: float) -> Path:
    """The subtitles in a file whose name needs no quoting among filters.

    Raises:
        RejectedInput: there are none, or a text and a file.
    """
    text = work.value("text")
    if (text is None) == (work.value("subtitles") is None):
        both = (
            "both text and subtitles are given" if text is not None else "there is neither text nor subtitles"
        )
        raise work.refuse(both, hint="give text, or an SRT or WebVTT file as subtitles")
    if text is not None:
        cues = cues_of(str(text))
        if not cues:
            raise work.refuse("text is empty")
        is_track = work.word("mode") == "attach"
        path = parts / f"subtitles{'.srt' if is_track else '.vtt'}"
        path.write_text((as_srt if is_track else as_vtt)(cues, length), encoding="utf-8")
        return path
    texts = work.file("subtitles")
    found = filetype_of(texts.path)
    if found.extension not in _TEXTS:
        raise work.refuse(f"{texts.name!r} is {found.says}", hint="subtitles are an SRT or WebVTT file")
    path = parts / f"subtitles{found.extension}"
    shown = plain_form(_read(work, texts), vtt=found.extension == ".vtt")
    path.write_text(shown, encoding="utf-8")
    return path


def _read(work: Work, file: File) -> str:
    """The text of a file of subtitles, in the encoding that it is in, or that `encoding` says.

    Raises:
        RejectedInput: its encoding is not certain, or not the one that is said.
    """
    content = file.path.read_bytes()
    said = work.value("encoding")
    if said is not None:
        return _read_as(work, file, content, str(said))
    if (words := unicode_words(content)) is not None:
        return words.text
    known = [one for one in unmarked_utf16(content) if TIMING.search(one.text)] or [*readings(content)]
    if len(known) == 1:
        work.tell(Logged("info", f"{file.name!r} is read as {known[0].encoding}"))
        return known[0].text
    names = [one.encoding for one in known] or ["cp1252", "gb18030"]
    reads = f"it may be {' or '.join(names)}" if known else "which encoding it is in cannot be told"
    hint = f"say it, such as `encoding: {names[0]}`, or save the file as UTF-8"
    raise work.refuse(f"{file.name!r} is not in UTF-8, and {reads}", hint=hint)


def _read_as(work: Work, file: File, content: bytes, encoding: str) -> str:
    if not is_text_encoding(encoding):
        raise work.refuse(f"encoding is {encoding!r}, which is none", hint=ENCODING_HINT)
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as cause:
        raise work.refuse(
            f"{file.name!r} is not in {encoding}", said=str(cause), hint=ENCODING_HINT
        ) from cause


async def _attached(work: Work, film: Film, texts: Path) -> File:
    """The film with the subtitles as a track that players show or not."""
    result = work.made("subtitle.mp4", "video/mp4")
    picture: tuple[str, ...] = ("-map", "0:v:0", "-c:v", "copy")
    if not is_ready(film.measured, film.file):
        picture = ("-filter_complex", film.encoded(), "-map", "[v]", *MP4_PICTURE)
    track = ("-map", "1:s:0", "-c:s", "mov_text", "-disposition:s:0", "default")
    inputs = (*film.source(), *source(texts))
    arguments = (*inputs, *picture, *film.tracks(), *track, *MP4_FILE, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=film.seconds)
    return result


SUBTITLE = operation(
    "subtitle",
    "Give a video subtitles, from a file or from a text that is spread over its length.",
    (
        needs("video", Kind.VIDEO, "Video"),
        option("subtitles", Kind.FILE, "SRT or WebVTT file"),
        option("encoding", Kind.TEXT, "Of that file, such as cp1252; found out if left out"),
        option("text", Kind.TEXT, "What is shown instead, line by line, or sentence by sentence"),
        choice("mode", "Written into the picture, or a track that players may show", "burn", "attach"),
        number("size", "Height of the letters; 288 is the height of the picture", 18, 6, 72),
        choice("position", "Where they stand", "bottom", "middle", "top"),
    ),
    Kind.VIDEO,
    _subtitle,
)
SUBTITLING: tuple[Operation, ...] = (SUBTITLE,)
