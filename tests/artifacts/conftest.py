"""A store, and real files of many types to keep in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pipelines.artifacts import Store
from spaces_registry.signature import File


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store; its folder does not exist yet."""
    return Store(tmp_path / "store")


@pytest.fixture
def png(tmp_path: Path) -> File:
    """A small picture, as a Space would have sent it."""
    path = tmp_path / "download" / "image.png"
    path.parent.mkdir()
    Image.new("RGB", (20, 10), "red").save(path)
    return File(path, "image.png", mime="image/png", url="https://example.org/image.png", caption="red")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, bytes], File]:
    """Writes bytes under a name."""

    def write(name: str, content: bytes) -> File:
        path = tmp_path / name
        path.write_bytes(content)
        return File(path, name)

    return write


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return sorted(one for one in folder.rglob("*") if one.is_file())
