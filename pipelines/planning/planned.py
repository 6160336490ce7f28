"""What would happen to one step, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipelines.engine.budget import Amounts


@dataclass(frozen=True, slots=True)
class PlannedWay:
    """One way to do a step: the step's own place, an equal one, or a fallback.

    Attributes:
        via: the place as the chain names it.
        endpoint: what of it is called, if known.
        skipped: why it cannot be used now, or None.
    """

    via: str
    endpoint: str | None
    skipped: str | None

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {"via": self.via, "endpoint": self.endpoint, "skipped": self.skipped}


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What would happen to one step.

    Attributes:
        name: of the step.
        kind: `space`, `media` or `python`.
        via: the place's address, or what the chain says where the place is not ready.
        endpoint: what of it is called, if known.
        needs: steps it waits for.
        action: `call`, `keep` (every result is kept from before) or `skip`.
        why: in words, why it is called or not.
        arguments: by parameter: values where they are known, else the expression as written.
        binding: name written in the chain to parameter of the endpoint, where they differ.
        steps: those of the chain that it runs, if it is one; with `each`, for the first item that is called.
        calls: how many are made; None where only the run will tell.
        expects: what one of them is expected to take.
        ways: where it may be done, in the order that is tried; empty where there is one place only.
        reasons: of a `find` step, why it is this Space, in words.
    """

    name: str
    kind: str
    via: str
    endpoint: str | None
    needs: tuple[str, ...]
    action: Literal["call", "keep", "skip"]
    why: str
    arguments: Mapping[str, object]
    binding: Mapping[str, str]
    steps: tuple["PlannedStep", ...] = ()
    calls: int | None = None
    expects: Amounts = field(default_factory=Amounts)
    ways: tuple[PlannedWay, ...] = ()
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        told: dict[str, object] = {
            "name": self.name,
            "kind": self.kind,
            "via": self.via,
            "endpoint": self.endpoint,
            "needs": list(self.needs),
            "action": self.action,
            "cached": self.action == "keep",
            "why": self.why,
            "arguments": dict(self.arguments),
            "binding": dict(self.binding),
            "calls": self.calls if self.action == "call" else 0,
        }
        if self.reasons:
            told["reasons"] = list(self.reasons)
        if self.ways:
            told["ways"] = [one.to_json() for one in self.ways]
        return {**told, "steps": [one.to_json() for one in self.steps]} if self.steps else told
