"""One real Gradio app for the whole folder, and short ways to run chains against it."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import httpx2
import pytest
from servers import Server, serve

from chains.loader import loads
from pipelines import Run, run_chain

APPS = Path(__file__).parent / "apps"
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def actor() -> Iterator[Server]:
    """The app of `apps/actor.py`."""
    with serve(APPS / "actor.py") as server:
        yield server


@pytest.fixture
def second_actor() -> Iterator[Server]:
    """The same in a process that a test may end."""
    with serve(APPS / "actor.py") as server:
        yield server


def calls_of(server: Server, name: str) -> int:
    """How often an endpoint of the actor ran, by its own count."""
    answer = httpx2.post(f"{server.url}/gradio_api/run/calls", json={"data": []})
    return int(answer.json()["data"][0].get(name, 0))


@pytest.fixture
def run(actor: Server, tmp_path: Path) -> Callable[..., Run]:
    """Run a chain given as YAML; `ACTOR` in it stands for the app's URL, others as they are handed in."""

    def run_text(text: str, places: Mapping[str, str] = {}, **options: object) -> Run:
        for name, url in {"ACTOR": actor.url, **places}.items():
            text = text.replace(name, url)
        chain = loads(dedent(text), file="chain.yaml", folder=tmp_path)
        return run_chain(chain, None, out=tmp_path / "outputs", **options)  # type: ignore[arg-type]

    return run_text


def story(run: Run, step: str = "it") -> list[tuple[str, str]]:
    """What failed and what was done about it, in order."""
    told = run.to_json()["steps"][step].get("story", [])  # type: ignore[index]
    return [(one["class"], one["then"]) for one in told]
