"""What stands for a file in an answer of any shape: an address, a data URI, base64, however deep it lies."""

import base64
import binascii
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pipelines.artifacts.filetypes import is_medium
from spaces_registry.signature import File, Kind

_WHERE: Final = ("url", "b64_json", "content", "data")  # the first that holds a file is the object's own
_MIME: Final = ("content_type", "mime_type", "media_type", "mime")
_HEAD: Final = 4096  # characters of base64 that are decoded to see what they are
_MEDIA: Final = frozenset({"image", "audio", "video"})
_MEDIUM_OF: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.IMAGE: frozenset({"image"}),
    Kind.AUDIO: frozenset({"audio"}),
    Kind.VIDEO: frozenset({"video"}),
    Kind.GALLERY: frozenset({"image", "video"}),
    Kind.MODEL3D: frozenset({"model"}),
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """What stands for one file.

    Attributes:
        value: the address, the data URI, the base64, or a file that was fetched before.
        form: `url`, `data-uri`, `base64` or `file`.
        mime: its media type, if the answer says it.
        is_told: whether the answer says that it is a file, by its form, its name or its media type; any other
            address may lead to a page.
    """

    value: str | File
    form: str
    mime: str | None = None
    is_told: bool = False

    @property
    def medium(self) -> str | None:
        """The first half of its media type, as far as can be told before it is fetched."""
        mime = self.mime
        if mime is None:
            match self.value:
                case File():
                    mime = self.value.mime
                case str() if self.form == "url":
                    mime = _mime_of(self.value)
                case str() if self.form == "data-uri":
                    mime = self.value[5:].partition(",")[0].partition(";")[0]
        return mime.partition("/")[0] if mime and "/" in mime else None


def leaves(value: object, form: str | None = None) -> Iterator[Leaf]:
    """Every file in a value, in its order; words and numbers are none.

    Args:
        value: JSON, which may hold files that were fetched before.
        form: the form that its texts are known to have; None to tell by their look.
    """
    match value:
        case File():
            yield Leaf(value, "file", is_told=True)
        case str():
            found = form or form_of(value)
            if found is not None:
                yield Leaf(value, found, is_told=found != "url" or _mime_of(value) is not None)
        case Mapping():
            yield from _in_object(value, form)
        case Sequence():
            for one in value:
                yield from leaves(one, form)


def _in_object(value: Mapping[str, object], form: str | None) -> Iterator[Leaf]:
    """An object's own file, and the files of what else is in it."""
    mime = next((one for name in _MIME if isinstance(one := value.get(name), str) and "/" in one), None)
    single = {name: one for name in _WHERE if isinstance(one := value.get(name), str | File)}
    own = next((leaf for one in single.values() for leaf in leaves(one, form)), None)
    if own is not None:  # the others are the same file in other forms
        yield Leaf(own.value, own.form, mime, own.is_told or mime is not None or "file_name" in value)
    for name, one in value.items():
        if own is None or name not in single:
            yield from leaves(one, form)


def fitting(found: Sequence[Leaf], kind: Kind) -> list[Leaf]:
    """Those that may be of a kind; all of them where none may: their bytes will say so."""
    media = _MEDIUM_OF.get(kind)
    if media is None:
        return [*found]
    return [one for one in found if one.medium not in _MEDIA | {"model"} or one.medium in media] or [*found]


def form_of(text: str) -> str | None:
    """What a text is that stands for a file: an address, a data URI, base64; None for mere words.

    Four letters are base64 as well, so base64 counts only where a known medium comes out of it.
    """
    if text.startswith("data:"):
        return "data-uri"
    if text.startswith(("http://", "https://")):
        return "url" if not any(one.isspace() for one in text.strip()) else None
    if _is_base64(text):
        return "base64"  # a JPEG's begins with a slash, as a path does
    return "url" if text.startswith("/") and not any(one.isspace() for one in text) else None


def decoded(text: str) -> bytes:
    """Base64, which may be broken into lines.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as cause:
        raise ValueError("it is no base64") from cause


def _is_base64(text: str) -> bool:
    head = "".join(text[: 2 * _HEAD].split())[:_HEAD]
    try:
        content = base64.b64decode(head[: len(head) // 4 * 4], validate=True)
        if len(head) < _HEAD:
            content = base64.b64decode(head, validate=True)
    except (binascii.Error, ValueError):
        return False
    return is_medium(content)


def _mime_of(url: str) -> str | None:
    try:
        return mimetypes.guess_type(urlsplit(url).path)[0]
    except ValueError:
        return None
