import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from corpus.catalogue import LOGIN
from differential import Media, make_media
from servers import Server, serve

from spaces_registry import Registry, open_registry

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # before any test imports the client libraries


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Our own loop; what runs under anyio runs on asyncio in every front end."""
    return "asyncio"


@pytest.fixture(scope="session")
def house() -> Iterator[Server]:
    """Every app of the corpus, in one process."""
    with serve(Path(__file__).parent / "house.py") as server:
        yield server


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """One real file of every sort."""
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
async def registry(house: Server, anyio_backend: str) -> AsyncIterator[Registry]:  # noqa: ARG001 - its loop
    """A registry of a user without a token, who may log in where that is asked."""
    login = {f"{house.url}/behind_login": LOGIN}
    async with open_registry(token="", auth=login) as opened:
        yield opened
