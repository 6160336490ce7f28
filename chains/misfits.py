"""What pydantic finds wrong with a chain file's shape, in our words and at its place."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chains import shape
from chains.forms import KINDS
from chains.problems import Problem, not_yet
from chains.source import Path, Source
from spaces_registry.errors import nearest
from spaces_registry.signature import Json

_WANTED = {
    "scalar": "one value",
    "number": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
# what people know from other workflow languages, by the mapping it would stand in
_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "chain": {
        "params": "inputs",
        "parameters": "inputs",
        "jobs": "steps",
        "tasks": "steps",
        "nodes": "steps",
    },
    "step": {
        **dict.fromkeys(("if", "condition"), "when"),
        **dict.fromkeys(("for_each", "foreach", "loop", "map", "with_items"), "each"),
        **dict.fromkeys(("inputs", "input", "params", "parameters", "args", "arguments"), "with"),
        **dict.fromkeys(("depends_on", "after", "requires", "wait_for"), "needs"),
        **dict.fromkeys(("api_name", "api", "fn", "route"), "endpoint"),
        **dict.fromkeys(("uses", "use", "call", "repo"), "space"),
        **dict.fromkeys(("tool", "ffmpeg"), "media"),
        **dict.fromkeys(("script", "function"), "python"),
    },
    "input": {
        "type": "kind",
        "description": "help",
        "options": "choices",
        "enum": "choices",
        "min": "minimum",
        "max": "maximum",
    },
}
_ABOUT: Mapping[str, str] = {
    "chain": "a chain",
    "step": "a step",
    "input": "an input",
    "defaults": "`defaults`",
    "limit": "a limit",
    "timeout": "`timeout`",
    "each": "`each`",
}
_MODELS: Mapping[str, tuple[type[BaseModel], ...]] = {
    "chain": (shape.ChainShape,),
    "step": tuple(shape.OF_KIND.values()),
    "input": (shape.InputShape,),
    "defaults": (shape.DefaultsShape,),
    "limit": (shape.LimitShape,),
    "timeout": (shape.Timeout,),
    "each": (shape.EachShape,),
}


def misfits(value: Json, source: Source) -> Iterator[tuple[Path, Problem]]:
    """Every place where a file's content is not of a chain's shape.

    Args:
        value: the file's content, plain.
        source: the text, for positions.

    Yields:
        The path of what is wrong, and the problem.
    """
    try:
        shape.ChainShape.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = _path(detail["loc"], value)
            if problem := _problem(detail, path, value, source):
                yield path, problem


def _path(location: Path, value: Any) -> Path:
    """Where an error is, without the names that pydantic gives to a union's alternatives."""
    path: list[str | int] = []
    for one in location:
        known = one in value if isinstance(value, Mapping) else isinstance(one, int)
        if not known and str(one).startswith("<"):
            continue  # an alternative's name, see `shape`; a key that looks like one is in the mapping
        path.append(one)
        value = value[one] if known else None
    return tuple(path)


def _problem(detail: ErrorDetails, path: Path, value: Json, source: Source) -> Problem | None:
    sort, facts, step = detail["type"], detail.get("ctx", {}), _step(path)
    match sort:
        case "extra_forbidden":
            code, message, hint = _unknown(path, value)
            return Problem(source.key_at(path), code, message, hint, step)
        case "missing":
            return _missing(path, value, source)
        case "too_short":
            message = f"`{path[-1]}` is empty"
            return Problem(source.at(path), "empty-value", message, _EMPTY.get(str(path[-1])), step)
        case "bad-kind":
            return Problem(source.at(path), sort, detail["msg"], nearest(facts["value"], KINDS), step)
        case "greater_than_equal" | "less_than_equal":
            bound = facts.get("ge", facts.get("le"))
            word = "at least" if "ge" in facts else "at most"
            return Problem(source.at(path), "out-of-range", f"`{path[-1]}` is {word} {bound}", None, step)
        case "string_too_short":
            return Problem(source.at(path), "empty-value", f"`{path[-1]}` is empty", None, step)
    if "hint" in facts:
        return Problem(source.at(path), sort, detail["msg"], facts["hint"], step)
    return _wrong_type(detail, path, source)


_EMPTY = {
    "steps": "a chain needs at least one step",
    "choices": "leave it out if every value will do",
    "matrix": "give it a list by name",
}


