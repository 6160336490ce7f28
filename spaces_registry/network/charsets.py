"""Which encoding an answer is read in: the one that its header names if it is one of texts, else UTF-8.

A header may name any of Python's codecs, and several of them are no encodings of texts, or cannot replace
what does not fit: `zlib`, `idna`, `undefined`. The HTTP library would look one up and fail in it.
"""

import codecs
from collections.abc import Iterable
from typing import Final

_OF_TEXTS: Final = frozenset(  # as Python's codecs call themselves
    {
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *("ascii", *(f"iso8859-{part}" for part in range(1, 17))),
        *(f"cp{page}" for page in (437, 850, 866, 874, 932, 949, 950, *range(1250, 1259))),
        *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "tis-620"),
        *("gb2312", "gbk", "gb18030", "hz", "big5", "big5hkscs"),
        *("shift_jis", "euc_jp", "iso2022_jp", "euc_kr", "iso2022_kr"),
    }
)
_LONGEST: Final = 40  # characters of a name


def is_of_texts(name: str) -> bool:
    """Whether a name is that of an encoding of texts, in which what does not fit can be replaced."""
    if not name.isascii() or not name.isprintable() or len(name) > _LONGEST:
        return False
    try:
        return codecs.lookup(name).name in _OF_TEXTS
    except (LookupError, ValueError):
        return False


def readable_type(content_type: str) -> str:
    """A `Content-Type` with no other parameter than a charset of texts."""
    kind, *parameters = content_type.split(";")
    for one in parameters:
        name, _, value = one.partition("=")
        charset = value.strip().strip("\"'")
        if name.strip().lower() == "charset" and is_of_texts(charset):
            return f"{kind.strip()}; charset={charset}"
    return kind.strip()


def readable_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An answer's headers as they came, but for a `Content-Type` that names what is no encoding of texts."""
    return [
        (name, readable_type(text.decode("latin-1")).encode("latin-1"))
        if name.lower() == b"content-type" and b";" in text
        else (name, text)
        for name, text in headers
    ]
