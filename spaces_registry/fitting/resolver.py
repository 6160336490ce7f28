"""From a need to the Spaces that can meet it, best first: looked at, matched and ranked, with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import anyio

from spaces_registry.apps.app import NotGradio
from spaces_registry.catalogue import category_of
from spaces_registry.errors import (
    Asleep,
    BadOutput,
    Building,
    CallFailed,
    Paused,
    RateLimited,
    TimedOut,
    ToolkitError,
    Unreachable,
)
from spaces_registry.fitting.phrases import as_said
from spaces_registry.fitting.ranking import (
    Candidate,
    Facts,
    Need,
    best_endpoint,
    candidate,
    may_suit,
    order,
    promise,
    unproven,
)
from spaces_registry.hub.hub import ASLEEP, STARTING
from spaces_registry.hub.leads import Lead, Leads, all_of
from spaces_registry.progress import Listener, unheard
from spaces_registry.registry import Registry
from spaces_registry.signature import Space

WITHIN_S = 4.5  # for all looks together; a search is for people who wait
_AT_ONCE = 10  # looks
_BATCH = 12  # Spaces looked at before it is asked whether that is enough
_MOST = 36  # looks in all
_WAKE = 3  # sleepers that are tried where a need must be met
_AWAY = (Unreachable, BadOutput, TimedOut, RateLimited)  # the Hub cannot be asked now


class NothingFits(ToolkitError):
    """No Space was found that can do what is needed."""

    code = "nothing-fits"

    def __init__(self, need: Need, passed_over: "Sequence[PassedOver]") -> None:
        what = repr(need.words) if need.words else need.category or "this"
        tried = f": {len(passed_over)} looked at" if passed_over else ""
        reasons = "; ".join(f"{one.space}: {one.why}" for one in passed_over[:3])
        hint = reasons or "say it in other words, or ask for less"
        super().__init__(f"no Space fits {what}{tried}", hint=hint)
        self.need, self.passed_over = need, tuple(passed_over)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A Space that was considered and left out, and why."""

    space: str
    why: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was found.

    Attributes:
        need: what was looked for.
        candidates: best first.
        passed_over: what was considered and left out, the most promising first.
        remarks: what the user should know about how this came about.
        away: why the Hub could not be asked, if it could not.
    """

    need: Need
    candidates: tuple[Candidate, ...]
    passed_over: tuple[PassedOver, ...] = ()
    remarks: tuple[str, ...] = ()
    away: CallFailed | None = None

    def best(self) -> Candidate:
        """The first candidate.

        Raises:
            NothingFits: there is none; it says what was passed over and why.
            CallFailed: there is none, because the Hub could not be asked.
        """
        if self.candidates:
            return self.candidates[0]
        raise self.refusal()

    def refusal(self, before: Sequence[PassedOver] = ()) -> CallFailed | NothingFits:
        """What to say where no candidate can be used: that the Hub is away, else what was passed over.

        Args:
            before: candidates that turned out to be of no use.
        """
        return self.away or NothingFits(self.need, (*before, *self.passed_over))


async def resolve(
    need: Need,
    registry: Registry,
    *,
    limit: int = 10,
    tell: Listener = unheard,
    within_s: float = WITHIN_S,
    wake_s: float = 0.0,
) -> Resolution:
    """The Spaces that can meet a need.

    Args:
        need: what is looked for.
        registry: reaches the Hub and the apps.
        limit: how many candidates at most.
        tell: hears of waits.
        within_s: for looking at Spaces, all together; what is late is ranked by what the Hub says.
        wake_s: how long to wait for a sleeping Space where a complete need is met by no running one.

    Raises:
        BadQuery, UnknownCategory, BadAddress: the need cannot be looked for as it is written.
        Unauthorized: the Hub does not accept the token.
    """
    if need.category is not None:
        need = replace(need, category=category_of(need.category).slug)
    need = as_said(need)
    leads, work = Leads(need, registry, tell), _Work(need, registry, limit, tell)
    await work.look(await leads.first(), within_s)
    if leads.may_ask_again and len(work.found) + len(work.unproven) < limit:
        await work.look(await leads.idle(), within_s)
    if need.complete:
        await work.wake(wake_s)
    for facts, why in leads.refused:
        work.pass_over(facts, why)
    return work.resolution(leads)


@dataclass(slots=True)
class _Work:
    need: Need
    registry: Registry
    limit: int
    tell: Listener
    found: list[Candidate] = field(default_factory=list)
    unproven: list[tuple[Lead, str]] = field(default_factory=list)
    passed_over: dict[str, tuple[float, str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    async def look(self, leads: Sequence[Lead], within_s: float) -> None:
        """Look at the most promising ones, a batch at a time, until enough fit or the time is up."""
        until = anyio.current_time() + within_s
        ranked = sorted(leads, key=lambda one: (-promise(one.facts), one.facts.id.lower()))
        fresh = [one for one in ranked if one.facts.id not in self.seen]
        for start in range(0, min(len(fresh), _MOST), _BATCH):
            batch = fresh[start : start + _BATCH]
            self.seen |= {one.facts.id for one in batch}
            limiter = anyio.CapacityLimiter(_AT_ONCE)

            async def one_look(lead: Lead, limiter: anyio.CapacityLimiter = limiter) -> None:
                async with limiter:
                    await self._look_at(lead, until)

            await all_of(one_look, batch)
            if len(self.found) >= self.limit or anyio.current_time() >= until:
                return

    async def _look_at(self, lead: Lead, until: float) -> None:
        if lead.is_away:
            self._by_memory(lead, "not looked at, because the Hub cannot be asked")
            return
        with anyio.CancelScope(deadline=until) as scope:
            try:
                self._judge(lead, await self._describe(lead))
            except (Asleep, Building) as failure:
                stage = lead.facts.stage if lead.facts.stage in ASLEEP | STARTING else None
                facts = replace(
                    lead.facts, stage=stage or ("SLEEPING" if failure.code == "asleep" else "BUILDING")
                )
                self._by_memory(replace(lead, facts=facts), "not looked at, because that would wake it")
            except (Paused, NotGradio) as failure:
                self.pass_over(lead.facts, failure.message)
            except CallFailed as failure:
                await self._explain(lead, failure)
        if scope.cancelled_caught:
            self._by_memory(lead, "did not describe itself in time")

    async def _describe(self, lead: Lead) -> Space:
        if lead.listing is None or lead.facts.id in self.registry.replaced:
            return await self.registry.describe(lead.facts.id)
        return await self.registry.look(lead.listing, patience_s=WITHIN_S)

    async def _explain(self, lead: Lead, failure: CallFailed) -> None:
        """An app does not answer: perhaps its state has changed since the search."""
        if lead.listing is not None:
            try:
                now = await replace(self.registry.hub, patience_s=WITHIN_S).space(lead.facts.id)
            except CallFailed:
                now = lead.listing
            if now.is_broken:
                self.pass_over(lead.facts, f"{now.id} is {now.stage} now")
                return
            if now.stage in ASLEEP | STARTING:
                facts = replace(lead.facts, stage=now.stage)
                self._by_memory(replace(lead, facts=facts), "not looked at, because that would wake it")
                return
        self.pass_over(lead.facts, failure.message)

    def _judge(self, lead: Lead, space: Space, also: str = "") -> None:
        """Match a described Space against the need."""
        facts = replace(
            lead.facts,
            stage=space.stage or lead.facts.stage,
            hardware=space.hardware or lead.facts.hardware,
            revision=space.revision or lead.facts.revision,
        )
        best = best_endpoint(space, self.need, lead.expected)
        if isinstance(best, str):
            self.pass_over(facts, best)
            return
        made = candidate(facts, self.need, *best)
        self.found.append(replace(made, why=(*made.why, also)) if also else made)

    def _by_memory(self, lead: Lead, reason: str) -> None:
        """Judge a Space that cannot be looked at by its last description, else by what is said of it."""
        kept = self.registry.remembered(lead.facts.id)
        if kept is not None:
            space = replace(kept, stage=lead.facts.stage, hardware=lead.facts.hardware)
            self._judge(lead, space, "as it described itself when it was last looked at")
        elif lead.known is not None and not may_suit(lead.known, self.need):
            self.pass_over(lead.facts, f"known to give {' and '.join(lead.known.gives)}")
        elif lead.expected is not None and self.need.gives and lead.expected not in self.need.gives:
            self.pass_over(lead.facts, f"its category makes {lead.expected}")
        else:
            self.unproven.append((lead, reason))

    async def wake(self, wake_s: float) -> None:
        """Where a need must be met: wake sleepers until one fits; what stays unproven is passed over."""
        waiting = sorted(self.unproven, key=lambda one: (-promise(one[0].facts), one[0].facts.id.lower()))
        self.unproven = []
        for number, (lead, reason) in enumerate(waiting):
            if wake_s <= 0 or self.found or number >= _WAKE or lead.is_away:
                self.pass_over(lead.facts, reason)
                continue
            try:
                self._judge(lead, await self.registry.look_up(lead.facts.id, wake_s=wake_s, tell=self.tell))
            except (CallFailed, NotGradio) as failure:
                self.pass_over(lead.facts, failure.message)

    def pass_over(self, facts: Facts, why: str) -> None:
        """Leave a Space out, with the reason."""
        text = why.removeprefix(facts.id).removeprefix(":").strip()
        self.passed_over[facts.id] = (promise(facts), text)

    def resolution(self, leads: Leads) -> Resolution:
        """What came of it."""
        doubtful = [unproven(lead.facts, lead.known, reason) for lead, reason in self.unproven]
        ranked = sorted([*self.found, *doubtful], key=order)
        left_out = sorted(self.passed_over.items(), key=lambda one: (-one[1][0], one[0].lower()))
        return Resolution(
            self.need,
            tuple(ranked[: self.limit]),
            tuple(PassedOver(space, why) for space, (_, why) in left_out),
            tuple(leads.remarks),
            leads.away,
        )
