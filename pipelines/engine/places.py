"""Where a step is performed: the place, what of it is called, at which revision, and by which runner."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from chains.model import Chain, MediaStep, PythonStep, SpaceStep, Step
from pipelines.engine.binding import cache_key
from pipelines.home import Home
from pipelines.runners.media import OPERATIONS, MediaRunner, UnknownOperation
from pipelines.runners.protocol import Runner
from pipelines.runners.python import PythonRunner, read_function
from pipelines.runners.space import SpaceRunner
from pipelines.trust import NotTrusted, fingerprint, is_trusted
from spaces_registry.errors import ToolkitError
from spaces_registry.progress import Listener, unheard
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint, Space

MEDIA_REVISION = "1"  # goes up when an operation's result changes, so that kept ones are not used for it


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a step's calls go to.

    Attributes:
        kind: `space`, `media` or `python`.
        address: what is called, as the user knows it.
        endpoint: what of it is called.
        runner: makes the calls.
        revision: what runs there, as exactly as can be known.
        url: where it is on the network, if it is.
    """

    kind: str
    address: str
    endpoint: Endpoint
    runner: Runner
    revision: str | None = None
    url: str | None = None

    def key(self, bound: Mapping[str, object]) -> str:
        """The cache key of a call here with these bound arguments."""
        return cache_key(
            kind=self.kind, place=self.address, revision=self.revision, endpoint=self.endpoint, bound=bound
        )


@dataclass(frozen=True, slots=True)
class Places:
    """Finds the place of each step of a chain.

    Attributes:
        chain: whose steps.
        registry: reaches Spaces.
        home: knows what is trusted.
        revisions: what to take as the revision of a place that names none, by address.
    """

    chain: Chain
    registry: Registry
    home: Home
    revisions: Mapping[str, str]

    async def find(self, step: Step, *, tell: Listener = unheard, wake_s: float | None = None) -> Place:
        """The place of a step, woken if need be.

        Raises:
            ToolkitError: there is no such place or function, it cannot be reached, or is not trusted.
        """
        match step:
            case SpaceStep():
                return await self._space(step, tell, step.timeout.wake_s if wake_s is None else wake_s)
            case MediaStep():
                return media_place(step.operation)
            case PythonStep():
                return self._python(step)

    async def _space(self, step: SpaceStep, tell: Listener, wake_s: float) -> Place:
        app = await self.registry.connect(step.space, wake_s=wake_s, tell=tell)
        space = app.space
        return Place(
            kind="space",
            address=space.address,
            endpoint=_endpoint(space, step),
            runner=SpaceRunner(self.registry.connect),
            revision=space.revision or self.revisions.get(space.address),
            url=space.url,
        )

    def _python(self, step: PythonStep) -> Place:
        file = self.chain.folder / step.file
        endpoint = read_function(file, step.function)
        sha256 = fingerprint(file)
        if not is_trusted(self.home, sha256):
            raise NotTrusted(file, self.chain.source.file)
        return Place("python", named_place(step), endpoint, PythonRunner(file, sha256), revision=sha256)


def _endpoint(space: Space, step: SpaceStep) -> Endpoint:
    """The endpoint that a step names; without a name the only one that takes just these arguments."""
    if step.endpoint is None:
        given = step.arguments.keys()
        fitting = [
            one
            for one in space.endpoints
            if given <= {each.name for each in one.parameters}
            and all(each.name in given for each in one.parameters if each.required)
        ]
        if len(fitting) == 1:
            return fitting[0]
    return space.endpoint(step.endpoint)


def kind_of(step: Step) -> str:
    """`space`, `media` or `python`."""
    match step:
        case SpaceStep():
            return "space"
        case MediaStep():
            return "media"
        case PythonStep():
            return "python"


def named_place(step: Step) -> str:
    """A step's place as the chain names it."""
    match step:
        case SpaceStep():
            return step.space
        case MediaStep():
            return f"media {step.operation}"
        case PythonStep():
            return f"{step.file}:{step.function}"


def media_place(operation: str) -> Place:
    """The place of a media operation: this machine.

    Raises:
        UnknownOperation: there is none of that name.
    """
    if operation not in OPERATIONS:
        raise UnknownOperation(operation)
    return Place("media", f"media {operation}", OPERATIONS[operation], MediaRunner(), revision=MEDIA_REVISION)


def local_endpoint(chain: Chain, step: Step) -> Endpoint | None:
    """The signature of a step that needs no network; None for a Space.

    Raises:
        UnknownOperation: there is no such media operation.
        NoSuchFunction: the file has no such function.
    """
    match step:
        case SpaceStep():
            return None
        case MediaStep():
            return media_place(step.operation).endpoint
        case PythonStep():
            return read_function(chain.folder / step.file, step.function)


def local_endpoints(chain: Chain) -> dict[str, Endpoint]:
    """The signatures of all steps that need no network, as far as they can be read."""
    known: dict[str, Endpoint] = {}
    for step in chain.steps.values():
        with suppress(ToolkitError):  # told where the chain is checked
            if (endpoint := local_endpoint(chain, step)) is not None:
                known[step.name] = endpoint
    return known
