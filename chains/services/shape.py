"""The shape of a service file, as pydantic models: which keys there are and what they hold."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from chains.shape.forms import KINDS, check_duration, check_number, check_scalar, form, listed, one_of
from spaces_registry.network.queries import readable

FAILURES: Final = (
    *("unauthorized", "out-of-quota", "busy", "rate-limited", "rejected-input", "crashed"),
    *("bad-output", "drifted", "missing", "unreachable", "timed-out"),
)
FILE_FORMS: Final = ("base64", "data-uri", "url", "upload", "multipart")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
STATES: Final = ("waiting", "working", "done", "failed", "canceled")


def check_query(value: object) -> object:
    """Let a JMESPath query through."""
    if not isinstance(value, str):
        return value
    if (why := readable(value)) is not None:
        facts = {"value": value[:60], "hint": f"{why}; see jmespath.org"}
        raise PydanticCustomError("bad-query", "`{value}` is not JMESPath", facts) from None
    return value


def check_path(value: object) -> object:
    """Let a path through that begins at the service's address."""
    if isinstance(value, str) and not value.startswith("/"):
        facts = {"value": value[:60], "hint": "it begins with `/` and is added to `url`"}
        raise PydanticCustomError("bad-path", "`{value}` is no path", facts)
    return value


def _texts(value: object) -> object:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _several(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class Shape(BaseModel):
    """Keys that are not listed are mistakes; values stay as YAML typed them."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Text = Annotated[str, Field(min_length=1)]
Query = Annotated[str, BeforeValidator(check_query)]
Queries = Annotated[list[Query], BeforeValidator(listed)]
Words = Annotated[list[Text], BeforeValidator(listed)]
Path = Annotated[str, BeforeValidator(check_path)]
Duration = Annotated[Any, BeforeValidator(check_duration)]
Number = Annotated[Any, BeforeValidator(check_number)]
Scalar = Annotated[Any, BeforeValidator(check_scalar)]
Variable = Annotated[
    str, form(r"[A-Za-z_]\w*", "bad-variable", "environment variable", "give its name alone")
]
Method = Annotated[str, one_of(METHODS, "bad-method", "HTTP method")]
FileWord = Annotated[str, one_of(FILE_FORMS, "bad-file-form", "way to send a file")]
KindWord = Annotated[str, one_of(KINDS, "bad-kind", "kind")]
Name = Annotated[str, form(r"[A-Za-z][\w.-]{0,99}", "bad-name", "name", "letters, digits, `-`, `_`, `.`")]
Url = Annotated[
    str,
    form(
        r"https?://[^\s/?#@]+(/[^\s?#]*)?",
        "bad-url",
        "address of a service",
        "scheme and host, perhaps a path",
    ),
]


class AuthShape(Shape):
    """How a service knows its users."""

    key_from: Annotated[list[Variable], BeforeValidator(listed), Field(min_length=1)]
    header: Annotated[str, form(r"[A-Za-z0-9-]+", "bad-header", "header", "a name such as `X-API-Key`")] = ""
    form: str = ""
    optional: bool = False
    get_one: str = ""


class LimitShape(Shape):
    """What the vendor allows."""

    concurrency: Annotated[int, Field(ge=1)] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None
    per_day: Annotated[int, Field(ge=1)] | None = None


class AskShape(Shape):
    """A request below the service's address."""

    method: Method = ""
    path: Path
    json_: Any = Field(None, alias="json")
    multipart: dict[str, Any] = Field(default_factory=dict)
    query: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, Any] = Field(default_factory=dict)


class TargetShape(AskShape):
    """A request about a job, at a path or where its first answer says."""

    path: Path = ""
    url: Query = ""


class UploadShape(AskShape):
    """The call that takes a file."""

    field: Text
    answer: Query


class ParameterShape(Shape):
    """What an endpoint takes."""

    kind: KindWord = ""
    required: bool | None = None
    default: Any = None
    choices: list[Scalar] = Field(default_factory=list, min_length=1)
    closed: bool = True
    minimum: Number = None
    maximum: Number = None
    many: bool = False
    help: str = ""
    files: FileWord = ""


