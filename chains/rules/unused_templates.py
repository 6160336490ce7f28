"""Every template of a chain is used, and so is every variable and every pair of braces in it."""

import re
from collections.abc import Iterator

from chains.language.nodes import Literal
from chains.meaning.misspelt import misspelt
from chains.model import Chain
from chains.problems import Problem
from chains.prompts import NEGATIVE, gaps
from chains.text.source import Fields

_DOUBLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


def unused_templates(chain: Chain) -> Iterator[Problem]:
    """A template that nothing fills, a variable without a gap and a gap in two pairs of braces do nothing."""
    named = [one.name for _, template in chain.templates for one in template.fills]
    used = {str(one.value).removesuffix(NEGATIVE) for one in named if isinstance(one, Literal)}
    root = chain.source.root
    own = root.get("templates") if isinstance(root, Fields) else None
    meant = {*misspelt(used - chain.prompts.keys(), [*chain.prompts]).values()}
    for entry in own.entries if isinstance(own, Fields) else ():
        path, found = ("templates", entry.key), chain.prompts.get(entry.key)
        at = chain.source.key_at(path)
        if entry.key not in used and entry.key not in meant:
            hint = f"use it with `template('{entry.key}')`, or remove it"
            yield Problem(
                at, "unused-template", f"nothing uses the template `{entry.key}`", hint, severity="warning"
            )
        if found is None:
            continue
        held = {*gaps(found.prompt), *gaps(found.negative)}
        for name in found.variables:
            if name not in held:
                message = f"the template `{entry.key}` has a variable `{name}`, and no gap for it"
                where = chain.source.key_at((*path, "variables", name))
                yield Problem(
                    where, "unused-variable", message, f"write `{{{name}}}` in it", severity="warning"
                )
    yield from _doubled(chain)


def _doubled(chain: Chain) -> Iterator[Problem]:
    """What looks like a gap of another language."""
    for path, leaf in chain.source.leaves:
        is_prompt = len(path) == 2 or path[2:] in {("prompt",), ("negative",)}  # noqa: PLR2004 - a name's own
        if path[:1] != ("templates",) or not is_prompt or not isinstance(leaf.value, str):
            continue
        if found := _DOUBLE.search(leaf.value):
            message = f"`{found[0]}` is `{found[1]}` in braces, and no gap"
            at = chain.source.characters(leaf)(found.start())
            yield Problem(
                at, "lost-gap", message, f"a gap has one pair: `{{{found[1]}}}`", severity="warning"
            )
