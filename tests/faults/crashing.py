"""Commands that die at a border: the n-th call that touches disk, journal or network is never made.

Nothing in the product knows of it. A child is forked from a process that has imported everything, watches
the calls of C functions (`sys.setprofile`), and at the n-th of those that leave a trace in the world kills
itself with SIGKILL, or makes the kernel refuse from there on. Borders have names: the function, and who calls
it. What leaves no trace (opening, reading, a statement before its commit) is none: to die there is to die at
the next one.
"""

import ctypes
import errno
import gc
import importlib
import json
import mimetypes
import os
import platform
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ON_DISK = {"fsync", "fdatasync", "replace", "rename", "link", "unlink", "remove", "rmdir", "chmod", "write"}
ON_DISK |= {"BufferedWriter.write", "TextIOWrapper.write", "FileIO.write", "truncate", "ftruncate"}
IN_JOURNAL = {"Connection.executescript", "Connection.commit", "Connection.__exit__", "Connection.close"}
ON_NETWORK = {"socket.send", "socket.sendall", "socket.recv", "socket.recv_into", "socket.connect"}
PIECES = ON_NETWORK | {
    "BufferedWriter.write",
    "TextIOWrapper.write",
    "FileIO.write",
}  # of one body: one border
BORDERS = ON_DISK | IN_JOURNAL | ON_NETWORK
LOADED = ("anyio._backends._asyncio", "httpcore2", "jinja2.ext", "pydantic.type_adapter", "truststore")
LOADED += (
    "pipelines.cli.app",
    "pipelines.cli.live",
    "pipelines.planning.usage",
    "pipelines.running.resume",
    "pipelines.report",
)
ALLOW, REFUSE, TOLD = 0x7FFF0000, 0x00050000, 3  # what is said to people and to us is not refused
OWN = {"BaseSelectorEventLoop._write_to_self", "BaseSelectorEventLoop._read_from_self"}  # a loop wakes itself
MODULES = {"posix", "fcntl", "io", "_io", None}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code; minus the signal's number for one that was killed.
        out: what it printed.
        err: and to stderr.
        borders: the borders it came to, by name, in order; the last one it did not cross if it was killed.
    """

    code: int
    out: str
    err: str
    borders: tuple[str, ...]

    @property
    def is_killed(self) -> bool:
        """Whether it died at a border."""
        return self.code == -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Nursery:
    """A process that has imported everything, and makes children that run commands."""

    process: "subprocess.Popen[str]"
    folder: Path

    def run(self, *words: object, at: int = 0, env: Mapping[str, str] = {}, refuse: str = "") -> Ended:
        """Run a command of spacechain's.

        Args:
            words: its words.
            at: the border to die at, from 1; 0 for none.
            env: added to the environment.
            refuse: in place of dying: the system calls that fail from there on, as `fsync,pwrite64=EIO`.
        """
        out, err, told = (self.folder / name for name in ("out", "err", "told"))
        asked = {
            "words": [str(one) for one in words],
            "at": at,
            "env": dict(env),
            "cwd": str(self.folder),
            "files": [str(out), str(err), str(told)],
            "refuse": refuse,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return Ended(code, out.read_text(), err.read_text(), tuple(told.read_text().splitlines()))


@contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """Open a nursery whose commands run in a folder."""
    root = Path(__file__).parent.parent.parent
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Nursery(process, folder)
    finally:
        process.communicate()


class Watch:
    """Counts the borders that a process comes to, and does something at one of them."""

    def __init__(self, at: int, told: int, refuse: str) -> None:
        self.left, self.told, self.refuse, self.last = at, told, refuse, ""

    def __call__(self, frame, event, function) -> None:
        """Hear of a call, before it is made."""
        if event != "c_call":
            return
        name = getattr(function, "__qualname__", "")
        if name not in BORDERS or getattr(function, "__module__", None) not in MODULES:
            return
        if frame.f_code.co_qualname in OWN:
            return
        border = f"{name} in {frame.f_code.co_qualname}"
        if border == self.last and name in PIECES:
            return
        self.last = border
        os.write(self.told, f"{border}\n".encode())
        self.left -= 1
        if self.left == 0:
            if not self.refuse:
                os.kill(os.getpid(), signal.SIGKILL)
            refuse(self.refuse)


def refuse(what: str) -> None:
    """Have the kernel refuse system calls of this process from now on, in all threads.

    Args:
        what: their names and the error, as `fsync,pwrite64=EIO`.
    """
    names, error = what.split("=")
    numbers = NUMBERS[platform.machine()]
    calls = [numbers[one] for one in names.split(",")]
    lines = [(0x20, 0, 0, 0)]  # load the call's number
    lines += [(0x15, len(calls) - at, 0, call) for at, call in enumerate(calls)]  # jump behind the next line
    lines += [(0x06, 0, 0, ALLOW), (0x20, 0, 0, 16)]  # else allow; load the first argument
    lines += [(0x25, 1, 0, TOLD), (0x06, 0, 0, ALLOW), (0x06, 0, 0, REFUSE | getattr(errno, error))]
    filters = b"".join(struct.pack("HBBI", *one) for one in lines)
    buffer = ctypes.create_string_buffer(filters)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    in_all_threads = 1
    if libc.syscall(numbers["seccomp"], 1, in_all_threads, ctypes.byref(program)) != 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


NUMBERS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {"read": 0, "write": 1, "fsync": 74, "fdatasync": 75, "pread64": 17, "pwrite64": 18}
    | {"rename": 82, "link": 86, "linkat": 265, "flock": 73, "seccomp": 317},
    "aarch64": {"read": 63, "write": 64, "fsync": 82, "fdatasync": 83, "pread64": 67, "pwrite64": 68}
    | {"rename": 38, "link": 37, "linkat": 37, "flock": 32, "seccomp": 277},
}


def _child(asked: Mapping[str, object]) -> None:
    words, env, files = asked["words"], asked["env"], asked["files"]
    assert isinstance(words, Sequence)
    assert isinstance(env, Mapping)
    assert isinstance(files, Sequence)
    os.environ.update(env)
    os.chdir(str(asked["cwd"]))
    out, err, told = (os.open(one, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for one in files)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.dup2(told, TOLD)
    from pipelines.cli import main  # noqa: PLC0415 - imported before, in the process that forked this one

    watch = Watch(int(str(asked["at"])), TOLD, str(asked["refuse"]))
    threading.setprofile(watch)
    sys.setprofile(watch)
    main(words)


def _serve() -> None:
    for name in LOADED:
        importlib.import_module(name)
    mimetypes.init()
    gc.freeze()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                _child(json.loads(line))
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
