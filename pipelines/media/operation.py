"""One media operation, and the piece of work that it is handed: its arguments, its files, its ffmpeg."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pipelines.artifacts.filetypes import FileType, filetype_of, first_words
from pipelines.artifacts.measures import Measures, Unmeasurable
from pipelines.artifacts.packets import PacketReader, Packets
from pipelines.artifacts.probe import PACKETS_BYTES, header_of, packets_of, parse_media
from pipelines.programs.ffmpeg import Ffmpeg, find_ffmpeg
from pipelines.runners.protocol import Call
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import RejectedInput
from spaces_registry.progress import WARNING, Listener, Logged
from spaces_registry.signature import Endpoint, File, Json, Kind, Parameter, Return, Value

Perform: TypeAlias = "Callable[[Work], Awaitable[tuple[Value, ...]]]"


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation takes and gives, and how it is done."""

    endpoint: Endpoint
    perform: Perform


def operation(
    name: str,
    description: str,
    parameters: Sequence[Parameter],
    gives: Kind,
    perform: Perform,
    *,
    many: bool = False,
) -> Operation:
    """An operation that returns one value: its return is named for its kind, `frames` if it is a list."""
    returned = Return("frames" if many else gives.value, gives, gives.value.capitalize(), many=many)
    return Operation(Endpoint(name, tuple(parameters), (returned,), description), perform)


def needs(name: str, kind: Kind, label: str, *, many: bool = False) -> Parameter:
    """A parameter that has to be given."""
    return Parameter(name, kind, label, many=many)


def number(
    name: str, label: str, default: float | None, low: float, high: float, *, whole: bool = False
) -> Parameter:
    """A number with its range; a default of None means that the operation decides."""
    kind = Kind.INTEGER if whole else Kind.NUMBER
    return Parameter(name, kind, label, required=False, default=default, minimum=low, maximum=high)


def choice(name: str, label: str, default: str, *others: str, closed: bool = True) -> Parameter:
    """One of several words, the default first."""
    return Parameter(
        name, Kind.CHOICE, label, required=False, default=default, choices=(default, *others), closed=closed
    )


def option(name: str, kind: Kind, label: str, default: Json = None) -> Parameter:
    """A parameter that may be left out."""
    return Parameter(name, kind, label, required=False, default=default)


