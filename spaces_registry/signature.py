"""What a place takes and returns: kinds, parameters, returns, endpoints, Spaces. Frozen values only."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

from spaces_registry.errors import ToolkitError, closest, nearest

_SURELY: Final = 0.8  # how alike a misspelt name is to the one that was surely meant

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


class Kind(StrEnum):
    """What a value is, as the Space's own description says; never guessed from the value's look."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    GALLERY = "gallery"
    MODEL3D = "model3d"
    JSON = "json"
    ANY = "any"

    @property
    def is_file(self) -> bool:
        """Whether a value of this kind is one file (a gallery is a list of files, not one)."""
        return self in _FILE_KINDS


_FILE_KINDS = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.FILE, Kind.MODEL3D})
_TEXT_LIKE = frozenset({Kind.TEXT, Kind.NUMBER, Kind.INTEGER, Kind.BOOLEAN, Kind.CHOICE})

_IN_MESSAGE = _TEXT_LIKE | _FILE_KINDS | {Kind.GALLERY}

# taker -> givers, beside the kind itself; `any` fits everywhere and takes everything
_FITS: Mapping[Kind, frozenset[Kind]] = {
    Kind.TEXT: _TEXT_LIKE,
    Kind.NUMBER: frozenset({Kind.INTEGER}),
    Kind.INTEGER: frozenset({Kind.NUMBER}),  # the value decides: 4.0 is an integer, 4.5 is refused
    Kind.BOOLEAN: frozenset(),
    Kind.CHOICE: _TEXT_LIKE,
    Kind.IMAGE: frozenset({Kind.FILE}),  # a file's bytes decide
    Kind.AUDIO: frozenset({Kind.FILE, Kind.VIDEO}),  # apps read the sound track of a video
    Kind.VIDEO: frozenset({Kind.FILE}),
    Kind.FILE: _FILE_KINDS,
    Kind.GALLERY: frozenset({Kind.IMAGE, Kind.VIDEO}),
    Kind.MODEL3D: frozenset({Kind.FILE}),
    Kind.JSON: _TEXT_LIKE,
    Kind.ANY: frozenset(Kind),
}


def fits(give: Kind, take: Kind) -> bool:
    """Whether a value of kind `give` may be handed to a parameter of kind `take`."""
    return give == take or Kind.ANY in (give, take) or give in _FITS[take]


@dataclass(frozen=True, slots=True)
class File:
    """A file on this disk, on its way to a place or just come from one.

    Attributes:
        path: where the bytes are.
        name: what to call it; a plain file name without folders.
        mime: media type as the place named it; the bytes may say otherwise.
        url: where it came from, if from the network.
        caption: the text a gallery shows beside it.
        extra: what came beside it, by name: the `annotations` of an annotated picture, the `background`, the
            `layers` and the `composite` of an edited one, the `subtitles` of a video.
    """

    path: Path
    name: str
    mime: str | None = None
    url: str | None = None
    caption: str | None = None
    extra: Mapping[str, "Value"] = field(default_factory=dict, compare=False)


