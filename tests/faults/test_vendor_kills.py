"""A process killed while a vendor works: the job is found again, and not paid for twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from services.vendors.comfyui import WORKFLOW
from services.vendors.house import Vendors, open_house

STEPS = {
    "replicate": "{service: replicate, with: {prompt: a fox}}",
    "fal": "{service: fal, with: {prompt: a fox}}",
    "comfyui": "{service: comfyui, with: {workflow: workflow.json, 6.text: a fox}}",
    "cogview": "{service: cogview, endpoint: text-to-image-async, with: {prompt: a fox, model: glm-image}}",
}


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    """Every vendor."""
    with open_house() as house:
        yield house


@pytest.mark.parametrize("name", STEPS)
def test_a_job_under_way_is_found_again_after_a_kill(name, vendors, tmp_path):
    """A vendor's job costs money whether or not somebody waits for it."""
    vendors.forget()
    vendor = vendors.by_name[name]
    (tmp_path / "chain.yaml").write_text(f"steps: {{made: {STEPS[name]}}}\noutputs: {{it: $made.image}}\n")
    (tmp_path / "workflow.json").write_text(json.dumps(WORKFLOW))
    environment = {**os.environ, **vendors.environment(), "SPACECHAIN_HOME": str(tmp_path / "home")}

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    first = start("run", "chain.yaml", "--events")
    assert first.stdout is not None
    for line in first.stdout:  # the job is journalled before anything is told of it
        if '"queued"' in line:
            break
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    created = vendor.creates
    said, told = start("resume", "last", "--json").communicate(timeout=60)

    assert json.loads(said)["status"] == "succeeded", told
    assert (created, vendor.creates) == (1, 1)
    assert Path(tmp_path / json.loads(said)["outputs"]["it"]["path"]).stat().st_size > 0
