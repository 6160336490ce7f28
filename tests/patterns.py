"""Every regular expression in the code, and texts that make a bad one slow.

A pattern is found by the syntax tree, wherever `re` is called, and by what modules hold. The texts are made
out of the pattern: its beginning over and over, and whatever it repeats, repeated without an end that fits.
"""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from spaces_registry.network import redaction

_PARSER, _COMPILER = importlib.import_module("re._parser"), importlib.import_module("re._compiler")
ROOT = Path(__file__).parents[1]
PACKAGES = ("spaces_registry", "chains", "pipelines")
LENGTH = 100_000  # characters of a text: what takes a millisecond here takes minutes if it is quadratic
CALLS = ("compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer")
AT_START = frozenset({"match", "fullmatch"})
ANYTHING = " \n\ta0-.,:;/<>[]{}()\"'#%=_Aé\u3000\0"  # what a class of characters may take
HANDED_ON = {"form": "fullmatch"}  # functions that apply the pattern which is their first argument
ELSEWHERE = {
    ("chains.shape.forms", "value"),  # `expect.matches`: looked at before, applied in a process of its own
    ("chains.shape.forms", "pattern"),  # seen where `form` is called
}
MANY = 1000  # repetitions that are as good as any number


@dataclass(frozen=True)
class Found:
    """A pattern, where it stands, and how it is applied."""

    where: str
    pattern: str | bytes
    flags: int
    ways: frozenset[str]


class Unseen(Exception):
    """A pattern that cannot be read out of the code, so that nobody knows whether it is safe."""


class _Names(dict[str, Any]):
    """What a pattern is put together from: the module's own names; anything else is a letter."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__()
        self.module = module

    def __missing__(self, name: str) -> Any:
        if name in self.module.__dict__:
            return self.module.__dict__[name]
        if name in __builtins__:
            raise KeyError(name)
        return "x"


def all_patterns(package: str, root: Path = ROOT) -> Iterator[Found]:
    """Every pattern of a package, in the order of its files."""
    files = sorted((root / package).rglob("*.py"))
    texts = {one: one.read_text("utf-8") for one in files if one.name != "__main__.py"}
    ways = _ways(texts.values())
    for file, text in texts.items():
        name = ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        yield from patterns_in(text, importlib.import_module(name), ways)


def patterns_in(text: str, module: ModuleType, public: Mapping[str, frozenset[str]] = {}) -> Iterator[Found]:
    """The patterns of one module.

    Args:
        text: its code.
        module: what that code became.
        public: how names that other modules may import are applied anywhere.

    Raises:
        Unseen: it applies a pattern that is made of what only a run knows.
    """
    tree = ast.parse(text)
    ways = {**public, **{name: found for name, found in _ways([text]).items() if name.startswith("_")}}
    name = module.__name__
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("re"), attr=way), args=[first, *_]) if (
                way in CALLS
            ):
                for pattern in _texts(first, tree, module):
                    flags = _flags(node, module)
                    yield Found(f"{name}:{node.lineno}", pattern, flags, _applied(node, tree, ways))
            case ast.Call(func=ast.Name(handed), args=[first, *_]) if handed in HANDED_ON:
                for pattern in _texts(first, tree, module):
                    yield Found(f"{name}:{node.lineno}", pattern, 0, frozenset({HANDED_ON[handed]}))
            case ast.ImportFrom(module="re"):
                raise Unseen(f"{name}:{node.lineno} takes parts of `re`; import the module")


def _ways(texts: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """How modules apply what they call by a name."""
    ways: dict[str, set[str]] = {}
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Attribute(value=ast.Name(name), attr=way) if way in CALLS:
                    ways.setdefault(name, set()).add(way)
    return {name: frozenset(found) for name, found in ways.items()}


def _applied(call: ast.Call, tree: ast.Module, ways: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if isinstance(call.func, ast.Attribute) and call.func.attr != "compile":
        return frozenset({call.func.attr})
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(name)], value=value)
                | ast.AnnAssign(target=ast.Name(name), value=value)
            ) if value is call and name in ways:
                return ways[name]
    return frozenset({"finditer"})  # of a table, or handed on: applied in any way


def _texts(node: ast.expr, tree: ast.Module, module: ModuleType) -> Iterator[str | bytes]:
    """The texts that a pattern may be."""
    match node:
        case ast.Constant(str() | bytes() as text):
            yield text
        case ast.IfExp():
            yield from _texts(node.body, tree, module)
            yield from _texts(node.orelse, tree, module)
        case ast.Name(name) if name not in module.__dict__:
            values, rows = _assigned(name, tree), _row_of(name, tree, module)
            if not values and not rows and (module.__name__, name) not in ELSEWHERE:
                raise Unseen(f"{module.__name__}:{node.lineno} applies `{name}`, whatever that is")
            for value in values:
                yield from _texts(value, tree, module)
            yield from rows
        case _ if module.__name__ == redaction.__name__:  # made of secrets, whatever they are
            yield from _of_a_secret("hf_a/b+c=\u00e9 12345678")
        case _:
            code = compile(ast.Expression(node), module.__name__, "eval")
            yield eval(code, {}, _Names(module))  # noqa: S307 - our own code


def _of_a_secret(secret: str) -> Iterator[bytes]:
    """The patterns that find a secret in all of its spellings."""
    sought = redaction._Sought((secret,))  # noqa: SLF001 - its patterns are nowhere else
    for compiled in (sought._pattern, sought._escaped, sought._begins):  # noqa: SLF001
        yield compiled.pattern


def _assigned(name: str, tree: ast.Module) -> list[ast.expr]:
    """What the module calls by a name, wherever in it."""
    every = [one for one in ast.walk(tree) if isinstance(one, ast.Assign)]
    return [one.value for one in every for to in one.targets if ast.unparse(to) == name]


def _row_of(name: str, tree: ast.Module, module: ModuleType) -> list[str]:
    """What a name becomes in a loop over a table of the module's."""
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.For(target=ast.Tuple(names), iter=ast.Name(table)) if table in module.__dict__:
                places = [at for at, one in enumerate(names) if ast.unparse(one) == name]
                found += [row[at] for row in module.__dict__[table] for at in places]
    return found


