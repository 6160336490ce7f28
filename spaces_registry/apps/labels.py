"""From the texts that an app shows to the names that a chain writes."""

import keyword
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from spaces_registry.apps.schema import mapping
from spaces_registry.network.decoding import decoded, sendable

_TRANSLATED = re.compile(r"__i18n__(\{[^{}]*\})")
_PLACEHOLDER = re.compile(r"(?:value|parameter)_\d+")  # what Gradio writes where the author gave no label
_LONGEST = 60  # characters of a name


def read_label(value: object, translations: object = None) -> str:
    """The label as text; empty if the author gave none.

    Args:
        value: a text, a text with `__i18n__{…}` in it (`/config`), or a translation object (`/info`).
        translations: `/config`'s `i18n_translations`, by language; English is taken where there is some.
    """
    words = mapping(mapping(translations).get("en"))
    if isinstance(value, Mapping):
        return _translated(value, words)
    if not isinstance(value, str) or _PLACEHOLDER.fullmatch(value):
        return ""

    def spell(found: re.Match[str]) -> str:
        try:
            return _translated(mapping(decoded(found[1])), words)
        except ValueError:
            return found[0]

    return sendable(_TRANSLATED.sub(spell, value)).strip()


def _translated(entry: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    key = entry.get("key")
    if not isinstance(key, str):
        return ""
    text = words.get(key, key)
    return sendable(text if isinstance(text, str) else key)


def slug(label: str, otherwise: str) -> str:
    """An identifier made from a label: `Generated Images!` gives `generated_images`.

    Args:
        label: any text, in any script.
        otherwise: the name if nothing of the label can be used; also set before a leading digit.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).lower())
    name = re.sub(r"\W+", "_", text)[:_LONGEST].strip("_")
    if keyword.iskeyword(name):
        return f"{name}_"
    if name.isidentifier():
        return name
    longer = f"{otherwise}_{name}"
    return longer if name and longer.isidentifier() else otherwise


def unique(name: str, taken: dict[str, int]) -> str:
    """The name, with `_2`, `_3`, … if it is taken already; what is returned is taken from then on.

    Args:
        name: what would be best.
        taken: names given so far, each with the last number tried for it: thousands may want the same.
    """
    free, number = name, taken.get(name, 0)
    while free in taken:
        number = max(number, 1) + 1
        free = f"{name}_{number}"
    taken[name] = number
    taken.setdefault(free, 0)
    return free
