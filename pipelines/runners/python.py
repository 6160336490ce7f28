"""Calls of a user's own Python functions, in a process of their own; only content that is trusted is run."""

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

from pipelines.programs.environment import environment_for_children
from spaces_registry.errors import BadOutput, Crashed, Drifted, TimedOut
from spaces_registry.progress import Listener, Started
from spaces_registry.signature import File, Json, Value

from .protocol import Call

_CHILD = Path(__file__).with_name("python_child.py")
_ANSWER = "answer.json"
_STDERR = 2


@dataclass(frozen=True, slots=True)
class PythonRunner:
    """Runs a user's function in a process of its own; files are handed over and taken back as `pathlib.Path`.

    Attributes:
        file: the trusted source.
        sha256: of its bytes; nothing else is run.
        memory_bytes: how much the process may ask the system for, and each that it starts; None for no limit.
        variables: secret environment variables that it gets: those that its chain names in `env`.
    """

    file: Path
    sha256: str
    memory_bytes: int | None = None
    variables: tuple[str, ...] = ()

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Run the function; what it raises is a crash, told in its own words.

        Raises:
            Crashed: it raised something, `SystemExit` too, ran out of memory, or its process died.
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
            message = f"{named(call, self.file)} did not end within {call.clocks.run_s:g} s"
            raise TimedOut(call.place, message, hint="give the step a longer timeout") from cause
        return await anyio.to_thread.run_sync(self._answer, call)

    def _order(self, call: Call) -> bytes:
        """What the child is told: one line of JSON."""
        work = call.folder / "work"
        work.mkdir()
        order = {
            "file": str(self.file.absolute()),
            "sha256": self.sha256,
            "function": call.endpoint.name,
            "arguments": handed(call),
            "memory_bytes": self.memory_bytes,
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
                    env=environment_for_children(self.variables),
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
        return told(call, self.file, answer, self.memory_bytes)


def named(call: Call, file: Path) -> str:
    """What messages call a function."""
    return f"{call.endpoint.name} of {file.name}"


def told(
    call: Call, file: Path, answer: Mapping[str, Any], memory_bytes: int | None = None
) -> tuple[Value, ...]:
    """What a function returned, by how its call ended.

    Raises:
        Crashed: it raised something, ran out of memory, or its process died.
        BadOutput: it returned what no step can read, or not as much as it promises.
        Drifted: the file was changed since it was checked.
    """
    match answer:
        case {"returned": returned}:
            return _taken(call, returned)
        case {"unreadable": what}:
            message = f"{call.endpoint.name} returned a {what}, which no step can read"
            hint = "return text, numbers, lists, mappings or pathlib.Path"
            raise BadOutput(call.place, message, hint=hint)
        case {"raised": said, "line": line}:
            where = f" (line {line})" if line else ""
            raise Crashed(call.place, f"{named(call, file)} raised {said}{where}", said=said)
        case {"memory": line}:
            where = f" (line {line})" if line else ""
            limit = "" if memory_bytes is None else f": its limit is {memory_bytes / 1e6:g} MB"
            more = "give the step more `memory`" if limit else None
            message = f"{named(call, file)} ran out of memory{limit}{where}"
            raise Crashed(call.place, message, said="out of memory", hint=more)
        case {"changed": how}:
            raise Drifted(call.place, f"{file.name} {how}", hint="run the chain again")
        case _:
            said = f"the process ended: {answer.get('ended')}"
            raise Crashed(call.place, f"{named(call, file)} did not return: {said}", said=said)


def handed(call: Call) -> dict[str, object]:
    """A call's arguments as JSON; its files are copies under readable names in the call's folder."""
    folder = call.folder / "in"
    folder.mkdir()
    return {name: _handed(value, folder) for name, value in call.arguments.items()}


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
    names = [one.name for one in returns]
    if (
        names != ["output"]
        and isinstance(answer, Mapping)
        and isinstance(fields := answer.get("map"), Mapping)
    ):
        if missing := [name for name in names if name not in fields]:
            message = f"{call.endpoint.name} promises {', '.join(names)}, and returned no {missing[0]}"
            raise BadOutput(call.place, message)
        return tuple(_value(call, fields[name]) for name in names)
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
