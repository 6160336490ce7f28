"""The shape of a call, as pydantic models: what steps and fallbacks of each kind have in common."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from chains.shape.forms import (
    ACTIONS,
    FAILURES,
    KINDS,
    PICKUPS,
    check_duration,
    check_function,
    check_kind,
    check_pattern,
    check_scalar,
    check_wait,
    form,
    listed,
    one_of,
    size_of_at_least,
)

MOST: Final = 1000  # steps, inputs, arguments and the like; what goes over many items is `each` or `batch`
UNSAID: Final[Any] = None  # a key that is not there; one that is there and empty is a mistake


class Shape(BaseModel):
    """A mapping of the language: keys it does not know are mistakes, and nothing is converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$",
    "examples": ["90s", "5m", "2h"],
}
_SIZE_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)? ?([kKMGT]i?)?B$",
    "examples": ["500MB", "2GB"],
}
_ON_SCHEMA = {
    "type": "object",
    "propertyNames": {"enum": list(FAILURES)},
    "additionalProperties": {"enum": list(ACTIONS)},
}
Duration = Annotated[Any, BeforeValidator(check_duration), WithJsonSchema(_DURATION_SCHEMA)]
Wait = Annotated[Any, BeforeValidator(check_wait), WithJsonSchema(_DURATION_SCHEMA)]
Scalar = Annotated[Any, BeforeValidator(check_scalar), WithJsonSchema({"not": {"type": ["object", "array"]}})]
PickupMode = Annotated[Any, one_of(PICKUPS, "bad-pickup", "pickup"), WithJsonSchema({"enum": list(PICKUPS)})]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
_NAMES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Names = Annotated[list[str], BeforeValidator(listed), Field(max_length=MOST), WithJsonSchema(_NAMES)]


class DetachedPickup(Shape):
    """A result that is left with its app, and for how long at first."""

    detached: Duration = Field(description="how long, until the app's own calls tell how long they take")


Pickup = Annotated[
    Annotated[DetachedPickup, Tag("<detached>")] | Annotated[PickupMode, Tag("<mode>")],
    Discriminator(lambda value: "<detached>" if isinstance(value, dict | DetachedPickup) else "<mode>"),
]


class Timeout(Shape):
    """Time limits of a call, a clock a phase."""

    wake: Wait = Field(None, description="for a sleeping Space to become ready")
    queue: Duration = Field(None, description="from joining the queue to the start of the work")
    run: Duration = Field(None, description="from the start of the work to its result")


# a tag begins with `<`, so that it can be told from a key in an error's path
TimeoutOrRun = Annotated[
    Annotated[Timeout, Tag("<clocks>")] | Annotated[Duration, Tag("<run>")],
    Discriminator(lambda value: "<clocks>" if isinstance(value, dict | Timeout) else "<run>"),
]


class RetryShape(Shape):
    """How long a place is tried before the next one is."""

    attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="tries at one place, the first one counted"
    )
    wait: Wait = Field(None, description="before the second try; it doubles with each further one")
    up_to: Wait = Field(None, description="the longest wait between two tries")
    on: Annotated[
        dict[
            Annotated[str, one_of(FAILURES, "unknown-failure", "class of failure")],
            Annotated[str, one_of(ACTIONS, "bad-action", "way to meet a failure")],
        ],
        WithJsonSchema(_ON_SCHEMA),
    ] = Field(default_factory=dict, description="by class of failure: `retry`, `fall-back` or `stop`")


class ExpectShape(Shape):
    """What a result must be; else the call counts as failed."""

    min_seconds: Annotated[float, Field(gt=0)] = Field(
        UNSAID, description="how long every audio and video is at least"
    )
    min_width: Count = Field(UNSAID, description="how many pixels wide every image and video is at least")
    min_height: Count = Field(UNSAID, description="how many pixels high every image and video is at least")
    not_blank: bool = Field(
        default=False, description="whether images of one colour, silence and empty text are refused"
    )
    matches: Annotated[str, BeforeValidator(check_pattern)] = Field(
        UNSAID, description="a regular expression that every text contains"
    )


class WayShape(Shape):
    """What steps and fallbacks of every kind may have."""

    with_: dict[str, Any] = Field(
        default_factory=dict, alias="with", max_length=MOST, description="arguments by parameter name"
    )
    timeout: TimeoutOrRun = Field(None, description="time limits of a call")
    retry: RetryShape = Field(UNSAID, description="how long a place is tried")
    cache: bool = Field(default=True, description="whether a result that is there already is used again")
    expect: ExpectShape = Field(UNSAID, description="what the result must be, else the call has failed")
    pickup: Pickup = Field(
        "auto", description="whether a result is waited for, or fetched when it should be there"
    )
    outputs: dict[str, str] = Field(
        default_factory=dict, max_length=MOST, description="names for parts of the raw answer, as JMESPath"
    )


