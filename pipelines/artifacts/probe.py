"""How wide, how high and how long: images by Pillow, sound and moving pictures by ffmpeg.

There is no ffprobe in `imageio-ffmpeg`, so `ffmpeg -i` is read. Its text is for people, but these lines
have kept their form for over a decade, and a file's own tags, which come indented behind a name and a
colon, cannot pass for them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.artifacts.filetypes import filetype_of
from pipelines.artifacts.measures import Measures, Unmeasurable
from pipelines.artifacts.packets import PacketReader, Packets
from pipelines.artifacts.pixels import picture_in
from pipelines.programs.ffmpeg import MediaNotInstalled, find_ffmpeg, last_words, source, too_wide
from pipelines.programs.looking import look
from spaces_registry.network.bounds import GB, find_bounds
from spaces_registry.signature import Kind

_PROBE_S = 60.0
_PACE = 20_000_000  # bytes a second that a slow disk gives
_ROUGHLY_S = 1.0
PACKETS_BYTES = GB  # of lines about packets, each read as it comes
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112

_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_VIDEO = re.compile(r"^  Stream #0:\d{1,9}[^\n]*?: Video: (?P<codec>\w+)(?P<rest>[^\n]*)", re.MULTILINE)
_AUDIO = re.compile(
    r"^  Stream #0:\d{1,9}[^\n]*?: Audio: (?P<codec>\w+)(?:[^\n]*? Hz, (?P<layout>[^,\n]+))?", re.MULTILINE
)
_SAMPLES = re.compile(  # from the codec and its tags on: rate, channels, what holds a sample
    r"[^\n]*?, (?P<rate>\d{1,9}) Hz, [^,\n]{0,99},"
    r" (?P<held>u8|s16|s32|s64|flt|dbl)p?(?: \((?P<bits>\d+) bit\))?"
)
_LAYOUTS: Mapping[str, int] = {
    "mono": 1,
    "stereo": 2,
    "downmix": 2,
    "quad": 4,
    "hexagonal": 6,
    "octagonal": 8,
}
_SIZE = re.compile(r", (\d{1,5})x(\d{1,5})\b")
_SAR = re.compile(r"\bSAR (\d+):(\d+)")  # the stream's own, then the container's, which decides
_RATE = re.compile(r", (\d+(?:\.\d+)?)(k?) (fps|tbr)")
_FORMAT = re.compile(r", (yuv[aj]?\d{3}p\w*|nv12|rgb\w+|gray\w*|ya\d+\w*|bgr\w+|gbr\w+|pal8|argb|abgr)\b")
_SEE_THROUGH = re.compile(r"yuva|ya\d|rgba|bgra|argb|abgr|gbrap|pal8")
_ALPHA_MODE = re.compile(r"^ +alpha_mode +: 1$", re.MULTILINE | re.IGNORECASE)  # VP8 and VP9 keep it apart
_HDR = re.compile(r"[(, ]([\w-]+)/([\w-]+)/(smpte2084|arib-std-b67)\b")
_FASTEST = 60  # frames a second; above it the base rate is that of a clock, not of pictures
_ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")


def measure(path: Path, *, exactly: bool = False) -> Measures:
    """Measure an image, a sound or a video.

    Args:
        path: the file.
        exactly: whether to read all of it where it lasts, and not believe what its header claims.

    Raises:
        Unmeasurable: it is damaged, or none of these.
        MediaNotInstalled: the extra `media` is missing.
    """
    found = filetype_of(path)
    if found.extension == ".svg":
        return _measure_svg(path)
    if found.kind == Kind.IMAGE:
        image = measure_image(path)
        return _with_length(image, path, exactly=exactly) if found.serves_as(Kind.VIDEO) else image
    if found.kind in {Kind.AUDIO, Kind.VIDEO}:
        measures = measure_media(path, find_ffmpeg())
        return _believed(measures, path) if exactly else measures
    raise Unmeasurable(path, f"it is {found.says}")


def measure_image(path: Path) -> Measures:
    """Measure a pixel image, its EXIF orientation respected; reads its header, not its pixels."""
    try:
        with picture_in(path) as image:
            turned = image.getexif().get(_ORIENTATION) in _TURNED
            width, height = image.size[::-1] if turned else image.size
    except (Unmeasurable, MediaNotInstalled):
        raise
    except Exception as cause:  # Pillow's plugins raise whatever their parser met: struct.error, KeyError, …
        raise Unmeasurable(path, "it cannot be decoded as an image") from cause
    return Measures(width=width, height=height)


def _believed(claimed: Measures, path: Path) -> Measures:
    """The measures with the claimed length where the packets bear it out, else with theirs."""
    streams = (*(("v",) if claimed.has_video else ()), *(("a",) if claimed.has_audio else ()))
    program = find_ffmpeg()
    end = max(stream_seconds(path, program, one) for one in streams)
    # of a last packet not every container says how long it is
    return claimed if abs(end - (claimed.seconds or 0.0)) <= _ROUGHLY_S else replace(claimed, seconds=end)


def _with_length(image: Measures, path: Path, *, exactly: bool) -> Measures:
    """An animated picture's measures with how long it moves; without, where this ffmpeg cannot tell."""
    program = find_ffmpeg()
    try:
        found = parse_media(_ask(program, header_of(path)), path)
        if found.seconds is None or exactly:  # animated WebP and PNG keep each frame's time beside it
            found = replace(found, seconds=_packets(program, frames_of(path), path).end)
    except Unmeasurable:
        return image
    return replace(image, seconds=found.seconds)


