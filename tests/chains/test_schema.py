"""The JSON Schema says of a file's shape what the reader says of it.

What is checked with is a small reading of the standard: the words that our schema uses, and no others.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chains.shape.misfits import misfits
from chains.shape.schema import chain_schema
from chains.text.reader import read
from chains.text.source import plain

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA: dict[str, Any] = chain_schema()
GOOD = [*HERE.glob("valid/*.yaml"), *ROOT.glob("chains/recipes/*.yaml")]
EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs" / "language.md").read_text(encoding="utf-8"), re.DOTALL
)
MISTAKEN = [
    one for one in HERE.glob("problems/*.yaml") if "[not-utf8]" not in one.with_suffix(".txt").read_text()
]
# these are forms and bounds that a schema does not have to know; an editor asks `check` for them
FINER = {
    *("bad-space", "bad-search", "bad-endpoint", "bad-function", "bad-name", "bad-variable", "bad-model"),
    *("bad-task", "bad-provider", "bad-organisation", "bad-service", "bad-url", "bad-chain", "bad-pattern"),
    *("bad-size", "bad-duration"),
}
SORTS: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def fits(value: Any, schema: Any) -> bool:
    """Whether a value is what a schema says."""
    if schema is True:
        return True
    return all(WORDS[word](value, told, schema) for word, told in schema.items())


def _in_object(value: Any, told: Mapping[str, Any], _: Any) -> bool:
    return not isinstance(value, dict) or all(
        fits(value[key], one) for key, one in told.items() if key in value
    )


def _beyond(value: Any, told: Any, schema: Any) -> bool:
    known = schema.get("properties", {})
    rest = [one for key, one in value.items() if key not in known] if isinstance(value, dict) else []
    return not rest if told is False else all(fits(one, told) for one in rest)


def _number(value: Any, told: Callable[[Any], bool]) -> bool:
    return not SORTS["number"](value) or told(value)


def _nothing(value: Any, told: Any, schema: Any) -> bool:
    del value, told, schema
    return True


WORDS: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    **dict.fromkeys(("$schema", "$defs", "title", "description", "default", "examples"), _nothing),
    "$ref": lambda value, told, _: fits(value, SCHEMA["$defs"][told.removeprefix("#/$defs/")]),
    "type": lambda value, told, _: any(
        SORTS[one](value) for one in ([told] if isinstance(told, str) else told)
    ),
    "enum": lambda value, told, _: value in told,
    "anyOf": lambda value, told, _: any(fits(value, one) for one in told),
    "oneOf": lambda value, told, _: sum(fits(value, one) for one in told) == 1,
    "not": lambda value, told, _: not fits(value, told),
    "properties": _in_object,
    "additionalProperties": _beyond,
    "propertyNames": lambda value, told, _: (
        not isinstance(value, dict) or all(fits(one, told) for one in value)
    ),
    "required": lambda value, told, _: not isinstance(value, dict) or {*told} <= {*value},
    "minProperties": lambda value, told, _: not isinstance(value, dict) or len(value) >= told,
    "maxProperties": lambda value, told, _: not isinstance(value, dict) or len(value) <= told,
    "items": lambda value, told, _: not isinstance(value, list) or all(fits(one, told) for one in value),
    "maxItems": lambda value, told, _: not isinstance(value, list) or len(value) <= told,
    "minItems": lambda value, told, _: not isinstance(value, list) or len(value) >= told,
    "minLength": lambda value, told, _: not isinstance(value, str) or len(value) >= told,
    "pattern": lambda value, told, _: not isinstance(value, str) or re.search(told, value) is not None,
    "minimum": lambda value, told, _: _number(value, lambda number: number >= told),
    "maximum": lambda value, told, _: _number(value, lambda number: number <= told),
    "exclusiveMinimum": lambda value, told, _: _number(value, lambda number: number > told),
}


def content(text: str) -> Any:
    """What a file holds, and None for what is no YAML."""
    root = read(text, "f.yaml")[0].root
    return None if root is None else plain(root)


@pytest.mark.parametrize("text", [one.read_text() for one in GOOD] + EXAMPLES)
def test_a_good_chain_fits_the_schema(text: str) -> None:
    """An editor that underlines what is right is switched off."""
    assert fits(content(text), SCHEMA)


def codes_of(file: Path) -> set[str] | None:
    """What is wrong with a file's shape; None for what is no YAML."""
    source, unreadable = read(file.read_text(), file.name)
    if source.root is None or unreadable:
        return None
    return {problem.code for _, problem in misfits(plain(source.root), source)}


SHAPES = {one: codes for one in MISTAKEN if (codes := codes_of(one)) is not None}


@pytest.mark.parametrize(
    "file", [one for one, codes in SHAPES.items() if codes - FINER], ids=lambda one: one.stem
)
def test_a_mistaken_shape_does_not_fit(file: Path) -> None:
    """What the reader refuses for its shape, the editor underlines while it is typed."""
    assert not fits(content(file.read_text()), SCHEMA)


@pytest.mark.parametrize(
    "file", [one for one, codes in SHAPES.items() if not codes], ids=lambda one: one.stem
)
def test_a_mistake_of_meaning_fits_unless_the_schema_can_tell_it(file: Path) -> None:
    """The schema refuses nothing that the reader takes."""
    told_by_both = any(
        f"[{code}]" in file.with_suffix(".txt").read_text() for code in ("bad-name", "not-a-list")
    )

    assert fits(content(file.read_text()), SCHEMA) != told_by_both
