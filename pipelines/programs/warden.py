"""Runs a program within limits that ends when we do: `python -I -S warden.py MEMORY WRITTEN PROGRAM …`.

Standard input is the lifeline: when it ends, because we were killed or the machine ran out of memory, the
program is killed with it. A process between us and the program does that on every POSIX system. The
alternative, `PR_SET_PDEATHSIG` set between fork and exec, is Linux's own, and running Python there is not
safe in a process with threads. This costs some 10 ms a program; hence the bare interpreter and few imports.

The program may take MEMORY bytes and write files of WRITTEN bytes. Linux counts the memory that it can write
to (`RLIMIT_DATA`), not what its threads reserve; where a system counts nothing, the limits of ffmpeg itself
remain.
"""

import _thread
import os
import resource
import sys
from typing import NoReturn

_SIGKILL = 9
_STARVED = 123  # the same as in `ffmpeg.py`
_NOT_STARTED = 126
_BY_SIGNAL = 128
_MUCH = 3  # a program that failed with this share of its memory in use failed for want of more
_UNIT = 1 if sys.platform == "darwin" else 1024  # of `ru_maxrss`, in bytes


def main() -> NoReturn:
    """Run the program without standard input; exits as it does, with 128 + n after signal n."""
    memory, written, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    _limit(resource.RLIMIT_DATA, memory)
    _limit(resource.RLIMIT_FSIZE, written)
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    try:
        program = os.posix_spawn(command[0], command, os.environ, file_actions=[nothing])
    except OSError as cause:
        os.write(2, f"{os.path.basename(command[0])} could not be started: {cause.strerror}\n".encode())  # noqa: PTH119 - pathlib is slow to import
        os._exit(_NOT_STARTED)
    ended: list[bool] = []
    _thread.start_new_thread(_end_with_the_parent, (program, ended))
    _, status, used = os.wait4(program, 0)
    if ended:
        os.killpg(0, _SIGKILL)  # our group: what the program may have started, and this process
    code = os.waitstatus_to_exitcode(status)
    if code and used.ru_maxrss * _UNIT > memory / _MUCH:
        os._exit(_STARVED)
    os._exit(code if code >= 0 else _BY_SIGNAL - code)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(what, (most, hard))
    except (ValueError, OSError):
        return  # a system that knows no such limit


def _end_with_the_parent(program: int, ended: list[bool]) -> None:
    while os.read(0, 64):
        pass
    ended.append(True)
    os.kill(program, _SIGKILL)


if __name__ == "__main__":
    main()