@dataclass(frozen=True, slots=True)
class Work:
    """One call of an operation: typed access to its arguments, which are checked as they are read.

    Attributes:
        call: the call.
        tell: hears the progress.
        program: the ffmpeg to use; found when first needed if None.
    """

    call: Call
    tell: Listener
    program: Path | None = None

    @property
    def place(self) -> str:
        """What messages call this: `media mux`."""
        name = self.call.endpoint.name
        return self.call.place if name in self.call.place else f"{self.call.place} {name}"

    @property
    def folder(self) -> Path:
        """Where results go."""
        return self.call.folder

    def ffmpeg(self) -> Ffmpeg:
        """The ffmpeg of this call.

        Raises:
            MediaNotInstalled: there is none.
        """
        names = {one.path: one.name for value in self.call.arguments.values() for one in _files_in(value)}
        return Ffmpeg(self.program or find_ffmpeg(), self.folder, self.place, names)

    def refuse(self, message: str, *, said: str | None = None, hint: str | None = None) -> RejectedInput:
        """The error for an argument that cannot be used."""
        return RejectedInput(self.place, f"{self.place}: {message}", said=said, hint=hint)

    def warn(self, message: str) -> None:
        """Say something that the user should know, but that stops nothing."""
        self.tell(Logged(WARNING, message))

    def value(self, name: str) -> Value:
        """An argument as it came, or its default."""
        given = self.call.arguments.get(name)
        if given is not None:
            return given
        parameter = self.call.endpoint.parameter(name)
        return parameter.default if parameter else None

    def maybe(self, name: str) -> float | None:
        """A number, or None if it was left out.

        Raises:
            RejectedInput: it is no finite number, or outside its range.
        """
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
            raise self.refuse(f"{name} takes a number, and got {value!r}")
        parameter = self.call.endpoint.parameter(name)
        low, high = (parameter.minimum, parameter.maximum) if parameter else (None, None)
        if (low is not None and value < low) or (high is not None and value > high):
            raise self.refuse(f"{name} is {value:g}, but must be {low:g} to {high:g}")
        return float(value)

    def number(self, name: str) -> float:
        """A number that has a default."""
        value = self.maybe(name)
        if value is None:
            raise self.refuse(f"{name} is missing")
        return value

    def flag(self, name: str) -> bool:
        """A boolean."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise self.refuse(f"{name} takes true or false, and got {value!r}")
        return value

    def word(self, name: str) -> str:
        """A text, or one of the choices."""
        value = self.value(name)
        parameter = self.call.endpoint.parameter(name)
        offered = parameter.choices if parameter and parameter.closed else None
        if not isinstance(value, str) or (offered and value not in offered):
            listed = ", ".join(str(one) for one in offered or ())
            raise self.refuse(f"{name} is {value!r}", hint=f"choose one of: {listed}" if listed else None)
        return value

    def file(self, name: str) -> File:
        """One file, its bytes verified to be of the parameter's kind.

        Raises:
            RejectedInput: it is missing, empty, or something else.
        """
        return self._verified(name, self.value(name))

    def files(self, name: str) -> tuple[File, ...]:
        """A list of at least one file, each verified; one alone counts as a list of one."""
        value = self.value(name)
        listed = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        if not listed:
            raise self.refuse(f"{name} is an empty list", hint="give it at least one file")
        return tuple(self._verified(name, one) for one in listed)

    def _verified(self, name: str, value: Value) -> File:
        parameter = self.call.endpoint.parameter(name)
        kind = parameter.kind if parameter else Kind.FILE
        if not isinstance(value, File):
            raise self.refuse(f"{name} takes a file of kind {kind}, and got {value!r}")
        try:
            is_empty = value.path.is_file() and value.path.stat().st_size == 0
            if not value.path.is_file() or (is_empty and kind is not Kind.FILE):
                raise self.refuse(f"{name}: {value.name!r} is missing or empty")
            found = filetype_of(value.path, value.name)
            said = first_words(value.path) if not found.serves_as(kind) else None
        except OSError as cause:
            raise self.refuse(f"{name}: {value.name!r} cannot be read: {cause.strerror}") from cause
        self._require(name, kind, value, found, said)
        return value

    def _require(self, name: str, kind: Kind, value: File, found: FileType, said: str | None) -> None:
        if not found.serves_as(kind):
            raise self.refuse(f"{name} takes {kind}, but {value.name!r} is {found.says}", said=said)

    async def measure(self, file: File) -> Measures:
        """Measure a sound or a video by its header.

        Raises:
            RejectedInput: it cannot be decoded.
        """
        text = await self.ffmpeg().ask(header_of(file.path))
        with self._decoding(file):
            return parse_media(text, file.path)

    async def packets(self, file: File, stream: str) -> Packets:
        """When the packets of its first video (`v`) or audio (`a`) stream start and end, in seconds."""
        reader, asked = PacketReader(file.path), packets_of(file.path, stream)
        with self._decoding(file):
            await self.ffmpeg().look(asked, reader.hear, reader.complain, most_bytes=PACKETS_BYTES)
            return reader.packets()

    async def seconds(self, file: File, stream: str) -> float:
        """How long its video (`v`) or audio (`a`) stream is, exactly."""
        return (await self.packets(file, stream)).end

    @contextmanager
    def _decoding(self, file: File) -> Iterator[None]:
        try:
            yield
        except Unmeasurable as cause:
            message = f"{file.name!r} cannot be decoded: {cause.said}"
            raise self.refuse(message, said=cause.said) from cause

    async def picture(self, file: File) -> Measures:
        """Measure a video that has to have a moving picture."""
        found = await self.measure(file)
        if not found.has_video or not found.width or not found.height:
            raise self.refuse(f"{file.name!r} has no moving picture")
        return found

    async def sound(self, file: File) -> Measures:
        """Measure a file that has to have sound."""
        found = await self.measure(file)
        if not found.has_audio:
            raise self.refuse(f"{file.name!r} has no sound")
        return found

    def made(self, name: str, mime: str) -> File:
        """The result of that name in this call's folder."""
        return File(self.folder / name, name, mime)


def _files_in(value: Value) -> tuple[File, ...]:
    match value:
        case File():
            return (value,)
        case str() | None | bool() | int() | float() | Mapping():
            return ()
        case _:
            return tuple(one for inner in value for one in _files_in(inner))