Value: TypeAlias = bool | int | float | str | File | Sequence["Value"] | Mapping[str, "Value"] | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that an endpoint takes.

    Attributes:
        name: what callers write.
        kind: what it takes.
        label: what the app's page shows.
        required: whether a call must name it.
        default: what the app uses otherwise, as JSON (a file default is the app's own FileData).
        choices: the values offered, or None.
        closed: whether only `choices` are accepted.
        minimum: smallest number accepted.
        maximum: largest number accepted.
        many: whether it takes a list of that kind.
        wrapped: whether this Gradio wants a video as `{"video": FileData}` (4.x and 5.x).
        component: the Gradio component behind it, e.g. `Slider`.
        nullable: whether null may be sent for it, as the app's own page does for an empty field.
        parts: what an object may hold that is handed over in place of a plain value, e.g. the `background`
            and the `mask` of an editor; none if objects are not taken apart.
        file_free: whether no file may stand inside of its JSON, as in a table.
        form: which of several forms of its component this app has; see `spaces_registry.apps.parts`.
    """

    name: str
    kind: Kind
    label: str = ""
    required: bool = True
    default: Json = None
    choices: tuple[Json, ...] | None = None
    closed: bool = True
    minimum: float | None = None
    maximum: float | None = None
    many: bool = False
    wrapped: bool = False
    component: str = ""
    nullable: bool = False
    parts: tuple["Parameter", ...] = ()
    file_free: bool = False
    form: str = ""

    @property
    def takes_null(self) -> bool:
        """Whether null may be handed over: an empty field, the default, or a value like others."""
        is_value = self.kind in (Kind.ANY, Kind.JSON) or (self.choices is not None and None in self.choices)
        return self.nullable or not self.required or is_value

    @property
    def may_be_left_out(self) -> bool:
        """Whether a call can do without it: it has a default, or the app's page would send an empty field.

        A text without a default must be written all the same: to forget a prompt is a mistake, and an empty
        one can be said with `null`.
        """
        return not self.required or (self.nullable and self.kind is not Kind.TEXT)

    @property
    def is_message(self) -> bool:
        """Whether it is a box for words and files at once."""
        return self.kind is Kind.JSON and self.component.lower() == "multimodaltextbox"

    @property
    def takes_several(self) -> bool:
        """Whether it takes a list of what its kind says."""
        return self.many or self.kind is Kind.GALLERY

    @property
    def takes_file(self) -> bool:
        """Whether its value is a file or a list of them, so that a text written for it names one."""
        return self.kind.is_file or self.kind is Kind.GALLERY

    def part(self, name: str) -> "Parameter | None":
        """The part of that name of an object handed over for it, under its full name; or None."""
        found = next((one for one in self.parts if one.name == name), None)
        return None if found is None else replace(found, name=f"{self.name}.{name}")

    def item(self, place: int) -> "Parameter":
        """What one item of a list for it must be."""
        return replace(self, name=f"{self.name}[{place}]", many=False, required=True, nullable=False)

    def takes(self, kind: Kind, *, many: bool = False) -> bool:
        """Whether a whole value of this kind, or a list of such values, may be handed over."""
        if self.is_message:
            return kind is Kind.ANY or kind in _IN_MESSAGE or (kind is Kind.JSON and not many)
        if many and not (self.takes_several or self.kind in (Kind.JSON, Kind.ANY)):
            return False
        if self.kind is Kind.JSON and (many or kind is Kind.GALLERY):
            return fits(kind, self.kind) or not (self.file_free or self.form)
        if kind is Kind.GALLERY and self.many:
            return self.kind in (Kind.IMAGE, Kind.VIDEO, Kind.FILE)
        return fits(kind, self.kind)


@dataclass(frozen=True, slots=True)
class Return:
    """One output of an endpoint.

    Attributes:
        name: identifier made from the label, unique within the endpoint, e.g. `generated_images`.
        kind: what it is.
        label: what the app's page shows.
        many: whether it is a list of that kind.
        component: the Gradio component behind it.
        has_files: whether its values may have files in them, though it is no file itself (a chat, a message),
            or a video may have its subtitles beside it.
    """

    name: str
    kind: Kind
    label: str = ""
    many: bool = False
    component: str = ""
    has_files: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """How an endpoint's arguments and returns lie in Gradio's positional data.

    Attributes:
        index: the app's `fn_index`, or None if only the name is known.
        inputs: per position the parameter's name, or None for a slot that is not the caller's (State).
        outputs: per position the place in `Endpoint.returns`, or None for a slot to drop.
        generator: whether the endpoint yields several times.
    """

    index: int | None = None
    inputs: tuple[str | None, ...] = ()
    outputs: tuple[int | None, ...] = ()
    generator: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function that a place offers.

    Attributes:
        name: with its leading slash for a Gradio endpoint (`/generate`); the operation's name elsewhere.
        parameters: in the place's own order.
        returns: in the place's own order.
        description: the function's own help, if any.
        wire: Gradio's positions; empty for places that have none.
        open: whether arguments that are no parameters are taken too, whatever they are.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    returns: tuple[Return, ...] = ()
    description: str = ""
    wire: Wire = Wire()
    open: bool = False

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, or None."""
        return next((one for one in self.parameters if one.name == name), None)

    def with_names(self, names: Mapping[str, str]) -> "Endpoint":
        """The same endpoint as a chain sees it that writes other names for some parameters.

        Args:
            names: the place's name to the chain's; parameters that are not in it keep theirs.

        Raises:
            ValueError: it names no parameter of this endpoint, or two parameters would get one name.
        """
        own = [one.name for one in self.parameters]
        if unknown := [one for one in names if one not in own]:
            raise ValueError(f"{self.name} has no parameter {unknown[0]!r}")
        given = Counter(names.get(one, one) for one in own)
        if twice := [one for one, times in given.items() if times > 1]:
            raise ValueError(f"two parameters of {self.name} would be called {twice[0]!r}")
        inputs = tuple(None if one is None else names.get(one, one) for one in self.wire.inputs)
        parameters = tuple(replace(one, name=names.get(one.name, one.name)) for one in self.parameters)
        return replace(self, parameters=parameters, wire=replace(self.wire, inputs=inputs))

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over what callers depend on: parameters and returns without labels and positions."""
        facts = {
            "parameters": [
                [p.name, p.kind, p.required, p.default, p.choices, p.closed, p.minimum, p.maximum, p.many]
                for p in self.parameters
            ],
            "returns": [[r.name, r.kind, r.many] for r in self.returns],
        } | ({"open": True} if self.open else {})
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something an app describes that cannot be called from here, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Space:
    """A running app and what it offers.

    Attributes:
        address: Space id (`owner/name`) or URL, as it is to be shown.
        url: root of the app, without a trailing slash.
        endpoints: in the app's own order.
        revision: commit the app runs, if the Hub knows it.
        stage: the Hub's word (`RUNNING`, `SLEEPING`, …), or None for a bare URL.
        hardware: the Hub's word (`zero-a10g`, `cpu-basic`, …).
        gradio: version of Gradio, e.g. `6.31.0`.
        prefix: path before the API's routes (`/gradio_api` since 5.0, else empty).
        protocol: the queue protocol that `/config` names, e.g. `sse_v3`.
        max_file_bytes: the app's limit for one upload.
        unusable: what was described but cannot be called.
        traits: a hash of what the app tells of itself from one start to the next; see `apps.traits`.
    """

    address: str
    url: str
    endpoints: tuple[Endpoint, ...] = ()
    revision: str | None = None
    stage: str | None = None
    hardware: str | None = None
    gradio: str | None = None
    prefix: str = ""
    protocol: str = ""
    max_file_bytes: int | None = None
    unusable: tuple[Unusable, ...] = ()
    traits: str | None = None

    def endpoint(self, name: str | None = None) -> Endpoint:
        """The endpoint of that name; without a name, the only one there is.

        Raises:
            NoApi: the app offers no endpoint at all.
            UnknownEndpoint: there is none of that name.
            AmbiguousEndpoint: no name was given and there are several.
        """
        if not self.endpoints:
            raise NoApi(self.address)
        if name is None:
            if len(self.endpoints) > 1:
                raise AmbiguousEndpoint(self.address, [one.name for one in self.endpoints])
            return self.endpoints[0]
        wanted = "/" + name.lstrip("/")
        for one in self.endpoints:
            if one.name == wanted:
                return one
        known = {one.name: one for one in self.endpoints}
        raise UnknownEndpoint(self.address, wanted, [*known], meant_among(wanted, known))


class NoApi(ToolkitError):
    """The app runs, but offers nothing that can be called."""

    code = "no-api"

    def __init__(self, space: str) -> None:
        super().__init__(
            f"{space} offers no API", hint="its author has switched it off; choose another Space"
        )
        self.space = space


class Misnamed(ToolkitError):
    """There is nothing of that name to call.

    Attributes:
        meant: the endpoint whose name is so like it that it was surely meant, if there is one; with it the
            other mistakes of the same step can be told along with this one.
    """

    meant: Endpoint | None = None


class UnknownEndpoint(Misnamed):
    """The Space answers, but offers no endpoint of that name."""

    code = "unknown-endpoint"

    def __init__(self, space: str, name: str, offered: Sequence[str], meant: Endpoint | None = None) -> None:
        super().__init__(f"{space} has no endpoint {name!r}", hint=nearest(name, offered))
        self.space, self.name, self.offered, self.meant = space, name, tuple(offered), meant


def meant_among(name: str, offered: Mapping[str, Endpoint]) -> Endpoint | None:
    """The endpoint that a misspelt name surely meant: a letter or so in five apart, and no less like it."""
    close = closest(name, offered, _SURELY)
    return None if close is None else offered[close]


class AmbiguousEndpoint(ToolkitError):
    """The Space offers several endpoints and none was named."""

    code = "ambiguous-endpoint"

    def __init__(self, space: str, offered: Sequence[str]) -> None:
        names = ", ".join(offered)
        super().__init__(f"{space} has several endpoints", hint=f"name one of: {names}")
        self.space, self.offered = space, tuple(offered)
