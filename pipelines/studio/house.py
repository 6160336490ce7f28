"""Opening and closing the studio: its apps as child processes that never outlive us.

An app is started when it is first asked for. One child imports Gradio, which is most of the start, and forks
into a process for each app; where forking is not safe, every app is a child of its own. All of them end when
our end of a pipe does, so they are gone even if we are killed. What they print goes to log files, never to
the user's terminal.
"""

import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import Process

from pipelines.studio.errors import NotInStudio, StudioFailed, StudioNotInstalled
from pipelines.studio.folder import studio_folder
from pipelines.studio.spaces import SPACES

_START_S = 90.0  # a cold disk and a busy machine; two to three seconds otherwise
_STOP_S = 5.0
_LAST_WORDS_BYTES = 4000

# All that the apps get of our environment: no token, no proxy, no GRADIO_* setting meant for other apps.
_HANDED_ON = (
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "WINDIR", "USERPROFILE", "LOCALAPPDATA",
    "APPDATA", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "IMAGEIO_FFMPEG_EXE",
)  # fmt: skip


def _silent(line: str) -> None:
    del line


@asynccontextmanager
async def open_studio(
    spaces: Iterable[str] | None = None, *, tell: Callable[[str], None] = _silent
) -> AsyncIterator[Mapping[str, str]]:
    """Start apps of the studio, hand out where they are, and stop them at the end.

    Args:
        spaces: ids of Spaces to stand in for; None for all there are.
        tell: hears one line when the start begins and one when an app is ready.

    Yields:
        Space id → URL of its app on this machine, `http://127.0.0.1:PORT`, ready to be called.

    Raises:
        NotInStudio: the studio has no app for an id.
        StudioNotInstalled: the extra is not installed.
        StudioFailed: an app did not start.
    """
    wanted = tuple(dict.fromkeys(SPACES if spaces is None else spaces))
    async with idle_studio(wanted, tell=tell) as studio:
        yield await _start_all(studio, wanted)


@asynccontextmanager
async def idle_studio(
    spaces: Iterable[str], *, tell: Callable[[str], None] = _silent
) -> AsyncIterator["Studio"]:
    """A studio in which nothing runs yet: each app starts when it is first asked for, and stops at the end.

    Args:
        spaces: ids of Spaces that it may be asked for.
        tell: hears one line when the start of an app begins and one when it is ready.

    Raises:
        NotInStudio: the studio has no app for an id.
        StudioNotInstalled: the extra is not installed.
    """
    _demand(tuple(spaces))
    async with AsyncExitStack() as stack:
        studio = Studio(tell, stack)
        try:
            yield studio
        finally:
            with anyio.CancelScope(shield=True):
                await studio.stop()


async def _start_all(studio: "Studio", wanted: Sequence[str]) -> Mapping[str, str]:
    """Start apps at once; of several that fail, the first is the error."""
    urls: dict[str, str] = {}
    failures: list[StudioFailed] = []

    async def start(name: str) -> None:
        try:
            urls[name] = await studio.start(name)
        except StudioFailed as failure:
            failures.append(failure)
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for name in wanted:
            tasks.start_soon(start, name)
    if failures:
        raise failures[0]
    return {name: urls[name] for name in wanted}


