"""The functions that an expression may call. Each takes plain values and is bounded in what it makes."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chains.language.empty import EmptyQuery
from spaces_registry.network.bounds import Bounds
from spaces_registry.sayable import unsayable

MAX_TEXT: Final = Bounds().text  # characters
MAX_ITEMS: Final = Bounds().items
MAX_NUMBER: Final = 1e300


class Refused(Exception):
    """The operation is not possible with these values; the text says why."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes:
        call: does the work.
        least: fewest arguments.
        most: most arguments.
        usage: how it is called, for messages and the documentation.
        about: what it gives, in one line.
    """

    call: Callable[..., object]
    least: int
    most: int
    usage: str
    about: str


def sort_of(value: object) -> str:
    """What a value is, in the language's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case EmptyQuery():
            return f"nothing ({value})"
        case _:
            return "an output"


def as_text(value: object) -> str:
    """A value as it stands in text: null is nothing, 2.0 is 2, lists and mappings are JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float() if value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - beyond it a float is no count
            return str(int(value))
        case int() | float():
            return repr(value)
        case Mapping() | Sequence():
            return bounded(_dump(value))
    if isinstance(value, EmptyQuery):
        raise Refused(str(value))
    raise Refused(f"{sort_of(value)} cannot stand in text; name what is meant, such as `.name` or `.text`")


def _dump(value: object) -> str:
    pieces: list[str] = []
    room = MAX_TEXT
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=_plain).iterencode(value):
            pieces.append(piece)
            room -= len(piece)
            if room < 0:  # said now: it may be far longer
                bounded(" " * (MAX_TEXT + 1))
        return "".join(pieces)
    except (TypeError, ValueError, RecursionError) as cause:
        raise Refused("this list or mapping holds something that cannot stand in text") from cause


def _plain(value: object) -> object:
    """Mappings and sequences that `json` does not know by class."""
    match value:
        case Mapping():
            return dict(value)
        case Sequence():
            return list(value)
    raise TypeError


def bounded(text: str) -> str:
    """The text, if it is not too long."""
    if len(text) > MAX_TEXT:
        raise Refused(f"the text would be longer than {MAX_TEXT:,} characters")
    return text


def text_of(value: object) -> str:
    """The value, which must be text."""
    if not isinstance(value, str):
        raise Refused(f"this takes text, not {sort_of(value)}")
    return value


def list_of(value: object) -> Sequence[object]:
    """The value, which must be a list."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Refused(f"this takes a list, not {sort_of(value)}")
    return value


