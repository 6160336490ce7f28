"""All emulated vendors in one server, and a short way to run one step of a service against them."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from services.vendors.comfyui import IMAGE_WORKFLOW, WORKFLOW
from services.vendors.house import Vendors, open_house
from services.vendors.media import encoded, picture

from chains.loader import loads
from pipelines import Run, run_chain
from pipelines.engine.events import CallTold, RunEvent
from pipelines.running.record import FileOutput, ValueOutput

WORKFLOWS = {"workflow": WORKFLOW, "image_workflow": IMAGE_WORKFLOW}
KEYS = re.compile(r"key_from: \[?([A-Z_0-9, ]+)")


@pytest.fixture(scope="session")
def catalogue() -> dict[str, str]:
    """The text of every service file that spacechain comes with, by name."""
    folder = Path(str(files("spaces_registry"))) / "catalog" / "services"
    return {one.stem: one.read_text() for one in sorted(folder.glob("*.yaml"))}


@pytest.fixture(scope="session")
def _vendors() -> Iterator[Vendors]:
    with open_house() as house:
        yield house


@pytest.fixture
def vendors(_vendors, monkeypatch, home, catalogue) -> Vendors:
    """Every vendor, as new, with the user's keys for them set.

    The user has the catalogue's own files, but asks for a job's state a hundred times as often.
    """
    _vendors.forget()
    for name in (
        name for text in catalogue.values() for found in KEYS.findall(text) for name in found.split(", ")
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in _vendors.environment().items():
        monkeypatch.setenv(name, value)
    own = home / "services"
    own.mkdir(parents=True)
    for name, text in catalogue.items():
        quick = re.sub(r"\b(every|up_to): [\d.]+m?s", r"\1: 10ms", text)
        (own / f"{name}.yaml").write_text(quick)
    return _vendors


class Asked:
    """A run of one step, `made`, and what it told meanwhile."""

    def __init__(self, run: Run, told: list[RunEvent]) -> None:
        self.run = run
        self.told = [one.event for one in told if isinstance(one, CallTold)]

    @property
    def error(self) -> dict[str, Any]:
        """The step's error, as `run.json` has it."""
        found = self.run.to_json()["steps"]["made"]["error"]
        assert found is not None, self.run.to_json()
        return found

    @property
    def files(self) -> list[bytes]:
        """The files that the chain gives."""
        made = self._output
        every = made if isinstance(made, tuple) else (made,)
        assert all(isinstance(one, FileOutput) for one in every), every
        return [one.path.read_bytes() for one in every]

    @property
    def text(self) -> str:
        """The text that the chain gives."""
        made = self._output
        assert isinstance(made, ValueOutput), made
        return made.value

    @property
    def _output(self):
        assert self.run.ok, self.run.to_json()["steps"]["made"]["error"]
        return self.run.outputs["made"]


@pytest.fixture
def photo(tmp_path) -> Path:
    """A picture of the user's."""
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture("a photo of a harbour", 96, 64)))
    return path


@pytest.fixture
def recipe(tmp_path):
    """A chain of one service step, as a person writes it."""

    def write(service: str, gives: str = "image", **step: Any) -> Path:
        for name, workflow in WORKFLOWS.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(workflow))
        made = {"service": service, "cache": False, "retry": {"attempts": 1}, **step}
        handed = {"photo": {"kind": "image"}, "voice": {"kind": "audio"}}
        used = {name: one for name, one in handed.items() if f"$inputs.{name}" in str(step)}
        chain = {
            "name": "ask",
            "inputs": used,
            "steps": {"made": made},
            "outputs": {"made": f"$made.{gives}"},
        }
        path = tmp_path / "ask.yaml"
        path.write_text(yaml.safe_dump(chain, sort_keys=False, width=10**6))
        return path

    return write


@pytest.fixture
def ask(recipe, vendors, tmp_path):
    """Run a chain of one service step against the emulated vendors."""
    del vendors  # they are there

    def run(
        service: str, gives: str = "image", inputs: dict[str, object] | None = None, **step: Any
    ) -> Asked:
        path, told = recipe(service, gives, **step), []
        loaded = loads(path.read_text(), file=path.name, folder=tmp_path)
        return Asked(run_chain(loaded, inputs or {}, out=tmp_path / "outputs", tell=told.append), told)

    return run
