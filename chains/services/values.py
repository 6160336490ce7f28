"""Values of a service file: templates over parameters, in which what was not given leaves no trace."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from chains.language.evaluate import ABSENT, evaluate
from chains.language.expressions import Template, parse_value
from chains.language.nodes import Listing, Literal, Name, Node, Record, Text, every
from chains.problems import Problem
from chains.text.source import Node as Tree
from chains.text.source import Position, Source

_GAP = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


def parse(tree: Tree, source: Source) -> tuple[Template, tuple[Problem, ...]]:
    """A value as a template; `{{ name }}` in text is a reference too."""
    template, problems = parse_value(tree, source)
    return replace(template, node=_with_gaps(template.node), lost=()), problems


def names_in(template: Template) -> Iterator[tuple[str, Position]]:
    """Every name that a template mentions, and where."""
    return ((one.name, one.at) for one in every(template.node) if isinstance(one, Name))


def filled(template: Template, names: Mapping[str, object]) -> object:
    """The value with these names; what mentions an absent one is left out of its mapping or list.

    Returns:
        A plain value, what a name led to, or `ABSENT`.

    Raises:
        EvaluationFailed: an expression has no value.
    """
    return _filled(template.node, names)


def _filled(node: Node, names: Mapping[str, object]) -> object:
    match node:
        case Record():
            fields = {key: _filled(one, names) for key, one in node.fields.items()}
            return {key: value for key, value in fields.items() if value is not ABSENT}
        case Listing():
            items = [_item(one, names) for one in node.items]
            return [one for one in items if one is not ABSENT]
        case _:
            return evaluate(node, names)


def _item(node: Node, names: Mapping[str, object]) -> object:
    """An item of a list, which is there as a whole or not at all; a list inside it settles its own items."""
    if not isinstance(node, Record):
        return _filled(node, names)
    fields = {key: _item(one, names) for key, one in node.fields.items()}
    return ABSENT if any(value is ABSENT for value in fields.values()) else fields


def _with_gaps(node: Node) -> Node:
    match node:
        case Record():
            return Record({key: _with_gaps(one) for key, one in node.fields.items()}, node.at)
        case Listing():
            return Listing(tuple(_with_gaps(one) for one in node.items), node.at)
        case Text():
            pieces = [inner for one in node.pieces for inner in _pieces(one)]
            return Text(tuple(pieces), node.at)
        case Literal(value=str()):
            found = [*_pieces(node)]
            return found[0] if len(found) == 1 else Text(tuple(found), node.at)
    return node


def _pieces(node: Node) -> Iterator[Node]:
    """A text's parts: what stands for itself, and its gaps as names."""
    if not isinstance(node, Literal) or not isinstance(text := node.value, str):
        yield node
        return
    end = 0
    for gap in _GAP.finditer(text):
        if gap.start() > end:
            yield Literal(text[end : gap.start()], node.at)
        yield Name(gap[1], node.at)
        end = gap.end()
    if end < len(text) or not text:
        yield Literal(text[end:], node.at)
