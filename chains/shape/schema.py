"""The JSON Schema of a chain file, for editors."""

from collections.abc import Iterator
from typing import Any

from chains.shape.shape import ChainShape
from spaces_registry.signature import Json

_NAMES = "^[A-Za-z_][A-Za-z0-9_]*$"


def chain_schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of a chain file, as `yaml-language-server` reads it."""
    schema: dict[str, Any] = ChainShape.model_json_schema(by_alias=True)
    for node in _objects(schema):
        node.pop("title", None)
        if "default" in node and node["default"] in (None, "", [], {}):
            node.pop("default")
    for key in ("inputs", "steps", "outputs"):
        schema["properties"][key]["propertyNames"] = {"pattern": _NAMES}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "spacechain chain",
        **schema,
    }


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema, but not the tables that hold them by name."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            for key, inner in one.items():
                if key in {"properties", "$defs"}:
                    waiting += inner.values()
                else:
                    waiting.append(inner)
        elif isinstance(one, list):
            waiting += one
