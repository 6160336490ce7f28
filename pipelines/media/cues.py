"""A text as subtitles: cut where it can be read at a glance, and spread over a film."""

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, takewhile
from typing import TypeAlias

from pipelines.artifacts.filetypes import TIMING

_MOST = 84  # letters that are shown at once: two lines
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])")  # noqa: RUF001 - ends of sentences
_LEAST_S = 0.001


def cues_of(text: str) -> tuple[str, ...]:
    """The pieces that are shown one after another: its lines if it has several, else its sentences."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    if len(lines) == 1:
        lines = [one for one in _SENTENCE.split(lines[0]) if one]
    return tuple(piece for line in lines for piece in _pieces(line))


def _pieces(line: str) -> list[str]:
    """A line in pieces of about equal length, none longer than can be read; cut between words."""
    parts = -(-len(line) // _MOST)
    if parts <= 1:
        return [line]
    goal, pieces = len(line) / parts, [""]
    for word in line.split(" "):
        if pieces[-1] and len(pieces[-1]) + 1 + len(word) / 2 > goal:
            pieces.append(word)
        else:
            pieces[-1] = f"{pieces[-1]} {word}".strip()
    return [one for piece in pieces for one in _cut(piece)]


def _cut(piece: str) -> list[str]:
    """A piece without spaces, as some languages write, is cut anywhere."""
    most = _MOST * 3 // 2
    return [piece[at : at + most] for at in range(0, len(piece), most)] if len(piece) > most else [piece]


def plain_form(text: str, *, vtt: bool) -> str:
    """Subtitles as every reader takes them: times to the millisecond, lines that end alike, cues counted.

    Args:
        text: an SRT or WebVTT file, its times and line ends in any of the forms that programs write.
        vtt: whether it is WebVTT; what stands before its cues and beside their times stays.
    """
    head, cues = _split(text, vtt=vtt)
    mark = "." if vtt else ","
    parts = ["\n".join(head).strip("\n") + "\n"] if vtt else []
    said = [one for one in cues if one[2]]
    for number, (timing, rest, lines) in enumerate(said, start=1):
        start, end = (_time(_seconds(timing.groups()[at : at + 4])) for at in (0, 4))
        times = f"{start} --> {end}".replace(".", mark) + rest
        parts.append("\n".join([*([] if vtt else [str(number)]), times, *lines]) + "\n")
    return "\n".join(parts)


_Cue: TypeAlias = tuple[re.Match[str], str, list[str]]


def _split(text: str, *, vtt: bool) -> tuple[list[str], list[_Cue]]:
    """What stands before the first cue, and the cues: their times, what follows these, their lines."""
    head: list[str] = []
    cues: list[_Cue] = []
    lines = head
    for line in re.split(r"\r\n|\r|\n", text):
        timing = TIMING.match(line)
        if timing is None:
            lines.append(line)
            continue
        if lines and (lines[-1].strip().isdecimal() or (vtt and lines[-1] and not any(lines[-2:-1]))):
            lines.pop()  # its number or name
        lines = []
        cues.append((timing, line[timing.end() :].rstrip(), lines))
    return head, [(timing, rest, _shown(lines, vtt=vtt)) for timing, rest, lines in cues]


def _shown(lines: Sequence[str], *, vtt: bool) -> list[str]:
    """The lines of a cue that say something; in WebVTT, what stands behind a blank line belongs to none."""
    lines = [*dropwhile(lambda one: not one.strip(), lines)]
    lines = [*takewhile(str.strip, lines)] if vtt else lines
    return [one.strip() for one in lines if one.strip()]


def _seconds(parts: Sequence[str | None]) -> float:
    """Hours, minutes, seconds and their fraction as one number."""
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(f"{seconds}.{fraction or 0}")


def as_srt(cues: Sequence[str], seconds: float) -> str:
    """Subtitles that share a film's length by how long they are to read, for a track of their own."""
    text = []
    for number, (start, end, cue) in enumerate(_timed(cues, seconds), start=1):
        times = f"{_time(start)} --> {_time(end)}".replace(".", ",")
        text.append(f"{number}\n{times}\n{cue.replace('-->', '→')}\n")
    return "\n".join(text)


def as_vtt(cues: Sequence[str], seconds: float) -> str:
    """The same to be written into a picture: in SRT, `{…}` and `<b>` would be orders."""
    text = ["WEBVTT\n"]
    for start, end, cue in _timed(cues, seconds):
        shown = cue.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        text.append(f"{_time(start)} --> {_time(end)}\n{shown}\n")
    return "\n".join(text)


def _timed(cues: Sequence[str], seconds: float) -> Iterator[tuple[float, float, str]]:
    whole, begun = sum(len(one) for one in cues), 0
    for cue in cues:
        start, end = seconds * begun / whole, seconds * (begun + len(cue)) / whole
        begun += len(cue)
        yield start, max(end, start + _LEAST_S), cue


def _time(seconds: float) -> str:
    millis = round(seconds * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