def _demand(wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in SPACES:
            raise NotInStudio(name)
    needed = dict.fromkeys(module for name in wanted for module in SPACES[name].needs)
    if missing := [module for module in needed if importlib.util.find_spec(module) is None]:
        raise StudioNotInstalled(missing)


@dataclass(slots=True)
class Studio:
    """The apps of an open studio; safe to use from many tasks at once. Made by `idle_studio`."""

    _tell: Callable[[str], None]
    _stack: AsyncExitStack
    _folder: Path | None = None
    _crews: dict[str, "_Crew"] = field(default_factory=dict)
    _spawning: anyio.Lock = field(default_factory=anyio.Lock)
    _urls: dict[str, str] = field(default_factory=dict)

    async def start(self, space: str) -> str:
        """Where the app for a Space is, `http://127.0.0.1:PORT`; it is started if it does not run yet.

        Args:
            space: one of those that the studio was opened for.

        Raises:
            StudioFailed: it did not start.
        """
        if space in self._urls:
            return self._urls[space]
        with anyio.move_on_after(_START_S):
            crew = await self._crew(space)
            url = self._urls[space] = await crew.start(space)
            self._tell(f"{space} is ready at {url}")
            return url
        words = "" if self._folder is None else _last_words(self._folder, space)
        raise StudioFailed(space, f"did not start in {_START_S:g} s", words)

    async def _crew(self, space: str) -> "_Crew":
        """The child that the app starts from: one for all on Linux; macOS does not fork safely."""
        name = "" if sys.platform == "linux" else space
        self._tell(f"starting the studio's {space}")
        async with self._spawning:
            if self._folder is None:
                self._folder = self._stack.enter_context(studio_folder())
            if name not in self._crews:
                self._crews[name] = _Crew(await _spawn(self._folder), self._folder)
            return self._crews[name]

    async def stop(self) -> None:
        """End every app, and wait until they are gone."""
        for crew in self._crews.values():
            await _stop(crew.process)


@dataclass(slots=True)
class _Crew:
    """A child that starts apps: it is sent their names, and says how each one went.

    Attributes:
        process: the child.
        folder: has its logs.
    """

    process: Process
    folder: Path
    _asked: set[str] = field(default_factory=set)
    _started: dict[str, str | StudioFailed] = field(default_factory=dict)
    _rest: bytes = b""
    _reading: anyio.Lock = field(default_factory=anyio.Lock)

    async def start(self, space: str) -> str:
        """Start an app, or wait until it runs that another task started; its URL."""
        if space not in self._asked:
            self._asked.add(space)
            await self._send(space)
        while space not in self._started:
            async with self._reading:  # whoever reads hears of the apps of others, too
                if space not in self._started:
                    await self._read()
        match self._started[space]:
            case StudioFailed() as failure:
                raise failure
            case url:
                return url

    async def _send(self, space: str) -> None:
        assert self.process.stdin is not None  # noqa: S101 - opened with a pipe
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # then its output ends, too
            await self.process.stdin.send(f"{space}\n".encode())

    async def _read(self) -> None:
        """Take in what the child says next; its end is the failure of every app that has not started."""
        assert self.process.stdout is not None  # noqa: S101 - opened with a pipe
        try:
            self._rest += await self.process.stdout.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            for space in self._asked:
                self._started.setdefault(space, self._failure(space, "ended at its start"))
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            said = json.loads(line)
            space, port = said["space"], said.get("port")
            if port is None:
                why = f"ended at its start ({said['ended']})"
                self._started.setdefault(space, self._failure(space, why))
            else:
                self._started[space] = f"http://127.0.0.1:{port}"

    def _failure(self, space: str, why: str) -> StudioFailed:
        return StudioFailed(space, why, _last_words(self.folder, space))


async def _spawn(folder: Path) -> Process:
    with (folder / "studio.log").open("ab") as log:
        return await anyio.open_process(
            [sys.executable, "-P", "-m", "pipelines.studio.serve"],
            stderr=log,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,  # Ctrl-C is for us; we stop them
        )


def _environment(folder: Path) -> dict[str, str]:
    place = str(folder)
    kept = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return kept | {
        "PATH": place,  # Gradio wants ffprobe wherever it finds ffmpeg, so it must find neither
        "TMPDIR": place,
        "TEMP": place,
        "TMP": place,
        "GRADIO_TEMP_DIR": str(folder / "files"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HOME": str(folder / "hub"),  # and so no saved token
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OPENBLAS_NUM_THREADS": "1",  # nothing here multiplies matrices, and threads do not survive a fork
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def _last_words(folder: Path, name: str) -> str:
    for log in (folder / log_name(name), folder / "studio.log"):
        with suppress(OSError):
            if text := log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace").strip():
                return text
    return ""


def log_name(space: str) -> str:
    """The file in the studio's folder that takes what the app of that Space prints."""
    return f"{space.replace('/', '--')}.log"


async def _stop(crew: Process) -> None:
    if crew.stdin is not None:
        await crew.stdin.aclose()  # the sign to end, for all that read from it
    with anyio.move_on_after(_STOP_S):
        await crew.wait()
    if crew.returncode is None:
        if sys.platform == "win32":
            crew.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(crew.pid, signal.SIGKILL)
        await crew.wait()
    await crew.aclose()
