"""The doctor: looks at all that a run depends on, and says what to do about what is not as it should be."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from pipelines.doctor.account import account
from pipelines.doctor.finding import Finding
from pipelines.doctor.house import dotenv, home_folder, journal, store
from pipelines.doctor.machine import ffmpeg, pillow, versions
from pipelines.doctor.repair import index, repair
from pipelines.doctor.services import services
from pipelines.household.home import Home
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub, find_token

__all__ = ["Finding", "examine", "repair"]


async def examine(
    environ: Mapping[str, str], here: Path, home: Home, *, offline: bool = False
) -> AsyncIterator[Finding]:
    """Look at everything; what is found comes as soon as it is known.

    Args:
        environ: the environment variables.
        here: the current folder.
        home: the user's home folder.
        offline: ask nobody beyond this machine.
    """
    for one in versions():
        yield one
    yield await ffmpeg(environ)
    yield pillow()
    is_writable = True
    for one in home_folder(home):
        is_writable = is_writable and not (one.name == "home" and one.state == "fail")
        yield one
    yield journal(home)
    yield store(home)
    for one in index(home):
        yield one
    for one in dotenv(here, home):
        yield one
    answers = Answers(home.signatures if is_writable else None)
    async for each in account(Hub(find_token()), answers, environ, offline=offline):
        yield each
    for one in services(environ, home):
        yield one
