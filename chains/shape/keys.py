"""Which keys belong into which mapping of the language, and what people write in their stead."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from chains.shape import shape, step_shape, way_shape
from chains.text.source import Path

ELSEWHERE: Final[Mapping[str, Mapping[str, str]]] = {
    "chain": {
        "params": "inputs",
        "parameters": "inputs",
        "jobs": "steps",
        "tasks": "steps",
        "nodes": "steps",
        "prompts": "templates",
        "rate_limits": "limits",
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
        **dict.fromkeys(("fallbacks", "on_error", "on_failure", "catch", "otherwise"), "fallback"),
        **dict.fromkeys(("retries", "retry_strategy", "backoff"), "retry"),
        **dict.fromkeys(("assert", "validate", "check"), "expect"),
        **dict.fromkeys(("workflow", "recipe", "subworkflow"), "chain"),
        **dict.fromkeys(("inference", "llm"), "model"),
        **dict.fromkeys(("vendor", "http"), "service"),
    },
    "input": {
        "type": "kind",
        "description": "help",
        "options": "choices",
        "enum": "choices",
        "min": "minimum",
        "max": "maximum",
    },
    "retry": {
        **dict.fromkeys(("max", "limit", "tries", "times", "count", "max_attempts"), "attempts"),
        **dict.fromkeys(("delay", "initial", "pause", "backoff"), "wait"),
        **dict.fromkeys(("max_wait", "max_delay", "maximum"), "up_to"),
    },
    "limit": {
        **dict.fromkeys(("parallel", "workers", "max_concurrency", "max_parallel"), "concurrency"),
        **dict.fromkeys(("rpm", "minute"), "per_minute"),
        **dict.fromkeys(("rpd", "day", "daily"), "per_day"),
    },
    "budget": {
        **dict.fromkeys(("gpu_seconds", "zerogpu", "seconds"), "gpu"),
        **dict.fromkeys(("money", "cost", "dollars", "price"), "usd"),
        "requests": "calls",
    },
    "expect": {
        **dict.fromkeys(("seconds", "duration", "min_duration", "length"), "min_seconds"),
        **dict.fromkeys(("regex", "pattern", "contains"), "matches"),
        "width": "min_width",
        "height": "min_height",
        "blank": "not_blank",
    },
    "template": {
        **dict.fromkeys(("text", "template", "positive"), "prompt"),
        **dict.fromkeys(("negative_prompt", "not"), "negative"),
        **dict.fromkeys(("vars", "gaps", "defaults", "with"), "variables"),
        "description": "help",
    },
}
ABOUT: Final[Mapping[str, str]] = {
    "chain": "a chain",
    "step": "a step",
    "fallback": "a fallback",
    "input": "an input",
    "limit": "a limit",
    "template": "a template",
}
_MODELS: Final[Mapping[str, tuple[type[BaseModel], ...]]] = {
    "chain": (shape.ChainShape,),
    "step": (step_shape.StepShape, *way_shape.OF_KIND.values()),
    "fallback": tuple(way_shape.OF_KIND.values()),
    "input": (shape.InputShape,),
    "defaults": (shape.DefaultsShape,),
    "limit": (shape.LimitShape,),
    "budget": (shape.BudgetShape,),
    "template": (shape.PromptShape,),
    "timeout": (way_shape.Timeout,),
    "retry": (way_shape.RetryShape,),
    "pickup": (way_shape.DetachedPickup,),
    "expect": (way_shape.ExpectShape,),
    "each": (step_shape.EachShape,),
}
PLACES: Final = tuple(_MODELS)
_INSIDE = ("timeout", "retry", "pickup", "expect")  # mappings that steps and fallbacks have


def place_of(path: Path) -> str:
    """Which mapping of the language the last key of a path belongs to."""
    match path:
        case ("steps", _, "fallback", int(), key, _) if key in _INSIDE:
            return str(key)
        case ("steps", _, key, _) | ("defaults", key, _) if key in _INSIDE:
            return str(key)
        case ("steps", _, "fallback", int(), _):
            return "fallback"
        case ("steps", _, "each", _):
            return "each"
        case ("steps", _, _):
            return "step"
        case ("inputs", _, _):
            return "input"
        case ("limits", _, _):
            return "limit"
        case ("templates", _, _):
            return "template"
        case ("defaults" | "budget" as place, _):
            return str(place)
    return "chain"


def about(place: str) -> str:
    """A mapping of the language in words."""
    return ABOUT.get(place, f"`{place}`")


def elsewhere(place: str) -> Mapping[str, str]:
    """What people know from other workflow languages, to what it is called here."""
    return ELSEWHERE.get("step" if place == "fallback" else place, {})


def around_it(place: str, key: str) -> str | None:
    """The mapping inside of a step, a fallback or the defaults that a key belongs into, if it does."""
    if place not in {"step", "fallback", "defaults"}:
        return None
    return next((one for one in _INSIDE if one in keys(place) and key in keys(one)), None)


def keys(place: str) -> list[str]:
    """The keys that a mapping of the language may have."""
    return list(dict.fromkeys(key for model in _MODELS[place] for key in keys_of(model)))


def keys_of_kind(place: str, kind: str) -> list[str]:
    """The keys that a step or a fallback of a kind may have, without what says its kind."""
    of_step = keys_of(step_shape.StepShape) if place == "step" else []
    every = dict.fromkeys([*of_step, *keys_of(way_shape.OF_KIND[kind])])
    return [one for one in every if one not in way_shape.STEP_KINDS]


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a model, as they are written."""
    return [one.alias or name for name, one in model.model_fields.items()]
