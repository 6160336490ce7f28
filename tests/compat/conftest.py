import os
from collections.abc import AsyncIterator

import pytest
from differential import Media, make_media

from spaces_registry import Registry, open_registry

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # before any test imports the client libraries


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Our own loop; what runs under anyio runs on asyncio in every front end."""
    return "asyncio"


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """One real file of every sort."""
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """A registry of a user without a token."""
    async with open_registry(token="") as opened:
        yield opened
