"""Where a step is performed: the place, what of it is called, at which revision, and by which runner."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from chains.lock.locked import Lock, LockedStep, as_written, unlike
from chains.model import Chain, FindStep, MediaStep, PythonStep, SpaceStep, Step
from pipelines.engine.binding import cache_key
from pipelines.engine.finding import Choice, Chosen, Finder, merged
from pipelines.home import Home
from pipelines.runners.media import OPERATIONS, MediaRunner, UnknownOperation
from pipelines.runners.protocol import Runner
from pipelines.runners.python import PythonRunner, read_function
from pipelines.runners.space import SpaceRunner
from pipelines.trust import NotTrusted, fingerprint, is_trusted
from spaces_registry.errors import CallFailed, ToolkitError
from spaces_registry.progress import Listener, unheard
from spaces_registry.registry import Registry
from spaces_registry.resolver import PassedOver
from spaces_registry.signature import Endpoint, Space

MEDIA_REVISION = "1"  # goes up when an operation's result changes, so that kept ones are not used for it


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a step's calls go to.

    Attributes:
        kind: `space`, `media` or `python`.
        address: what is called, as the user knows it.
        endpoint: what of it is called, under the names that the chain writes.
        runner: makes the calls.
        revision: what runs there, as exactly as can be known.
        space: the whole Space, if it is one.
        choice: why it is this place, where it had to be chosen or renamed.
    """

    kind: str
    address: str
    endpoint: Endpoint
    runner: Runner
    revision: str | None = None
    space: Space | None = None
    choice: Choice = field(default_factory=Choice)

    @property
    def url(self) -> str | None:
        """Where it is on the network, if it is."""
        return self.space.url if self.space else None

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
        finder: chooses Spaces for `find` steps.
        lock: what the steps resolved to when they were locked, if they were.
        frozen: whether the lock's Spaces are the only ones.
        wake_s: how long a sleeping Space is waited for, in place of what the steps say.
    """

    chain: Chain
    registry: Registry
    home: Home
    revisions: Mapping[str, str]
    finder: Finder
    lock: Lock | None = None
    frozen: bool = False
    wake_s: float | None = None

    async def find(self, step: Step, *, tell: Listener = unheard, wake_s: float | None = None) -> Place:
        """The place of a step, woken if need be.

        Args:
            step: of the chain.
            tell: hears of waits.
            wake_s: how long to wait; None for what the user or the step says.

        Raises:
            ToolkitError: there is no such place or function, it cannot be reached, or is not trusted.
        """
        patience_s = self._patience(step) if wake_s is None else wake_s
        match step:
            case SpaceStep():
                return await self._space(step, tell, patience_s)
            case FindStep():
                return await self._found(step, tell, patience_s)
            case MediaStep():
                return media_place(step.operation)
            case PythonStep():
                return self._python(step)

    def locked(self, step: Step) -> LockedStep | None:
        """What the step resolved to when it was locked, if that still speaks of it as it is written."""
        locked = self.lock.steps.get(step.name) if self.lock else None
        return None if locked is None or unlike(locked, step, self.chain) else locked

    def _patience(self, step: Step) -> float:
        return step.timeout.wake_s if self.wake_s is None else self.wake_s

    async def _space(self, step: SpaceStep, tell: Listener, wake_s: float) -> Place:
        app = await self.registry.connect(step.space, wake_s=wake_s, tell=tell)
        locked = self.locked(step)
        binding = locked.binding if locked else {}
        endpoint = as_written(_endpoint(app.space, step, locked), binding)
        return self._place(Chosen(app, endpoint, Choice(binding)))

    async def _found(self, step: FindStep, tell: Listener, wake_s: float) -> Place:
        passed_over: list[PassedOver] = []
        if (locked := self.locked(step)) is not None:
            try:
                app = await self.registry.connect(locked.space, wake_s=wake_s, tell=tell)
                endpoint = as_written(app.space.endpoint(locked.endpoint), locked.binding)
                why = locked.found.why if locked.found else ()
                return self._place(Chosen(app, endpoint, Choice(locked.binding, why)))
            except CallFailed as failure:
                if self.frozen:
                    raise
                passed_over.append(PassedOver(locked.space, failure.message))
        chosen = await self.finder.choose(step, await self._known(step), tell, wake_s)
        return self._place(replace(chosen, choice=merged(chosen.choice, passed_over)))

    async def _known(self, step: FindStep) -> dict[str, Endpoint]:
        """The signatures of the steps that a `find` step reads from, as far as they can be told now."""
        known: dict[str, Endpoint] = {}
        for name in step.reads:
            with suppress(ToolkitError):
                known[name] = (await self.find(self.chain.steps[name], wake_s=0.0)).endpoint
        return known

    def _place(self, chosen: Chosen) -> Place:
        space = chosen.app.space
        return Place(
            kind="space",
            address=space.address,
            endpoint=chosen.endpoint,
            runner=SpaceRunner(self.registry.connect),
            revision=space.revision or self.revisions.get(space.address),
            space=space,
            choice=chosen.choice,
        )

    def _python(self, step: PythonStep) -> Place:
        file = self.chain.folder / step.file
        endpoint = read_function(file, step.function)
        sha256 = fingerprint(file)
        if not is_trusted(self.home, sha256):
            raise NotTrusted(file, self.chain.source.file)
        return Place("python", named_place(step), endpoint, PythonRunner(file, sha256), revision=sha256)


def _endpoint(space: Space, step: SpaceStep, locked: LockedStep | None) -> Endpoint:
    """The endpoint that a step names, or its lock; else the only one that takes just these arguments."""
    if step.endpoint is None and locked is not None:
        return space.endpoint(locked.endpoint)
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
    """`space`, `find`, `media` or `python`."""
    match step:
        case SpaceStep():
            return "space"
        case FindStep():
            return "find"
        case MediaStep():
            return "media"
        case PythonStep():
            return "python"


def named_place(step: Step) -> str:
    """A step's place as the chain names it."""
    match step:
        case SpaceStep():
            return step.space
        case FindStep():
            return f"find: {step.words}"
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
        case SpaceStep() | FindStep():
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
