"""What a loaded service file is: frozen values; queries are JMESPath, values are templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chains.language.expressions import Template
from chains.model import Limit
from chains.text.source import Source
from spaces_registry.signature import (
    AmbiguousEndpoint,
    Endpoint,
    Parameter,
    Return,
    UnknownEndpoint,
    meant_among,
)


class FileForm(StrEnum):
    """How a file goes into a request."""

    BASE64 = "base64"
    DATA_URI = "data-uri"
    URL = "url"
    UPLOAD = "upload"
    MULTIPART = "multipart"


@dataclass(frozen=True, slots=True)
class Auth:
    """How a service knows its users.

    Attributes:
        variables: environment variables that may hold the key; the first one set counts.
        header: what it is sent in.
        form: text with `{key}` in it, or `basic` for `user:password`.
        optional: whether calls go without one too.
        get_one: where one is to be had.
    """

    variables: tuple[str, ...]
    header: str = "Authorization"
    form: str = "Bearer {key}"
    optional: bool = False
    get_one: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        method: HTTP's.
        path: below the service's URL; None where an answer names the address.
        url: query for the address in the job's first answer.
        json: the body as JSON.
        multipart: the body as a form with parts.
        query: what comes after `?`.
        headers: beside the service's own.
    """

    method: str = "POST"
    path: Template | None = None
    url: str | None = None
    json: Template | None = None
    multipart: Template | None = None
    query: Template | None = None
    headers: Template | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """The call that takes a file; `answer` is a query for its address, `field` the name of its part."""

    ask: Ask
    field: str
    answer: str


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that an endpoint gives.

    Attributes:
        told: its name and kind.
        query: where it is in the answer; None for the answer's own bytes.
        form: `url`, `data-uri` or `base64`; None to tell by its look.
        fetch: the request that fetches a file; what was found is its `item`.
        optional: whether it may be missing.
        help: what it is.
    """

    told: Return
    query: str | None
    form: str | None = None
    fetch: Ask | None = None
    optional: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How a job's state is asked for.

    Attributes:
        ask: the request.
        word: query for the state.
        done_when: a condition in place of it.
        meanings: word, in small letters, to `waiting`, `working`, `done`, `failed` or `canceled`.
        position: query for the place in the queue.
        progress: query for how far it is.
        every_s: until the second question.
        up_to_s: the longest time between two.
    """

    ask: Ask
    word: str | None = None
    done_when: str | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)
    position: str | None = None
    progress: str | None = None
    every_s: float = 1.0
    up_to_s: float = 5.0


@dataclass(frozen=True, slots=True)
class JobQueue:
    """What tells whether a job waits, works or is gone, where the answer to `status` says nothing of it.

    Attributes:
        ask: the request.
        working: query for the ids of the jobs that are worked on.
        waiting: query for the ids of the jobs that wait, in their order.
    """

    ask: Ask
    working: str
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is created first and asked about until it is done.

    Attributes:
        id: a query into the first answer.
        status: how its state is asked for.
        queue: what is asked where the state is not told; None if nothing is.
        result: what fetches the result, where the state does not hold it.
        cancel: all that is sent when it is not wanted any more.
    """

    id: str
    status: Status
    result: Ask | None = None
    cancel: tuple[Ask, ...] = ()
    queue: JobQueue | None = None

    @property
    def tells_waiting(self) -> bool:
        """Whether an answer can tell a job that waits from one that is worked on."""
        status = self.status
        return bool(self.queue or status.position or "waiting" in status.meanings.values())


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in events: queries for a piece of text, an error, a whole text, and why it ends; its end."""

    delta: str
    whole: str | None = None
    error: str = "error"
    end: str = "[DONE]"
    finish: str | None = None


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What is asked for progress while a call is answered, and the queries into what it says."""

    ask: Ask
    every_s: float = 2.0
    fraction: str | None = None
    eta: str | None = None
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call took: queries into its answer, else a price."""

    usd: str | None = None
    seconds: str | None = None
    usd_per_call: float | None = None
    usd_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """A size that is a picture's own unless it is given.

    Attributes:
        of: the parameter that is the picture.
        width, height: the parameters that are filled in.
        step: pixels that both are a multiple of.
    """

    of: str
    width: str = "width"
    height: str = "height"
    step: int = 1


