"""Calls of a user's own Python functions: found by reading the file, run only when its content is trusted."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from spaces_registry.errors import BadOutput, Crashed, Drifted, TimedOut, ToolkitError, nearest
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
_CHILD = Path(__file__).with_name("python_child.py")
_ANSWER = "answer.json"
_STDERR = 2
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
    """Runs a user's function in a process of its own; files are handed over and taken back as `pathlib.Path`.

    Attributes:
        file: the trusted source.
        sha256: of its bytes; nothing else is run.
    """

    file: Path
    sha256: str

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Run the function; what it raises is a crash, told in its own words.

        Raises:
            Crashed: it raised something, `SystemExit` too, or its process died.
            BadOutput: it returned what no step can read, or not as much as it promises.
            TimedOut: it took longer than `run_s`; it is killed, with all that it started.
            Drifted: the file was changed since it was checked.
        """
        tell(Started())
        order = await anyio.to_thread.run_sync(self._order, call)
        try:
            with anyio.fail_after(call.clocks.run_s):
                await self._run(call, order)
        except TimeoutError as cause:
            message = f"{self._named(call)} did not end within {call.clocks.run_s:g} s"
            raise TimedOut(call.place, message, hint="give the step a longer timeout") from cause
        return await anyio.to_thread.run_sync(self._answer, call)

    def _named(self, call: Call) -> str:
        return f"{call.endpoint.name} of {self.file.name}"

    def _order(self, call: Call) -> bytes:
        """What the child is told: one line of JSON."""
        handed, work = call.folder / "in", call.folder / "work"
        handed.mkdir()
        work.mkdir()
        order = {
            "file": str(self.file.absolute()),
            "sha256": self.sha256,
            "function": call.endpoint.name,
            "arguments": {name: _handed(value, handed) for name, value in call.arguments.items()},
            "folder": str(work),
            "answer": str(call.folder / _ANSWER),
        }
        return json.dumps(order).encode() + b"\n"

    async def _run(self, call: Call, order: bytes) -> None:
        """Let the child work until it ends; cancelled, this kills it and all that it started."""
        with anyio.CancelScope(shield=True):  # a process started is a process that must be ended
            try:
                process = await anyio.open_process(
                    [sys.executable, "-P", str(_CHILD)],
                    stdin=subprocess.PIPE,  # also the lifeline: it ends when we do, in whatever way
                    stdout=_STDERR,  # what a function prints is no result
                    stderr=None,
                    start_new_session=True,  # Ctrl-C is for us; we end it
                )
            except OSError as cause:
                raise Crashed(call.place, f"Python could not be started: {cause.strerror}") from cause
        try:
            assert process.stdin is not None  # noqa: S101 - asked for above
            with suppress(anyio.BrokenResourceError):  # it died at once, and has no answer
                await process.stdin.send(order)
            await process.wait()
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    with suppress(ProcessLookupError, PermissionError):  # it ended this very moment
                        os.killpg(process.pid, signal.SIGKILL)
                await process.aclose()

    def _answer(self, call: Call) -> tuple[Value, ...]:
        try:
            answer = json.loads((call.folder / _ANSWER).read_bytes())
        except (FileNotFoundError, ValueError):
            answer = {"ended": "no answer"}
        match answer:
            case {"returned": returned}:
                return _taken(call, returned)
            case {"unreadable": what}:
                message = f"{call.endpoint.name} returned a {what}, which no step can read"
                hint = "return text, numbers, lists, mappings or pathlib.Path"
                raise BadOutput(call.place, message, hint=hint)
            case {"raised": said, "line": line}:
                where = f" (line {line})" if line else ""
                raise Crashed(call.place, f"{self._named(call)} raised {said}{where}", said=said)
            case {"changed": how}:
                raise Drifted(call.place, f"{self.file.name} {how}", hint="run the chain again")
            case _:
                said = f"the process ended: {answer.get('ended')}"
                raise Crashed(call.place, f"{self._named(call)} did not return: {said}", said=said)


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
    """A value as the child reads it: files are copies of the call's own under readable names."""
    match value:
        case File():
            place = folder / uuid.uuid4().hex / Path(value.name).name
            place.parent.mkdir()
            shutil.copyfile(value.path, place)
            return {"file": str(place)}
        case Mapping():
            return {"map": {name: _handed(one, folder) for name, one in value.items()}}
        case str():
            return value
        case Sequence():
            return [_handed(one, folder) for one in value]
        case _:
            return value


def _taken(call: Call, answer: Json) -> tuple[Value, ...]:
    returns = call.endpoint.returns
    if len(returns) == 1:
        return (_value(call, answer),)
    match answer:
        case {"tuple": list(several)} if len(several) == len(returns):
            return tuple(_value(call, one) for one in several)
        case {"tuple": list(several)}:
            got = f"{len(several)}"
        case _:
            got = "something else"
    raise BadOutput(call.place, f"{call.endpoint.name} promises {len(returns)} values and returned {got}")


def _value(call: Call, answer: Any) -> Value:
    match answer:
        case {"file": path}:
            return _file(call, Path(path))
        case {"map": inner}:
            return {name: _value(call, one) for name, one in inner.items()}
        case {"tuple": several} | list(several):
            return tuple(_value(call, one) for one in several)
        case _:
            plain: Value = answer
            return plain


def _file(call: Call, path: Path) -> File:
    """The file that a function made, or one that stays the user's own: only a copy is taken."""
    if not path.is_file():
        raise BadOutput(call.place, f"{call.endpoint.name} returned the path of no file: {path}")
    copy = call.folder / uuid.uuid4().hex / path.name
    copy.parent.mkdir()
    shutil.copyfile(path, copy)
    return File(copy, path.name)
