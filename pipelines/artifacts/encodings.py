# ruff: noqa: RUF001 - letters of many languages
"""What encoding a text is in: by its byte order mark, as UTF-8 or UTF-16, else by whose letters it holds.

Texts of one byte a letter carry no sign of their encoding. One is taken only where the text reads as a
language in that one and in no other: its letters are all of one alphabet, stand in words as letters do, and
what is no letter is punctuation. Where two readings are left, or none, there is no answer: a wrong one would
look right.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

_MARKS: tuple[tuple[bytes, str], ...] = (  # UTF-32 first: its mark begins as that of UTF-16 does
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_PUNCTUATION = frozenset("«»“”„‘’‚‹›–—…·•¡¿°ºª€£©®™×§№♪\u00a0\u00ad")
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђјљњћџ"
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋ"
_MISPLACED = re.compile(r"\w[‚„¿¡©®™§№]")
_ALPHABETS: Mapping[str, tuple[str, ...]] = {  # letters beside a to z, a language each
    "cp1252": (
        *("àâæçéèêëîïôœùûüÿ", "äöüß", "áéíñóúü", "ãáàâçéêíõóôúü", "àèéìíîòóùú"),  # fr, de, es, pt, it
        *("æøåéèêóòôà", "åäöéàü", "áéèëïíóöüú", "áðéíóúýþæö", "àçèéíïòóúü"),  # da no, sv fi, nl, is, ca
    ),
    "cp1250": (
        *(
            "ąćęłńóśźż",
            "áčďéěíňóřšťúůýž",
            "áäčďéíĺľňóôŕšťúýž",
            "áéíóöőúüű",
            "âăîşţ",
            "čćđšž",
        ),  # pl cs sk hu ro hr
    ),
    "cp1254": ("çğıİöşüâîû",),  # tr
    "cp1251": (_CYRILLIC,),
    "koi8-r": (_CYRILLIC,),
    "cp1253": (_GREEK,),
}
_OWN_SCRIPT = frozenset({"cp1251", "koi8-r", "cp1253"})  # texts in the others are a to z for the most part


ENCODING_HINT = "write it like utf-8, utf-16, cp1252, cp1251 or gb18030"


def is_text_encoding(name: str) -> bool:
    """Whether Python reads texts of that encoding."""
    try:
        return bool("a".encode(name))
    except (LookupError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Words:
    """A text, and the encoding that it was in."""

    text: str
    encoding: str


def unicode_words(content: bytes) -> Words | None:
    """The text of bytes that are UTF-8, or that a byte order mark names; None if they are neither."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return Words(content.decode(encoding), encoding)
    except UnicodeDecodeError:
        return None


def unmarked_utf16(content: bytes) -> Iterator[Words]:
    """The readings of bytes as UTF-16 without a mark, if every second byte of their start is zero."""
    for start, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        zeros = content[start:64:2]
        if zeros and zeros.count(0) > len(zeros) // 2:
            try:
                yield Words(content.decode(encoding), encoding)
            except UnicodeDecodeError:
                continue


def readings(content: bytes) -> tuple[Words, ...]:
    """Every reading of an 8-bit text as a language; those that give the same text count once."""
    found: dict[str, Words] = {}
    for encoding, alphabets in _ALPHABETS.items():
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _reads(text, alphabets, own_script=encoding in _OWN_SCRIPT):
            found.setdefault(text, Words(text, encoding))
    return tuple(found.values())


def _reads(text: str, alphabets: tuple[str, ...], *, own_script: bool) -> bool:
    """Whether a text is one of a language with one of these alphabets."""
    letters = {one for one in text if not one.isascii() and one not in _PUNCTUATION}
    if not any(letters <= {*alphabet, *alphabet.upper()} for alphabet in alphabets):
        return False
    words = re.findall(r"[^\W\d_]+", text)
    foreign = sum(not one.isascii() for word in words for one in word)
    if not own_script and foreign * 3 > sum(map(len, words)) * 2:
        return False
    if _MISPLACED.search(text):
        return False
    return not any(_is_odd(word, own_script=own_script) for word in words)


def _is_odd(word: str, *, own_script: bool) -> bool:
    """Whether no language writes a word so: a capital behind a small letter, or two scripts in one."""
    if word.isascii():
        return False
    if own_script and any(one.isascii() for one in word):
        return True
    return any(one.islower() and two.isupper() for one, two in pairwise(word))
