"""What one run may use: GPU seconds, calls, money. A call that would exceed it is not made."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio

from chains.model import Budget
from pipelines.journal import Journal
from pipelines.places.place import Place
from spaces_registry.errors import BadOutput, CallFailed, Crashed, TimedOut, ToolkitError
from spaces_registry.progress import Spent

ZERO_GPU_S = 60.0  # what a ZeroGPU call asks for unless its Space says otherwise
_WRITTEN = {"gpu_s": "gpu"}  # parts that a chain calls otherwise
_NEAR = 1e-9  # sums of money are not exact
_WORKED = (Crashed, TimedOut, BadOutput)  # it failed, and had begun


class BudgetExceeded(ToolkitError):
    """A call would take the run beyond its budget; it was not made.

    Attributes:
        place: where the call would have gone.
        part: `gpu_s`, `calls` or `usd`.
        limit: the budget's.
        used: so far.
        expected: what the call is expected to take.
    """

    code = "budget-exceeded"

    def __init__(self, place: str, part: str, *, limit: float, used: float, expected: float) -> None:
        left = max(limit - used, 0.0)
        message = (
            f"{place} is not called: it is expected to take {amount_told(part, expected)}, and of the"
            f" budget of {amount_told(part, limit)}, {amount_told(part, left)} are left"
        )
        if part == "calls":
            message = f"{place} is not called: the budget of {amount_told(part, limit)} is used up"
        super().__init__(
            message,
            hint=f"raise `{_WRITTEN.get(part, part)}` of the chain's `budget`; what is done is kept",
        )
        self.place, self.part = place, part
        self.limit, self.used, self.expected = limit, used, expected

    @property
    def left(self) -> float:
        """What is left of the budget."""
        return max(self.limit - self.used, 0.0)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts of all that a budget can speak of."""

    gpu_s: float = 0.0
    calls: int = 0
    usd: float = 0.0

    def plus(self, other: "Amounts") -> "Amounts":
        """Both together."""
        return Amounts(self.gpu_s + other.gpu_s, self.calls + other.calls, self.usd + other.usd)

    def parts(self) -> Iterator[tuple[str, float]]:
        """Each amount by the name that it has in a chain."""
        yield from (("gpu_s", self.gpu_s), ("calls", self.calls), ("usd", self.usd))


@dataclass(slots=True)
class Share:
    """One call's part of the budget, kept for it while it is under way.

    Attributes:
        expected: what is kept.
        told: what the place said that it took, so far.
        begun: whether every budget has room for it.
    """

    expected: Amounts
    told: Spent = field(default_factory=Spent)
    begun: bool = False

    def spent(self, told: Spent) -> None:
        """Take down what the place said that the call took; what it does not say stays as it was."""
        self.told = Spent(
            self.told.gpu_s if told.gpu_s is None else told.gpu_s,
            self.told.usd if told.usd is None else told.usd,
            self.told.work_s if told.work_s is None else told.work_s,
        )

    def used(self, *, worked: bool) -> Amounts:
        """What the call counts for; `worked`: the place had begun, so that silence means the expectation."""
        if not self.begun:
            return Amounts()
        gpu_s, usd = self.told.gpu_s, self.told.usd
        silent = self.expected if worked else Amounts()
        return Amounts(silent.gpu_s if gpu_s is None else gpu_s, 1, silent.usd if usd is None else usd)


