"""Only a process of its own has a limit on its memory."""

from collections.abc import Iterator

from chains.model import Chain, PythonStep
from chains.problems import Problem


def loose_memory(chain: Chain) -> Iterator[Problem]:
    """A function that runs inside of ours cannot be held to `memory`."""
    for step in chain.ways:
        if isinstance(step, PythonStep) and step.memory_bytes is not None and not step.isolate:
            at = chain.source.key_at((*step.path, "memory"))
            message = (
                "`memory` holds for a process of its own, and `isolate: false` runs the function in ours"
            )
            yield Problem(at, "loose-memory", message, "remove one of them", step.name)
