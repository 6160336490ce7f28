"""Opening and closing the studio: its apps as child processes that never outlive us.

One child imports Gradio, which is most of the start, and forks into one process per app; where forking is
not safe, every app is a child of its own. All of them hold the reading end of one pipe and end when it does,
so they are gone even if we are killed. What they print goes to log files, never to the user's terminal.
"""

import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

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
    _demand(wanted)
    if not wanted:
        yield {}
        return
    tell(f"starting the studio: {', '.join(wanted)}")
    with studio_folder() as folder:
        crews: list[Process] = []
        try:
            yield await _start(wanted, folder, crews, tell)
        finally:
            with anyio.CancelScope(shield=True):
                for crew in crews:
                    await _stop(crew)


def _demand(wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in SPACES:
            raise NotInStudio(name)
    needed = dict.fromkeys(module for name in wanted for module in SPACES[name].needs)
    if missing := [module for module in needed if importlib.util.find_spec(module) is None]:
        raise StudioNotInstalled(missing)


async def _start(
    wanted: Sequence[str], folder: Path, crews: list[Process], tell: Callable[[str], None]
) -> Mapping[str, str]:
    urls: dict[str, str] = {}
    failures: list[StudioFailed] = []

    async def listen(crew: Process, names: Sequence[str]) -> None:
        try:
            async for name, url in _ready(crew, names, folder):
                urls[name] = url
                tell(f"{name} is ready at {url}")
        except StudioFailed as failure:
            failures.append(failure)
            tasks.cancel_scope.cancel()

    with anyio.move_on_after(_START_S) as limit:
        async with anyio.create_task_group() as tasks:
            for names in _crews(wanted):
                crews.append(await _spawn(names, folder))
                tasks.start_soon(listen, crews[-1], names)
    if failures:
        raise failures[0]
    if limit.cancelled_caught:
        late = [name for name in wanted if name not in urls]
        raise StudioFailed(", ".join(late), f"did not start in {_START_S:g} s", _last_words(folder, late[0]))
    return {name: urls[name] for name in wanted}


def _crews(wanted: Sequence[str]) -> Iterator[Sequence[str]]:
    """Which apps share a child to start from. Forking after imports is safe on Linux, not on macOS."""
    if sys.platform == "linux":
        yield wanted
    else:
        yield from ([name] for name in wanted)


async def _spawn(names: Sequence[str], folder: Path) -> Process:
    with (folder / "studio.log").open("ab") as log:
        return await anyio.open_process(
            [sys.executable, "-P", "-m", "pipelines.studio.serve", *names],
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


async def _ready(crew: Process, names: Sequence[str], folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Yield (id, URL) of every app of a crew, in the order in which they become ready."""
    waiting = list(names)
    async for line in _lines(crew):
        said = json.loads(line)
        name, port = said["space"], said.get("port")
        if port is None:
            raise StudioFailed(name, f"ended at its start ({said['ended']})", _last_words(folder, name))
        waiting.remove(name)
        yield name, f"http://127.0.0.1:{port}"
        if not waiting:
            return
    raise StudioFailed(waiting[0], "ended at its start", _last_words(folder, waiting[0]))


async def _lines(crew: Process) -> AsyncIterator[str]:
    assert crew.stdout is not None  # noqa: S101 - opened with a pipe
    rest = ""
    async for text in TextReceiveStream(crew.stdout):
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield line


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
