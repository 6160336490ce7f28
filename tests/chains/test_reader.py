"""YAML as the language reads it: values, places, and two parsers that agree."""

from pathlib import Path

import pytest
import yaml

from chains.language.expressions import parse_value
from chains.text.reader import read
from chains.text.scalars import resolve
from chains.text.source import Fields, Source, plain

FILES = sorted(Path(__file__).parent.glob("*/*.yaml"))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("0o17", 15),
        ("0xff", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        *(
            (text, text)
            for text in ("yes", "no", "on", "off", "y", "010", "-010", "1_000", "1:30", "2026-01-01")
        ),
        *(
            (text, text)
            for text in ("1.10.2", "0b1", "0O7", "tRue", "nUll", "1e", "e3", "+", ".", "-", "01.5", "~~")
        ),
    ],
)
def test_a_plain_scalar_means_what_it_looks_like(written: str, value: object) -> None:
    """`lang: no` is Norwegian, and `time: 1:30` is no number of seconds."""
    result = resolve(written)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_both_parsers_see_the_same(file: Path) -> None:
    """Whether libyaml is there must not change what a user reads."""
    text = file.read_bytes().decode(errors="replace")

    fast, pure = read(text, "f.yaml", yaml.CSafeLoader), read(text, "f.yaml", yaml.SafeLoader)

    assert fast[1] == pure[1]
    assert fast[0].root == pure[0].root


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "value",
    [
        "x ${{ HERE }}",
        "é日本𝄞 ${{ HERE }}",
        "'it''s ''é'' ${{ HERE }}'",
        '"tab\\t \\u00e9 \\U0001F600 \\x41 \\" ${{ HERE }}"',
        '"a \\\n    b ${{ HERE }}"',
        '"a\n\n    b ${{ HERE }}"',
        "|\n    one\n\n      two ${{ HERE }}\n",
        "|2-\n      indented ${{ HERE }}",
        ">+  # a comment\n    one\n    two\n\n    é ${{ HERE }}\n\n",
        "one\n    two\n\n    three ${{ HERE }}",
        "${{ 'é' +\n    HERE }}",
        '"${{ \\"é\\" + HERE }}"',
        "{a: [x, $HERE.part]}",
    ],
)
def test_a_name_is_found_in_every_kind_of_scalar(value: str, line_end: str) -> None:
    """A caret under the wrong word sends people looking in the wrong place."""
    text = f"first: 1\nvalue: {value}\nlast: 1\n".replace("\n", line_end)
    source, problems = read(text, "f.yaml")
    assert problems == ()
    assert isinstance(source.root, Fields)

    template, wrong = parse_value(source.root.entries[1].node, source)

    assert wrong == ()
    at = template.references[0].at
    line = text.split("\n")[at.line - 1]
    assert line[at.column - 1 :].lstrip("$").startswith("HERE")


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    """Editors on Windows write one, and the first key must still be a key."""
    source, problems = read("\ufeffname: film\n", "f.yaml")

    assert problems == ()
    assert source.root is not None
    assert plain(source.root) == {"name": "film"}
    assert source.key_at(("name",)).column == 1


def test_a_place_that_is_not_there_is_the_nearest_around_it() -> None:
    """A problem about something missing points at what it is missing from."""
    source = read("steps:\n  draw: {space: a/b}\n", "f.yaml")[0]

    assert source.at(("steps", "draw", "with", "prompt")) == source.at(("steps", "draw"))
    assert Source("f.yaml", "").at(("steps",)).line == 1


def test_an_alias_stands_where_its_anchor_stands() -> None:
    """What is wrong in a repeated value is wrong where it is written."""
    source, problems = read("a: &x [1, 2]\nb: *x\n", "f.yaml")

    assert problems == ()
    assert source.at(("b", 1)) == source.at(("a", 1))
    assert source.key_at(("b",)).line == 2
