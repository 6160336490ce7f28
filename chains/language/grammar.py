"""The text of an expression → nodes.

Python's own parser reads it; a whitelist decides what is part of the language.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from chains.language.nodes import (
    Arithmetic,
    Call,
    Choice,
    Compare,
    Fill,
    Index,
    Listing,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    Part,
)
from chains.language.signs import STRINGS, wrong_sign
from chains.prompts import NEGATIVE, PromptTemplate
from chains.text.source import Position
from spaces_registry.sayable import unsayable

MAX_LENGTH: Final = 2_000  # characters
MAX_DEPTH: Final = 100  # levels

_CONSTANTS = {"true": True, "false": False, "null": None}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_TOO_DEEP = f"the expression is more than {MAX_DEPTH} levels deep"

# what people try, by the tree's class: what it is called, and what to write instead
_FOREIGN = {
    "BinOp": ("this operator", "there are `+ - * / %`"),
    "Is": ("`is`", "write `==`"),
    "IsNot": ("`is not`", "write `!=`"),
    "Slice": ("a slice", "name one item, as in `list[0]`"),
    "Tuple": ("a tuple", "write a list: `[a, b]`"),
    "Dict": ("a mapping", "write it in YAML"),
    "Set": ("a set", "write a list: `[a, b]`"),
    "ListComp": ("a comprehension", "use `each`, or a `python` step"),
    "SetComp": ("a comprehension", "use `each`, or a `python` step"),
    "DictComp": ("a comprehension", "use `each`, or a `python` step"),
    "GeneratorExp": ("a comprehension", "use `each`, or a `python` step"),
    "Lambda": ("`lambda`", "use a `python` step"),
    "JoinedStr": ("an f-string", 'use `format("{}", value)`, or text with `${{ … }}` in it'),
    "TemplateStr": ("a t-string", 'use `format("{}", value)`, or text with `${{ … }}` in it'),
    "NamedExpr": ("`:=`", "write `==` to compare"),
    "Starred": ("`*`", "name every argument"),
    "Await": ("`await`", None),
    "Yield": ("`yield`", None),
    "YieldFrom": ("`yield`", None),
}


class Mistaken(Exception):
    """The text is no expression of the language."""

    def __init__(
        self, message: str, at: Position, *, hint: str | None = None, code: str = "bad-expression"
    ) -> None:
        super().__init__(message)
        self.at, self.hint, self.code = at, hint, code


def parse_expression(
    text: str, where: Callable[[int], Position], prompts: Mapping[str, PromptTemplate]
) -> Node:
    """Parse an expression.

    Args:
        text: what stands between `${{` and `}}`.
        where: from an index into `text` to its place in the file.
        prompts: the prompt templates that `template()` fills.

    Raises:
        Mistaken: it is empty, too long, no expression, or uses what is not part of the language.
    """
    start = len(text) - len(text.lstrip())
    if start == len(text):
        raise Mistaken("the expression is empty", where(0), hint="write a name, as in `${{ inputs.prompt }}`")
    if len(text) > MAX_LENGTH:
        raise Mistaken(f"the expression is longer than {MAX_LENGTH:,} characters", where(start))
    code = re.sub(r"\s", " ", text)  # character for character, so that columns stay
    if sign := wrong_sign(code):
        raise Mistaken(sign.message, where(sign.index), hint=sign.hint)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice about Python
            tree = ast.parse(code[start:], mode="eval")
    except SyntaxError as error:
        raise _refused(error, code, start, where) from None
    except (ValueError, MemoryError, RecursionError):
        raise Mistaken("the expression cannot be read", where(start)) from None
    return _Converter(code[start:], start, where, prompts).convert(tree.body, 0)


def _refused(error: SyntaxError, code: str, start: int, where: Callable[[int], Position]) -> Mistaken:
    """What Python's parser said no to, in our words."""
    if "nested" in error.msg:
        return Mistaken(_TOO_DEEP, where(start))
    blank = STRINGS.sub(lambda text: "_" * len(text[0]), code)
    if found := re.search(r"(?<![=!<>:])=(?!=)", blank) if "template" not in blank else None:
        return Mistaken("`=` compares nothing", where(found.start()), hint="write `==`")
    # Python counts from 1, and in characters here
    at = min(start + max(0, (error.offset or 1) - 1), len(code.rstrip()) - 1)
    word = code[at:].split(" ", maxsplit=1)[0][:20]
    return Mistaken(f"the expression makes no sense at `{word}`", where(at))


