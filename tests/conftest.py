"""What every test gets: a home folder of its own, no way to the user's, and a watch over its secrets."""

from pathlib import Path

import pytest
from leaks import pytest_runtest_makereport, secret

__all__ = ["pytest_runtest_makereport", "secret"]


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> Path:
    """No test touches the folder of whoever runs it, or carries that person's token."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("SPACECHAIN_HOME", str(folder / "spacechain"))
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return folder / "spacechain"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one folder share their servers, so that one worker starts each of them once."""
    root = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(root).parts[0]
        group = f"{folder}-{item.path.stem}" if folder in ("chains", "media", "artifacts") else folder
        item.add_marker(pytest.mark.xdist_group(group))
        if folder == "corpus" and not item.get_closest_marker("compat"):
            item.add_marker(pytest.mark.corpus)
