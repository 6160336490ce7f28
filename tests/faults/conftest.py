"""A real app behind a proxy that breaks things, and what must not be left behind."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.proxy import Proxy, proxy
from servers import Server, serve

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def lens() -> Iterator[Server]:
    """The app itself."""
    with serve(APPS / "lens.py") as server:
        yield server


@pytest.fixture(scope="session")
def _proxy(lens: Server) -> Iterator[Proxy]:
    with proxy(lens.url) as one:
        yield one


@pytest.fixture
def between(_proxy: Proxy, lens: Server) -> Iterator[Proxy]:
    """The proxy, without a fault at first."""
    _proxy.target = lens.url
    _proxy.set(None)
    _proxy.seen.clear()
    yield _proxy
    _proxy.set(None)


@pytest.fixture
def told(record_property) -> Callable[[object], None]:
    """Hand a campaign's figures, one line, to the end of the report."""
    return lambda figures: record_property("figures", str(figures))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of all campaigns, whether they went well or not."""
    ended = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [text for one in ended for name, text in one.user_properties if name == "figures"]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(str(line))


def eventually(holds: Callable[[], bool], within_s: float = 3.0) -> bool:
    """Whether something comes to hold: the proxy shares this process, and ends its connections after us."""
    until = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < until:
        threading.Event().wait(0.01)
    return held


def open_files() -> int:
    """How many files and sockets this process has open."""
    return len([*Path("/proc/self/fd").iterdir()])


def threads() -> set[str]:
    """The threads of this process that are not kept for the next use."""
    return {one.name for one in threading.enumerate() if "AnyIO worker" not in one.name}
