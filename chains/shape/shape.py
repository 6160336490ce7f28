"""The shape of a chain file, as pydantic models: which keys there are and what they hold.

They check a file's shape and are the source of the JSON Schema. A step's are in `step_shape`; what a chain
means is in `model`.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from chains.shape.forms import KINDS, check_kind, check_number, form, something
from chains.shape.step_shape import AnyStep
from chains.shape.way_shape import (
    MOST,
    UNSAID,
    Count,
    Duration,
    Pickup,
    RetryShape,
    Scalar,
    Shape,
    TimeoutOrRun,
)

Number = Annotated[Any, BeforeValidator(check_number), WithJsonSchema({"type": "number"})]


class InputShape(Shape):
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


class DefaultsShape(Shape):
    """What every step gets unless it says otherwise."""

    timeout: TimeoutOrRun = Field(None, description="time limits of a call")
    cache: bool = Field(default=True, description="whether results that are there already are used again")
    retry: RetryShape = Field(UNSAID, description="how long a place is tried")
    pickup: Pickup = Field(
        "auto", description="whether a result is waited for, or fetched when it should be there"
    )


class LimitShape(Shape):
    """What may be asked of one place."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    concurrency: Annotated[int, Field(ge=1, le=1000)] = Field(UNSAID, description="calls at once")
    per_minute: Count = Field(UNSAID, description="calls in any 60 seconds, over all runs")
    per_day: Count = Field(UNSAID, description="calls in a day (UTC), over all runs")


class BudgetShape(Shape):
    """What one run may use."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    gpu: Duration = Field(None, description="seconds of ZeroGPU, as `300s`")
    calls: Annotated[int, Field(ge=0)] = Field(UNSAID, description="calls that leave this machine")
    usd: Annotated[float, Field(ge=0)] = Field(UNSAID, description="money, in US dollars")


Limit = Annotated[
    LimitShape,
    something("nothing is limited here", "give it `concurrency`, `per_minute` or `per_day`"),
]
Budget = Annotated[BudgetShape, something("nothing is limited here", "give it `gpu`, `calls` or `usd`")]


class PromptShape(Shape):
    """A prompt with named gaps."""

    prompt: str = Field(description="its text; a gap is written `{subject}`", min_length=1)
    negative: str = Field("", description="what should not be seen; read as `template('NAME.negative')`")
    variables: dict[str, Scalar] = Field(
        default_factory=dict, description="what stands in a gap that is not filled; empty if it must be"
    )
    help: str = Field("", description="what it is for, in one line")


PromptOrText = Annotated[
    Annotated[PromptShape, Tag("<prompt>")] | Annotated[str, Field(min_length=1), Tag("<text>")],
    Discriminator(lambda value: "<prompt>" if isinstance(value, dict | PromptShape) else "<text>"),
]


class ChainShape(Shape):
    """A chain of Gradio Spaces, models, services and media operations."""

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
    inputs: dict[str, InputOrDefault] = Field(
        default_factory=dict, max_length=MOST, description="what goes in, by name"
    )
    steps: dict[str, AnyStep] = Field(min_length=1, max_length=MOST, description="what runs, by name")
    outputs: dict[str, Any] = Field(
        default_factory=dict, max_length=MOST, description="what comes out, by name; usually `$step.part`"
    )
    defaults: DefaultsShape | None = Field(None, description="what every step gets unless it says otherwise")
    limits: dict[str, Limit] = Field(
        default_factory=dict, max_length=MOST, description="by Space, host or service"
    )
    budget: Budget = Field(UNSAID, description="what one run may use; a call beyond it is not made")
    templates: dict[str, PromptOrText] = Field(
        default_factory=dict,
        max_length=MOST,
        description="prompt templates by name, for `template('NAME', gap=value)`",
    )
    env: list[
        Annotated[str, form(r"[A-Za-z_]\w*", "bad-variable", "environment variable", "give its name alone")]
    ] = Field(
        default_factory=list,
        max_length=MOST,
        description="environment variables that expressions may read; their values stay secret",
    )
