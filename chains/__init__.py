"""What a user wants: the YAML language, its expressions, its graph and its checks.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chains.checks import check
    from chains.evaluate import ABSENT, EvaluationFailed, Parts
    from chains.expressions import Template
    from chains.loader import ChainNotFound, load, loads
    from chains.model import Chain, Each, Input, Limit, MediaStep, PythonStep, SpaceStep, Step
    from chains.problems import InvalidChain, Position, Problem, show

__all__ = [
    "ABSENT",
    "Chain",
    "ChainNotFound",
    "Each",
    "EvaluationFailed",
    "FindStep",
    "Input",
    "InvalidChain",
    "Limit",
    "MediaStep",
    "Parts",
    "Position",
    "Problem",
    "PythonStep",
    "SpaceStep",
    "Step",
    "Template",
    "check",
    "load",
    "loads",
    "show",
]

_HOMES = {
    "chains.checks": ("check",),
    "chains.evaluate": ("ABSENT", "EvaluationFailed", "Parts"),
    "chains.expressions": ("Template",),
    "chains.loader": ("ChainNotFound", "load", "loads"),
    "chains.model": (
        "Chain",
        "Each",
        "FindStep",
        "Input",
        "Limit",
        "MediaStep",
        "PythonStep",
        "SpaceStep",
        "Step",
    ),
    "chains.problems": ("InvalidChain", "Position", "Problem", "show"),
}


def __getattr__(name: str) -> object:
    """Load the module that holds a public name (PEP 562)."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
