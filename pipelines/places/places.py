"""Finds the place of each step of a chain, or of a fallback."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from chains.lock.locked import Lock, LockedStep, as_written, unlike
from chains.model import (
    Chain,
    ChainStep,
    FindStep,
    MediaStep,
    ModelStep,
    PythonStep,
    ServiceStep,
    SpaceStep,
    Step,
)
from pipelines.household.home import Home
from pipelines.places.finding import Choice, Chosen, Finder, merged
from pipelines.places.local import media_place, python_endpoint, python_place
from pipelines.places.models import model_endpoint, model_place
from pipelines.places.nested import Around, chain_endpoint, chain_place
from pipelines.places.place import Place
from pipelines.places.services import service_endpoint, service_place
from pipelines.runners.space import SpaceRunner
from spaces_registry.errors import CallFailed, ToolkitError
from spaces_registry.fitting.resolver import PassedOver
from spaces_registry.progress import Listener, unheard
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint, Space


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
        inside: what the chain lies in, where a step of another one runs it.
        nested: places of the chains in it, by who they are; one for a whole nest.
    """

    chain: Chain
    registry: Registry
    home: Home
    revisions: Mapping[str, str]
    finder: Finder
    lock: Lock | None = None
    frozen: bool = False
    wake_s: float | None = None
    inside: Around | None = None
    nested: dict[str, "Places"] = field(default_factory=dict, repr=False, compare=False)

    @property
    def around(self) -> Around:
        """What the chain's own steps lie in."""
        return self.inside or Around.of(self.chain)

    async def find(
        self,
        step: Step,
        *,
        tell: Listener = unheard,
        wake_s: float | None = None,
        prefer: Collection[str] = (),
    ) -> Place:
        """The place of a step, woken if need be.

        Args:
            step: of the chain.
            tell: hears of waits.
            wake_s: how long to wait; None for what the user or the step says.
            prefer: addresses that come first where a place is to be chosen.

        Raises:
            ToolkitError: there is no such place or function, it cannot be reached, or is not trusted.
        """
        patience_s = self._patience(step) if wake_s is None else wake_s
        match step:
            case SpaceStep():
                return await self._space(step, tell, patience_s)
            case FindStep():
                return await self._found(step, tell, patience_s, prefer)
            case ModelStep():
                return await model_place(step, self.registry, prefer)
            case ServiceStep():
                return service_place(self.chain, step, self.home, self.registry)
            case MediaStep():
                return media_place(step.operation)
            case PythonStep():
                return python_place(self.chain, step, self.home)
            case ChainStep():
                return await chain_place(self.chain, step, self)

    def locked(self, step: Step) -> LockedStep | None:
        """What the step resolved to when it was locked, if that still speaks of it as it is written."""
        locked = self.lock.steps.get(step.key) if self.lock else None
        return None if locked is None or unlike(locked, step, self.chain) else locked

    def _patience(self, step: Step) -> float:
        return step.timeout.wake_s if self.wake_s is None else self.wake_s

    async def _space(self, step: SpaceStep, tell: Listener, wake_s: float) -> Place:
        space = await self.registry.look_up(step.space, wake_s=wake_s, tell=tell)
        locked = self.locked(step)
        binding = locked.binding if locked else {}
        endpoint = as_written(_endpoint(space, step, locked), binding)
        return self._place(Chosen(space, endpoint, Choice(binding)))

    async def _found(self, step: FindStep, tell: Listener, wake_s: float, prefer: Collection[str]) -> Place:
        passed_over: list[PassedOver] = []
        if (locked := self.locked(step)) is not None:
            try:
                space = await self.registry.look_up(locked.space, wake_s=wake_s, tell=tell)
                endpoint = as_written(space.endpoint(locked.endpoint), locked.binding)
                why = locked.found.why if locked.found else ()
                return self._place(Chosen(space, endpoint, Choice(locked.binding, why)))
            except CallFailed as failure:
                if self.frozen:
                    raise
                passed_over.append(PassedOver(locked.space, failure.message))
        chosen = await self.finder.choose(step, await self._known(step), tell, wake_s, prefer)
        return self._place(replace(chosen, choice=merged(chosen.choice, passed_over)))

    async def _known(self, step: FindStep) -> dict[str, Endpoint]:
        """The signatures of the steps that a `find` step reads from, as far as they can be told now."""
        known: dict[str, Endpoint] = {}
        for name in step.reads:
            with suppress(ToolkitError):
                known[name] = (await self.find(self.chain.steps[name], wake_s=0.0)).endpoint
        return known

    def _place(self, chosen: Chosen) -> Place:
        space = chosen.space
        is_stable = space.revision is not None or space.address in self.registry.stand_ins
        return Place(
            kind="space",
            address=space.address,
            endpoint=chosen.endpoint,
            runner=SpaceRunner(self.registry.connect, None if is_stable else space.traits),
            revision=space.revision or _stand_in(self.revisions.get(space.address), space.traits),
            space=space,
            choice=chosen.choice,
        )


def _stand_in(named: str | None, traits: str | None) -> str | None:
    """What stands for the commit of an app that has none; see `docs/decisions/0002-what-is-a-revision.md`."""
    told = None if traits is None else f"app {traits}"
    return ", ".join(one for one in (named, told) if one) or None


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


def local_endpoint(chain: Chain, step: Step, around: Around | None = None) -> Endpoint | None:
    """The signature of a step as far as it can be told without the network; None if it cannot.

    Args:
        chain: the step's own.
        step: of any kind.
        around: what the step lies in, where another chain runs this one.

    Raises:
        UnknownOperation: there is no such media operation.
        NoSuchFunction: the file has no such function.
        NotNested: a chain cannot be nested there.
        InvalidChain: what it names is no chain.
    """
    match step:
        case SpaceStep() | FindStep():
            return None
        case ModelStep():
            return model_endpoint(step)
        case ServiceStep():
            return service_endpoint(chain, step)
        case MediaStep():
            return media_place(step.operation).endpoint
        case PythonStep():
            return python_endpoint(chain, step)
        case ChainStep():
            return chain_endpoint(chain, step, around)


def local_endpoints(chain: Chain, around: Around | None = None) -> dict[str, Endpoint | ToolkitError]:
    """By key of each step and fallback that needs no network, its signature or why there is none."""
    around = around or Around.of(chain)
    known: dict[str, Endpoint | ToolkitError] = {}
    for step in chain.ways:
        try:
            if (endpoint := local_endpoint(chain, step, around)) is not None:
                known[step.key] = endpoint
        except ToolkitError as failure:
            known[step.key] = failure
    return known