def _measure_svg(path: Path) -> Measures:
    """The size that the root element names, or that of its view box."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        root = re.search(r"<svg\b[^<>]*>", stream.read(65_536), re.IGNORECASE)
    text = root.group() if root else ""
    named = [re.search(rf"\s{side}\s*=\s*[\"']([\d.]+)(px)?[\"']", text) for side in ("width", "height")]
    box = re.search(r"\sviewBox\s*=\s*[\"'][-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)", text)
    sizes = [one.group(1) for one in named if one]
    if len(sizes) != len(named):
        sizes = list(box.groups()) if box else []
    try:
        width, height = (round(float(one)) for one in sizes)
    except ValueError as cause:
        raise Unmeasurable(path, "the drawing names no size") from cause
    return Measures(width=width, height=height)


def measure_media(path: Path, program: Path) -> Measures:
    """Measure a sound or a video with the ffmpeg at `program`, by its header, or by all of it if need be.

    Raises:
        Unmeasurable: ffmpeg cannot read it.
    """
    found = parse_media(_ask(program, header_of(path)), path)
    if found.seconds is None:  # streamed WebM and raw AAC do not know their length
        stream = "v" if found.has_video else "a"
        return replace(found, seconds=stream_seconds(path, program, stream))
    return found


def header_of(path: Path) -> tuple[str, ...]:
    """The arguments that make ffmpeg say what `parse_media` reads."""
    return ("-hide_banner", "-nostdin", "-nostats", *source(path))


def packets_of(path: Path, stream: str) -> tuple[str, ...]:
    """The arguments that make ffmpeg say what `PacketReader` reads of the first `v` or `a` stream."""
    copied = ("-map", f"0:{stream}:0", "-c", "copy", "-f", "framecrc", "pipe:1")
    return ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning", *source(path), *copied)


def frames_of(path: Path) -> tuple[str, ...]:
    """The same, of the frames that decoding gives: of an animated PNG the packets cannot always be had."""
    shown = (
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "demux",
        "-f",
        "framecrc",
        "pipe:1",
    )
    return ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning", *source(path), *shown)


def parse_media(text: str, path: Path) -> Measures:
    """Read what `ffmpeg -i` says; `seconds` is None where the header does not tell.

    Raises:
        Unmeasurable: it opened nothing that moves or sounds.
    """
    moving = [one for one in _VIDEO.finditer(text) if "(attached pic)" not in one["rest"]]
    audio = _AUDIO.search(text)
    duration = _DURATION.search(text)
    if wide := too_wide(text):
        raise Unmeasurable(path, f"it {wide}")
    if not moving and not audio:
        raise Unmeasurable(path, last_words(text, {path: path.name}))
    seconds = None
    if duration and "Estimating duration from bitrate" not in text:
        hours, minutes, rest = duration.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    facts = _picture_facts(moving[0], text) if moving else Measures()
    most = find_bounds().pixels
    if (facts.width or 0) * (facts.height or 0) > most:
        raise Unmeasurable(
            path, f"its frames have {facts.width}x{facts.height} pixels, which is more than {most:,}"
        )
    samples = _SAMPLES.match(text, audio.start("codec")) if audio else None
    held = samples and (samples["bits"] if samples["bits"] == "24" else samples["held"])
    return replace(
        facts,
        seconds=seconds or None,
        has_video=bool(moving),
        has_audio=audio is not None,
        audio_codec=audio["codec"] if audio else None,
        channels=_channels(audio["layout"] or "") if audio else None,
        sample_format=held,
        sample_rate=int(samples["rate"]) if samples else None,
    )


def _picture_facts(line: re.Match[str], text: str) -> Measures:
    rest, following = line["rest"], text[line.end() :].partition("\n  Stream #")[0]
    pixels, hdr = _FORMAT.search(rest), _HDR.search(rest)
    pixel_format = pixels.group(1) if pixels else None
    rotation = _ROTATION.search(following)
    degrees = round(float(rotation.group(1))) % 180 if rotation else 0
    width, height, square = _shape(rest)
    if degrees == 90:  # noqa: PLR2004 - a quarter turn
        width, height = height, width
    fps, steady = _rate(rest)
    return Measures(
        width=width,
        height=height,
        video_codec=line["codec"],
        pixel_format=pixel_format,
        fps=fps,
        steady=steady,
        square=square,
        upright=rotation is None,
        alpha=bool(_SEE_THROUGH.match(pixel_format or "") or _ALPHA_MODE.search(following)),
        hdr=hdr.group(3) if hdr else None,
        colours=(hdr.group(1), hdr.group(2)) if hdr else None,
    )


def _shape(line: str) -> tuple[int | None, int | None, bool]:
    """Width and height in square pixels, and whether they are stored as such."""
    size, ratios = _SIZE.search(line), _SAR.findall(line)
    if not size:
        return None, None, True
    width, height = int(size.group(1)), int(size.group(2))
    across, down = (int(one) for one in ratios[-1]) if ratios else (1, 1)
    if across == down or not across or not down:  # 0:1 means that nobody knows
        return width, height, True
    return max(1, round(width * across / down)), height, False


def _rate(line: str) -> tuple[float | None, bool]:
    """Frames a second, and whether no frame is lost at that rate.

    A screen recording of `8.60 fps, 30 tbr` has 8.6 frames a second on average, and 30 where something moves.
    """
    rates = {name: float(value) * (1000 if k else 1) for value, k, name in _RATE.findall(line)}
    average, base = rates.get("fps"), rates.get("tbr")
    if average is None or base is None:
        return average or base, (average or base or 0) <= _FASTEST
    return (base, True) if base <= _FASTEST else (average, False)


def _channels(layout: str) -> int | None:
    """How many channels ffmpeg's name of a layout means: `stereo`, `5.1(side)`, `3 channels (FL+FR+LFE)`."""
    words = layout.strip()
    if counted := re.match(r"(\d+) channels", words):
        return int(counted.group(1))
    if points := re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", words):
        return sum(int(one or 0) for one in points.groups())
    return next((count for name, count in _LAYOUTS.items() if words.startswith(name)), None)


