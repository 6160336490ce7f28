"""Every limit on what comes from outside, in one place: how large, how deep, how slow, how many.

They are far above what honest places send, and low enough that a hostile one costs a message alone.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from spaces_registry.errors import ToolkitError

MB: Final = 2**20
GB: Final = 2**30

_SIZE = re.compile(r"(\d{1,15})\s*(k|m|g|t)?i?b?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 2**10, "m": MB, "g": GB, "t": 2**40}
_RAISED: Final = {  # what a user may set, by the variable
    "SPACECHAIN_MAX_DOWNLOAD": "download_bytes",
    "SPACECHAIN_MAX_ANSWER": "answer_bytes",
    "SPACECHAIN_MAX_FILES": "files",
    "SPACECHAIN_MAX_MEMORY": "memory_bytes",
    "SPACECHAIN_MAX_PIXELS": "pixels",
    "SPACECHAIN_MAX_FRAMES": "frames",
}


class BadBound(ToolkitError):
    """An environment variable sets a limit to something that is no size."""

    code = "bad-limit"

    def __init__(self, variable: str, value: str) -> None:
        super().__init__(
            f"{variable} is {value[:60]!r}, which is no size", hint="write it as 50GB or 2000000"
        )
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits; see docs/security.md.

    Attributes:
        description_bytes: of what an app says about itself, unpacked.
        answer_bytes: of one answer, or one event of a stream, that is read into memory, unpacked.
        refusal_bytes: of a refusal, of which the rest is not read, and of a receipt for a file or a call.
        stream_bytes: of all events of one call.
        json_values: lists, objects and their members in one answer: small text may be large in memory.
        json_levels: of lists and objects in each other.
        download_bytes: of one file that a place hands out, unpacked, and of one that a user names by URL.
        download_s: for one file, however fast it comes.
        pace_bytes: that a file must bring within `pace_s`; what drips is not waited for.
        pace_s: how long a file may be slower than that.
        files: that one call may give, in all its outputs.
        words: characters of what a place says: an error, a log line, a label.
        pixels: of one picture, or of a frame of a video; Pillow's own threshold, a 24-bit image of 256 MB.
        memory_bytes: of a program that works on media; one that only looks at them has a third of it.
        frames: of a video that is made, unless what it is made of holds as many.
        packets: of one track of a medium: a day and more of video at 60 frames a second.
        medium_s: how long a sound or a video may last.
        said_bytes: of what a program tells about a medium.
        redirects: followed for one request.
        chain_bytes: of a chain, a lock or a service file.
        code_bytes: of a file of code.
        text: characters of one text that an expression makes.
        items: of one list that an expression makes.
        made: characters that one evaluation may make in all, text that is thrown away again included.
        query_steps: of one look into an answer by JMESPath.
        searched: characters of a text that `expect.matches` is searched for in.
    """

    description_bytes: int = 64 * MB
    answer_bytes: int = 512 * MB
    refusal_bytes: int = MB
    stream_bytes: int = 8 * GB
    json_values: int = 5_000_000
    json_levels: int = 100
    download_bytes: int = 20 * GB
    download_s: float = 6 * 3600.0
    pace_bytes: int = 60_000
    pace_s: float = 60.0
    files: int = 1000
    words: int = 10_000
    pixels: int = 89_478_485
    memory_bytes: int = 6 * GB
    frames: int = 1_000_000
    packets: int = 10_000_000
    medium_s: float = 2 * 86_400.0
    said_bytes: int = 16 * MB
    redirects: int = 5
    chain_bytes: int = 1_000_000
    code_bytes: int = 10_000_000
    text: int = 1_000_000
    items: int = 10_000
    made: int = 20_000_000
    query_steps: int = 1_000_000
    searched: int = 1_000_000


def find_bounds(environ: Mapping[str, str] | None = None) -> Bounds:
    """The limits, with what the user has raised or lowered by environment variables.

    Raises:
        BadBound: a variable holds no size.
    """
    environ = os.environ if environ is None else environ
    given = {name: environ[variable] for variable, name in _RAISED.items() if environ.get(variable)}
    if not given:
        return Bounds()
    variables = {name: variable for variable, name in _RAISED.items()}
    sizes = {name: _size(variables[name], text) for name, text in given.items()}
    usual = Bounds()
    return replace(
        usual,
        answer_bytes=sizes.get("answer_bytes", usual.answer_bytes),
        download_bytes=sizes.get("download_bytes", usual.download_bytes),
        files=sizes.get("files", usual.files),
        memory_bytes=sizes.get("memory_bytes", usual.memory_bytes),
        pixels=sizes.get("pixels", usual.pixels),
        frames=sizes.get("frames", usual.frames),
    )


def _size(variable: str, text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    size = int(found[1]) * _UNITS[(found[2] or "").lower()] if found else 0
    if size < 1:
        raise BadBound(variable, text)
    return size


def told(size_bytes: int) -> str:
    """A size for a message: `64 MB`, `20 GB`."""
    if size_bytes >= GB:
        return f"{size_bytes / GB:.4g} GB"
    if size_bytes >= MB:
        return f"{size_bytes / MB:.4g} MB"
    return f"{size_bytes:,} bytes"
