"""Every name in a step's `outputs` has a JMESPath query that can be read."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem


def bad_queries(chain: Chain) -> Iterator[Problem]:
    """A query is JMESPath."""
    if not any(step.outputs for step in chain.ways):
        return
    from spaces_registry.network.queries import readable  # noqa: PLC0415 - only chains with queries pay for it

    for step in chain.ways:
        for name, query in step.outputs.items():
            if chain.source.written((*step.path, "outputs", name)) is None:
                continue  # a fallback has it from its step
            if readable(query) is not None:
                message = f"the query of `{name}` is not JMESPath: `{query[:60]}`"
                hint = 'a part of the raw answer, as in `"[0][0].image"`; see jmespath.org'
                yield Problem(step.output_places[name], "bad-query", message, hint, step.name)
