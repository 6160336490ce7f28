"""The studio's children: `python -P -m pipelines.studio.serve`, started by the studio alone.

Standard input brings the id of a Space a line: its app is started then. It is the lifeline, too: when it
ends, so does every child. Standard output carries one JSON object a line to the parent: `{"space", "port"}`
when an app is ready, `{"space", "ended"}` when its process is gone.
"""

import json
import os
import select
import socket
import sys
import threading
import traceback
from dataclasses import dataclass, field

from pipelines.studio.house import log_name

_TRIES = 5


def main() -> None:
    """Serve the apps that are asked for, each in a process of its own; returns when all have ended."""
    reports = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no report
    if sys.platform != "linux":  # where a process must not fork after imports, it serves one app
        _serve(sys.stdin.readline().strip(), reports)
        return
    import gradio  # noqa: F401, PLC0415 - imported once, before the forks, for all apps

    _Leader(reports).lead()


@dataclass(slots=True)
class _Leader:
    """Forks into the apps. It has no threads, for they would not survive that.

    Attributes:
        reports: where the parent listens.
        children: by the reading end of a pipe that ends with the child, its process and its Space.
        lifeline: a pipe whose writing end is here alone, so that the children end with this process.
    """

    reports: int
    children: dict[int, tuple[int, str]] = field(default_factory=dict)
    lifeline: tuple[int, int] = field(default_factory=os.pipe)

    def lead(self) -> None:
        """Start what is asked for until nobody can ask any more; then let every child end."""
        rest = b""
        while True:
            ready, _, _ = select.select([0, *self.children], [], [])
            for ended in set(ready) - {0}:
                self._bury(ended)
            if 0 in ready:
                said = os.read(0, 4096)
                if not said:
                    break
                *lines, rest = (rest + said).split(b"\n")
                for line in lines:
                    self._fork(line.decode())
        os.close(self.lifeline[1])
        for child in [*self.children]:
            self._bury(child)

    def _fork(self, space: str) -> None:
        alive, held = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(self.lifeline[0], 0)
            for end in self.lifeline:
                os.close(end)
            _serve_or_end(space, self.reports)
        os.close(held)
        self.children[alive] = (child, space)

    def _bury(self, alive: int) -> None:
        child, space = self.children.pop(alive)
        os.close(alive)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _report(self.reports, space=space, ended=f"exit {code}" if code >= 0 else f"signal {-code}")


def _serve_or_end(space: str, reports: int) -> None:
    """Never return into the code that forked."""
    try:
        _serve(space, reports)
    except BaseException:  # noqa: BLE001 - the last stop of this process: say it and end
        traceback.print_exc()
    finally:
        os._exit(1)


def _serve(space: str, reports: int) -> None:
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    log = os.open(log_name(space), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _report(reports, space=space, port=_launch(space))
    threading.Event().wait()


def _end_with_the_parent() -> None:
    while os.read(0, 64):
        pass
    os._exit(0)


def _report(reports: int, **facts: str | int) -> None:
    os.write(
        reports, (json.dumps(facts) + "\n").encode()
    )  # one write, so that lines of several children stay whole


def _launch(space: str) -> int:
    from pipelines.studio.apps import build  # noqa: PLC0415 - Gradio, and only what this app needs

    app = build(space)
    for tries_left in reversed(range(_TRIES)):
        port = _free_port()
        try:
            app.launch(
                server_name="127.0.0.1",
                server_port=port,
                quiet=True,
                show_error=True,  # it is the user's own machine: say what is wrong
                prevent_thread_lock=True,
                ssr_mode=False,
                share=False,
                inbrowser=False,
            )
        except OSError:  # someone took the port in between
            if not tries_left:
                raise
        else:
            return port
    raise AssertionError  # the loop returns or raises


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
