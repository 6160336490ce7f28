"""Stands where a step's runner is when the step is a chain: the engine runs that one's steps, one by one."""

from dataclasses import dataclass

from pipelines.runners.protocol import Call
from spaces_registry.progress import Listener
from spaces_registry.signature import Value


@dataclass(frozen=True, slots=True)
class ChainRunner:
    """Makes no call: what is called, limited, kept and journalled are the steps of the chain."""

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Never asked; a nested chain has no call of its own."""
        del tell
        raise TypeError(call.place)  # ours: the engine looks at `Place.nested` first
