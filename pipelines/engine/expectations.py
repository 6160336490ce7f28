"""What a step expects of a result beyond its kind: how long, how large, not blank, in which words."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from chains.model import Expect
from pipelines.artifacts import Artifact
from pipelines.artifacts.measures import Unmeasurable
from spaces_registry.errors import BadOutput
from spaces_registry.network.bounds import Bounds
from spaces_registry.signature import Kind

# for a pattern, in a process of its own: one that takes for ever cannot be stopped here
_MATCH_S: Final = 3.0
_LOOK_S: Final = 120.0  # for ffmpeg, over all of a medium
_FLAT: Final = 10  # levels out of 255 by which one colour may vary, after compression
_SIDE: Final = 64  # pixels that an image is reduced to before its colours are compared: evens noise out
_PLAIN: Final = frozenset({"L", "LA", "RGB", "RGBA"})  # modes that are reduced without another copy
_FRAMES: Final = 64  # of a video, evenly spread
_SILENT_DB: Final = -60.0
_SEARCH = (
    "import json, re, resource, sys; resource.setrlimit(resource.RLIMIT_CPU, (5, 5)); "
    "pattern, text = json.load(sys.stdin); sys.exit(re.search(pattern, text) is None)"
)
_LOUDEST = re.compile(r"max_volume: (-?[\d.]+|-inf) dB")


def verify(expect: Expect, values: Sequence[object], place: str) -> None:
    """Hold a call's outputs against what its step expects.

    Args:
        expect: what it expects.
        values: the outputs; files as artifacts.
        place: who made them.

    Raises:
        BadOutput: one is not what was expected; the message says which, and what it is.
        MediaNotInstalled: measuring needs the extra `media`.
    """
    if expect == Expect():
        return
    for value in _leaves(values):
        fault = (
            _fault_of_file(expect, value) if isinstance(value, Artifact) else _fault_of_text(expect, value)
        )
        if fault is not None:
            raise BadOutput(place, f"{place}: {fault}", hint="`expect` in the chain says what it must be")


def _leaves(value: object) -> Iterator[Artifact | str]:
    """Every file and every text of an answer; of records only the files: their texts are for programs."""
    match value:
        case Artifact() | str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from (one for one in _leaves(inner) if isinstance(one, Artifact))
        case Sequence():
            for inner in value:
                yield from _leaves(inner)


def _fault_of_text(expect: Expect, text: str) -> str | None:
    if expect.not_blank and not text.strip():
        return "the text is empty" if not text else "the text is nothing but white space"
    if expect.matches is not None and (why := _unmatched(expect.matches, text)):
        return f"the text {_beginning(text)} {why}"
    return None


def _unmatched(pattern: str, text: str) -> str | None:
    command = (sys.executable, "-I", "-c", _SEARCH)
    try:
        done = subprocess.run(  # noqa: S603 - our own program; pattern and text are its data
            command,
            input=json.dumps([pattern, text[: Bounds().searched]]),
            text=True,
            capture_output=True,
            timeout=_MATCH_S,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        return f"could not be searched for {pattern!r} within {_MATCH_S:g} s"
    return f"does not match {pattern!r}" if done.returncode else None


def _beginning(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 60 else f"{flat[:60]}…")  # noqa: PLR2004 - a glance


def _fault_of_file(expect: Expect, file: Artifact) -> str | None:
    from pipelines.artifacts.probe import measure  # noqa: PLC0415 - needs Pillow and ffmpeg

    medium = file.mime.partition("/")[0]
    if medium == "image" and file.kind == Kind.VIDEO:  # an animated picture: all its frames count
        medium = "video"
    if medium not in ("image", "audio", "video"):
        return f"{file.name} is empty" if expect.not_blank and not file.size_bytes else None
    try:
        measures = measure(file.path, exactly=expect.min_seconds is not None or expect.not_blank)
    except Unmeasurable as failure:
        return f"{file.name} cannot be measured: {failure.said}"
    for name, least, is_, unit in (
        ("long", expect.min_seconds, measures.seconds, "s"),
        ("wide", expect.min_width, measures.width, "pixels"),
        ("high", expect.min_height, measures.height, "pixels"),
    ):
        if least is not None and is_ is not None and is_ < least:
            return f"{file.name} is {is_:g} {unit} {name}, and should be at least {least:g}"
    return _blankness(file, medium, measures.seconds) if expect.not_blank else None


def _blankness(file: Artifact, medium: str, seconds: float | None) -> str | None:
    match medium:
        case "image":
            return f"{file.name} shows nothing but one colour" if _is_flat(file.path) else None
        case "audio":
            return f"{file.name} is silent" if _is_silent(file.path) else None
        case _:
            return f"every frame of {file.name} is blank" if _is_empty_film(file.path, seconds) else None


def _is_flat(path: Path) -> bool:
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to import

    from pipelines.artifacts.pixels import picture_in  # noqa: PLC0415 - an extra

    with path.open("rb") as stream:
        if stream.read(256).lstrip().startswith((b"<?xml", b"<svg")):
            return False  # a drawing has no pixels to compare
    try:
        with picture_in(path) as image:
            if image.mode in ("F", "I"):  # numbers without a scale, such as depths
                least, most = image.getextrema()
                return least == most
            image.draft("RGB", (_SIDE * 4, _SIDE * 4))
            plain = image if image.mode in _PLAIN else image.convert("RGBA")
            small = plain.resize((_SIDE, _SIDE), Image.Resampling.BOX).convert("RGBA")
    except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever their parser met; it was measured before
        return False
    if not any(small.tobytes()[3::4]):
        return True  # transparent all over
    return _is_one_colour(small.tobytes(), 4)


def _is_one_colour(pixels: bytes, channels: int) -> bool:
    return all(
        max(plane) - min(plane) <= _FLAT for plane in (pixels[one::channels] for one in range(channels))
    )


def _is_silent(path: Path) -> bool:
    said = _ffmpeg(path, "-map", "0:a:0", "-af", "volumedetect", "-f", "null", "-")[1]
    found = _LOUDEST.search(said)
    return found is not None and (found[1] == "-inf" or float(found[1]) <= _SILENT_DB)


def _is_empty_film(path: Path, seconds: float | None) -> bool:
    rate = _FRAMES / max(seconds or 1.0, 1.0)
    scaled = f"fps={min(rate, 8.0):.6f},scale={_SIDE}:{_SIDE}:flags=area,format=rgb24"
    most = ("-frames:v", str(2 * _FRAMES))
    frames = _ffmpeg(path, "-map", "0:v:0", "-vf", scaled, *most, "-f", "rawvideo", "pipe:1")[0]
    size = _SIDE * _SIDE * 3
    whole = [frames[at : at + size] for at in range(0, len(frames) - size + 1, size)]
    return bool(whole) and all(_is_one_colour(one, 3) for one in whole)


def _ffmpeg(path: Path, *arguments: str) -> tuple[bytes, str]:
    from pipelines.programs.ffmpeg import find_ffmpeg, source  # noqa: PLC0415 - an extra
    from pipelines.programs.looking import look  # noqa: PLC0415 - an extra

    asked = ("-hide_banner", "-nostdin", "-nostats", *source(path), *arguments)
    frames: list[bytes] = []
    words: list[bytes] = []
    try:
        look(
            find_ffmpeg(),
            asked,
            frames.append,
            words.append,
            within_s=_LOOK_S,
            most_bytes=Bounds().said_bytes,
        )
    except OSError:  # a time that is over, too
        return b"", ""  # what cannot be looked at is not called blank
    return b"".join(frames), b"".join(words).decode("utf-8", "replace")
