"""Every template is given what it needs, and nothing else."""

from collections.abc import Iterator

from chains.language.nodes import Fill, Literal
from chains.meaning.misspelt import misspelt
from chains.model import Chain
from chains.problems import Problem
from chains.prompts import NEGATIVE, PromptTemplate
from spaces_registry.errors import nearest


def template_variables(chain: Chain) -> Iterator[Problem]:
    """A template's variables exist, and those without a value of their own get one."""
    for step, template in chain.templates:
        for fill in template.fills:
            if found := _chosen(chain, fill):
                yield from _wrong(fill, found, step.name if step else None)


def _chosen(chain: Chain, fill: Fill) -> PromptTemplate | None:
    """The template that is filled, if there is one."""
    if not isinstance(fill.name, Literal) or not isinstance(fill.name.value, str):
        return None  # what is no name is another rule's
    stem = fill.name.value.removesuffix(NEGATIVE)
    found = chain.prompts.get(stem)
    return found if found is None or stem == fill.name.value else found.inverse


def _wrong(fill: Fill, template: PromptTemplate, inside: str | None) -> Iterator[Problem]:
    for name in fill.values:
        if name not in template.variables:
            message = f"the template `{template.name}` has no variable `{name}`"
            hint = nearest(name, template.variables) or "it has none at all"
            yield Problem(fill.places[name], "unknown-template-variable", message, hint, inside)
    meant = misspelt(fill.values, [*template.variables]).values()
    for name in template.needed:
        if name not in fill.values and name not in meant:
            message = f"the template `{template.name}` needs its variable `{name}`"
            hint = f"fill it: `template('{template.name}', {name}=…)`"
            yield Problem(fill.at, "missing-template-variable", message, hint, inside)
