"""One studio for all tests of this folder, started once, and clients to call it with."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from studio.hosts import Running, start_host, stop, urls_of


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The studio that all tests share."""
    folder = tmp_path_factory.mktemp("studio")
    host = start_host(temporary=folder)
    try:
        yield Running(host.pid, folder, urls_of(host))
    finally:
        assert stop(host) == 0


@pytest.fixture(scope="session")
def studio(running: Running) -> Mapping[str, str]:
    """Space id → URL of its app."""
    return running.urls


@pytest.fixture(scope="session")
def client_of(studio: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Client]:
    """Space id → a connected client, the same for all tests."""
    downloads = tmp_path_factory.mktemp("downloads")
    clients: dict[str, Client] = {}

    def connect(space: str) -> Client:
        if space not in clients:
            clients[space] = Client(studio[space], verbose=False, download_files=str(downloads))
        return clients[space]

    return connect


@pytest.fixture(scope="session")
def paint(client_of: Callable[[str], Client]) -> Callable[..., tuple[Path, Any, Any]]:
    """Call the picture app: (file, seed as text, seed as integer)."""

    def call(
        prompt: str, seed: int = 7, resolution: str = "256x256 ( 1:1 )", **more: Any
    ) -> tuple[Path, Any, Any]:
        arguments = {"prompt": prompt, "resolution": resolution, "seed": seed, "random_seed": False} | more
        gallery, text, number = client_of("Tongyi-MAI/Z-Image-Turbo").predict(
            api_name="/generate", **arguments
        )
        return Path(gallery[0]["image"]), text, number

    return call
