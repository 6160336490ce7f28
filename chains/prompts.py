"""Prompt templates: prompts with named gaps, how they are filled, and where they come from.

A chain has its own, a user's library may have more, and some come with spacechain; of one name the first of
these counts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from spaces_registry.errors import ToolkitError, nearest

NEGATIVE: Final = ".negative"  # behind a template's name: its negative prompt
SIGNS: Final = re.compile(r"\{\{|\}\}|\{(?P<gap>[A-Za-z_][A-Za-z0-9_]*)\}|[{}]")


class UnfilledTemplate(ToolkitError):
    """A template is given too few variables, or some that it has not."""

    code = "unfilled-template"


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in a prompt; `name` is the variable that fills it."""

    name: str


@lru_cache(maxsize=64)
def pieces(text: str) -> tuple[str | Gap, ...]:
    """A prompt's text and gaps, in order; a brace without its pair stands for itself."""
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[str | Gap]:
    at = 0
    for sign in SIGNS.finditer(text):
        if sign.start() > at:
            yield text[at : sign.start()]
        yield Gap(sign["gap"]) if sign["gap"] else sign[0][0]
        at = sign.end()
    if at < len(text):
        yield text[at:]


@lru_cache(maxsize=64)
def gaps(text: str) -> tuple[str, ...]:
    """The variables that a prompt has a gap for, each once."""
    return tuple(dict.fromkeys(one.name for one in pieces(text) if isinstance(one, Gap)))


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt with named gaps.

    Attributes:
        name: what `template('…')` calls it.
        prompt: its text; a gap is written `{subject}`, a brace `{{` or `}}`.
        negative: what should not be seen, in the same form; read as `template('NAME.negative')`.
        variables: by name, what stands in a gap that is not filled; None for one that must be.
        help: what it is for, in one line.
    """

    name: str
    prompt: str
    negative: str = ""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    help: str = ""

    @property
    def inverse(self) -> "PromptTemplate":
        """The template of its negative prompt."""
        return replace(self, name=f"{self.name}{NEGATIVE}", prompt=self.negative, negative="")

    @property
    def needed(self) -> tuple[str, ...]:
        """The variables of its prompt that have no value of their own."""
        return tuple(one for one in gaps(self.prompt) if self.variables.get(one) is None)


NO_PROMPTS: Final[Mapping[str, PromptTemplate]] = MappingProxyType({})


def fill(template: PromptTemplate, values: Mapping[str, str]) -> str:
    """A template's prompt with its gaps filled; `template.inverse` gives the negative one.

    Args:
        template: what to fill.
        values: by variable; those left out have their default.

    Raises:
        UnfilledTemplate: a gap has neither a value nor a default, or a value has no gap.
    """
    for name in values:
        if name not in template.variables:
            message = f"the template {template.name!r} has no variable {name!r}"
            raise UnfilledTemplate(message, hint=nearest(name, template.variables))
    for name in template.needed:
        if name not in values:
            message = f"the template {template.name!r} needs its variable {name!r}"
            raise UnfilledTemplate(message, hint=f"its variables: {', '.join(template.variables)}")
    given = {**template.variables, **values}
    parts = pieces(template.prompt)
    return "".join(one if isinstance(one, str) else given.get(one.name) or "" for one in parts)