class Budgets:
    """The budget of one run, with its nested chains and all its items.

    Args:
        budget: what the run may use.
        journal: what calls took before.
        used: what the run has used already, where it is resumed: `used_by`.
        outer: the budget of the run that this one is part of; a call must fit both.
    """

    def __init__(
        self, budget: Budget, journal: Journal, used: Amounts = Amounts(), outer: "Budgets | None" = None
    ) -> None:
        self._budget, self._journal, self._outer = budget, journal, outer
        self._used, self._kept = used, Amounts()
        self._changed = anyio.Event()

    @property
    def used(self) -> Amounts:
        """What the run has used so far."""
        return self._used

    @asynccontextmanager
    async def allow(self, place: Place) -> AsyncIterator[Share]:
        """Keep a call's part of the budget for it; tell the share what the call took, as soon as it is said.

        Calls under way keep what they are expected to take. Where the budget is not used up but all of it is
        kept, this waits until one of them has ended. Work on this machine is never refused. Enter it last,
        when the call has its turn: what ends inside it counts as a call.

        Raises:
            BudgetExceeded: the call would exceed what is left; nothing was sent.
        """
        share = Share(Amounts() if place.is_here else expected(place, self._journal))
        if place.is_here:
            yield share
            return
        async with self._allow(place, share):
            share.begun = True
            yield share

    @asynccontextmanager
    async def _allow(self, place: Place, share: Share) -> AsyncIterator[None]:
        """Keep the share here and in every budget around this one; however it ends, nothing stays kept."""
        async with AsyncExitStack() as stack:
            if self._outer is not None:
                around = self._outer._allow(place, share)  # noqa: SLF001 - its own class
                await stack.enter_async_context(around)
            await self._keep(place, share.expected)
            worked = True
            try:
                yield
            except CallFailed as failure:
                worked = isinstance(failure, _WORKED)
                raise
            finally:
                self._settle(share.expected, share.used(worked=worked))

    def check(self, place: Place) -> None:
        """Refuse now what `allow` would refuse; keeps nothing.

        Raises:
            BudgetExceeded: the call would exceed what is left.
        """
        if place.is_here:
            return
        self._refuse(place, expected(place, self._journal))
        if self._outer is not None:
            self._outer.check(place)

    async def _keep(self, place: Place, wanted: Amounts) -> None:
        while True:
            self._refuse(place, wanted)
            if self._over(self._used.plus(self._kept).plus(wanted)) is None:
                self._kept = self._kept.plus(wanted)
                return
            await self._changed.wait()

    def _settle(self, kept: Amounts, used: Amounts) -> None:
        self._kept = self._kept.plus(Amounts(-kept.gpu_s, -kept.calls, -kept.usd))
        self._used = self._used.plus(used)
        self._changed.set()
        self._changed = anyio.Event()

    def _refuse(self, place: Place, wanted: Amounts) -> None:
        """Raise if the call does not fit beside what is used for sure."""
        part = self._over(self._used.plus(wanted))
        if part is None:
            return
        used, amount, limit = (
            dict(one)[part] for one in (self._used.parts(), wanted.parts(), limits_of(self._budget))
        )
        raise BudgetExceeded(place.address, part, limit=limit, used=used, expected=amount)

    def _over(self, amounts: Amounts) -> str | None:
        """The first part of the budget that these amounts exceed."""
        return next(exceeded(self._budget, amounts), None)


def limits_of(budget: Budget) -> Iterator[tuple[str, float]]:
    """The parts that a budget limits, with how much of each it allows."""
    written = (("gpu_s", budget.gpu_s), ("calls", budget.calls), ("usd", budget.usd))
    yield from ((name, limit) for name, limit in written if limit is not None)


def exceeded(budget: Budget, amounts: Amounts) -> Iterator[str]:
    """The parts of a budget that these amounts exceed: `gpu_s`, `calls`, `usd`."""
    limits = dict(limits_of(budget))
    yield from (name for name, amount in amounts.parts() if name in limits and amount > limits[name] + _NEAR)


def expected(place: Place, journal: Journal) -> Amounts:
    """What a call at a place is expected to take.

    The average of the last good calls there; else, for a ZeroGPU Space, the minute that such a call asks for,
    and for a service what its file declares. Of what nobody knows a price it is 0.
    """
    if place.is_here:
        return Amounts()
    learned = journal.expected(place.address, place.endpoint.name)
    gpu_s, usd = learned.gpu_s, learned.usd
    if gpu_s is None:
        gpu_s = place.price.gpu_s
    if gpu_s is None:
        gpu_s = ZERO_GPU_S if is_zero_gpu(place) else 0.0
    if usd is None:
        usd = place.price.usd
    return Amounts(gpu_s, 1, 0.0 if usd is None else usd)


def is_zero_gpu(place: Place) -> bool:
    """Whether its calls are paid in seconds of the user's ZeroGPU quota."""
    return place.space is not None and (place.space.hardware or "").startswith("zero-")


def used_by(run: str, journal: Journal) -> Amounts:
    """What a run has used so far, by the journal; for one that is resumed."""
    calls, spent = journal.spent_in(run)
    return Amounts(spent.gpu_s or 0.0, calls, spent.usd or 0.0)


def amount_told(part: str, amount: float) -> str:
    """Some of a part of a budget, in words: `3 calls`, `20 s of GPU`, `$0.5`."""
    match part:
        case "gpu_s":
            return f"{amount:.4g} s of GPU"
        case "usd":
            return f"${amount:.4f}".rstrip("0").rstrip(".")
        case _:
            return f"{amount:.0f} call" if amount == 1 else f"{amount:.0f} calls"