@dataclass(frozen=True, slots=True)
class _Converter:
    """Turns Python's tree into ours, refusing what is not part of the language."""

    code: str
    start: int  # of `code` within the expression's text
    where: Callable[[int], Position]
    prompts: Mapping[str, PromptTemplate]

    def at(self, node: ast.expr) -> Position:
        return self.place(node.col_offset)

    def place(self, byte: int) -> Position:
        """The place of one of `ast`'s columns, which count UTF-8 bytes."""
        if self.code.isascii():
            return self.where(self.start + byte)
        return self.where(self.start + len(self.code.encode()[:byte].decode(errors="ignore")))

    def convert(self, node: ast.expr, depth: int) -> Node:  # noqa: C901, PLR0911, PLR0912 - one case a node
        if depth > MAX_DEPTH:
            raise Mistaken(_TOO_DEEP, self.at(node))

        def below(one: ast.expr) -> Node:
            return self.convert(one, depth + 1)

        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name() if node.id in _CONSTANTS:
                return Literal(_CONSTANTS[node.id], self.at(node))
            case ast.Name():
                return Name(node.id, self.at(node))
            case ast.Attribute():
                # the name is the last thing in the node
                return Part(
                    below(node.value),
                    node.attr,
                    self.place((node.end_col_offset or 0) - len(node.attr.encode())),
                )
            case ast.Subscript():
                return Index(below(node.value), below(node.slice), self.at(node.slice))
            case ast.UnaryOp(op=ast.Not()):
                return Not(below(node.operand), self.at(node))
            case ast.UnaryOp(op=ast.USub()) if isinstance(node.operand, ast.Constant):
                return self.negated(node.operand, self.at(node))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return Negative(below(node.operand), self.at(node), isinstance(node.op, ast.USub))
            case ast.BoolOp():
                operands = tuple(below(one) for one in node.values)
                return Logic("and" if isinstance(node.op, ast.And) else "or", operands, self.at(node))
            case ast.Compare():
                return self.comparison(node, depth + 1)
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                left, right = below(node.left), below(node.right)
                return Arithmetic(_ARITHMETIC[type(node.op)], left, right, self.at(node))
            case ast.IfExp():
                return Choice(below(node.test), below(node.body), below(node.orelse), self.at(node))
            case ast.List():
                return Listing(tuple(below(one) for one in node.elts), self.at(node))
            case ast.Call():
                return self.call(node, depth + 1)
            case ast.UnaryOp():
                raise self.foreign(node.op, node)
        raise self.foreign(node, node)

    def foreign(self, what: ast.AST, node: ast.expr) -> Mistaken:
        name, hint = _FOREIGN.get(type(what).__name__, ("this", None))
        return Mistaken(f"{name} is not part of the language", self.at(node), hint=hint)

    def constant(self, node: ast.Constant) -> Literal:
        if isinstance(node.value, str) and (why := unsayable(node.value)):
            raise Mistaken(f"the text holds {why}", self.at(node))
        if node.value is None or isinstance(node.value, bool | str):
            return Literal(node.value, self.at(node))
        if isinstance(node.value, int | float):
            if abs(node.value) > 1e300:  # noqa: PLR2004 - as far as arithmetic goes, see functions.MAX_NUMBER
                raise Mistaken("the number is too large", self.at(node))
            return Literal(node.value, self.at(node))
        raise Mistaken("only text, numbers, true, false and null can be written here", self.at(node))

    def negated(self, node: ast.Constant, at: Position) -> Node:
        """A negative number is a literal, so that `list[-1]` is a constant path."""
        literal = self.constant(node)
        if isinstance(literal.value, int | float) and not isinstance(literal.value, bool):
            return Literal(-literal.value, at)
        return Negative(literal, at)

    def comparison(self, node: ast.Compare, depth: int) -> Node:
        first = self.convert(node.left, depth)
        rest: list[tuple[str, Node]] = []
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            if type(operator) not in _COMPARISONS:
                raise self.foreign(operator, node)
            rest.append((_COMPARISONS[type(operator)], self.convert(operand, depth)))
        return Compare(first, tuple(rest), self.at(node))

    def call(self, node: ast.Call, depth: int) -> Node:
        if not isinstance(node.func, ast.Name):
            hint = "write `upper(text)`, not `text.upper()`"
            raise Mistaken("only the language's functions can be called", self.at(node), hint=hint)
        if node.func.id == "template":
            return self.fill(node, depth)
        if node.keywords:
            meant = get_close_matches(node.func.id, ["template"])
            hint = "did you mean 'template'?" if meant else "give them in order"
            raise Mistaken("arguments have no names here", self.at(node), hint=hint)
        return Call(node.func.id, tuple(self.convert(one, depth) for one in node.args), self.at(node))

    def fill(self, node: ast.Call, depth: int) -> Fill:
        """`template('name', variable=value)`, with what the template has to say to it."""
        if len(node.args) != 1:
            hint = "write `template('portrait', subject=inputs.prompt)`"
            message = "`template` takes the name of a template, and its variables by their names"
            raise Mistaken(message, self.at(node), hint=hint)
        values, places = dict[str, Node](), dict[str, Position]()
        for one in node.keywords:
            if one.arg is None:
                raise Mistaken("`**` is not part of the language", self.at(node), hint="name every variable")
            if one.arg in values:
                raise Mistaken(
                    f"`{one.arg}` is given twice", self.place(one.col_offset), hint="keep one of them"
                )
            values[one.arg] = self.convert(one.value, depth)
            places[one.arg] = self.place(one.col_offset)
        name = self.convert(node.args[0], depth)
        chosen = _chosen(name, self.prompts)
        whole = chosen is not None and not any(one not in values for one in chosen.needed)
        return Fill(name, values, places, chosen if whole else None, self.at(node))


def _chosen(name: Node, prompts: Mapping[str, PromptTemplate]) -> PromptTemplate | None:
    """The template that is named, if it is."""
    if not isinstance(name, Literal) or not isinstance(name.value, str):
        return None
    stem = name.value.removesuffix(NEGATIVE)
    found = prompts.get(stem)
    return found if found is None or stem == name.value else found.inverse
