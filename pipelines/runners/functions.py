"""The signature of a user's function, read from its source without running it: annotations are kinds."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chains.meaning.paths import read_file
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.network.bounds import Bounds, told
from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return

_KINDS = {
    "str": Kind.TEXT,
    "int": Kind.INTEGER,
    "float": Kind.NUMBER,
    "bool": Kind.BOOLEAN,
    "Path": Kind.FILE,
    "pathlib.Path": Kind.FILE,
    "dict": Kind.JSON,
    "list": Kind.JSON,
}
_LISTS = ("list", "tuple", "Sequence", "Iterable", "List", "Tuple")
_MAPPINGS = ("dict", "Mapping", "Dict")
_RECORDS = ("NamedTuple", "TypedDict")
_HELP = re.compile(r"^\s{2,}\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s+(.+)$")


class NoSuchFunction(ToolkitError):
    """The file does not define the function that a step names, or is no Python."""

    code = "unknown-function"


@dataclass(frozen=True, slots=True)
class _Type:
    """What an annotation says of a value."""

    kind: Kind = Kind.ANY
    many: bool = False
    choices: tuple[Json, ...] | None = None
    help: str = ""


def _source(file: Path) -> str:
    content = read_file(file, Bounds().code_bytes)
    if len(content) > Bounds().code_bytes:
        raise ValueError(f"it is larger than {told(Bounds().code_bytes)}")
    return content.decode("utf-8")


def read_function(file: Path, name: str) -> Endpoint:
    """A function's signature.

    Raises:
        NoSuchFunction: the file is not there, is no Python, or has no such function.
    """
    try:
        tree = ast.parse(_source(file), filename=str(file))
    except OSError as cause:
        raise NoSuchFunction(f"{file} cannot be read: {cause.strerror or cause}") from cause
    except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        where = f":{cause.lineno}" if isinstance(cause, SyntaxError) and cause.lineno else ""
        raise NoSuchFunction(f"{file}{where} is not valid Python: {cause}") from cause
    functions = {
        one.name: one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if name not in functions:
        raise NoSuchFunction(f"{file} defines no function {name!r}", hint=nearest(name, functions))
    found = functions[name]
    return Endpoint(
        name=name,
        parameters=tuple(_parameters(found)),
        returns=_returns(found.returns, _records(tree)),
        description=ast.get_docstring(found) or "",
    )


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Parameter]:
    written, helps = function.args, _helps(function)
    positional = [*written.posonlyargs, *written.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(written.defaults))
    pairs = [*zip(positional, [*missing, *written.defaults], strict=True)]
    pairs += [*zip(written.kwonlyargs, written.kw_defaults, strict=True)]
    for argument, default in pairs:
        told = _type(argument.annotation)
        yield Parameter(
            argument.arg,
            told.kind,
            told.help or helps.get(argument.arg, ""),
            required=default is None,
            default=_literal(default),
            choices=told.choices,
            many=told.many,
        )


def _helps(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    """What the docstring says of each parameter, below `Args:`."""
    _, found, rest = inspect.cleandoc(ast.get_docstring(function) or "").partition("Args:\n")
    helps: dict[str, str] = {}
    for line in rest.splitlines() if found else ():
        if line and not line.startswith(" "):
            break
        if match := _HELP.match(line):
            helps.setdefault(match[1], match[2].strip())
    return helps


def _records(tree: ast.Module) -> Mapping[str, tuple[tuple[str, ast.expr], ...]]:
    """The fields of the file's dataclasses, named tuples and typed dictionaries, by the class's name."""
    return {
        one.name: tuple(
            (field.target.id, field.annotation)
            for field in one.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        )
        for one in tree.body
        if isinstance(one, ast.ClassDef) and _is_record(one)
    }


def _is_record(one: ast.ClassDef) -> bool:
    decorators = [ast.unparse(each).partition("(")[0].rpartition(".")[2] for each in one.decorator_list]
    bases = [ast.unparse(each).rpartition(".")[2] for each in one.bases]
    return "dataclass" in decorators or any(each in _RECORDS for each in bases)


def _returns(
    annotation: ast.expr | None, records: Mapping[str, tuple[tuple[str, ast.expr], ...]]
) -> tuple[Return, ...]:
    """A class of fields is a return a field, a tuple several returns; anything else is one."""
    annotation = _unquoted(annotation)
    if isinstance(annotation, ast.Name) and records.get(annotation.id):
        fields = [(name, _type(one)) for name, one in records[annotation.id]]
        return tuple(Return(name, one.kind, many=one.many) for name, one in fields)
    match annotation:
        case ast.Subscript(value=ast.Name(id="tuple" | "Tuple"), slice=ast.Tuple(elts=several)) if not any(
            isinstance(one, ast.Constant) and one.value is ... for one in several
        ):
            types = [_type(one) for one in several]
        case _:
            types = [_type(annotation)]
    names = ["output", *(f"output_{place}" for place in range(2, len(types) + 1))]
    return tuple(Return(name, one.kind, many=one.many) for name, one in zip(names, types, strict=True))


def _unquoted(annotation: ast.expr | None) -> ast.expr | None:
    """An annotation in quotes is what stands in them."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError):
            return None
    return annotation


def _type(annotation: ast.expr | None) -> _Type:
    annotation = _unquoted(annotation)
    match annotation:
        case ast.Subscript(value=outer, slice=inner):
            return _subscripted(ast.unparse(outer).rpartition(".")[2], inner)
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            return _type(left)
        case ast.BinOp(op=ast.BitOr(), left=ast.Constant(value=None), right=right):
            return _type(right)
        case None:
            return _Type()
        case _:
            return _Type(_KINDS.get(ast.unparse(annotation), Kind.ANY))


def _subscripted(outer: str, inner: ast.expr) -> _Type:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    match outer:
        case "Optional":
            return _type(inner)
        case "Annotated":
            words = [one.value for one in parts[1:] if isinstance(one, ast.Constant)]
            told = next((one for one in words if isinstance(one, str)), "")
            return replace(_type(parts[0]), help=told)
        case "Literal":
            choices = tuple(_literal(one) for one in parts)
            return _Type(Kind.CHOICE, choices=tuple(one for one in choices if one is not None) or None)
        case _ if outer in _LISTS and parts:
            return replace(_type(parts[0]), many=True, choices=None)
        case _ if outer in _MAPPINGS:
            return _Type(Kind.JSON)
        case _:
            return _Type()


def _literal(default: ast.expr | None) -> Json:
    try:
        value: Json = ast.literal_eval(default) if default is not None else None
    except ValueError:
        return None  # only the function itself can tell; binding leaves it out then
    return value
