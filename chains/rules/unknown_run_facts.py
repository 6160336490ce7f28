"""Every `run.x` is something that a run has."""

from collections.abc import Iterator

from chains.language.expressions import RUN_FACTS
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_run_facts(chain: Chain) -> Iterator[Problem]:
    """A run has an id, a chain and a date."""
    for step, one in chain.references:
        if one.root == "run" and one.path and one.path[0] not in RUN_FACTS:
            name = str(one.path[0])
            hint = nearest(name, RUN_FACTS)
            yield Problem(
                one.parts_at[0],
                "unknown-run-fact",
                f"a run has no `{name}`",
                hint,
                step.name if step else None,
            )
