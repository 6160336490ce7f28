"""What is wrong with the arguments of media steps as they are written: what their kinds alone cannot say."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from chains.language.evaluate import EvaluationFailed
from chains.model import Chain, MediaStep
from chains.problems import Problem
from pipelines.artifacts.encodings import ENCODING_HINT, is_text_encoding
from pipelines.media.catalogue import BY_NAME
from pipelines.media.coding import LARGEST, SMALLEST, parse_size
from pipelines.media.crop import parse_aspect
from spaces_registry.signature import Endpoint, Json

_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_MOMENTS = ("start", "middle", "end")
# of each of these, one at most
_EITHER: Final[Mapping[str, tuple[str, ...]]] = {
    "trim": ("end", "seconds"),
    "trim_audio": ("end", "seconds"),
    "loop": ("seconds", "times"),
    "loop_audio": ("seconds", "times"),
    "frames": ("every", "nth", "count", "at"),
    "subtitle": ("subtitles", "text"),
}
# of each of these, one at least
_SOME: Final[Mapping[str, tuple[str, ...]]] = {
    "resize": ("width", "height"),
    "resize_video": ("width", "height"),
    "crop": ("aspect", "width", "height"),
    "crop_video": ("aspect", "width", "height"),
    "subtitle": ("subtitles", "text"),
}


def media_problems(chain: Chain) -> Iterator[Problem]:
    """Arguments that a media operation would refuse, found where they stand and before anything runs."""
    for step in chain.ways:
        if not isinstance(step, MediaStep) or step.operation not in BY_NAME:
            continue
        name = step.operation
        given = [one for one, template in step.arguments.items() if not _is_null(template.node)]
        literals = _literals(step)
        for one, value in literals.items():
            if found := _wrong(BY_NAME[name].endpoint, one, value):
                message = f"`{one}` of step `{step.name}` {found[0]}"
                yield Problem(step.arguments[one].at, "wrong-literal", message, found[1], step.name)
        several = [one for one in _EITHER.get(name, ()) if one in given]
        if len(several) > 1:
            message = f"step `{step.name}` has {' and '.join(f'`{one}`' for one in several)}"
            yield Problem(
                step.argument_at(several[1]), "too-many-arguments", message, "give one of them", step.name
            )
        if name in _SOME and not any(one in given for one in _SOME[name]):
            message = f"step `{step.name}` has none of {', '.join(f'`{one}`' for one in _SOME[name])}"
            yield Problem(step.operation_at, "missing-parameter", message, "give it one", step.name)
        yield from _span(step, literals)


def _is_null(node: object) -> bool:
    return getattr(node, "value", node) is None


def _literals(step: MediaStep) -> dict[str, Json]:
    literals: dict[str, Json] = {}
    for name, template in step.arguments.items():
        if template.is_literal:
            with suppress(EvaluationFailed):  # that it fails is another rule's
                literals[name] = template.literal
    return {name: value for name, value in literals.items() if value is not None}


def _span(step: MediaStep, literals: Mapping[str, Json]) -> Iterator[Problem]:
    start, end = literals.get("start", 0), literals.get("end")
    if isinstance(start, int | float) and isinstance(end, int | float) and end <= start:
        message = f"`end` of step `{step.name}` is {end:g} s, which is not after its start ({start:g} s)"
        yield Problem(step.arguments["end"].at, "wrong-literal", message, None, step.name)


def _wrong(endpoint: Endpoint, name: str, value: Json) -> tuple[str, str | None] | None:
    """Why one argument would be refused, and what to write instead."""
    parameter = endpoint.parameter(name)
    if parameter is None:
        return None
    if parameter.many and value == []:
        return "is an empty list", "give it at least one"
    if name == "at" and endpoint.name == "thumbnail" and not _is_moment(value):
        return f"is no time: {value!r}", "give seconds, or one of: start, middle, end"
    if not isinstance(value, str):
        return None
    match name:
        case "size" if parameter.kind == "text" and parse_size(value) is None:
            return f"cannot be {value!r}", f"write it like 1280x720, each side {SMALLEST} to {LARGEST}"
        case "aspect" if parse_aspect(value) is None:
            return f"cannot be {value!r}", "write it like 16:9"
        case "encoding" if not is_text_encoding(value):
            return f"is none: {value!r}", ENCODING_HINT
        case "background" | "color" if not _is_colour(value):
            return f"is no colour: {value!r}", "write black or #1a2b3c"
        case "text" if not value.strip():
            return "is empty", None
        case _:
            return None


def _is_moment(value: Json) -> bool:
    if value in _MOMENTS:
        return True
    with suppress(ValueError):
        at = float(str(value))
        return not isinstance(value, bool) and math.isfinite(at) and at >= 0
    return False


def _is_colour(text: str) -> bool:
    """Whether it is a colour, as far as can be told here: names need Pillow."""
    if _HEX.fullmatch(text) or text == "transparent":
        return True
    try:
        from PIL import ImageColor  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return not text.startswith("#")
    try:
        ImageColor.getrgb(text)
    except ValueError:
        return False
    return True
