"""File names that are safe on every system and that a person can read, out of text of any origin."""

import re
import unicodedata

_STEM_BYTES = (
    100  # file systems take 255 bytes; this leaves room for a number, an extension and a user's prefix
)
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_KEPT = frozenset("LNM")  # Unicode's letters, numbers and marks


def safe_name(stem: str, extension: str, *, count: int = 1) -> str:
    """A plain file name: no folder, no control character, no device of Windows, no leading dot or dash.

    Args:
        stem: text of any origin; letters of every script stay, what else separates becomes one dash.
        extension: with its dot, e.g. `.png`; anything that does not look like one becomes `.bin`.
        count: from 2 on, put behind the stem: `film-2.mp4`.
    """
    slug = _slug(stem)
    number = f"-{count}" if count > 1 else ""
    return slug + number + (extension if _EXTENSION.fullmatch(extension) else ".bin")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(one if _stays(one) else "-" for one in plain)
    slug = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", kept)).strip("-._ ")
    slug = slug.encode("utf-8", "ignore")[:_STEM_BYTES].decode("utf-8", "ignore").rstrip("-._ ")
    if not slug:
        return "file"
    if _DEVICES.fullmatch(slug):
        return f"file-{slug}" if "." in slug else f"{slug}-file"  # a device also with a suffix
    return slug


def _stays(character: str) -> bool:
    return character in "._-" or unicodedata.category(character)[0] in _KEPT