def _flags(call: ast.Call, module: ModuleType) -> int:
    named = [one.value for one in call.keywords if one.arg == "flags"]
    last = [
        one
        for one in call.args[1:]
        if isinstance(one, ast.Attribute | ast.BinOp) and "re." in ast.unparse(one)
    ]
    flags = 0
    for one in (*named, *last):
        flags |= int(eval(compile(ast.Expression(one), "flags", "eval"), {"re": re}, _Names(module)))  # noqa: S307 - our own code
    return flags


def slow_texts(pattern: str | bytes, flags: int = 0) -> Iterator[str]:
    """Texts of `LENGTH` characters that take long if some part of a pattern can be matched in many ways."""
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    tree = _PARSER.parse(text, flags)
    builder = _Builder(tree)
    repeats = {*builder.repeats(list(tree), frozenset({""}))}
    signs = builder.literals(list(tree)) if repeats else set()
    pumps = [*sorted({pump for _, pump in repeats})[:12], *sorted(signs)[:12]]
    starts = sorted({start for start, _ in repeats})[:24]
    seen: set[str] = set()
    for start in ("", *starts):
        for pump in pumps:
            for made in (start + _long(pump) + "\0", _long(start + pump), _long(start + pump * 3 + "\n")):
                if made not in seen:
                    seen.add(made)
                    yield made
        if start:
            yield _long(start)
    for sign in " \na0<":
        yield _long(sign)