@dataclass(frozen=True, slots=True)
class FailureRule:
    """What an answer means; all of `statuses`, `when` and `header` that are given must hold.

    Attributes:
        means: code of a class of failure.
        statuses: of HTTP; empty for any.
        when: a condition on the answer.
        header: a header and its value.
        hint: what to do.
        wait_s: how long to wait.
    """

    means: str
    statuses: tuple[int, ...] = ()
    when: str | None = None
    header: tuple[str, str] | None = None
    hint: str | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """One thing that can be called.

    Attributes:
        name: what steps call it.
        takes: its parameters.
        gives: its returns.
        ask: the request.
        about: one line.
        extra: where undeclared arguments go in the body: `""` for its top; None if they are not allowed.
        model: the parameter that names a model, if there is one.
        files: how files go in, by parameter; under `""` all others.
        uses: the parameter that holds a workflow to fill in.
        size: the width and height that are taken from a picture.
        stream, job, meanwhile, cancel, usage: see their classes.
        failures: what its answers mean, the service's own after its own.
    """

    name: str
    takes: tuple[Parameter, ...]
    gives: tuple[Given, ...]
    ask: Ask
    about: str = ""
    extra: str | None = None
    model: str | None = None
    files: Mapping[str, FileForm] = field(default_factory=dict)
    uses: str | None = None
    size: Size | None = None
    stream: Stream | None = None
    job: Job | None = None
    meanwhile: Meanwhile | None = None
    cancel: Ask | None = None
    usage: Usage = Usage()
    failures: tuple[FailureRule, ...] = ()

    @property
    def signature(self) -> Endpoint:
        """What it takes and returns."""
        return Endpoint(
            self.name,
            self.takes,
            tuple(one.told for one in self.gives),
            self.about,
            open=self.extra is not None or self.uses is not None,
        )

    def form_of(self, parameter: str) -> FileForm | None:
        """How a file of a parameter goes in; None if nothing is said."""
        return self.files.get(parameter, self.files.get(""))


@dataclass(frozen=True, slots=True)
class Service:
    """An HTTP vendor, as its file describes it.

    Attributes:
        name: what steps call it.
        url: where it is, without a trailing slash; empty where each user has it elsewhere.
        endpoints: by name, in the file's order.
        source: the text it was read from.
        sha256: of that text (hex).
        about, home: one line, and its page.
        url_from: the environment variable that stands in for `url`.
        auth: how it knows its users; None if it asks for nothing.
        headers: of every request.
        limit: what it allows.
        upload: how a file gets an address.
        said: queries for its own words.
        wait: query for how long it asks to wait.
        censored: by the name of a field whose items a checker may have made black, the query for its marks.
        default: the endpoint that is meant where none is named.
    """

    name: str
    url: str
    endpoints: Mapping[str, ServiceEndpoint]
    source: Source
    sha256: str
    about: str = ""
    home: str = ""
    url_from: str | None = None
    auth: Auth | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: Limit = field(default_factory=Limit)
    upload: Upload | None = None
    said: tuple[str, ...] = ()
    wait: str | None = None
    censored: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None

    def endpoint(self, name: str | None, given: frozenset[str] = frozenset()) -> ServiceEndpoint:
        """The endpoint of that name; without one the default, or the only one that takes these arguments.

        Args:
            name: as the step has it; a leading slash does no harm.
            given: names of the arguments.

        Raises:
            UnknownEndpoint: there is none of that name.
            AmbiguousEndpoint: none was named and several fit.
        """
        wanted = name.lstrip("/") if name else self.default
        if wanted is not None:
            if wanted not in self.endpoints:
                known = {name: one.signature for name, one in self.endpoints.items()}
                raise UnknownEndpoint(self.name, wanted, [*known], meant_among(wanted, known))
            return self.endpoints[wanted]
        if len(self.endpoints) == 1:
            return next(iter(self.endpoints.values()))
        fitting = [one for one in self.endpoints.values() if _takes(one, given)]
        if len(fitting) != 1:
            raise AmbiguousEndpoint(self.name, [*self.endpoints])
        return fitting[0]


def _takes(endpoint: ServiceEndpoint, given: frozenset[str]) -> bool:
    names = {one.name for one in endpoint.takes}
    needed = {one.name for one in endpoint.takes if one.required}
    return needed <= given and (given <= names or endpoint.signature.open)