def number_of(value: object) -> int | float:
    """The value, which must be a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"this takes a number, not {sort_of(value)}")
    if not abs(value) <= MAX_NUMBER:  # also refuses what is not a number at all
        raise Refused("the number is too large")
    return value


def whole_of(value: object) -> int:
    """The value, which must be a whole number."""
    number = number_of(value)
    if number != int(number):
        raise Refused(f"this takes a whole number, not {number}")
    return int(number)


def _join(items: object, between: object = ", ") -> str:
    pieces = [as_text(one) for one in list_of(items)]
    separator = text_of(between)
    if sum(map(len, pieces)) + len(separator) * len(pieces) > MAX_TEXT:
        raise Refused(f"the text would be longer than {MAX_TEXT:,} characters")
    return separator.join(pieces)


def _listed(items: list[str]) -> list[str]:
    if len(items) > MAX_ITEMS:
        raise Refused(f"the list would have more than {MAX_ITEMS:,} items")
    return items


def _split(text: object, separator: object = ",") -> list[str]:
    if not text_of(separator):
        raise Refused("the separator is empty; `words` and `lines` need none")
    return _listed([one.strip() for one in text_of(text).split(text_of(separator), MAX_ITEMS + 1)])


def _lines(text: object) -> list[str]:
    return _listed([one.strip() for one in text_of(text).splitlines() if one.strip()])


def _words(text: object) -> list[str]:
    return _listed(text_of(text).split(None, MAX_ITEMS + 1))


def _slug(text: object) -> str:
    plain = unicodedata.normalize("NFKD", as_text(text)[:MAX_TEXT].lower())
    return re.sub(r"[\W_]+", "-", "".join(one for one in plain if not unicodedata.combining(one))).strip("-")


def _json(text: object) -> object:
    try:
        value: object = json.loads(text_of(text), parse_constant=_no_constant)
    except (ValueError, RecursionError) as cause:
        raise Refused("the text is not JSON") from cause
    if why := unsayable(value):
        raise Refused(f"it holds {why}")
    return value


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _first(items: object) -> object:
    return next(iter(list_of(items)), None)


def _last(items: object) -> object:
    found = list_of(items)
    return found[-1] if found else None


def _len(value: object) -> int:
    if isinstance(value, str | Mapping | Sequence):
        return len(value)
    raise Refused(f"this takes text, a list or a mapping, not {sort_of(value)}")


def _range(*bounds: object) -> list[int]:
    whole = [whole_of(one) for one in bounds]
    if len(whole) == 3 and whole[2] == 0:  # noqa: PLR2004 - start, end, step
        raise Refused("the step of a range cannot be 0")
    try:
        numbers = range(*whole)
        too_many = len(numbers) > MAX_ITEMS
    except OverflowError:
        too_many = True
    if too_many:
        raise Refused(f"the list would have more than {MAX_ITEMS:,} items")
    return list(numbers)


def _round(number: object, digits: object = 0) -> int | float:
    places = whole_of(digits)
    if not 0 <= places <= 15:  # noqa: PLR2004 - what a float can hold
        raise Refused("digits must be from 0 to 15")
    value = number_of(number)
    return round(value, places) if places else round(value)


_HOLE = re.compile(r"\{\{|\}\}|\{([0-9]{0,3})(?::(0?)([0-9]{0,2})(,?)(?:\.([0-9]{1,2}))?)?\}|[{}]")


def _format(pattern: object, *values: object) -> str:
    """Fill `{}`, `{0}`, `{:05}`, `{:,}`, `{:.2}`: no names, no attributes, nothing of Python's own format."""
    counter = iter(range(len(values)))

    def fill(hole: re.Match[str]) -> str:
        if hole[0] in {"{{", "}}"}:
            return hole[0][0]
        if hole[1] is None:
            raise Refused("a `{` or `}` without its pair; write `{{` or `}}` for the sign itself")
        at = int(hole[1]) if hole[1] else next(counter, len(values))
        if at >= len(values):
            raise Refused("the text has more places than there are values")
        return _formatted(values[at], *hole.group(2, 3, 4, 5))

    return bounded(_HOLE.sub(fill, text_of(pattern)))


def _formatted(
    value: object, zero: str | None, width: str | None, comma: str | None, places: str | None
) -> str:
    if comma or places:
        digits = f".{places}f" if places else ""
        text = format(number_of(value), f"{comma or ''}{digits}")
    else:
        text = as_text(value)
    wide = int(width or 0)
    return text.zfill(wide) if zero else text.rjust(wide)


def functions() -> Mapping[str, Function]:
    """Every function of the language, by name."""
    listed = (
        Function(_join, 1, 2, 'join(list, ", ")', "the items as one text, with something between them"),
        Function(_split, 1, 2, 'split(text, ",")', "the pieces of a text between separators, trimmed"),
        Function(_lines, 1, 1, "lines(text)", "the lines of a text that are not blank, trimmed"),
        Function(_words, 1, 1, "words(text)", "the words of a text"),
        Function(lambda text: text_of(text).lower(), 1, 1, "lower(text)", "the text in small letters"),
        Function(lambda text: text_of(text).upper(), 1, 1, "upper(text)", "the text in capital letters"),
        Function(_slug, 1, 1, "slug(text)", "the text as a file name: `A Cat!` becomes `a-cat`"),
        Function(_json, 1, 1, "json(text)", "what a text of JSON says"),
        Function(_first, 1, 1, "first(list)", "the first item, or null"),
        Function(_last, 1, 1, "last(list)", "the last item, or null"),
        Function(_len, 1, 1, "len(value)", "how many characters, items or keys"),
        Function(_range, 1, 3, "range(end)", "the whole numbers from 0; also `range(start, end, step)`"),
        Function(_round, 1, 2, "round(number, digits)", "the number, rounded"),
        Function(_format, 1, 20, 'format("{} of {:.1}", a, b)', "the text with its places filled"),
    )
    return {one.usage.partition("(")[0]: one for one in listed}
