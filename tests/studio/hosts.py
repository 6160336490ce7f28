"""Programs that have the studio open, as a user's would, and a look at the processes that they start."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leaks import SECRETS

NOT_FOR_CHILDREN = SECRETS.make("not-for-children")

# Open until its standard input ends.
_HOST = """
import json, sys
import anyio
from pipelines.studio import open_studio

async def main():
    async with open_studio(sys.argv[1:] or None) as urls:
        print(json.dumps(dict(urls)), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)

anyio.run(main)
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that has the whole studio open, where its temporary files are, and where its apps are."""

    program: int
    folder: Path
    urls: Mapping[str, str]


def start_host(*spaces: str, temporary: Path) -> "subprocess.Popen[str]":
    """A program that has the studio open; its folder is below `temporary`."""
    return subprocess.Popen(
        [sys.executable, "-c", _HOST, *spaces],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(temporary), "HF_TOKEN": NOT_FOR_CHILDREN},
    )


def urls_of(host: "subprocess.Popen[str]") -> dict[str, str]:
    """Where the apps of a host are; waits until they are ready."""
    assert host.stdout is not None
    return dict(json.loads(host.stdout.readline()))


def stop(host: "subprocess.Popen[str]") -> int:
    """Let a host close its studio and end."""
    assert host.stdin is not None
    assert host.stdout is not None
    host.stdin.close()
    code = host.wait(30)
    host.stdout.close()
    return code


def processes_with(folder: Path) -> list[int]:
    """The processes that have `folder` in their environment, which the apps get as their temporary folder."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            environment = (place / "environ").read_bytes() if place.name.isdigit() else b""
        except OSError:  # gone, or another user's
            continue
        if str(folder).encode() in environment:
            found.append(int(place.name))
    return found


def wait_for_the_end_of(descriptors: Iterable[int], *, within_s: float) -> None:
    """Wait until all processes behind these descriptors (of `os.pidfd_open`) have ended."""
    waiting = select.poll()
    left = set(descriptors)
    for descriptor in left:
        waiting.register(descriptor, select.POLLIN)
    while left:
        ended = waiting.poll(within_s * 1000)
        assert ended, f"{len(left)} processes are still there"
        for descriptor, _ in ended:
            waiting.unregister(descriptor)
            os.close(descriptor)
            left.remove(descriptor)
