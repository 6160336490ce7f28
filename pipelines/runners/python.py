"""Calls of a user's own Python functions: found by reading the file, run only when its content is trusted."""

import ast
import importlib.util
import inspect
import shutil
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from spaces_registry.errors import BadOutput, Crashed, TimedOut, ToolkitError, nearest
from spaces_registry.progress import Listener, Started
from spaces_registry.signature import Endpoint, File, Json, Kind, Parameter, Return, Value

from .protocol import Call

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
_LISTS = ("list", "tuple", "Sequence", "Iterable")


class NoSuchFunction(ToolkitError):
    """The file does not define the function that a step names, or is no Python."""

    code = "unknown-function"


def read_function(file: Path, name: str) -> Endpoint:
    """A function's signature, read from the source without running it: its annotations are its kinds.

    Raises:
        NoSuchFunction: the file is not there, is no Python, or has no such function.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except OSError as cause:
        raise NoSuchFunction(f"{file} cannot be read: {cause.strerror or cause}") from cause
    except (SyntaxError, ValueError) as cause:
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
        returns=_returns(found.returns),
        description=ast.get_docstring(found) or "",
    )


@dataclass(frozen=True, slots=True)
class PythonRunner:
    """Runs a user's function in a worker thread; files are handed over and taken back as `pathlib.Path`.

    Attributes:
        file: the trusted source.
        sha256: of its bytes; the private module name comes from it.
    """

    file: Path
    sha256: str

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Run the function; what it raises is a crash, told in its own words."""
        tell(Started())
        handed = call.folder / "in"
        handed.mkdir()
        arguments = {name: _handed(value, handed) for name, value in call.arguments.items()}
        try:
            with anyio.fail_after(call.clocks.run_s):
                answer = await self._run(call.endpoint.name, arguments)
        except TimeoutError as cause:
            message = f"{call.endpoint.name} of {self.file.name} did not end within {call.clocks.run_s:g} s"
            raise TimedOut(call.place, message) from cause
        except Exception as cause:  # a user's function may raise anything; its words are the failure
            said = f"{type(cause).__name__}: {cause}"
            message = f"{call.endpoint.name} of {self.file.name} raised {said}"
            raise Crashed(call.place, message, said=said) from cause
        return _taken(call, answer)

    async def _run(self, name: str, arguments: Mapping[str, object]) -> Any:
        function = await anyio.to_thread.run_sync(self._load, name)
        if inspect.iscoroutinefunction(function):
            return await function(**arguments)
        return await anyio.to_thread.run_sync(lambda: function(**arguments), abandon_on_cancel=True)

    def _load(self, name: str) -> Any:
        """Load the file under a private name, so that neither `sys.path` nor its own name matters."""
        private = f"_spacechain_user_{self.sha256[:16]}"
        if private not in sys.modules:
            spec = importlib.util.spec_from_file_location(private, self.file)
            if spec is None or spec.loader is None:
                raise ImportError(self.file.name)
            module = importlib.util.module_from_spec(spec)
            sys.modules[private] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[private]
                raise
        return getattr(sys.modules[private], name)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Parameter]:
    written = function.args
    positional = [*written.posonlyargs, *written.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(written.defaults))
    pairs = [*zip(positional, [*missing, *written.defaults], strict=True)]
    pairs += [*zip(written.kwonlyargs, written.kw_defaults, strict=True)]
    found = []
    for argument, default in pairs:
        kind, many = _kind(argument.annotation)
        required = default is None
        found.append(Parameter(argument.arg, kind, required=required, default=_literal(default), many=many))
    return found


def _returns(annotation: ast.expr | None) -> tuple[Return, ...]:
    """A tuple annotation is several returns; anything else is one."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=several)) if not any(
            isinstance(one, ast.Constant) for one in several
        ):
            kinds = [_kind(one) for one in several]
        case _:
            kinds = [_kind(annotation)]
    names = ["output", *(f"output_{place}" for place in range(2, len(kinds) + 1))]
    return tuple(Return(name, kind, many=many) for name, (kind, many) in zip(names, kinds, strict=True))


def _kind(annotation: ast.expr | None) -> tuple[Kind, bool]:
    match annotation:
        case ast.Subscript(value=ast.Name(id=outer), slice=inner) if outer in _LISTS:
            first = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            return _kind(first)[0], True
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            return _kind(left)
        case None:
            return Kind.ANY, False
        case _:
            return _KINDS.get(ast.unparse(annotation).strip("'\""), Kind.ANY), False


def _literal(default: ast.expr | None) -> Json:
    try:
        value: Json = ast.literal_eval(default) if default is not None else None
    except ValueError:
        return None  # only the function itself can tell; binding leaves it out then
    return value


def _handed(value: Value, folder: Path) -> object:
    """A value as the function gets it: files as copies of its own under readable names."""
    match value:
        case File():
            place = folder / uuid.uuid4().hex / Path(value.name).name
            place.parent.mkdir()
            shutil.copyfile(value.path, place)
            return place
        case Mapping():
            return {name: _handed(one, folder) for name, one in value.items()}
        case str():
            return value
        case Sequence():
            return [_handed(one, folder) for one in value]
        case _:
            return value


def _taken(call: Call, answer: object) -> tuple[Value, ...]:
    returns = call.endpoint.returns
    if len(returns) == 1:
        return (_value(call, answer),)
    if not isinstance(answer, tuple) or len(answer) != len(returns):
        message = f"{call.endpoint.name} promises {len(returns)} values and returned {type(answer).__name__}"
        raise BadOutput(call.place, message)
    return tuple(_value(call, one) for one in answer)


def _value(call: Call, answer: object) -> Value:
    match answer:
        case None | bool() | int() | float() | str():
            return answer
        case Path():
            if not answer.is_file():
                raise BadOutput(call.place, f"{call.endpoint.name} returned the path of no file: {answer}")
            # the file stays the user's own: only a copy is taken
            copy = call.folder / uuid.uuid4().hex / answer.name
            copy.parent.mkdir()
            shutil.copyfile(answer, copy)
            return File(copy, answer.name)
        case Mapping():
            return {str(name): _value(call, one) for name, one in answer.items()}
        case list() | tuple():
            return tuple(_value(call, one) for one in answer)
        case _:
            message = f"{call.endpoint.name} returned a {type(answer).__name__}, which no step can read"
            raise BadOutput(call.place, message, hint="return text, numbers, lists, mappings or pathlib.Path")
