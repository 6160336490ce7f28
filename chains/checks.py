"""Runs every rule over a chain."""

from collections.abc import Mapping
from itertools import islice
from typing import Final

from chains.model import (
    Chain,
    ChainStep,
    FindStep,
    MediaStep,
    ModelStep,
    PythonStep,
    ServiceStep,
    SpaceStep,
    Step,
)
from chains.problems import Problem, in_order
from chains.rules import RULES, SIGNATURE_RULES
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import AmbiguousEndpoint, Endpoint, UnknownEndpoint

MOST: Final = 100


def check(chain: Chain, endpoints: Mapping[str, Endpoint] | None = None) -> tuple[Problem, ...]:
    """Everything that is wrong with what a chain means.

    Args:
        chain: a loaded chain.
        endpoints: by `key`, what each step and fallback calls, as far as it is known: media operations
            always, Spaces once they were looked up; a Space of `others` by `key_of`. What is not in it is not
            checked against a signature.

    Returns:
        Problems by position: errors, and warnings about what is likely not meant; of each rule at most the
        first `MOST`, which is more than anybody reads and keeps a file of mistakes only from taking long.
    """
    known = endpoints or {}
    found = [problem for rule in RULES for problem in islice(rule(chain), MOST)]
    found += [problem for rule in SIGNATURE_RULES for problem in islice(rule(chain, known), MOST)]
    return in_order(found)


def not_reached(step: Step, error: ToolkitError) -> Problem:
    """What a look-up of a step's place said no to, as a problem at that place in the file."""
    at = step.at
    match step:
        case FindStep():
            at = step.words_at
        case SpaceStep():
            names_endpoint = isinstance(error, UnknownEndpoint | AmbiguousEndpoint)
            at = step.endpoint_at if names_endpoint else step.space_at
        case ModelStep():
            at = step.model_at
        case ServiceStep():
            at = step.service_at
        case MediaStep():
            at = step.operation_at
        case PythonStep():
            at = step.file_at
        case ChainStep():
            at = step.chain_at
    return Problem(at, error.code, error.message, error.hint, step.name)
