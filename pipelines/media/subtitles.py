"""Writing subtitles into the picture."""

import re
import shutil

from pipelines.artifacts.filetypes import filetype_of
from pipelines.ffmpeg import last_words, source
from pipelines.media.coding import MP4_FILE, MP4_PICTURE, MP4_SOUND, evened, frame_rate
from pipelines.media.operation import Operation, Work, choice, needs, number, operation
from spaces_registry.errors import Crashed
from spaces_registry.signature import Kind, Value

_NO_FONT = re.compile(
    r"fontselect: .*(failed|unable)|Glyph .* not found|can't find selected font", re.IGNORECASE
)
_TEXTS = frozenset({".srt", ".vtt"})
# `force_style` counts as the first SubStation Alpha did: 2 is centred, 4 more is the top, 8 more the middle
_AT = {"bottom": 2, "middle": 10, "top": 6}


async def _subtitle(work: Work) -> tuple[Value, ...]:
    video, texts = work.file("video"), work.file("subtitles")
    found = filetype_of(texts.path)
    if found.extension not in _TEXTS:
        raise work.refuse(f"{texts.name!r} is {found.says}", hint="subtitles are an SRT or WebVTT file")
    measured = await work.picture(video)
    length = await work.seconds(video, "v")
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        plain = parts / f"subtitles{found.extension}"  # a name that needs no quoting among filters
        shutil.copyfile(texts.path, plain)
        style = f"Alignment={_AT[work.word('position')]},Fontsize={work.number('size'):g}"
        written = f"subtitles=parts/{plain.name}:force_style='{style}'"
        graph = f"[0:v:0]fps={frame_rate(measured)},{evened()},{written}[v]"
        tracks = ("-map", "0:a:0", *MP4_SOUND) if measured.has_audio else ()
        result = work.made("subtitle.mp4", "video/mp4")
        picture = ("-filter_complex", graph, "-map", "[v]", *MP4_PICTURE)
        words = await work.ffmpeg().run(
            ("-loglevel", "warning", *source(video.path), *picture, *tracks, *MP4_FILE, result.name),
            work.tell,
            seconds=length,
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    if missing := next((line for line in words if _NO_FONT.search(line)), None):
        raise Crashed(
            work.place,
            f"{work.place}: there is no font for these letters",
            said=last_words(missing, {}),
            hint="install a font that has them, e.g. DejaVu or Noto",
        )
    return (result,)


SUBTITLE = operation(
    "subtitle",
    "Write subtitles into the picture.",
    (
        needs("video", Kind.VIDEO, "Video"),
        needs("subtitles", Kind.FILE, "SRT or WebVTT file in UTF-8"),
        number("size", "Height of the letters; 288 is the height of the picture", 18, 6, 72),
        choice("position", "Where they stand", "bottom", "middle", "top"),
    ),
    Kind.VIDEO,
    _subtitle,
)
SUBTITLING: tuple[Operation, ...] = (SUBTITLE,)