def stream_seconds(path: Path, program: Path, stream: str) -> float:
    """When the last packet of the first video (`v`) or audio (`a`) stream ends, exactly; reads it all."""
    return _packets(program, packets_of(path, stream), path).end


def _packets(program: Path, arguments: Sequence[str], path: Path) -> Packets:
    reader = PacketReader(path)
    within_s = _PROBE_S + path.stat().st_size / _PACE  # all of it is read
    _look(program, arguments, reader.hear, reader.complain, within_s=within_s, most_bytes=PACKETS_BYTES)
    return reader.packets()


def _ask(program: Path, arguments: Sequence[str]) -> str:
    """What ffmpeg writes, on either stream; its exit code means nothing when it was only asked."""
    said: list[bytes] = []
    complaints: list[bytes] = []
    most_bytes = find_bounds().said_bytes
    _look(program, arguments, said.append, complaints.append, within_s=_PROBE_S, most_bytes=most_bytes)
    return b"\n".join((b"".join(said), b"".join(complaints))).decode("utf-8", "replace")


def _look(
    program: Path,
    arguments: Sequence[str],
    hear: Callable[[bytes], object],
    complain: Callable[[bytes], object],
    *,
    within_s: float,
    most_bytes: int,
) -> None:
    try:
        look(program, arguments, hear, complain, within_s=within_s, most_bytes=most_bytes)
    except OSError as cause:  # a time that is over, too
        raise Unmeasurable(program, "it did not answer") from cause
