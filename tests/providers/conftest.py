"""A stand-in for the Hub, the router and the providers, and one way to ask it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from providers.asking import Asking
from providers.standin import Standin, media, standin

from spaces_registry.signature import File


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small picture, a sound and a clip."""
    return media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def served(files: dict[str, Path]) -> Iterator[Standin]:
    """The stand-in that a module's tests share."""
    with standin(files) as running:
        yield running


@pytest.fixture
def ask(served: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Asks the stand-in, which takes the router's place."""
    monkeypatch.setenv("SPACECHAIN_ROUTER", served.url)
    served.asked.clear()
    served.refusals.clear()
    served.results.clear()
    return Asking(served, tmp_path)


@pytest.fixture
def given(files: dict[str, Path]) -> Callable[[str], File]:
    """A file as a call gets it: `picture`, `sound` or `clip`."""
    return lambda name: File(files[name], files[name].name)
