"""What a user wants: the YAML language, its expressions, its graph and its checks.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chains.checks import check
    from chains.language.evaluate import ABSENT, EvaluationFailed, Parts
    from chains.language.expressions import Template
    from chains.loader import ChainNotFound, load, loads
    from chains.model import (
        Budget,
        Chain,
        ChainStep,
        Each,
        Expect,
        FindStep,
        Input,
        Limit,
        MediaStep,
        ModelStep,
        PythonStep,
        Retry,
        ServiceStep,
        SpaceStep,
        Step,
    )
    from chains.problems import InvalidChain, Position, Problem, show
    from chains.prompt_reader import read_templates, shipped
    from chains.prompts import PromptTemplate

__all__ = [
    "ABSENT",
    "Budget",
    "Chain",
    "ChainNotFound",
    "ChainStep",
    "Each",
    "EvaluationFailed",
    "Expect",
    "FindStep",
    "Input",
    "InvalidChain",
    "Limit",
    "MediaStep",
    "ModelStep",
    "Parts",
    "Position",
    "Problem",
    "PromptTemplate",
    "PythonStep",
    "Retry",
    "ServiceStep",
    "SpaceStep",
    "Step",
    "Template",
    "check",
    "load",
    "loads",
    "read_templates",
    "shipped",
    "show",
]

_HOMES = {
    "chains.checks": ("check",),
    "chains.language.evaluate": ("ABSENT", "EvaluationFailed", "Parts"),
    "chains.language.expressions": ("Template",),
    "chains.loader": ("ChainNotFound", "load", "loads"),
    "chains.model": (
        "Budget",
        "Chain",
        "ChainStep",
        "Each",
        "Expect",
        "FindStep",
        "Input",
        "Limit",
        "MediaStep",
        "ModelStep",
        "PythonStep",
        "Retry",
        "ServiceStep",
        "SpaceStep",
        "Step",
    ),
    "chains.problems": ("InvalidChain", "Position", "Problem", "show"),
    "chains.prompt_reader": ("read_templates", "shipped"),
    "chains.prompts": ("PromptTemplate",),
}


def __getattr__(name: str) -> object:
    """Load the module that holds a public name (PEP 562)."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
