"""How a run went, as programs read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from pipelines.engine.losses import Loss, losses_in
from pipelines.running.record import Output, StepReport, output_json
from spaces_registry.errors import ToolkitError

Status: TypeAlias = Literal["succeeded", "failed", "blocked", "interrupted"]


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went.

    Attributes:
        id: time and six random digits, e.g. `20261121-051200-ab12cd`.
        chain: its name.
        status: `succeeded`, `failed`, `blocked` (a quota; run it again later) or `interrupted`.
        seconds: from the first look to the last file.
        folder: where its files are.
        outputs: the chain's outputs; those of steps that did not succeed are not in it.
        steps: by name, in the order of the file.
        inputs: what it was run with, as JSON.
        ready_at: for a blocked run, from when it can go on, as far as its places named a moment.
        unmade: the chain's outputs that have no value, though their steps succeeded, and why.
    """

    id: str
    chain: str
    status: Status
    seconds: float
    folder: Path
    outputs: Mapping[str, Output] = field(default_factory=dict)
    steps: Mapping[str, StepReport] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    ready_at: datetime | None = None
    unmade: Mapping[str, ToolkitError] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every step succeeded or was skipped by choice, and every output has a value."""
        return self.status == "succeeded"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its steps warned of, each with the step's name."""
        return tuple(f"{name}: {line}" for name, step in self.steps.items() for line in step.warnings)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The items that steps with `keep_going` went on without."""
        return tuple(losses_in({name: step.result for name, step in self.steps.items()}))

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        told: dict[str, object] = {
            "run": self.id,
            "chain": self.chain,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "folder": str(self.folder.absolute()),
            "outputs": {name: output_json(one) for name, one in self.outputs.items()},
            "steps": {name: one.to_json() for name, one in self.steps.items()},
        }
        if self.status == "blocked":
            told["ready_at"] = self.ready_at.isoformat(timespec="seconds") if self.ready_at else None
        if losses := self.losses:
            told["lost"] = [one.to_json() for one in losses]
        if self.unmade:
            told["unmade"] = {
                name: {"code": one.code, "message": one.message, "hint": one.hint}
                for name, one in self.unmade.items()
            }
        return told