ParameterOrKind = Annotated[
    Annotated[ParameterShape, Tag("<parameter>")] | Annotated[KindWord, Tag("<kind>")],
    Discriminator(lambda value: "<parameter>" if isinstance(value, dict) else "<kind>"),
]


class ReturnShape(Shape):
    """What an endpoint gives."""

    kind: KindWord
    from_: Query = Field(alias="from")
    as_: Annotated[str, one_of(("url", "data-uri", "base64"), "bad-form", "form of a file")] = Field(
        "", alias="as"
    )
    many: bool = False
    fetch: AskShape | None = None
    optional: bool = False
    help: str = ""


class StatusShape(TargetShape):
    """How a job's state is asked for."""

    word: Query = ""
    done_when: Query = ""
    waiting: Words = Field(default_factory=list)
    working: Words = Field(default_factory=list)
    done: Words = Field(default_factory=list)
    failed: Words = Field(default_factory=list)
    canceled: Words = Field(default_factory=list)
    position: Query = ""
    progress: Query = ""
    every: Duration = None
    up_to: Duration = None


class JobQueueShape(TargetShape):
    """What tells whether a job waits, works or is gone."""

    working: Query
    waiting: Query = ""


class JobShape(Shape):
    """Work that is created first, and asked about."""

    id: Query
    status: StatusShape
    queue: JobQueueShape | None = None
    result: TargetShape | None = None
    cancel: Annotated[list[TargetShape], BeforeValidator(_several), Field(min_length=1)] | None = None


class StreamShape(Shape):
    """An answer in server-sent events."""

    delta: Query
    whole: Query = ""
    finish: Query = ""
    error: Query = ""
    end: Text = "[DONE]"


class MeanwhileShape(AskShape):
    """What is asked for progress."""

    every: Duration = None
    fraction: Query = ""
    eta: Query = ""
    position: Query = ""


class UsageShape(Shape):
    """What a call took."""

    usd: Query = ""
    seconds: Query = ""
    usd_per_call: Number = None
    usd_per_second: Number = None


class FailureShape(Shape):
    """What an answer means."""

    means: Annotated[str, one_of(FAILURES, "bad-failure", "class of failure")]
    status: Annotated[list[Annotated[int, Field(ge=100, le=599)]], BeforeValidator(_texts)] = Field(
        default_factory=list
    )
    when: Query = ""
    header: Annotated[
        str, form(r"[\w-]+: *\S.*", "bad-header", "header with a value", "write `name: value`")
    ] = ""
    hint: str = ""
    wait: Duration = None


class SizeShape(Shape):
    """A width and a height that are a picture's own unless they are given."""

    of: Text
    width: Text = "width"
    height: Text = "height"
    step: Annotated[int, Field(ge=1, le=1024)] = 1


class EndpointShape(AskShape):
    """One thing that can be called."""

    about: str = ""
    takes: dict[str, ParameterOrKind] = Field(default_factory=dict)
    gives: Annotated[dict[str, ReturnShape], Field(min_length=1)]
    extra: bool | Text = False
    model: str = ""
    files: FileWord = ""
    uses: str = ""
    size: SizeShape | None = None
    stream: StreamShape | None = None
    job: JobShape | None = None
    meanwhile: MeanwhileShape | None = None
    cancel: AskShape | None = None
    usage: UsageShape | None = None
    failures: list[FailureShape] = Field(default_factory=list)


class ServiceShape(Shape):
    """A service file."""

    name: Name = ""
    about: str = ""
    home: str = ""
    url: Url = ""
    url_from: Variable = ""
    auth: AuthShape | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    limits: LimitShape | None = None
    files: FileWord = ""
    upload: UploadShape | None = None
    said: Queries = Field(default_factory=list)
    wait: Query = ""
    censored: dict[str, Query] = Field(default_factory=dict)
    failures: list[FailureShape] = Field(default_factory=list)
    default: str = ""
    endpoints: Annotated[dict[str, EndpointShape], Field(min_length=1)]
