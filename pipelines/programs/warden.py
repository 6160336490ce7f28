"""Runs a program that ends when we do: `python -I -S warden.py PROGRAM ARGUMENT…`, started by us alone.

Standard input is the lifeline: when it ends, because we were killed or the machine ran out of memory, the
program is killed with it. A process between us and the program does that on every POSIX system. The
alternative, `PR_SET_PDEATHSIG` set between fork and exec, is Linux's own, and running Python there is not
safe in a process with threads. This costs some 10 ms a program; hence the bare interpreter and few imports.
"""

import _thread
import os
import sys
from typing import NoReturn

_SIGKILL = 9
_NOT_STARTED = 126
_BY_SIGNAL = 128


def main() -> NoReturn:
    """Run the program without standard input; exits as it does, with 128 + n after signal n."""
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    try:
        program = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[nothing])
    except OSError as cause:
        os.write(2, f"{os.path.basename(sys.argv[1])} could not be started: {cause.strerror}\n".encode())  # noqa: PTH119 - pathlib is slow to import
        os._exit(_NOT_STARTED)
    ended: list[bool] = []
    _thread.start_new_thread(_end_with_the_parent, (program, ended))
    _, status = os.waitpid(program, 0)
    if ended:
        os.killpg(0, _SIGKILL)  # our group: what the program may have started, and this process
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else _BY_SIGNAL - code)


def _end_with_the_parent(program: int, ended: list[bool]) -> None:
    while os.read(0, 64):
        pass
    ended.append(True)
    os.kill(program, _SIGKILL)


if __name__ == "__main__":
    main()
