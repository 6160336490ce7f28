"""What every test gets: a home folder of its own, no way to the user's, and a watch over its secrets."""

import signal
from pathlib import Path

import pytest
from leaks import pytest_runtest_makereport, secret

__all__ = ["pytest_runtest_makereport", "secret"]


SUITES = {
    "corpus": "corpus",
    **dict.fromkeys(("media", "studio", "test_films"), "films"),
    **dict.fromkeys(("services", "providers", "policy", "batch", "nested"), "places"),
    **dict.fromkeys(("faults", "hostile", "storage"), "faults"),
}
BY_FILE = {"chains", "media", "artifacts", "services", "home", "faults", "hostile", "storage"}

CROWDS = frozenset({"test_kills", "test_load"})  # of processes, which are not to be in each other's way


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> Path:
    """No test touches the folder of whoever runs it, or carries that person's token."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("SPACECHAIN_HOME", str(folder / "spacechain"))
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return folder / "spacechain"


def pytest_configure() -> None:
    """What tests start gets signals as from a terminal, also where `nohup` runs the tests."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one folder, or file, share their servers; those of the slower suites run when asked for."""
    root = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(root).parts[0]
        group = f"{folder}-{item.path.stem}" if folder in BY_FILE else folder
        if item.path.stem in CROWDS:
            group = "crowds"
        item.add_marker(pytest.mark.xdist_group(group))
        suite = SUITES.get(folder) or SUITES.get(item.path.stem)
        if suite and not item.get_closest_marker("compat"):
            item.add_marker(suite)
