"""Secrets that a place repeats, taken out of what it sends before anything else sees it.

What comes in is looked through as bytes, piece by piece, after it is unpacked and before it is read. So no
message, label, file name, job id, journal or report has to remember that it may hold a key. A secret is found
as it is, with any of its characters escaped as in JSON or URLs, in base64 at each of its alignments, in hex.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

LEAST: Final = 8  # characters of a secret; of less, every text would be full
_LEAST_ENCODED: Final = 12  # characters of base64 that say something
_MASK: Final = b"***"
_NUMBER_MASK: Final = b"0"  # a number in JSON stays one
_OF_JSON: Final = '"\\/'  # characters that a backslash may stand before


class Redactor:
    """Takes secrets out of one stream of bytes, wherever the stream is cut.

    Args:
        secrets: what must not come through; those of fewer than `LEAST` characters are let be.
        same_length: whether what is taken out is replaced by as many bytes, as the structure of a file needs
            it; in what is no text, escapes are not looked for.
    """

    def __init__(self, secrets: Iterable[str], *, same_length: bool = False) -> None:
        self._sought = _sought(tuple(sorted({one for one in secrets if len(one) >= LEAST})))
        self._mask = _stars if same_length else _mask
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """The next bytes, redacted; an end that may be the beginning of a secret is held back."""
        if self._sought is None:
            return piece
        data = self._held + piece
        cut = self._sought.held_from(data)
        self._held = data[cut:]
        return self._sought.replaced(data[:cut], self._mask, is_text=self._is_text(data))

    def _is_text(self, data: bytes) -> bool:
        return self._mask is _mask or b"\0" not in data

    def end(self) -> bytes:
        """What was held back: the stream is over."""
        data, self._held = self._held, b""
        if self._sought is None:
            return data
        return self._sought.replaced(data, self._mask, is_text=self._is_text(data))


class TextRedactor:
    """Takes secrets out of a text that comes in pieces, each of which may hold a part of one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._inner = Redactor(secrets)

    def feed(self, piece: str) -> str:
        """The next piece, redacted; what may be the beginning of a secret is held back."""
        return self._inner.feed(piece.encode("utf-8", "replace")).decode("utf-8", "replace")

    def end(self) -> str:
        """What was held back: the text is over."""
        return self._inner.end().decode("utf-8", "replace")


def redacted(data: bytes, secrets: Iterable[str]) -> bytes:
    """Some bytes as a whole, redacted."""
    one = Redactor(secrets)
    return one.feed(data) + one.end()


def redacted_text(text: str, secrets: Iterable[str]) -> str:
    """A text, redacted; half characters in it stay as they are."""
    found = _sought(tuple(sorted({one for one in secrets if len(one) >= LEAST})))
    if found is None:
        return text
    data = text.encode("utf-8", "surrogatepass")
    return found.replaced(data, _mask).decode("utf-8", "surrogatepass")


def _mask(found: re.Match[bytes]) -> bytes:
    return _NUMBER_MASK if found[0].isdigit() else _MASK


def _stars(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])


_Spelling = tuple[bytes, bool]  # how a character may be written, and whether in letters of any case
_Character = tuple[_Spelling, ...]


