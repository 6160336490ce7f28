"""`$ref` and `${{ … }}`: YAML values → templates that know what they refer to.

Three forms make a value more than itself. `$name.part[0]`, standing alone, is a reference; `${{ … }}` is an
expression; text may hold expressions. `$$` is a dollar sign. Everything else is literal.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from chains.language.evaluate import EvaluationFailed, evaluate
from chains.language.grammar import MAX_DEPTH, Mistaken, parse_expression
from chains.language.nodes import (
    Call,
    Choice,
    Compare,
    Fill,
    Index,
    Listing,
    Literal,
    Logic,
    Name,
    Node,
    Not,
    Part,
    Record,
    Text,
    every,
    inner,
)
from chains.problems import Problem
from chains.prompts import NO_PROMPTS, PromptTemplate
from chains.text.source import Fields, Items, Leaf, Position, Source
from chains.text.source import Node as Tree
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Json

RESERVED: Final = ("inputs", "env", "item", "index", "run")
RUN_FACTS: Final = ("id", "chain", "date")  # what `run` has; the engine fills it

MAX_IN_ALL: Final = 100_000  # characters of all expressions and references in a file
_SIGNS = 10  # characters that an expression counts more than it has: short ones take work, too
_MOST_LOST = 1000  # of what looks like an expression in a value's text

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP = re.compile(r"\.(\w+)|\[(-?[0-9]{1,9})\]")
_REFERENCE = re.compile(rf"\$({_NAME})((?:\.\w+|\[-?[0-9]{{1,9}}\])*)")
_DOTTED = rf"({_NAME})\s*[.\[]"
_LOOKS_LIKE = (
    ("{{ … }}", re.compile(rf"(?<![$\w])\{{\{{\s*({_DOTTED}[^{{}}]*)\}}\}}")),
    ("${ … }", re.compile(rf"\$\{{\s*({_DOTTED}[^{{}}]*)\}}(?!\}})")),
    ("$…", re.compile(rf"\$({_DOTTED}[\w.\[\]]*[\w\]])")),
    ("$…", re.compile(r"\$((item|index)\b(?![.\[]))")),
)
_SIGNED = re.compile(rf"{_REFERENCE.pattern}|\$\{{\{{.*\}}\}}", re.DOTALL)
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\}\}", re.DOTALL)


class NotLiteral(ToolkitError):
    """The template refers to something that is known only at run time."""

    code = "not-literal"


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention of an input, an environment variable, an item or a step's output.

    Attributes:
        root: the name it begins with.
        path: the parts and constant indexes that follow, as far as they are constant.
        at: where the root stands.
        parts_at: where each element of `path` stands.
        guarded: whether an alternative stands beside it (`or`, `if`, a comparison), so that it may be absent.
    """

    root: str
    path: tuple[str | int, ...]
    at: Position
    parts_at: tuple[Position, ...] = ()
    guarded: bool = False

    def __str__(self) -> str:
        rest = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in self.path)
        return f"${self.root}{rest}"


@dataclass(frozen=True, slots=True)
class Lost:
    """Something in text that looks as if it were to be filled in, and is not.

    Attributes:
        root: the name it begins with.
        inner: what would stand in an expression.
        form: how it is written: `{{ … }}`, `${ … }` or `$…`.
        at: where it stands.
    """

    root: str
    inner: str
    form: str
    at: Position


@dataclass(frozen=True, slots=True)
class Template:
    """A value of a chain file, parsed.

    Attributes:
        node: its tree.
        at: where it begins.
        references: what it mentions, from left to right.
        lost: what its text has that looks like an expression; a mistake if the name exists.
    """

    node: Node
    at: Position
    references: tuple[Reference, ...] = ()
    lost: tuple[Lost, ...] = ()

    @property
    def is_literal(self) -> bool:
        """Whether it refers to nothing, so that its value is known."""
        return not self.references

    @property
    def literal(self) -> Json:
        """The plain value of a template that refers to nothing.

        Raises:
            NotLiteral: it refers to something.
            EvaluationFailed: it is an expression without names that has no value, such as `1 / 0`.
        """
        if self.references:
            raise NotLiteral(f"{self.references[0]} has no value before the run")
        value: Json = self.evaluate({})  # type: ignore[assignment] # without names, only plain values come out
        return value

    @property
    def reference(self) -> Reference | None:
        """The reference, if the whole template is one: `$a.b`, `${{ a.b }}`."""
        chain = isinstance(self.node, Name | Part | Index)
        return self.references[0] if chain and len(self.references) == 1 and _whole(self.node) else None

    @property
    def fills(self) -> Iterator[Fill]:
        """Every `template(…)` in it, from left to right."""
        return (one for one in every(self.node) if isinstance(one, Fill))

    @property
    def calls(self) -> Iterator[Call]:
        """Every function call in it, from left to right."""
        return (one for one in every(self.node) if isinstance(one, Call))

    def of(self, node: Node) -> "Template":
        """A part of this template as one by itself, with what it mentions."""
        references = tuple(_references(node, guarded=False))
        is_path = isinstance(node, Part | Index) and references
        return Template(node, references[0].at if is_path else node.at, references)

    def evaluate(self, names: Mapping[str, object]) -> object:
        """The value, with these names; `ABSENT` if it is built on a skipped step's output.

        Raises:
            EvaluationFailed: it has no value with these names.
        """
        try:
            return evaluate(self.node, names)
        except RecursionError as cause:
            raise EvaluationFailed("a value in this is too deeply nested", self.at) from cause


