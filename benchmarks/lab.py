"""The lab: Gradio apps on this machine, in processes of their own, and what a contestant is told of them."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

APP = Path(__file__).parent / "apps" / "lab.py"
BULK_BYTES = 20_000_000
_READY = "Running on local URL"
_READY_S = 90.0


class WrongAnswer(Exception):
    """A contestant came back with something else than it was asked for: its time would mean nothing."""

    def __init__(self, found: object, wanted: object) -> None:
        super().__init__(f"expected {wanted!r}, and got {found!r}")


class NotReady(Exception):
    """An app of the lab did not start."""


@dataclass(frozen=True, slots=True)
class Lab:
    """Where the contestants work.

    Attributes:
        drawing: URL of the app that the first step of a chain calls.
        moving: of the second step's.
        speaking: of the third step's; all three offer the same.
        folder: an existing folder, for whatever a contestant writes.
        peers: the interpreter of the peers' environment.
    """

    drawing: str
    moving: str
    speaking: str
    folder: Path
    peers: Path

    def to_json(self) -> str:
        """The lab as text, for `from_json` in another process."""
        return json.dumps({**asdict(self), "folder": str(self.folder), "peers": str(self.peers)})

    @classmethod
    def from_json(cls, text: str) -> "Lab":
        """The lab that `to_json` wrote."""
        facts = json.loads(text)
        return cls(**{**facts, "folder": Path(facts["folder"]), "peers": Path(facts["peers"])})


def expect(found: object, wanted: object) -> None:
    """Raise `WrongAnswer` unless both are equal."""
    if found != wanted:
        raise WrongAnswer(found, wanted)


def expect_file(path: str | Path | None) -> None:
    """Raise `WrongAnswer` unless there is a file that is not empty."""
    if not path or not Path(path).is_file() or not Path(path).stat().st_size:
        raise WrongAnswer(path, "a file")


@contextmanager
def open_lab(folder: Path, peers: Path) -> Iterator[Lab]:
    """Run three equal apps until the end.

    Args:
        folder: an existing folder for the apps' files and the contestants'.
        peers: an interpreter that has Gradio.

    Raises:
        NotReady: an app ends, or says nothing for too long.
    """
    with ExitStack() as stack:
        apps = [stack.enter_context(_app(folder / f"app-{number}", peers)) for number in range(3)]
        drawing, moving, speaking = (app.wait() for app in apps)
        work = folder / "work"
        work.mkdir()
        yield Lab(drawing, moving, speaking, work, peers)


def surroundings(folder: Path) -> Mapping[str, str]:
    """The environment of every process of the lab: files below a folder, no token, no telemetry, no Hub.

    Nor is there any setting of Python's: one that forbids compiled files would make every start a slow one.
    """
    others = ("PYTHON", "HF_", "HUGGING_FACE_", "GRADIO_", "SPACECHAIN_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(others)},
        "TMPDIR": str(folder),
        "HF_HOME": str(folder / "hugging-face"),
        "SPACECHAIN_HOME": str(folder / "spacechain"),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_NODE_SERVER": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "TERM": "dumb",
    }


class _App:
    """One app while it starts and runs."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process, self.url = process, url
        self._said: list[str] = []
        self._settled = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Read to the end: a full pipe would stall the app."""
        for line in self.process.stdout or ():
            self._said.append(line)
            if _READY in line:
                self._settled.set()
        self._settled.set()

    def wait(self) -> str:
        """The URL, once the app answers there."""
        if not self._settled.wait(_READY_S) or not any(_READY in line for line in self._said):
            raise NotReady("".join(self._said)[-2000:])
        return self.url


@contextmanager
def _app(folder: Path, python: Path) -> Iterator[_App]:
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port}
    process = subprocess.Popen(
        [str(python), "-u", str(APP)],
        cwd=folder,
        env={**surroundings(folder), **address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _App(process, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
