"""One way to ask a model of the stand-in, as a step does."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from providers.standin import TOKEN, Standin

from chains.model import ModelStep
from chains.text.source import Position
from pipelines.places.models import model_place
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.bookmarks import Bookmarks
from spaces_registry.clocks import Clocks
from spaces_registry.progress import CallEvent
from spaces_registry.registry import open_registry
from spaces_registry.signature import Value


@dataclass(slots=True)
class Asking:
    """Asks models of the stand-in as a step does.

    Attributes:
        events: all that the last call told.
        remembered: what it wanted remembered.
    """

    served: Standin
    folder: Path
    token: str = TOKEN
    hosts: dict[str, str] = field(default_factory=dict)
    own: Bookmarks = field(default_factory=Bookmarks)
    events: list[CallEvent] = field(default_factory=list)
    remembered: list[Any] = field(default_factory=list)

    def place(self, model: str, **written: Any) -> Place:
        """Where a step leads."""
        return anyio.run(self._place, model, written)

    def __call__(
        self, model: str, arguments: dict[str, Value], *, run_s: float = 20.0, job: Any = None, **written: Any
    ) -> tuple[Value, ...]:
        """What a call gives."""
        return anyio.run(partial(self.call, model, arguments, Clocks(run_s=run_s), job, **written))

    async def _place(self, model: str, written: dict[str, Any]) -> Place:
        async with open_registry(token=self.token, hub=self.served.url, own=self.own) as registry:
            return await model_place(_step(model, written), registry)

    async def call(
        self,
        model: str,
        arguments: dict[str, Value],
        clocks: Clocks = Clocks(),
        job: Any = None,
        **written: Any,
    ) -> tuple[Value, ...]:
        """The same, for who has a loop running."""
        self.events.clear()
        self.remembered.clear()
        async with open_registry(token=self.token, hub=self.served.url, own=self.own) as registry:
            place = await model_place(_step(model, written), registry)
            runner: Any = place.runner
            runner.hosts.update(self.hosts)
            call = Call(
                place.address,
                place.endpoint,
                arguments,
                self.folder,
                clocks,
                job=job,
                remember=self.remembered.append,
            )
            outputs: tuple[Value, ...] = await runner(call, self.events.append)
            return outputs


def _step(model: str, written: dict[str, Any]) -> ModelStep:
    at = Position("chain.yaml", 1, 1)
    return ModelStep(name="ask", at=at, model=model, model_at=at, **written)
