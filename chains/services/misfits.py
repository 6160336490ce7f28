"""What pydantic finds wrong with a service file's shape, in our words and at its place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chains.problems import Problem
from chains.services import shape
from chains.text.source import Path, Source
from spaces_registry.errors import nearest
from spaces_registry.signature import Json

_ASKS: Final = frozenset({"status", "result", "cancel"})
_ELSEWHERE: Final[Mapping[str, str]] = {
    "parameters": "takes",
    "inputs": "takes",
    "params": "takes",
    "returns": "gives",
    "outputs": "gives",
    "output": "gives",
    "body": "json",
    "data": "json",
    "form": "multipart",
    "type": "kind",
    "description": "about",
    "base_url": "url",
    "token": "key_from",
    "env": "key_from",
    "poll": "status",
    "interval": "every",
    "succeeded": "done",
    "errors": "failures",
    "class": "means",
    "min": "minimum",
    "max": "maximum",
    "enum": "choices",
    "options": "choices",
    "route": "path",
}
_WANTED: Final[Mapping[str, str]] = {
    "scalar": "one value",
    "number": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def misfits(value: Json, source: Source) -> Iterator[tuple[Path, Problem]]:
    """Every place where a file's content is not of a service's shape, with the problem."""
    try:
        shape.ServiceShape.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = _path(detail["loc"], value)
            yield path, _problem(detail, path, source)


def _path(location: Path, value: Any) -> Path:
    """Where an error is, without the names of a union's alternatives."""
    path: list[str | int] = []
    for one in location:
        known = (
            one in value if isinstance(value, Mapping) else isinstance(one, int) and isinstance(value, list)
        )
        if not known and (not isinstance(value, Mapping) or isinstance(one, int) or one.startswith("<")):
            continue
        path.append(one)
        value = value[one] if known else None
    return tuple(path)


def _problem(detail: ErrorDetails, path: Path, source: Source) -> Problem:
    sort, facts = detail["type"], detail.get("ctx", {})
    key = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this item" if path else "a service file"
    match sort:
        case "extra_forbidden":
            about, model = _place(path[:-1])
            ours = _ELSEWHERE.get(str(path[-1]).lower())
            keys = [one.alias or name for name, one in model.model_fields.items()]
            hint = f"here it is called `{ours}`" if ours in keys else nearest(str(path[-1]), keys)
            return Problem(source.key_at(path), "unknown-key", f"{key} is not a key of {about}", hint)
        case "missing":
            about, _ = _place(path[:-1])
            return Problem(source.key_at(path[:-1]), "missing-key", f"{about} needs {key}")
        case "too_short" | "string_too_short":
            return Problem(source.at(path), "empty-value", f"{key} is empty")
        case "greater_than_equal" | "less_than_equal":
            bound = facts.get("ge", facts.get("le"))
            word = "at least" if "ge" in facts else "at most"
            return Problem(source.at(path), "out-of-range", f"{key} is {word} {bound}")
    if "hint" in facts:
        return Problem(source.at(path), sort, detail["msg"], facts["hint"])
    wanted = _WANTED.get(sort, "text")
    hint = (
        "put it in quotes" if wanted == "text" and isinstance(detail["input"], bool | int | float) else None
    )
    return Problem(source.at(path), "wrong-type", f"{key} must be {wanted}", hint)


def _place(path: Path) -> tuple[str, type[BaseModel]]:
    """The mapping at a path: in words, and its model."""
    match path:
        case ():
            return "a service file", shape.ServiceShape
        case ("endpoints", _):
            return "an endpoint", shape.EndpointShape
        case ("endpoints", _, "takes", _):
            return "a parameter", shape.ParameterShape
        case ("endpoints", _, "gives", _):
            return "a return", shape.ReturnShape
        case (*_, "failures", int()):
            return "a failure", shape.FailureShape
        case (*_, "job", "status"):
            return "`status`", shape.StatusShape
        case (*_, "job", str(key)) | (*_, "job", str(key), int()) if key in _ASKS:
            return f"`{key}`", shape.TargetShape
    key = str(path[-1])
    models: Mapping[str, type[BaseModel]] = {
        "auth": shape.AuthShape,
        "limits": shape.LimitShape,
        "upload": shape.UploadShape,
        "job": shape.JobShape,
        "stream": shape.StreamShape,
        "meanwhile": shape.MeanwhileShape,
        "usage": shape.UsageShape,
    }
    return f"`{key}`", models.get(key, shape.AskShape)
