"""Every `template(…)` names a prompt template that there is."""

from collections.abc import Iterator

from chains.language.nodes import Fill, Literal, Name
from chains.model import Chain
from chains.problems import Problem
from chains.prompts import NEGATIVE
from spaces_registry.errors import nearest


def unknown_templates(chain: Chain) -> Iterator[Problem]:
    """A template is named by a text that is written out: one of the chain's, the library's or the shipped."""
    for step, template in chain.templates:
        for fill in template.fills:
            if wrong := _wrong(chain, fill):
                yield Problem(fill.name.at, *wrong, step.name if step else None)


def _wrong(chain: Chain, fill: Fill) -> tuple[str, str, str | None] | None:
    """Code, message and hint of what is wrong with the name of a template."""
    match fill.name:
        case Name(name):
            hint = f"put it in quotes: `template('{name}')`"
            return "template-name", f"`{name}` without quotes is no name of a template", hint
        case Literal(value=str(name)):
            return _unknown(chain, name)
    hint = "choose between calls: `template('a') if inputs.x else template('b')`"
    return "template-name", "the name of a template must be written out", hint


def _unknown(chain: Chain, name: str) -> tuple[str, str, str | None] | None:
    stem = name.removesuffix(NEGATIVE)
    found = chain.prompts.get(stem)
    if found is None:
        return "unknown-template", f"there is no template `{stem}`", nearest(stem, chain.prompts)
    if stem != name and not found.negative:
        return (
            "no-negative",
            f"the template `{stem}` has no negative prompt",
            "give it `negative`, or leave this out",
        )
    return None
