"""How a `find` step gets its Space: by what it gives and needs, the first candidate that can be reached."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio

from chains.lock.locked import as_written
from chains.meaning.needs import given, wanted
from chains.model import Chain, FindStep
from spaces_registry.errors import CallFailed, ToolkitError
from spaces_registry.fitting.matching import Supply
from spaces_registry.fitting.ranking import Candidate, Need
from spaces_registry.fitting.resolver import PassedOver, Resolution, resolve
from spaces_registry.progress import Listener
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint, Space

_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """Why a step is performed where it is.

    Attributes:
        binding: name written in the chain to parameter of the endpoint, where they differ.
        why: the reasons for the Space, in words.
        passed_over: what was considered first and left out.
    """

    binding: Mapping[str, str] = field(default_factory=dict)
    why: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A Space, what of it is called, under the names that the chain writes, and why it is this one."""

    space: Space
    endpoint: Endpoint
    choice: Choice


@dataclass(slots=True)
class Finder:
    """Chooses Spaces for the `find` steps of one chain and their fallbacks; each is searched for once.

    Attributes:
        chain: whose steps.
        registry: reaches the Hub and the apps.
        among: where steps do not say, only these Spaces; empty for all.
    """

    chain: Chain
    registry: Registry
    among: tuple[str, ...] = ()
    _found: dict[str, Resolution] = field(default_factory=dict)
    _locks: dict[str, anyio.Lock] = field(default_factory=dict)

    async def choose(
        self,
        step: FindStep,
        known: Mapping[str, Endpoint],
        tell: Listener,
        wake_s: float,
        prefer: Collection[str] = (),
    ) -> Chosen:
        """The best Space that can be reached: one that runs before one that has to be woken.

        Args:
            step: what is asked.
            known: by step, the signatures of those that it reads from.
            tell: hears of waits.
            wake_s: how long a sleeping Space is waited for, if no other one runs.
            prefer: Spaces that come before better ones: a resumed run has results of theirs.

        Raises:
            NothingFits: no Space was found, or none of those found can be reached; every reason is in it.
            CallFailed: the Hub cannot be asked, and nothing that is known without it can be reached.
            ToolkitError: the search cannot be made as it is written.
        """
        resolution = await self._search(step, known, tell, wake_s)
        refused: dict[str, str] = {}
        candidates = sorted(resolution.candidates, key=lambda one: one.space not in prefer)
        for patience_s in dict.fromkeys((0.0, wake_s)):
            for candidate in candidates:
                try:
                    return await self._reach(candidate, resolution, refused, tell, patience_s)
                except (CallFailed, ToolkitError) as failure:
                    refused[candidate.space] = failure.message
        raise resolution.refusal([PassedOver(space, why) for space, why in refused.items()])

    async def _reach(
        self,
        candidate: Candidate,
        resolution: Resolution,
        refused: Mapping[str, str],
        tell: Listener,
        patience_s: float,
    ) -> Chosen:
        space = await self.registry.look_up(candidate.space, wake_s=patience_s, tell=tell)
        endpoint = space.endpoint(candidate.endpoint)
        binding = {name: own for name, own in candidate.binding.items() if name != own}
        before = [PassedOver(space, why) for space, why in refused.items() if space != candidate.space]
        choice = Choice(binding, candidate.why, (*before, *resolution.passed_over[:_CANDIDATES]))
        return Chosen(space, as_written(endpoint, binding), choice)

    async def _search(
        self, step: FindStep, known: Mapping[str, Endpoint], tell: Listener, wake_s: float
    ) -> Resolution:
        async with self._locks.setdefault(step.key, anyio.Lock()):
            if step.key not in self._found:
                need = self._need(step, known)
                found = await resolve(need, self.registry, limit=_CANDIDATES, tell=tell, wake_s=wake_s)
                if not found.candidates:
                    raise found.refusal()
                self._found[step.key] = found
        return self._found[step.key]

    def _need(self, step: FindStep, known: Mapping[str, Endpoint]) -> Need:
        types = given(step, self.chain, known)
        # an item of a mapped step is handed over alone
        supplies = tuple(Supply(name, one.kind, one.many, f"with.{name}") for name, one in types.items())
        among = step.among or self.among
        return Need(step.words, supplies, wanted(step, self.chain), step.category, among, complete=True)


def merged(choice: Choice, passed_over: Sequence[PassedOver]) -> Choice:
    """The choice with what was left out before it was made."""
    return replace(choice, passed_over=(*passed_over, *choice.passed_over))