@dataclass(slots=True)
class Allowance:
    """How many more characters of expressions and references a file may have: each of them takes work."""

    left: int = MAX_IN_ALL

    def take(self, size: int) -> bool:
        """Whether that much more may be read."""
        self.left -= size
        return self.left >= 0


def parse_value(
    tree: Tree,
    source: Source,
    prompts: Mapping[str, PromptTemplate] = NO_PROMPTS,
    allowance: Allowance | None = None,
) -> tuple[Template, tuple[Problem, ...]]:
    """A YAML value as a template.

    Args:
        tree: the value.
        source: the text it stands in.
        prompts: the prompt templates that `template()` fills.
        allowance: how much the file may have of expressions; None for as much as a file may have.

    Returns:
        The template, null in place of what could not be parsed; and the mistakes.
    """
    reader = _Reader(source, prompts, allowance or Allowance())
    return reader.template(tree, reader.value(tree)), tuple(reader.problems)


def parse_bare(
    leaf: Leaf,
    source: Source,
    prompts: Mapping[str, PromptTemplate] = NO_PROMPTS,
    allowance: Allowance | None = None,
) -> tuple[Template, tuple[Problem, ...]]:
    """A value that is an expression without any sign, as `when` takes it; the signs are allowed too."""
    reader = _Reader(source, prompts, allowance or Allowance())
    if isinstance(leaf.value, str) and not _SIGNED.fullmatch(leaf.value.strip()):
        node = reader.expression(leaf.value, 0, source.characters(leaf), leaf)
    else:
        node = reader.value(leaf)
    if isinstance(node, Text):
        message = "this is text with expressions in it, which is always true"
        reader.problems.append(
            Problem(node.at, "bad-expression", message, "write one expression, without `${{ }}`")
        )
    return reader.template(leaf, node), tuple(reader.problems)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads values out of one file and collects what is wrong with them."""

    source: Source
    prompts: Mapping[str, PromptTemplate]
    allowance: Allowance
    problems: list[Problem] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)

    def template(self, tree: Tree, node: Node) -> Template:
        """The template of a value that was read, with its references collected."""
        references = tuple(_references(node, guarded=False))
        return Template(node, self.source.position(tree.start), references, tuple(self.lost))

    def value(self, tree: Tree) -> Node:
        """Any value."""
        match tree:
            case Leaf(value=str(text)) if "$" in text or "{{" in text:
                return self.text(tree, text)
            case Leaf():
                return Literal(tree.value, self.source.position(tree.start))
            case Items():
                return Listing(tuple(self.value(one) for one in tree.nodes), self.source.position(tree.start))
            case Fields():
                fields = {one.key: self.value(one.node) for one in tree.entries}
                return Record(fields, self.source.position(tree.start))

    def text(self, leaf: Leaf, text: str) -> Node:
        """Text with a dollar sign in it."""
        where = self.source.characters(leaf)
        if whole := _REFERENCE.fullmatch(text.strip()):
            return self.reference(whole, text.index("$"), where)
        pieces = [*self.pieces(leaf, text, where)]
        expressions = [node for node, is_text in pieces if not is_text]
        between = "".join(
            str(node.value) for node, is_text in pieces if is_text and isinstance(node, Literal)
        )
        if not expressions:
            return Literal(between, self.source.position(leaf.start))
        if len(expressions) == 1 and not between.strip():
            return expressions[0]
        return Text(tuple(node for node, _ in pieces), self.source.position(leaf.start))

    def pieces(self, leaf: Leaf, text: str, where: Callable[[int], Position]) -> Iterator[tuple[Node, bool]]:
        """The parts of a text in order, each with whether it stands for itself."""
        at = 0
        for sign in re.finditer(r"\$\$|\$\{\{", text):
            if sign.start() < at:
                continue
            if sign.start() > at:
                yield self.literal(text, at, sign.start(), where), True
            if sign[0] == "$$":
                if not self.may_take(2, where(sign.start())):
                    return
                yield Literal("$", where(sign.start())), True
                at = sign.end()
                continue
            end = _closing(text, sign.end())
            if end is None:
                self.problems.append(self.unclosed(leaf, where(sign.start())))
                return
            yield self.expression(text[sign.end() : end], sign.end(), where, leaf), False
            at = end + 2
        if at < len(text):
            yield self.literal(text, at, len(text), where), True

    def literal(self, text: str, start: int, end: int, where: Callable[[int], Position]) -> Literal:
        """Text that stands for itself; what looks like an expression in it is remembered."""
        for form, sign in _LOOKS_LIKE:
            for found in islice(sign.finditer(text, start, end), _MOST_LOST - len(self.lost)):
                self.lost.append(Lost(found[2], found[1].strip(), form, where(found.start())))
        return Literal(text[start:end], where(start))

    def expression(self, text: str, offset: int, where: Callable[[int], Position], leaf: Leaf) -> Node:
        """One expression; null in its place if it is none."""
        if not self.may_take(len(text) + _SIGNS, where(offset)):
            return Literal(None, where(offset))
        try:
            return parse_expression(text, lambda index: where(offset + index), self.prompts)
        except Mistaken as mistake:
            hint = _CUT if self.is_cut(leaf) else mistake.hint
            self.problems.append(Problem(mistake.at, mistake.code, str(mistake), hint))
            return Literal(None, where(offset))

    def reference(self, whole: re.Match[str], offset: int, where: Callable[[int], Position]) -> Node:
        """`$name.part[0]` as nodes; null in its place where there are too many of them."""
        begins = where(offset)
        if not self.may_take(min(len(whole[0]), MAX_IN_ALL), begins):
            return Literal(None, begins)
        node: Node = Name(whole[1], begins)
        for level, step in enumerate(_STEP.finditer(whole[2]), start=1):
            if level > MAX_DEPTH:
                message = f"the reference is more than {MAX_DEPTH} levels deep"
                self.problems.append(Problem(begins, "bad-expression", message))
                return Literal(None, begins)
            at = where(offset + whole.start(2) + step.start() + 1)
            node = Part(node, step[1], at) if step[1] else Index(node, Literal(int(step[2]), at), at)
        return node

    def may_take(self, size: int, at: Position) -> bool:
        """Whether that many characters may be read; that they may not is told once a file."""
        was_over = self.allowance.left < 0
        if self.allowance.take(size):
            return True
        if not was_over:
            message = f"the file has more than {MAX_IN_ALL:,} characters of expressions and references"
            hint = "keep long lists in a table and run `batch` over it"
            self.problems.append(Problem(at, "too-large", message, hint))
        return False

    def unclosed(self, leaf: Leaf, at: Position) -> Problem:
        """The problem of an expression without an end."""
        if self.is_cut(leaf):
            return Problem(
                at, "cut-expression", "the expression is cut at ` #`, which begins a comment", _CUT
            )
        return Problem(at, "unclosed-expression", "`${{` is never closed", "close it with `}}`")

    def is_cut(self, leaf: Leaf) -> bool:
        """Whether a comment follows a plain scalar on its line."""
        return leaf.plain and re.match(r"[ \t]+#", self.source.text[leaf.end : leaf.end + 80]) is not None


_CUT = "a comment begins at ` #`; put the whole value in quotes if the # belongs to it"


def _closing(text: str, start: int) -> int | None:
    """The index of the `}}` that ends an expression, past quoted text."""
    for found in _QUOTED.finditer(text, start):
        if found[0] == "}}":
            return found.start()
    plain = text.find("}}", start)  # a quote without its pair: let the grammar say so
    return plain if plain >= 0 else None


def _whole(node: Node) -> bool:
    """Whether a node is a name followed by constant parts only."""
    while not isinstance(node, Name):
        if isinstance(node, Index) and not isinstance(node.index, Literal):
            return False
        if not isinstance(node, Part | Index):
            return False
        node = node.of
    return True


def _references(node: Node, *, guarded: bool) -> Iterator[Reference]:
    """What a node mentions, from left to right."""
    path: list[tuple[str | int, Position]] = []
    base: Node = node
    while isinstance(base, Part | Index):
        match base:
            case Part():
                path.append((base.name, base.at))
            case Index(index=Literal(value=str() | int() as key)) if not isinstance(key, bool):
                path.append((key, base.at))
            case Index():
                path.clear()  # what follows an index that is not constant cannot be known
                yield from _references(base.index, guarded=guarded)
        base = base.of
    if isinstance(base, Name):
        names = [*reversed(path)]
        yield Reference(base.name, tuple(n for n, _ in names), base.at, tuple(p for _, p in names), guarded)
        return
    guards = isinstance(base, Logic | Choice | Compare | Not)
    for one in inner(base):
        yield from _references(one, guarded=guarded or guards)
