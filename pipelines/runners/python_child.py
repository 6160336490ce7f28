"""Runs one call of a user's function: `python -P python_child.py`, started by `PythonRunner` alone.

The first line of standard input is the call, as JSON; the rest of it is the lifeline: when it ends, so does
everything here. Two processes: this one, the warden, runs no code of the user's, and so can always end the
other, the worker, with all that the function may have started. The answer is a file, so that the function
may print. Imports are few, since every call pays for them, and nothing of ours is among them.
"""

import _thread
import hashlib
import json
import os
import sys
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_SIGKILL = 9
_NO_ANSWER = 70


class _Unreadable(Exception):
    """The function returned something that no step can read."""


def main() -> None:
    """Let a worker make the call, and say how it ended if it could not; then end all that is left of it."""
    call = json.loads(sys.stdin.buffer.readline() or b"{}")
    if not call:  # the parent is gone already
        return
    worker = os.fork()  # before the thread starts: threads do not survive a fork
    if worker == 0:
        _work(call)
    _thread.start_new_thread(_end_with_the_parent, ())
    _, status = os.waitpid(worker, 0)
    if not Path(call["answer"]).exists():
        with suppress(OSError):  # a full disk; the parent sees that there is no answer
            _answer(call, ended=_fate(os.waitstatus_to_exitcode(status)))
    os.killpg(0, _SIGKILL)  # what the function started and left behind, and this process


def _end_with_the_parent() -> None:
    while os.read(0, 64):
        pass
    os.killpg(0, _SIGKILL)


def _work(call: Mapping[str, Any]) -> None:
    """Never return into the code that forked."""
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)  # the lifeline is not the function's to read
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr] # not replaced
        os.chdir(call["folder"])
        _hold_to(call["memory_bytes"])
        _answer(call, **_made(call))
        sys.stdout.flush()
    finally:
        os._exit(_NO_ANSWER)  # read only if there is no answer


def _hold_to(memory_bytes: int | None) -> None:
    """Let every request for memory fail that goes beyond the limit; what is mapped counts, used or not."""
    if memory_bytes is None:
        return
    import resource  # noqa: PLC0415 - not on every system, and mostly not needed

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _made(call: Mapping[str, Any]) -> dict[str, object]:
    """Make the call; whatever the function raises is an answer, too."""
    try:
        source = Path(call["file"]).read_bytes()
    except OSError as cause:
        return {"changed": f"cannot be read any more: {cause.strerror}"}
    if hashlib.sha256(source).hexdigest() != call["sha256"]:
        return {"changed": "was changed after it was checked"}
    sys.argv = [call["file"]]
    return outcome(call, lambda: called(call, source))


def outcome(call: Mapping[str, Any], work: Callable[[], object]) -> dict[str, object]:
    """How a function's work ended, as JSON."""
    try:
        returned = work()
    except MemoryError as cause:
        return {"memory": _line(cause, call["file"])}
    except BaseException as cause:  # noqa: BLE001 - also `sys.exit()`: it ends the function, not the run
        return {"raised": _words(cause), "line": _line(cause, call["file"])}
    try:
        return {"returned": _written(returned)}
    except _Unreadable as cause:
        return {"unreadable": str(cause)}
    except RecursionError:
        return {"unreadable": f"{type(returned).__name__} that contains itself or is too deep"}


def called(call: Mapping[str, Any], source: bytes) -> object:
    """Load the file under a private name, so that neither `sys.path` nor its own name matters; call it."""
    module = types.ModuleType(f"_spacechain_user_{call['sha256'][:16]}")
    module.__file__ = call["file"]
    sys.modules[module.__name__] = module
    exec(compile(source, call["file"], "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - it is trusted
    function = getattr(module, call["function"])
    returned = function(**{name: _read(value) for name, value in call["arguments"].items()})
    if isinstance(returned, types.CoroutineType):
        import asyncio  # noqa: PLC0415 - takes longer than all the rest

        returned = asyncio.run(returned)
    return returned


def _read(value: Any) -> object:
    match value:
        case {"file": path}:
            return Path(path)
        case {"map": inner}:
            return {name: _read(one) for name, one in inner.items()}
        case list():
            return [_read(one) for one in value]
        case _:
            return value


def _written(value: object) -> object:
    """A value as JSON: mappings and files in a wrapping that tells them apart, tuples told from lists."""
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {"map": {name: _written(getattr(value, name)) for name in value.__dataclass_fields__}}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"map": {str(name): _written(one) for name, one in zip(value._fields, value, strict=True)}}
    match value:
        case None | bool() | int() | float() | str():
            try:
                return json.loads(json.dumps(value))  # plain, also if its class was the function's own
            except ValueError as cause:
                raise _Unreadable(f"{type(value).__name__} of too many digits") from cause
        case Path():
            return {"file": str(value.absolute())}
        case Mapping():
            return {"map": {str(name): _written(one) for name, one in value.items()}}
        case tuple():
            return {"tuple": [_written(one) for one in value]}
        case list():
            return [_written(one) for one in value]
        case _:
            raise _Unreadable(type(value).__name__)


def _words(cause: BaseException) -> str:
    """The last line of the traceback."""
    try:
        return f"{type(cause).__name__}: {cause}".removesuffix(": ")
    except Exception:  # noqa: BLE001 - a `__str__` of the user's may fail as well
        return type(cause).__name__


def _line(cause: BaseException, file: str) -> int | None:
    """Where in the user's own file it happened, or was called from."""
    line, trace = None, cause.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _fate(code: int) -> str:
    import signal  # noqa: PLC0415 - needed only when something died

    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _answer(call: Mapping[str, Any], **facts: object) -> None:
    aside = Path(f"{call['answer']}.part")
    aside.write_text(json.dumps(facts), encoding="ascii")
    aside.replace(call["answer"])


if __name__ == "__main__":
    main()
