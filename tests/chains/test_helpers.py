"""What other parts of the toolkit use: problems out of look-ups, the JSON Schema, problems for reading."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from chains import Chain, MediaStep, Position, Problem, show
from chains.checks import not_reached
from chains.shape.schema import chain_schema
from pipelines.runners.media import UnknownOperation
from spaces_registry.errors import Missing
from spaces_registry.signature import UnknownEndpoint

ChainOf = Callable[[str], Chain]


def test_an_unknown_media_operation_is_shown_at_its_name(chain_of: ChainOf) -> None:
    """The operations are known to the engine, the place in the file to the language."""
    step = chain_of("steps:\n  film:\n    media: muxx\n").steps["film"]
    assert isinstance(step, MediaStep)

    problem = not_reached(step, UnknownOperation("muxx"))

    assert (problem.code, problem.at.line, problem.at.column) == ("unknown-operation", 3, 12)
    assert problem.hint == "did you mean 'mux'?"


def test_what_a_look_up_says_is_shown_where_it_is_written(chain_of: ChainOf) -> None:
    """A Space that is not there and an endpoint that is not there are in different places of the file."""
    step = chain_of("steps:\n  a:\n    space: o/a\n    endpoint: /x\n").steps["a"]

    missing = not_reached(step, Missing("o/a", "there is no Space o/a"))
    endpoint = not_reached(step, UnknownEndpoint("o/a", "/x", ["/y"]))

    assert (missing.code, missing.at.line, missing.step) == ("missing", 3, "a")
    assert (endpoint.code, endpoint.at.line, endpoint.hint) == ("unknown-endpoint", 4, "available: /y")


def test_what_is_shown_cannot_steer_a_terminal() -> None:
    """A chain from a stranger is shown before it is trusted."""
    text = "a: \x1b[2J\u202e x\n"

    shown = show(Problem(Position("f\x07.yaml", 1, 4), "some-code", "\x1b]0;title", "\x9b1m"), text)

    assert not any(ord(one) < 32 and one != "\n" for one in shown)
    assert not {"\u202e", "\x9b", "\x7f"} & set(shown)
    assert shown.split("\n")[2] == "   |    ^"


def test_a_caret_stands_below_wide_characters() -> None:
    """Chinese and Japanese prompts are common, and their characters are two columns wide."""
    shown = show(Problem(Position("f.yaml", 1, 4), "some-code", "here"), "日本é^")

    assert shown.split("\n")[2] == "   |      ^"


def test_the_schema_describes_every_key() -> None:
    """An editor shows these lines while somebody types."""
    schema = chain_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema
    undescribed = [
        key for name, key, one in _properties(schema) if "description" not in one and "$ref" not in one
    ]
    assert undescribed == []


def test_the_schema_knows_the_language_and_nothing_else() -> None:
    """What is no key must look wrong in the editor already."""
    properties = {key for _, key, _ in _properties(chain_schema())}

    assert {
        "inputs",
        "steps",
        "outputs",
        "space",
        "endpoint",
        "media",
        "python",
        "with",
        "each",
        "in",
        "model",
        "service",
        "chain",
        "fallback",
        "retry",
        "expect",
        "budget",
        "templates",
        "per_minute",
    } <= properties
    assert not {"with_", "in_"} & properties


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    """A broken reference silences the editor without a word."""
    schema: Any = chain_schema()
    references = [one["$ref"] for one in _objects(schema) if isinstance(one.get("$ref"), str)]

    assert references
    assert {one.removeprefix("#/$defs/") for one in references} <= set(schema["$defs"])


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(one)


def _properties(schema: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for one in _objects(schema):
        if one.get("additionalProperties") is False:
            for key, inner in one["properties"].items():
                yield one.get("title", ""), key, inner
