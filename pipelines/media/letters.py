"""Letters and signs that no font of this machine has: left out of what is written into a picture, and told.

Emoji are among them wherever only colour fonts have them, which libass cannot draw.
"""

import re
import unicodedata
from pathlib import Path

from pipelines.artifacts.filetypes import TIMING
from pipelines.media.cues import plain_form
from pipelines.media.operation import Work
from spaces_registry.errors import Crashed

_MISSING = re.compile(r"fallback with glyph 0x([0-9a-f]+)", re.IGNORECASE)
_NO_FONT_AT_ALL = re.compile(r"Failed to load fontconfig fonts|can't find selected font|glyph 0x0\b")
_HINT = "install a font that has them, e.g. DejaVu or Noto"
_JOINERS = (
    "\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"  # what binds signs to one emoji
)
_A_LINE = 60  # letters that are asked for on one line
_NAMED = 12  # signs that a warning names


async def drawable(work: Work, text: str, folder: Path, *, vtt: bool) -> str:
    """Subtitles without what cannot be drawn; what is left out is told as a warning.

    Args:
        work: the call.
        text: subtitles in their plain form.
        folder: for a file of ours, below the call's folder.
        vtt: whether they are WebVTT.

    Raises:
        Crashed: there is no font for most of their letters.
    """
    wanted = sorted({one for one in text if not one.isascii() and not one.isspace()})
    if not wanted:
        return text
    missing = await _missing(work, wanted, folder)
    lost = [one for one in _letters(text) if one in missing]
    if len(lost) * 2 > len(_letters(text)):
        raise no_font(work, "".join(dict.fromkeys(lost))[:_NAMED])
    if missing:
        named = " ".join(sorted(missing)[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        advice = f"; {_HINT}" if lost else ""
        work.warn(f"left out, since no font here can draw them: {named}{advice}")
        signs = re.escape("".join(sorted(missing)))
        begun = (
            rf"(?:[^\S\n]|(?<![{_JOINERS}]))(?:(?![{signs}])[{_JOINERS}])*+"  # never within what joins signs
        )
        text = re.sub(rf"{begun}[{signs}][{signs}{_JOINERS}]*", "", text)
        text = plain_form(text, vtt=vtt)
    return text


async def _missing(work: Work, wanted: list[str], folder: Path) -> frozenset[str]:
    """Which of these characters no font has: the renderer is asked once, for one frame."""
    lines = ["".join(wanted[at : at + _A_LINE]) for at in range(0, len(wanted), _A_LINE)]
    path = folder / "letters.vtt"
    cue = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;")
    path.write_text(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{cue}\n", encoding="utf-8")
    drawn = f"color=s=64x64:r=25:d=0.04,subtitles={path.relative_to(work.folder)}[v]"
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning")
    said = await work.ffmpeg().ask((*quiet, "-filter_complex", drawn, "-map", "[v]", "-f", "null", "-"))
    if has_no_font(said):
        raise no_font(work, "")
    found = {chr(int(code, 16)) for code in _MISSING.findall(said)}
    return frozenset(found & {*wanted})


def _letters(text: str) -> list[str]:
    """The letters that a reader would read, in order."""
    shown = (line for line in text.split("\n") if not TIMING.match(line) and line != "WEBVTT")
    return [one for line in shown for one in line if unicodedata.category(one).startswith("L")]


def has_no_font(said: str) -> bool:
    """Whether the renderer says that it has not found any font."""
    return _NO_FONT_AT_ALL.search(said) is not None


def no_font(work: Work, letters: str) -> Crashed:
    """The error where what is written could not be read."""
    message = f"{work.place}: there is no font for these letters" + (f": {letters}" if letters else "")
    return Crashed(work.place, message, hint=_HINT)
