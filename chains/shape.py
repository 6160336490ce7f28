"""The shape of a chain file, as pydantic models: which keys there are and what they hold.

They check a file's shape and are the source of the JSON Schema. What a chain means is in `model`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

from chains.forms import (
    KINDS,
    check_duration,
    check_function,
    check_kind,
    check_number,
    check_scalar,
    form,
    listed,
)

STEP_KINDS: Final = ("space", "find", "media", "python")
# what the language has and this version does not run yet, by the mapping it belongs to
LATER: Final[Mapping[str, frozenset[str]]] = {
    "chain": frozenset({"templates", "budget"}),
    "step": frozenset(
        [
            *("model", "service", "chain", "fallback", "retry", "expect", "pickup"),
            *("task", "provider"),
        ]
    ),
    "defaults": frozenset({"retry", "pickup"}),
    "limit": frozenset({"per_minute", "per_day"}),
}
LATER_STEP_KINDS: Final = ("model", "service", "chain")


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$",
    "examples": ["90s", "5m", "2h"],
}
Duration = Annotated[Any, BeforeValidator(check_duration), WithJsonSchema(_DURATION_SCHEMA)]
Scalar = Annotated[Any, BeforeValidator(check_scalar), WithJsonSchema({"not": {"type": ["object", "array"]}})]
Number = Annotated[Any, BeforeValidator(check_number), WithJsonSchema({"type": "number"})]
_EXPRESSION = {"type": ["string", "boolean"], "examples": ['inputs.style == "photo"']}
_LIST = {"oneOf": [{"type": "array"}, {"type": "string", "pattern": r"\$"}]}
_LISTS = {"type": "object", "additionalProperties": _LIST, "minProperties": 1}


class Timeout(_Shape):
    """Time limits of a call, a clock a phase."""

    wake: Duration = Field(None, description="for a sleeping Space to become ready")
    queue: Duration = Field(None, description="from joining the queue to the start of the work")
    run: Duration = Field(None, description="from the start of the work to its result")


# a tag begins with `<`, so that it can be told from a key in an error's path
TimeoutOrRun = Annotated[
    Annotated[Timeout, Tag("<clocks>")] | Annotated[Duration, Tag("<run>")],
    Discriminator(lambda value: "<clocks>" if isinstance(value, dict | Timeout) else "<run>"),
]


class InputShape(_Shape):
    """One input; a bare value is a default alone."""

    kind: Annotated[Any, BeforeValidator(check_kind), WithJsonSchema({"enum": list(KINDS)})] = Field(
        None, description="what it is"
    )
    help: str = Field("", description="what it means, in one line")
    default: Any = Field(
        None, description="what it is if nothing is handed in; a file is a path beside the chain"
    )
    required: bool = Field(
        default=False, description="whether it must be handed in; true unless there is a default"
    )
    choices: list[Scalar] = Field(default_factory=list, min_length=1, description="the values it may have")
    minimum: Number = Field(None, description="smallest number")
    maximum: Number = Field(None, description="largest number")
    many: bool = Field(default=False, description="whether it is a list")


InputOrDefault = Annotated[
    Annotated[InputShape, Tag("<input>")]
    | Annotated[
        Any, WithJsonSchema({"not": {"type": "object"}, "description": "the default alone"}), Tag("<default>")
    ],
    Discriminator(lambda value: "<input>" if isinstance(value, dict) else "<default>"),
]


class EachShape(_Shape):
    """What a step runs over, and how."""

    in_: Annotated[Any, WithJsonSchema({"anyOf": [_LIST, _LISTS]})] = Field(
        alias="in", description="a list, or lists to go through side by side"
    )
    keep_going: bool = Field(default=False, description="whether good items are kept when others fail")


_LISTS_SIDE_BY_SIDE = _LISTS | {"not": {"anyOf": [{"required": ["in"]}, {"required": ["keep_going"]}]}}
EachOrList = Annotated[
    Annotated[EachShape, Tag("<each>")]
    | Annotated[Any, WithJsonSchema({"anyOf": [_LIST, _LISTS_SIDE_BY_SIDE]}), Tag("<list>")],
    Discriminator(lambda value: "<each>" if each_is_controlled(value) else "<list>"),
]


def each_is_controlled(value: object) -> bool:
    """Whether `each` is written as `{in: …, keep_going: …}`."""
    return isinstance(value, dict) and ("in" in value or "keep_going" in value)


class StepShape(_Shape):
    """What steps of every kind may have."""

    with_: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="arguments by parameter name"
    )
    when: Annotated[Scalar, WithJsonSchema(_EXPRESSION)] = Field(
        None, description="an expression; false skips the step"
    )
    each: EachOrList = Field(None, description="a list; the step runs once an item, with `item` and `index`")
    matrix: Annotated[dict[str, Any], Field(min_length=1), WithJsonSchema(_LISTS)] = Field(
        default_factory=dict, description="lists by name; the step runs once a combination"
    )
    needs: Annotated[
        list[str],
        BeforeValidator(listed),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(default_factory=list, description="steps to wait for without reading from them")
    timeout: TimeoutOrRun = Field(None, description="time limits of a call")
    cache: bool = Field(default=True, description="whether a result that is there already is used again")
    outputs: dict[str, str] = Field(
        default_factory=dict, description="names for parts of the raw answer, as JMESPath"
    )


class SpaceShape(StepShape):
    """A step that calls a Gradio Space."""

    space: Annotated[
        str,
        form(
            r"[^\s$]+",
            "bad-space",
            "Space",
            "write its `owner/name` or URL out; no expression can stand here",
        ),
    ] = Field(description="`owner/name`, the URL of an app, or an alias")
    endpoint: Annotated[str, form(r"/?[^\s/][^\s]*", "bad-endpoint", "endpoint", "write it as `/name`")] = (
        Field("", description="its endpoint, as `/name`; may be left out where there is one")
    )


Kinds = Annotated[
    list[Annotated[Any, BeforeValidator(check_kind)]],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"enum": list(KINDS)}, {"type": "array", "items": {"enum": list(KINDS)}}]}),
]


class FindShape(StepShape):
    """A step that calls the best Space for what it is asked."""

    find: Annotated[
        str, form(r"(?s)\s*\S.{0,249}", "bad-search", "search", "say in a few words what is needed")
    ] = Field(description="what the Space should do, in words")
    takes: Kinds = Field(
        default_factory=list, description="kinds of the arguments, in their order, where they cannot be told"
    )
    gives: Kinds = Field(
        default_factory=list, description="kinds that it must return; told from their use if left out"
    )
    category: str = Field("", description="one of the Hub's categories, such as `image-generation`")
    among: Annotated[
        list[str],
        BeforeValidator(listed),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(default_factory=list, description="only these Spaces")


class MediaShape(StepShape):
    """A step that works on media on this machine."""

    media: str = Field(description="the operation, such as `mux`", min_length=1)


class PythonShape(StepShape):
    """A step that calls a function of the user's."""

    python: Annotated[str, BeforeValidator(check_function)] = Field(
        description="`file.py:function`, beside the chain"
    )


