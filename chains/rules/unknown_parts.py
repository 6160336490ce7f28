"""Every part that is read of a step's output exists."""

from collections.abc import Iterator, Mapping

from chains.language.expressions import Reference
from chains.meaning.parts import offered
from chains.model import Chain, Step
from chains.problems import Problem
from spaces_registry.errors import nearest
from spaces_registry.signature import Endpoint


def unknown_parts(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """What is read from a step is among what its endpoint returns, by kind, by label or by place."""
    for inside, one in chain.references:
        step, endpoint = chain.steps.get(one.root), endpoints.get(one.root)
        if step is None or endpoint is None or not one.path or not isinstance(one.path[0], str):
            continue
        within = inside.name if inside else None
        if one.path[0] == "outputs":
            yield from _beyond(step, endpoint, one, within)
            continue
        parts = offered(endpoint, step.outputs)
        if one.path[0] not in parts:
            has = "has no output" if parts else "returns nothing, so it has no"
            message = f"step `{step.name}` {has} `{one.path[0]}`"
            labels = [
                *step.outputs,
                *dict.fromkeys(f"{kind.kind} ({kind.name})" for kind in endpoint.returns),
            ]
            close = nearest(one.path[0], [*step.outputs, *_certain(endpoint)])
            hint = (
                close
                if close and close.startswith("did")
                else f"it returns: {', '.join(labels)}"
                if labels
                else None
            )
            yield Problem(one.parts_at[0], "unknown-part", message, hint, within)


def _beyond(step: Step, endpoint: Endpoint, one: Reference, within: str | None) -> Iterator[Problem]:
    """`outputs[n]` is one of the returns."""
    count = len(endpoint.returns)
    place = one.path[1] if len(one.path) > 1 else 0
    if not step.repeats and isinstance(place, int) and not -count <= place < count:
        message = f"step `{step.name}` has no output {place}; it has {count}, counted from 0"
        yield Problem(
            one.parts_at[1] if len(one.path) > 1 else one.parts_at[0], "unknown-part", message, None, within
        )


def _certain(endpoint: Endpoint) -> list[str]:
    """The labels and kinds that the returns have, and not what these may stand for."""
    return [*(one.name for one in endpoint.returns), *(str(one.kind) for one in endpoint.returns), "outputs"]
