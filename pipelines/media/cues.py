"""A text as subtitles: cut where it can be read at a glance, and spread over a film."""

import re
from collections.abc import Iterator, Sequence

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
