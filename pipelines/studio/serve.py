"""The studio's children: `python -P -m pipelines.studio.serve SPACE…`, started by `open_studio` alone.

Standard input is the lifeline: when it ends, so does every child. Standard output carries
one JSON object a line to the parent: `{"space", "port"}` when an app is ready, `{"space", "ended"}` when its
process is gone.
"""

import json
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Sequence

from pipelines.studio.house import log_name

_TRIES = 5


def main(spaces: Sequence[str]) -> None:
    """Serve the apps of these Spaces, each in a process of its own; returns when all have ended."""
    reports = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no report
    if len(spaces) == 1:
        _serve(spaces[0], reports)
        return
    import gradio  # noqa: F401, PLC0415 - imported once, before the fork, for all apps

    children: dict[int, str] = {}
    for space in spaces:
        if (
            _parent_is_gone()
        ):  # while we imported; a thread cannot watch yet, for it would not survive the fork
            break
        child = os.fork()
        if child == 0:
            _serve_or_end(space, reports)
        children[child] = space
    while children:
        child, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        _report(reports, space=children.pop(child), ended=f"exit {code}" if code >= 0 else f"signal {-code}")


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


def _parent_is_gone() -> bool:
    return bool(select.select([0], [], [], 0)[0])  # nothing is ever written there, so this is its end


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
    main(sys.argv[1:])