_Address = Annotated[
    str,
    form(r"[^\s$]+", "bad-space", "Space", "write its `owner/name` or URL out; no expression can stand here"),
]
_Endpoint = Annotated[str, form(r"/?[^\s/][^\s]*", "bad-endpoint", "endpoint", "write it as `/name`")]
Kinds = Annotated[
    list[Annotated[Any, BeforeValidator(check_kind)]],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"enum": list(KINDS)}, {"type": "array", "items": {"enum": list(KINDS)}}]}),
]


class SpaceWay(WayShape):
    """A call of a Gradio Space."""

    space: Annotated[
        Annotated[_Address, Tag("<one>")]
        | Annotated[list[_Address], Field(min_length=1, max_length=20), Tag("<several>")],
        Discriminator(lambda value: "<several>" if isinstance(value, list) else "<one>"),
    ] = Field(
        description="`owner/name`, the URL of an app, or an alias; or a list of Spaces that do the same"
    )
    endpoint: _Endpoint = Field(
        "", description="its endpoint, as `/name`; may be left out where there is one"
    )


class FindWay(WayShape):
    """A call of the best Space for what it is asked."""

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
    among: Names = Field(default_factory=list, description="only these Spaces")


class ModelWay(WayShape):
    """A call of a model through Inference Providers."""

    model: Annotated[
        str,
        form(r"[^\s$]+", "bad-model", "model", "write its `owner/name` out; no expression can stand here"),
    ] = Field(description="`owner/name`, an alias, or the URL of an endpoint")
    task: Annotated[
        str, form(r"[a-z0-9]+(-[a-z0-9]+)*", "bad-task", "task", "in the Hub's words, as in `text-to-image`")
    ] = Field(
        "", description="what it is asked to do, such as `text-to-image`; told by the model if left out"
    )
    provider: Annotated[
        str, form(r"[a-z0-9]+(-[a-z0-9]+)*", "bad-provider", "provider", "its name alone, or `auto`")
    ] = Field("auto", description="who runs it, such as `fal-ai`; `auto` lets the Hub choose")
    bill_to: Annotated[
        str, form(r"[\w.-]+", "bad-organisation", "organisation", "its name on the Hub, as in its URL")
    ] = Field("", description="the organisation that pays")


class ServiceWay(WayShape):
    """A call of an HTTP service."""

    service: Annotated[
        str,
        form(r"[^$]*[^\s$][^$]*", "bad-service", "service", "its name, or a service file beside the chain"),
    ] = Field(description="its name in the catalogue, or the path of a service file")
    endpoint: Annotated[
        str, form(r"[^\s$]+", "bad-endpoint", "endpoint", "its name, as the service file has it")
    ] = Field("", description="what of it is called; may be left out where there is one")
    url: Annotated[
        str, form(r"https?://[^\s/$][^\s$]*", "bad-url", "address", "write `http://…` or `https://…` out")
    ] = Field("", description="where it is; for services that you run yourself")


class MediaWay(WayShape):
    """Work on media on this machine."""

    media: str = Field(description="the operation, such as `mux`", min_length=1)


class PythonWay(WayShape):
    """A call of a function of the user's."""

    python: Annotated[str, BeforeValidator(check_function)] = Field(
        description="`file.py:function`, beside the chain"
    )
    isolate: bool = Field(default=True, description="whether it runs in a process of its own")
    memory: Annotated[Any, size_of_at_least("64MB"), WithJsonSchema(_SIZE_SCHEMA)] = Field(
        None, description="how much memory that process may use"
    )


class ChainWay(WayShape):
    """A run of another chain."""

    chain: Annotated[
        str,
        form(r"[^$]*[^\s$][^$]*", "bad-chain", "chain", "a chain file beside this one, or a recipe's name"),
    ] = Field(description="a chain file beside this one, or the name of a recipe")


OF_KIND: Final[Mapping[str, type[WayShape]]] = {
    "space": SpaceWay,
    "find": FindWay,
    "model": ModelWay,
    "service": ServiceWay,
    "media": MediaWay,
    "python": PythonWay,
    "chain": ChainWay,
}
STEP_KINDS: Final = tuple(OF_KIND)


def step_kind(value: object) -> str:
    """Which model a step is checked against; a step that does not say is taken for a Space's."""
    keys = value if isinstance(value, dict) else {}
    return next((one for one in STEP_KINDS if one in keys), "space")


AnyWay = Annotated[
    Annotated[SpaceWay, Tag("<space>")]
    | Annotated[FindWay, Tag("<find>")]
    | Annotated[ModelWay, Tag("<model>")]
    | Annotated[ServiceWay, Tag("<service>")]
    | Annotated[MediaWay, Tag("<media>")]
    | Annotated[PythonWay, Tag("<python>")]
    | Annotated[ChainWay, Tag("<chain>")],
    Discriminator(lambda value: f"<{step_kind(value)}>"),
]
