"""A chain together with the chains in it: what is wrong with those, and what all of them name."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chains.model import Chain, Limit, Step
from chains.problems import InvalidChain, Problem
from pipelines.places.nested import Around, chains_in
from pipelines.programs.environment import read_environment


def used_by(step: Step, chain: Chain, problems: Iterable[Problem], text: str) -> Iterator[Problem]:
    """The problems of a chain that a step runs, as problems of the chain around it.

    Args:
        step: runs the chain.
        chain: the step's own.
        problems: of the chain that it runs.
        text: that one's.
    """
    for one in problems:
        message = f"{one.message} (used by step `{step.name}` of {chain.source.file})"
        inner = f"{step.name}/{one.step}" if one.step else step.name
        yield replace(one, message=message, step=inner, text=text if one.text is None else one.text)


def used_by_invalid(step: Step, chain: Chain, invalid: InvalidChain) -> Iterator[Problem]:
    """The problems of a file that is no chain, where a step runs it."""
    yield from used_by(step, chain, invalid.problems, invalid.source.text)


def limits_of(chain: Chain, around: Around | None = None) -> dict[str, Limit]:
    """The limits of a chain and of those in it; where several speak of one place, the outer ones hold."""
    limits: dict[str, Limit] = {}
    for one in (chain, *chains_in(chain, around)):
        for name, limit in one.limits.items():
            limits.setdefault(name, limit)
    return limits


def secrets_of(chain: Chain, around: Around | None = None) -> dict[str, str]:
    """The values of all environment variables that a chain and those in it may read.

    Raises:
        MissingVariable: one is not set.
    """
    secrets: dict[str, str] = {}
    for one in (chain, *chains_in(chain, around)):
        secrets |= read_environment(one)
    return secrets
