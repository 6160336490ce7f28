"""The shape of a step, as pydantic models: what a call has, and when and how often it is made."""

from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag, WithJsonSchema

from chains.shape.way_shape import (
    AnyWay,
    ChainWay,
    FindWay,
    MediaWay,
    ModelWay,
    Names,
    PythonWay,
    Scalar,
    ServiceWay,
    Shape,
    SpaceWay,
    WayShape,
    step_kind,
)

_EXPRESSION = {"type": ["string", "boolean"], "examples": ['inputs.style == "photo"']}
_LIST = {"oneOf": [{"type": "array"}, {"type": "string", "pattern": r"\$"}]}
_LISTS = {"type": "object", "additionalProperties": _LIST, "minProperties": 1}


class EachShape(Shape):
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


class StepShape(WayShape):
    """What a step has and a fallback has not."""

    when: Annotated[Scalar, WithJsonSchema(_EXPRESSION)] = Field(
        None, description="an expression; false skips the step"
    )
    each: EachOrList = Field(None, description="a list; the step runs once an item, with `item` and `index`")
    matrix: Annotated[dict[str, Any], Field(min_length=1, max_length=100), WithJsonSchema(_LISTS)] = Field(
        default_factory=dict, description="lists by name; the step runs once a combination"
    )
    needs: Names = Field(default_factory=list, description="steps to wait for without reading from them")
    fallback: list[AnyWay] = Field(
        default_factory=list,
        min_length=1,
        max_length=20,
        description="what is called in its stead, in order, when it fails",
    )


ONLY_OF_STEPS: Final = tuple(one for one in StepShape.model_fields if one not in WayShape.model_fields)


class SpaceShape(SpaceWay, StepShape):
    """A step that calls a Gradio Space."""


class FindShape(FindWay, StepShape):
    """A step that calls the best Space for what it is asked."""


class ModelShape(ModelWay, StepShape):
    """A step that calls a model through Inference Providers."""


class ServiceShape(ServiceWay, StepShape):
    """A step that calls an HTTP service."""


class MediaShape(MediaWay, StepShape):
    """A step that works on media on this machine."""


class PythonShape(PythonWay, StepShape):
    """A step that calls a function of the user's."""


class ChainStepShape(ChainWay, StepShape):
    """A step that runs another chain; its outputs are the step's."""


AnyStep = Annotated[
    Annotated[SpaceShape, Tag("<space>")]
    | Annotated[FindShape, Tag("<find>")]
    | Annotated[ModelShape, Tag("<model>")]
    | Annotated[ServiceShape, Tag("<service>")]
    | Annotated[MediaShape, Tag("<media>")]
    | Annotated[PythonShape, Tag("<python>")]
    | Annotated[ChainStepShape, Tag("<chain>")],
    Discriminator(lambda value: f"<{step_kind(value)}>"),
]