OF_KIND: Final[Mapping[str, type[StepShape]]] = {
    "space": SpaceShape,
    "find": FindShape,
    "media": MediaShape,
    "python": PythonShape,
}


def step_kind(value: object) -> str:
    """Which model a step is checked against; a step that does not say is taken for a Space's."""
    keys = value if isinstance(value, dict) else {}
    return next((one for one in STEP_KINDS if one in keys), "space")


AnyStep = Annotated[
    Annotated[SpaceShape, Tag("<space>")]
    | Annotated[FindShape, Tag("<find>")]
    | Annotated[MediaShape, Tag("<media>")]
    | Annotated[PythonShape, Tag("<python>")],
    Discriminator(lambda value: f"<{step_kind(value)}>"),
]


class DefaultsShape(_Shape):
    """What every step gets unless it says otherwise."""

    timeout: TimeoutOrRun = Field(None, description="time limits of a call")
    cache: bool = Field(default=True, description="whether results that are there already are used again")


class LimitShape(_Shape):
    """What may be asked of one place."""

    concurrency: Annotated[int, Field(ge=1, le=1000)] = Field(description="calls at once")


class ChainShape(_Shape):
    """A chain of Gradio Spaces and media operations."""

    name: Annotated[
        str,
        form(
            r"[^\W_][\w.-]{0,99}",
            "bad-name",
            "name of a chain",
            "letters, digits, `-`, `_` and `.`; it names a folder",
        ),
    ] = Field("", description="what the chain is called; the file's name if left out")
    description: str = Field("", description="one line about it")
    version: Annotated[Scalar, WithJsonSchema({"type": ["string", "number"]})] = Field(
        "", description="the chain's own version"
    )
    inputs: dict[str, InputOrDefault] = Field(default_factory=dict, description="what goes in, by name")
    steps: dict[str, AnyStep] = Field(min_length=1, description="what runs, by name")
    outputs: dict[str, Any] = Field(
        default_factory=dict, description="what comes out, by name; usually `$step.part`"
    )
    defaults: DefaultsShape | None = Field(None, description="what every step gets unless it says otherwise")
    limits: dict[str, LimitShape] = Field(default_factory=dict, description="by Space, host or service")
    env: list[
        Annotated[str, form(r"[A-Za-z_]\w*", "bad-variable", "environment variable", "give its name alone")]
    ] = Field(
        default_factory=list,
        description="environment variables that expressions may read; their values stay secret",
    )