def _long(text: str) -> str:
    return text * (LENGTH // len(text))


class _Builder:
    """Writes texts that the parts of a pattern match."""

    def __init__(self, tree: Any) -> None:
        self.state = tree.state
        self.groups: dict[int, str] = {}

    def sample(self, items: list[tuple[Any, Any]], *, least: bool = False) -> str:
        """A text that the parts match, with as little in it as they need, or a round of each repetition."""
        return "".join(self._one(op, value, least=least) for op, value in items)

    def signs(self, op: Any, value: Any) -> list[str]:
        """Characters that a part for one character takes."""
        part = _PARSER.SubPattern(self.state, [(op, value)])
        takes = _COMPILER.compile(part, self.state.flags)
        own = [chr(inner) for kind, inner in value if str(kind) == "LITERAL"] if str(op) == "IN" else []
        return [one for one in (*own, *ANYTHING) if takes.fullmatch(one)][:3] or ["a"]

    def _one(self, op: Any, value: Any, *, least: bool) -> str:
        match str(op):
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL" | "ANY" | "IN":
                return self.signs(op, value)[0]
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, _, inner = value
                return self.sample(list(inner), least=least) * (low if least else max(low, 1))
            case "SUBPATTERN":
                text = self.sample(list(value[3]), least=least)
                self.groups[value[0]] = text
                return text
            case "ATOMIC_GROUP":
                return self.sample(list(value), least=least)
            case "BRANCH":
                return self.sample(list(value[1][0]), least=least)
            case "GROUPREF":
                return self.groups.get(value, "")
        return ""

    def branches(self, items: list[tuple[Any, Any]]) -> set[str]:
        """Each of the alternatives that a repetition begins with, and all of them in a row."""
        if items and str(items[0][0]) == "SUBPATTERN":
            return self.branches(list(items[0][1][3]))
        if not items or str(items[0][0]) != "BRANCH":
            return set()
        each = [self.sample(list(branch)) for branch in items[0][1][1]]
        return {*each[:6], "".join(each)}

    def literals(self, items: list[tuple[Any, Any]]) -> set[str]:
        """The characters that follow a repetition and that it could as well take."""
        found: set[str] = set()
        for (op, value), (after, sign) in pairwise([*items, (None, None)]):
            match str(op):
                case "MAX_REPEAT" | "MIN_REPEAT":
                    inner = list(value[2])
                    found |= self.literals(inner)
                    one = len(inner) == 1 and str(inner[0][0]) in {"IN", "ANY", "NOT_LITERAL"}
                    if one and str(after) == "LITERAL" and self.takes(*inner[0], chr(sign)):
                        found.add(chr(sign))
                case "SUBPATTERN":
                    found |= self.literals(list(value[3]))
                case "BRANCH":
                    for branch in value[1]:
                        found |= self.literals(list(branch))
        return found

    def takes(self, op: Any, value: Any, sign: str) -> bool:
        """Whether a part for one character takes this one."""
        part = _PARSER.SubPattern(self.state, [(op, value)])
        return _COMPILER.compile(part, self.state.flags).fullmatch(sign) is not None

    def repeats(self, items: list[tuple[Any, Any]], starts: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Every repetition without a bound: what may stand before it, and what it repeats."""
        for op, value in items:
            match str(op):
                case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                    _, high, inner = value
                    if high >= MANY:
                        pumps = {self.sample(list(inner)), self.sample(list(inner), least=True)}
                        pumps |= self.branches(list(inner))
                        if len(inner) == 1 and str(inner[0][0]) in {"IN", "ANY", "NOT_LITERAL"}:
                            pumps |= {*self.signs(*inner[0])}
                        yield from ((start, pump) for start in starts for pump in pumps if pump)
                    yield from self.repeats(list(inner), starts)
                case "SUBPATTERN":
                    yield from self.repeats(list(value[3]), starts)
                case "ATOMIC_GROUP":
                    yield from self.repeats(list(value), starts)
                case "BRANCH":
                    for branch in value[1]:
                        yield from self.repeats(list(branch), starts)
                case "ASSERT" | "ASSERT_NOT":
                    yield from self.repeats(list(value[1]), starts)
            both = {self.sample([(op, value)]), self.sample([(op, value)], least=True)}
            starts = frozenset(sorted({start + one for start in starts for one in both}, key=len)[:6])
