import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from differential import Media, make_media
from servers import Server, serve

from spaces_registry import Registry, open_registry

APPS = Path(__file__).parent / "apps"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # before any test imports the client libraries
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Our own loop; what runs under anyio runs on asyncio in every front end."""
    return "asyncio"


@pytest.fixture(scope="session")
def everything() -> Iterator[Server]:
    """An app with one endpoint for every sort of value."""
    with serve(APPS / "everything.py") as server:
        yield server


@pytest.fixture(scope="session")
def failing() -> Iterator[Server]:
    """An app that fails on purpose."""
    with serve(APPS / "failing.py") as server:
        yield server


@pytest.fixture(scope="session")
def guarded() -> Iterator[Server]:
    """An app behind a login."""
    with serve(APPS / "login.py") as server:
        yield server


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """One real file of every sort."""
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """A registry of a user without a token."""
    async with open_registry(token="") as opened:
        yield opened