def _wrong_type(detail: ErrorDetails, path: Path, source: Source) -> Problem:
    given = detail["input"]
    wanted = _WANTED.get(detail["type"], "text, a number, true or false")
    what = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this item" if path else "a chain"
    hint = None
    if wanted == "true or false" and str(given).lower() in {"yes", "no", "on", "off", "y", "n"}:
        hint = f"write {str(given).lower() in {'yes', 'on', 'y'}!s}".lower()
    elif wanted == "text" and isinstance(given, bool | int | float):
        hint = "put it in quotes"
    elif not path:
        hint = "begin with `steps:`"
    elif path[-1:] == ("steps",) and isinstance(given, list):
        hint = "steps have names: write `name:` instead of `-`"
    return Problem(
        source.at(path), "wrong-type", f"{what} must be {wanted}, not {_shown(given)}", hint, _step(path)
    )


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value[:40]!r}"
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
    return "this"


def _place(path: Path) -> str:
    """Which mapping of the language the last key of a path belongs to."""
    match path:
        case ("steps", _, "timeout", _) | ("defaults", "timeout", _):
            return "timeout"
        case ("steps", _, "each", _):
            return "each"
        case ("steps", _, _):
            return "step"
        case ("inputs", _, _):
            return "input"
        case ("defaults", _):
            return "defaults"
        case ("limits", _, _):
            return "limit"
    return "chain"


def _step(path: Path) -> str | None:
    return str(path[1]) if path[:1] == ("steps",) and len(path) > 1 else None


def _keys(place: str) -> list[str]:
    """The keys that a mapping of the language may have."""
    return list(dict.fromkeys(key for model in _MODELS[place] for key in _keys_of(model)))


def _keys_of(model: type[BaseModel]) -> list[str]:
    return [one.alias or name for name, one in model.model_fields.items()]


def _unknown(path: Path, value: Json) -> tuple[str, str, str | None]:
    key, place = str(path[-1]), _place(path)
    if key in shape.LATER.get(place, ()):
        return "not-in-this-version", not_yet(key), None
    siblings = _content(value, path[:-1])
    if place == "step":
        kind = shape.step_kind(siblings)
        if key in shape.STEP_KINDS:
            return (
                "step-kind",
                f"a step is one thing, and this one says both `{kind}` and `{key}`",
                "make two steps of it",
            )
        for owner, model in shape.OF_KIND.items():
            if key in model.model_fields and key not in shape.StepShape.model_fields:
                return "unknown-key", f"`{key}` belongs to a `{owner}` step, not to a `{kind}` step", None
    offered = _keys(place)
    if place == "step" and any(one in siblings for one in shape.STEP_KINDS):
        offered = [*_keys_of(shape.OF_KIND[shape.step_kind(siblings)])]
        offered = [one for one in offered if one not in shape.STEP_KINDS]
    ours = _ELSEWHERE.get(place, {}).get(key.lower())
    hint = f"here it is called `{ours}`" if ours else nearest(key, offered)
    return "unknown-key", f"`{key}` is not a key of {_ABOUT[place]}", hint


def _missing(path: Path, value: Json, source: Source) -> Problem | None:
    key, place = str(path[-1]), _place(path)
    siblings = _content(value, path[:-1])
    at = source.key_at(path[:-1])
    if place == "step" and key == "space":
        if any(one in siblings for one in shape.LATER_STEP_KINDS):
            return None  # what it is has been said; that it cannot run yet is said at that key
        if any(_meant(one, siblings, place) for one in shape.STEP_KINDS):
            return None  # nor need it be said here when it is misspelt
        message = f"step `{path[1]}` does not say what it is"
        return Problem(at, "step-kind", message, "give it `space`, `find`, `media` or `python`", str(path[1]))
    if _meant(key, siblings, place):
        return None
    return Problem(at, "missing-key", f"{_ABOUT[place]} needs `{key}`", None, _step(path))


def _meant(key: str, siblings: Mapping[str, Any], place: str) -> bool:
    """Whether one of the keys beside it is a misspelt form of a key; that is said there already."""
    unknown = [one for one in siblings if one not in _keys(place)]
    elsewhere = _ELSEWHERE.get(place, {})
    return any(
        elsewhere.get(one.lower()) == key or (nearest(one, [key]) or "").startswith("did you mean")
        for one in unknown
    )


def _content(value: Any, path: Path) -> Mapping[str, Any]:
    """The mapping at a path, empty where there is none."""
    for one in path:
        value = value[one]
    return value if isinstance(value, Mapping) else {}