class _Sought:
    """Some secrets, and all that they may be written as."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        longest = sorted(secrets, key=len, reverse=True)
        encoded = dict.fromkeys(form for one in longest for form in _encoded(one))
        spelled = [[_spellings(letter) for letter in one] for one in longest]
        spelled += [[((bytes([byte]), False),) for byte in one] for one in encoded]
        self._pattern = re.compile(b"|".join(map(_pattern, spelled)))
        self._plain = [*dict.fromkeys(form for one in longest for form in _written(one)), *encoded]
        self._escaped = re.compile(_escapes("".join(longest)))
        self._span = max(sum(max(len(way) for way, _ in letter) for letter in one) for one in spelled)
        self._by_first: dict[bytes, list[list[_Character]]] = {}
        for one in spelled:
            for first in {way[:1] for way, _ in one[0]}:
                self._by_first.setdefault(first, []).append(one)
        self._begins = re.compile(b"[" + b"".join(map(re.escape, self._by_first)) + b"]")

    def replaced(
        self, data: bytes, mask: Callable[[re.Match[bytes]], bytes], *, is_text: bool = True
    ) -> bytes:
        """The bytes with every secret in them masked."""
        return self._pattern.sub(mask, data) if self._may_be_in(data, is_text=is_text) else data

    def _may_be_in(self, data: bytes, *, is_text: bool = True) -> bool:
        """A quick look: whether a secret is there plainly, or any character of one in an escape."""
        if any(one in data for one in self._plain):
            return True
        return is_text and (b"\\u" in data or b"%" in data) and self._escaped.search(data) is not None

    def held_from(self, data: bytes) -> int:
        """From where on the bytes may be a secret whose rest is still to come; their length if nowhere."""
        start = max(0, len(data) - 2 * self._span)
        tail = data[start:]
        spans = [one.span() for one in self._pattern.finditer(tail)] if self._may_be_in(tail) else []
        for found in self._begins.finditer(tail, max(0, len(tail) - self._span)):
            at = found.start()
            if any(first < at < last for first, last in spans):
                continue
            if any(_is_begun(one, tail, at) for one in self._by_first[found[0]]):
                return start + at
        return len(data)


@lru_cache(maxsize=256)
def _sought(secrets: tuple[str, ...]) -> _Sought | None:
    return _Sought(secrets) if secrets else None


def _spellings(letter: str) -> _Character:
    """How one character of a secret may be written."""
    plain = letter.encode("utf-8", "surrogatepass")
    units = letter.encode("utf-16-be", "surrogatepass")
    in_json = "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    in_url = "".join(f"%{byte:02x}" for byte in plain)
    ways: list[_Spelling] = [(in_json.encode(), True), (in_url.encode(), True), (plain, False)]
    if letter in _OF_JSON:
        ways.insert(0, (b"\\" + plain, False))  # the longer one first: a backslash is one of two
    if letter == " ":
        ways.append((b"+", False))
    return tuple(ways)


def _written(secret: str) -> Iterable[bytes]:
    """A secret as it is, and as programs write it into JSON."""
    yield secret.encode("utf-8", "surrogatepass")
    yield quote_plus(secret, errors="replace").encode()
    for is_ascii in (True, False):
        text = json.dumps(secret, ensure_ascii=is_ascii)[1:-1].encode("utf-8", "surrogatepass")
        yield text
        yield text.replace(b"/", b"\\/")


def _escapes(letters: str) -> bytes:
    """A regular expression for any character of the secrets in an escape, which few texts have of such.

    Its alternatives begin with a backslash or a percent sign, for which the engine looks at full speed.
    """
    ways = {way for letter in letters for way, is_any in _spellings(letter) if is_any}
    both = {one for way in ways for one in (way, way[:2] + way[2:].upper(), way[:1] + way[1:].upper())}
    return b"|".join(re.escape(one) for one in sorted(both))


def _pattern(letters: list[_Character]) -> bytes:
    """A regular expression for a secret, each character in any of its spellings; nothing in it repeats."""
    return b"".join(
        b"(?:"
        + b"|".join(b"(?i:%b)" % re.escape(way) if is_any else re.escape(way) for way, is_any in one)
        + b")"
        if len(one) > 1
        else re.escape(one[0][0])
        for one in letters
    )


def _is_begun(letters: list[_Character], data: bytes, at: int) -> bool:
    """Whether the bytes from a position on are the beginning of a secret, and end before it does."""
    for letter in letters:
        if at >= len(data):
            return True
        here = data[at : at + max(len(way) for way, _ in letter)]
        if at + len(here) == len(data) and any(
            len(way) > len(here) and _begins(way, here, is_any=is_any) for way, is_any in letter
        ):
            return True
        whole = next((len(way) for way, is_any in letter if _begins(here, way, is_any=is_any)), None)
        if whole is None:
            return False
        at += whole
    return False


def _begins(text: bytes, with_what: bytes, *, is_any: bool) -> bool:
    return text.lower().startswith(with_what.lower()) if is_any else text.startswith(with_what)


def _encoded(secret: str) -> Iterable[bytes]:
    """A secret in base64, without the characters that what stands around it has a part in, and in hex."""
    data = secret.encode("utf-8", "surrogatepass")
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data).rstrip(b"=")
        end = len(text) if (shift + len(data)) % 3 == 0 else len(text) - 1
        kept = text[(shift * 8 + 5) // 6 : end]
        if len(kept) >= _LEAST_ENCODED:
            yield kept
            if kept != (in_url := kept.translate(bytes.maketrans(b"+/", b"-_"))):
                yield in_url
