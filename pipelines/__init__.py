"""The engine: runs chains, keeps what they make, and says how it went.

>>> from pipelines import run_chain
>>> run = run_chain("short-film", {"prompt": "a lighthouse at dusk"}, local=True)
>>> run.outputs["film"].path
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.door import run_chain, run_chain_async
    from pipelines.running.record import FileOutput, Output, ValueOutput
    from pipelines.running.run import Run

__all__ = ["FileOutput", "Output", "Run", "ValueOutput", "run_chain", "run_chain_async"]

_HOMES = {
    "FileOutput": "pipelines.running.record",
    "Output": "pipelines.running.record",
    "Run": "pipelines.running.run",
    "ValueOutput": "pipelines.running.record",
    "run_chain": "pipelines.door",
    "run_chain_async": "pipelines.door",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: `spacechain --help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - the whole point

    return getattr(import_module(_HOMES[name]), name)
