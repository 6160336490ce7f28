"""Real Gradio servers for tests: an app script in a child process, its files out of the client's reach.

A client on the server's machine could open a server path as if it were its own; no client of a live Space
can. So a server keeps its files in a tmpfs of its own mount namespace; where the machine forbids that, below
`/proc/self/cwd`, a path that means another folder in every process.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

READY = "Running on local URL"
READY_S = 90.0
MOUNT = 'mount -t tmpfs none "$1" && mkdir "$1/tmp" && shift && exec "$@"'


@dataclass(frozen=True, slots=True)
class Server:
    """A running app.

    Attributes:
        url: its root, without a trailing slash.
        pid: its process.
        said: the lines it printed so far.
    """

    url: str
    pid: int
    said: list[str]


@contextmanager
def serve(
    script: Path,
    *,
    python: Path | str = sys.executable,
    args: Sequence[str] = (),
    env: Mapping[str, str] = {},
    ready_s: float = READY_S,
) -> Iterator[Server]:
    """Run an app script, wait until it is ready, stop it at the end.

    Args:
        script: a file that calls Gradio's `launch()` without port or host.
        python: the interpreter, of an environment that has Gradio.
        args: the script's arguments.
        env: added to the environment.
        ready_s: how long it may take to start.
    """
    with tempfile.TemporaryDirectory(prefix="spacechain-server-") as folder:
        port = free_port()
        command, files = _private([str(python), "-u", str(script), *args], Path(folder))
        settings = {
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": f"{files}/gradio",
            "TMPDIR": f"{files}/tmp",  # noqa: S108 - of its own; on one file system with the above, as live
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_NODE_SERVER": "False",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_OFFLINE": "1",
        }
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **settings, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield Server(f"http://127.0.0.1:{port}", process.pid, _wait(process, ready_s))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[str], ready_s: float) -> list[str]:
    """Wait for Gradio's own line; the pipe is read to its end, or a chatty app would stall."""
    said: list[str] = []
    settled = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                said.append(line)
                if READY in line:
                    settled.set()
        settled.set()

    threading.Thread(target=read, daemon=True).start()
    if not settled.wait(ready_s) or not any(READY in line for line in said):
        raise RuntimeError(f"the app did not start: {''.join(said)[-2000:]}")
    return said


def _private(command: list[str], folder: Path) -> tuple[list[str], str]:
    """The command that keeps its files to itself, and where it keeps them."""
    namespace = _namespace()
    place = folder / "files"
    place.mkdir()
    if namespace is None:
        (place / "tmp").mkdir()
        return command, "/proc/self/cwd/files" if sys.platform == "linux" else str(place)
    return [*namespace, "sh", "-c", MOUNT, "sh", str(place), *command], str(place)


@cache
def _namespace() -> tuple[str, ...] | None:
    """The way to a mount namespace on this machine: as root, as a user of a user namespace, or none."""
    ways = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            try:
                done = subprocess.run(
                    [*way, "sh", "-c", MOUNT, "sh", folder, "true"], capture_output=True, check=False
                )
            except FileNotFoundError:
                return None
            if done.returncode == 0:
                return way
    return None
