"""YAML → prompt templates, with everything that is wrong with them."""

import keyword
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from chains.building.tree import Tree
from chains.language.functions import as_text
from chains.problems import InvalidChain, Problem
from chains.prompts import SIGNS, PromptTemplate, gaps
from chains.shape.misfits import misfits
from chains.text.reader import read
from chains.text.source import Entry, Fields, Leaf, Position, Source, plain
from chains.text.source import Path as Keys

MAX_LENGTH: Final = 10_000  # characters of a prompt
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORDS: Final = frozenset({*keyword.kwlist, "true", "false", "null"})
_KEY: Final = "templates"


class InvalidTemplates(InvalidChain):
    """The text is no library of prompt templates."""

    code = "invalid-templates"


def read_templates(text: str, file: str) -> Mapping[str, PromptTemplate]:
    """The templates of a library file, which maps names to templates in the form that chains have them.

    Args:
        text: the YAML; a file without anything in it has no templates.
        file: what to call it in positions.

    Raises:
        InvalidTemplates: something is wrong with it; all problems are in it.
    """
    source, problems = read(text, file)
    problems = tuple(one for one in problems if one.code != "empty-chain")
    if source.root is None:
        if problems:
            raise InvalidTemplates(problems, source)
        return {}
    # the same file, as if it stood in a chain, so that one reader does for both
    inside = Source(file, source.text, Fields((Entry(_KEY, source.root.start, source.root),), 0))
    found = [(path, one) for path, one in misfits({_KEY: plain(source.root)}, inside) if path[:1] == (_KEY,)]
    tree = Tree.of(inside, [path for path, _ in found])
    templates = templates_of(tree)
    everything = [*problems, *(one for _, one in found), *tree.problems]
    if everything:
        raise InvalidTemplates(everything, inside)
    return templates


@cache
def shipped() -> Mapping[str, PromptTemplate]:
    """The templates that come with spacechain, by name, sorted."""
    folder = files("chains") / "templates"
    found: dict[str, PromptTemplate] = {}
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.name.endswith(".yaml"):
            found |= read_templates(one.read_text(encoding="utf-8"), one.name)
    return found


def templates_of(tree: Tree) -> dict[str, PromptTemplate]:
    """The templates under a file's `templates`; what is wrong with them goes to the tree's problems."""
    return {one.key: _template(tree, one) for one in tree.entries((_KEY,)) if _is_right(tree, one)}


def _is_right(tree: Tree, entry: Entry) -> bool:
    """Whether there is a template, and its name can be written; a bad name is said."""
    if not _NAME.fullmatch(entry.key):
        hint = "use letters, digits, `-` and `_`"
        message = f"`{entry.key[:60]}` cannot be the name of a template"
        tree.problems.append(Problem(tree.source.position(entry.start), "bad-name", message, hint))
    return tree.node((_KEY, entry.key)) is not None


def _template(tree: Tree, entry: Entry) -> PromptTemplate:
    path: Keys = (_KEY, entry.key)
    if not isinstance(entry.node, Fields):
        prompt, negative = _text(tree, path), ""
        tree.problems.extend(_wrong_signs(tree, path))
    else:
        prompt, negative = _text(tree, (*path, "prompt")), _text(tree, (*path, "negative"))
        for key in ("prompt", "negative"):
            tree.problems.extend(_wrong_signs(tree, (*path, key)))
    variables: dict[str, str | None] = {}
    for one in tree.entries((*path, "variables")):
        tree.problems.extend(_wrong_variable(one.key, tree.source.position(one.start)))
        value = plain(one.node)
        variables[one.key] = None if value is None or isinstance(value, dict | list) else as_text(value)
    for name in (*gaps(prompt), *gaps(negative)):
        variables.setdefault(name, None)
    return PromptTemplate(entry.key, prompt, negative, variables, tree.get((*path, "help"), str) or "")


def _text(tree: Tree, path: Keys) -> str:
    """The prompt at a path; nothing in place of one that is too long to be worked with."""
    text = tree.get(path, str) or ""
    return text if len(text) <= MAX_LENGTH else ""


def _wrong_signs(tree: Tree, path: Keys) -> Iterator[Problem]:
    """Braces that are no gap, and expressions, which a template does not have."""
    leaf = tree.node(path)
    if not isinstance(leaf, Leaf) or not isinstance(leaf.value, str):
        return
    where, text = tree.source.characters(leaf), leaf.value
    if len(text) > MAX_LENGTH:
        message = f"the prompt is longer than {MAX_LENGTH:,} characters"
        yield Problem(where(0), "bad-template", message, "no model reads so much; shorten it")
        return
    if found := re.search(r"\$\{\{", text):
        message = "a template has gaps, and no expressions"
        hint = f"write `{{subject}}`, and where it is used `template('{path[1]}', subject=inputs.prompt)`"
        yield Problem(where(found.start()), "bad-template", message, hint)
    said: set[str] = set()
    for sign in SIGNS.finditer(text.replace("${{", "   ")):
        if sign["gap"] in said:
            continue
        if sign["gap"] in _WORDS:
            said.add(sign["gap"])
            yield from _wrong_variable(sign["gap"], where(sign.start() + 1))
        elif sign[0] in {"{", "}"}:
            message = f"this `{sign[0]}` is part of no gap"
            hint = (
                f"a gap is a name in braces, as in `{{subject}}`; write `{sign[0] * 2}` for the sign itself"
            )
            yield Problem(where(sign.start()), "bad-template", message, hint)
            return  # its pair would only say the same


def _wrong_variable(name: str, at: Position) -> Iterator[Problem]:
    """A variable's name can be written before a `=` in an expression."""
    if name in _WORDS:
        message = f"`{name}` means something else in expressions, so no variable can have this name"
        yield Problem(at, "reserved-name", message, f"call it `{name}_`")
    elif not _VARIABLE.fullmatch(name):
        message = f"`{name[:60]}` cannot be the name of a variable"
        yield Problem(at, "bad-name", message, "use letters, digits and `_`")
