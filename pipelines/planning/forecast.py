"""What a run is expected to take, and whether the user's ZeroGPU quota holds so much."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chains.model import Budget
from pipelines.engine.budget import Amounts, amount_told, exceeded, limits_of
from pipelines.planning.planned import PlannedStep

if TYPE_CHECKING:
    from spaces_registry.hub.account import GpuQuota


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the calls that are not kept.

    Attributes:
        amounts: GPU seconds, calls that leave this machine, US dollars.
        at_least: whether more may be called than can be known before the run.
        quota: what the Hub says is left, if it was asked and said so.
        budget: what the chain allows a run.
    """

    amounts: Amounts = field(default_factory=Amounts)
    at_least: bool = False
    quota: "GpuQuota | None" = None
    budget: Budget = field(default_factory=Budget)

    @property
    def over_budget(self) -> tuple[str, ...]:
        """The parts of the budget that do not hold it: `gpu_s`, `calls`, `usd`."""
        return tuple(exceeded(self.budget, self.amounts))

    @property
    def fits(self) -> bool | None:
        """Whether the ZeroGPU quota holds it; None if that is not known."""
        if not self.amounts.gpu_s:
            return True
        return None if self.quota is None else self.amounts.gpu_s <= self.quota.left_s

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {
            "calls": self.amounts.calls,
            "gpu_s": round(self.amounts.gpu_s, 3),
            "usd": round(self.amounts.usd, 6),
            "at_least": self.at_least,
            "quota_left_s": None if self.quota is None else self.quota.left_s,
            "fits": self.fits,
            "over_budget": [*self.over_budget],
        }

    def told(self) -> str | None:
        """In words; None if nothing leaves this machine."""
        if not self.amounts.calls:
            return None
        about = "at least " if self.at_least else ""
        calls = "1 call" if self.amounts.calls == 1 else f"{self.amounts.calls} calls"
        parts = [f"{about}{calls}"]
        parts += [f"about {self.amounts.gpu_s:.0f} s of ZeroGPU"] if self.amounts.gpu_s else []
        parts += [f"about ${self.amounts.usd:.3g}"] if self.amounts.usd else []
        return f"expected: {', '.join(parts)}{self._left()}{self._beyond()}"

    def _beyond(self) -> str:
        allowed = dict(limits_of(self.budget))
        over = [amount_told(one, allowed[one]) for one in self.over_budget]
        return f"; that is more than the budget of {' and '.join(over)}" if over else ""

    def _left(self) -> str:
        if self.quota is None or not self.amounts.gpu_s:
            return ""
        left = f"{self.quota.left_s:.0f} s are left"
        if self.fits:
            return f"; {left}"
        again = f" until {self.quota.resets_at}" if self.quota.resets_at else ""
        return f"; that is more than is left of the quota: {left}{again}"


def forecast(
    steps: Sequence[PlannedStep], quota: "GpuQuota | None" = None, budget: Budget | None = None
) -> Forecast:
    """What the calls of planned steps are expected to take, those inside nested chains among them."""
    amounts, at_least = Amounts(), False
    for step in steps:
        if step.action != "call":
            continue
        at_least = at_least or step.calls is None
        times = 1 if step.calls is None else step.calls
        each = step.expects
        if step.steps:
            inside = forecast(step.steps)
            each, at_least = inside.amounts, at_least or inside.at_least
        amounts = amounts.plus(Amounts(each.gpu_s * times, each.calls * times, each.usd * times))
    return Forecast(amounts, at_least, quota, budget or Budget())
