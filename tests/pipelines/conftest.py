"""A real Gradio app with what the engine needs, and short ways to run chains against it."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import httpx2
import pytest
from servers import serve

from chains.loader import loads
from pipelines import Run, run_chain

APPS = Path(__file__).parent / "apps"


class Workbench:
    """The running app of `apps/workbench.py`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def calls(self, name: str) -> int:
        """How often an endpoint ran, by the app's own count."""
        answer = httpx2.post(f"{self.url}/gradio_api/run/calls", json={"data": []})
        return int(answer.json()["data"][0].get(name, 0))


@pytest.fixture(scope="session")
def _workbench() -> Iterator[Workbench]:
    with serve(APPS / "workbench.py") as app:
        yield Workbench(app.url)


@pytest.fixture
def workbench(_workbench) -> Workbench:
    """The app, for tests that do not end it."""
    return _workbench


@pytest.fixture
def chain(workbench, tmp_path):
    """Load a chain from YAML; `bench` in it stands for the app's URL."""

    def load_text(text: str):
        return loads(dedent(text).replace("bench", workbench.url), file="chain.yaml", folder=tmp_path)

    return load_text


@pytest.fixture
def run(chain, tmp_path):
    """Run a chain given as YAML."""

    def run_text(text: str, inputs: dict[str, object] | None = None, **options: object) -> Run:
        return run_chain(chain(text), inputs, out=tmp_path / "outputs", **options)

    return run_text


@pytest.fixture
def workbench_of_its_own() -> Iterator[Workbench]:
    """The app in a process that the test may load, count and end as it likes."""
    with serve(APPS / "workbench.py") as app:
        yield Workbench(app.url)
