"""What the doctor finds: one line each, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is about, e.g. `ffmpeg`.
        state: `ok`; `warn`, if something that not everybody needs will not work; `fail`, if it has to be
            repaired.
        told: in words; a key is in none of them.
        hint: what to do.
        refused: whether it is a matter of what the user is allowed to.
        facts: for programs.
    """

    name: str
    state: State
    told: str
    hint: str | None = None
    refused: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {
            "name": self.name,
            "state": self.state,
            "told": self.told,
            "hint": self.hint,
            "facts": dict(self.facts),
        }
