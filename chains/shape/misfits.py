"""What pydantic finds wrong with a chain file's shape, in our words and at its place."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chains.problems import Problem
from chains.shape.forms import KINDS
from chains.shape.keys import about, around_it, elsewhere, keys, keys_of, keys_of_kind, place_of
from chains.shape.shape import ChainShape
from chains.shape.step_shape import ONLY_OF_STEPS
from chains.shape.way_shape import OF_KIND, STEP_KINDS, WayShape, step_kind
from chains.text.source import Path, Source
from spaces_registry.errors import nearest
from spaces_registry.signature import Json

_MOST = 500  # that are told in full, with the names that may be meant; more stand in no file of a person's
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


def misfits(value: Json, source: Source) -> Iterator[tuple[Path, Problem]]:
    """Every place where a file's content is not of a chain's shape.

    Args:
        value: the file's content, plain.
        source: the text, for positions.

    Yields:
        The path of what is wrong, and the problem.
    """
    try:
        ChainShape.model_validate(value)
    except ValidationError as error:
        for number, detail in enumerate(error.errors(include_url=False)):
            path = _path(detail["loc"], value)
            if number >= _MOST:
                message = f"`{path[-1]}` is wrong here" if path else "this is wrong"
                yield path, Problem(source.at(path), detail["type"], message, None, _step(path))
            elif problem := _problem(detail, path, value, source):
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
        case "too_short" | "string_too_short":
            hint = _EMPTY.get(str(path[-1])) if sort == "too_short" else None
            return Problem(source.at(path), "empty-value", f"`{path[-1]}` is empty", hint, step)
        case "too_long":
            message = f"`{path[-1]}` has more than {facts['max_length']:,} items"
            return Problem(source.at(path), "too-many", message, _TOO_MANY.get(str(path[-1])), step)
        case "bad-kind":
            return Problem(source.at(path), sort, detail["msg"], nearest(facts["value"], KINDS), step)
        case "unknown-failure":
            return Problem(source.key_at(path[:-1]), sort, detail["msg"], facts["hint"], step)
        case "greater_than":
            return Problem(source.at(path), "out-of-range", f"`{path[-1]}` is more than 0", None, step)
        case "greater_than_equal" | "less_than_equal":
            bound = facts.get("ge", facts.get("le"))
            word = "at least" if "ge" in facts else "at most"
            return Problem(source.at(path), "out-of-range", f"`{path[-1]}` is {word} {bound}", None, step)
    if "hint" in facts:
        return Problem(source.at(path), sort, detail["msg"], facts["hint"], step)
    return _wrong_type(detail, path, source)


_TOO_MANY = {
    "steps": "a step goes over many items with `each`, and `batch` runs a chain for each row of a table"
}
_EMPTY = {
    "fallback": "leave it out if there is none",
    "space": "write a Space's `owner/name`",
    "steps": "a chain needs at least one step",
    "choices": "leave it out if every value will do",
    "matrix": "give it a list by name",
}


_MAPPINGS: Mapping[str | int, str] = {
    "fallback": "write a step on each line, as in `- space: owner/name`",
    "retry": "write `{attempts: 4}`",
    "on": "write `{busy: retry, crashed: fall-back}`",
    "expect": "write `{not_blank: true}`",
    "budget": "write `{calls: 50}`",
    "templates": "write `name: text`",
    "variables": "write `{subject: , light: soft light}`",
}


def _is_name(path: Path) -> bool:
    """Whether the last key of a path is the author's own word."""
    return len(path) == 2 and path[0] != "defaults"  # noqa: PLR2004 - what stands in the lists at the top


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
    elif path[-1] in _MAPPINGS and not _is_name(path) and wanted in {"a mapping", "a list"}:
        hint = _MAPPINGS[path[-1]]
    elif path[-2:-1] == ("fallback",):
        hint = _MAPPINGS["fallback"]
    elif path[:1] == ("limits",) and len(path) == 2:  # noqa: PLR2004 - a place's own
        hint = "write `{concurrency: 2}`"
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


def _step(path: Path) -> str | None:
    return str(path[1]) if path[:1] == ("steps",) and len(path) > 1 else None


def _unknown(path: Path, value: Json) -> tuple[str, str, str | None]:
    key, place = str(path[-1]), place_of(path)
    siblings = _content(value, path[:-1])
    offered = keys(place)
    if place in {"step", "fallback"}:
        kind = step_kind(siblings)
        if key in STEP_KINDS:
            message = f"{about(place)} is one thing, and this one says both `{kind}` and `{key}`"
            return "step-kind", message, f"make two {place}s of it"
        if place == "fallback" and key in ONLY_OF_STEPS:
            return "not-in-a-fallback", f"a fallback has no `{key}` of its own", _ONLY_OF_STEPS[key]
        owners = [one for one, model in OF_KIND.items() if key in model.model_fields]
        if owners and key not in keys_of(WayShape):
            allowed = " or ".join(f"`{one}`" for one in owners)
            return "unknown-key", f"`{key}` belongs to a {allowed} {place}, not to a `{kind}` {place}", None
        if any(one in siblings for one in STEP_KINDS):
            offered = keys_of_kind(place, kind)
    ours, around = elsewhere(place).get(key.lower()), around_it(place, key)
    hint = f"here it is called `{ours}`" if ours else nearest(key, offered)
    if around and not ours:
        hint = f"it stands inside of `{around}`: `{around}: {{{key}: …}}`"
    return "unknown-key", f"`{key}` is not a key of {about(place)}", hint


_ONLY_OF_STEPS = {
    "when": "it stands in for its step; what must be true is the step's own `when`",
    "each": "it runs once for every item of its step, and `item` is there",
    "matrix": "it runs once for every item of its step, and `item` is there",
    "needs": "write it beside `fallback`, in the step itself",
    "fallback": "write the fallbacks below each other, in the order in which they are tried",
}


def _missing(path: Path, value: Json, source: Source) -> Problem | None:
    key, place = str(path[-1]), place_of(path)
    siblings = _content(value, path[:-1])
    at = source.key_at(path[:-1])
    if place in {"step", "fallback"} and key == "space":
        if any(_meant(one, siblings, place) for one in STEP_KINDS):
            return None  # it need not be said here when it is misspelt
        what = f"step `{path[1]}`" if place == "step" else f"this fallback of step `{path[1]}`"
        kinds = ", ".join(f"`{one}`" for one in STEP_KINDS[:-1])
        hint = f"give it {kinds} or `{STEP_KINDS[-1]}`"
        return Problem(at, "step-kind", f"{what} does not say what it is", hint, str(path[1]))
    if _meant(key, siblings, place):
        return None
    return Problem(at, "missing-key", f"{about(place)} needs `{key}`", None, _step(path))


def _meant(key: str, siblings: Mapping[str, Any], place: str) -> bool:
    """Whether one of the keys beside it is a misspelt form of a key; that is said there already."""
    known = keys(place)
    unknown = [*islice((one for one in siblings if one not in known), _MOST)]
    return any(
        elsewhere(place).get(one.lower()) == key or (nearest(one, [key]) or "").startswith("did you mean")
        for one in unknown
    )


def _content(value: Any, path: Path) -> Mapping[str, Any]:
    """The mapping at a path, empty where there is none."""
    for one in path:
        value = value[one]
    return value if isinstance(value, Mapping) else {}
