"""Every reference names a step of this chain, or one of the five names that are always there."""

from collections.abc import Iterator

from chains.language.expressions import RESERVED, Reference
from chains.language.functions import functions
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_steps(chain: Chain) -> Iterator[Problem]:
    """Every reference names a step of this chain."""
    for step, reference in chain.references:
        if reference.root not in chain.steps and reference.root not in RESERVED:
            where = f"step `{step.name}`" if step else "an output"
            message = f"{where} reads from `{reference.root}`, which is no step of this chain"
            yield Problem(
                reference.at, "unknown-step", message, _hint(chain, reference), step.name if step else None
            )


def _hint(chain: Chain, reference: Reference) -> str | None:
    name = reference.root
    if name in chain.inputs:
        return f"did you mean `inputs.{name}`?"
    if name in chain.env:
        return f"did you mean `env.{name}`?"
    if name in functions():
        return f"a function is called: `{functions()[name].usage}`"
    if name in chain.prompts and not reference.path:
        return f"a prompt template is filled: `template('{name}')`"
    if reference.path[:1] and reference.path[0] in chain.steps and name in {"steps", "step"}:
        return f"write `{reference.path[0]}` alone, without `{name}.`"
    hint = nearest(name, [*chain.steps, "inputs", "env"]) or ""
    # a name alone may be text that begins with a dollar sign
    return hint if reference.path or hint.startswith("did") else f"{hint}; write `$${name}` if it is text"
