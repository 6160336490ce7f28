"""Going on with a run that was killed while a fallback worked, or whose places are not there any more."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import calls_of
from hub_standin import ListedSpace, hub_standin
from services.vendors.house import open_house
from stage import acting, joins
from test_recovery import Recovering, go_on, outputs
from web import web

FALLS_BACK = """
steps:
  it:
    space: FIRST
    endpoint: /say
    with: {text: a}
    fallback: [FALLBACK]
"""
SLOWLY = "{space: ACTOR, endpoint: /slowly, with: {text: a}, pickup: {detached: 3s}}"


class Killed:
    """A run in a process of its own that is killed, and gone on with in another one."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder, self.env = folder, {**os.environ, **env}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start the command."""
        line = [sys.executable, "-m", "pipelines.cli", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(line, cwd=self.folder, env=self.env, stdout=pipe, stderr=pipe, text=True)

    def kill_when(self, is_time: Callable[[str], bool]) -> None:
        """Run `chain.yaml`, and kill the process at the first event for which it is time."""
        process = self.start("run", "chain.yaml", "--events")
        assert process.stdout is not None
        assert any(is_time(line) for line in process.stdout)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def go_on(self) -> dict[str, Any]:
        """Resume it; its document."""
        said, told = self.start("resume", "last", "--json").communicate(timeout=60)
        document: dict[str, Any] = json.loads(said)
        assert document["status"] == "succeeded", told
        return document


def begins(server: Any, endpoint: str) -> Callable[[str], bool]:
    """Whether the app has begun another call since; asked for once the run told that it fell back."""
    before = calls_of(server, endpoint)

    def is_time(line: str) -> bool:
        if '"fellback"' not in line:
            return False
        until = time.monotonic() + 20
        while calls_of(server, endpoint) == before:
            assert time.monotonic() < until
        return True

    return is_time


def test_a_vendors_job_at_a_fallback_is_picked_up(tmp_path):
    """It is paid for, and the first place would be paid for the same again."""
    with open_house() as vendors, web(acting(join=Recovering(1))) as first:
        vendor = vendors.by_name["replicate"]
        text = FALLS_BACK.replace("FIRST", first.url)
        (tmp_path / "chain.yaml").write_text(
            text.replace("FALLBACK", "{service: replicate, with: {prompt: a}}")
        )
        killed = Killed(tmp_path, **vendors.environment())
        killed.kill_when(lambda line: '"queued"' in line and vendor.creates == 1)
        made = killed.go_on()

        assert made["steps"]["it"]["via"].startswith("replicate")
        assert vendor.creates == 1
        assert joins(first.asked) == 1


def test_a_result_that_is_left_with_a_fallbacks_app_is_fetched(actor, tmp_path):
    """The app has it in its memory, and nobody else would ask for it."""
    with web(acting(join=Recovering(1))) as first:
        text = FALLS_BACK.replace("FIRST", first.url).replace("FALLBACK", SLOWLY)
        (tmp_path / "chain.yaml").write_text(text.replace("ACTOR", actor.url))
        before, killed = calls_of(actor, "slowly"), Killed(tmp_path)
        killed.kill_when(begins(actor, "slowly"))
        made = killed.go_on()

        assert made["steps"]["it"]["via"] == actor.url
        assert calls_of(actor, "slowly") == before + 1
        assert joins(first.asked) == 1


def test_a_chain_that_was_the_fallback_goes_on_where_its_step_was_at_work(actor, tmp_path):
    """What it has made is paid for as well, though it itself came to no end."""
    inner = f"steps: {{say: {SLOWLY}}}\noutputs: {{text: $say.answer}}\n".replace("ACTOR", actor.url)
    (tmp_path / "inner.yaml").write_text(inner)
    with web(acting(join=Recovering(1))) as first:
        text = FALLS_BACK.replace("FIRST", first.url).replace("FALLBACK", "{chain: inner.yaml}")
        (tmp_path / "chain.yaml").write_text(text)
        before, killed = calls_of(actor, "slowly"), Killed(tmp_path)
        killed.kill_when(begins(actor, "slowly"))
        killed.go_on()

        assert calls_of(actor, "slowly") == before + 1
        assert joins(first.asked) == 1


BROKEN = """
    steps:
      it: {space: PLACE, endpoint: /say, with: {text: a}, fallback: [FALLBACK], timeout: {wake: 100ms}}
      end: {space: ACTOR, endpoint: /refuse, retry: {attempts: 1}, with: {words: stop, title: x}, needs: it}
"""


@pytest.mark.parametrize("stage", ["PAUSED", "SLEEPING", None])
@pytest.mark.parametrize("is_fallback", [True, False])
def test_what_a_place_made_stays_where_the_place_is_not_there_any_more(
    run, actor, monkeypatch, stage, is_fallback
):
    """To wake a Space, or to fail for want of one, helps nobody whose result is there."""
    spaces = {"studio/gone": ListedSpace(actor.url)}
    with web(acting(join=Recovering(1))) as first, hub_standin(spaces) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        gone = "{space: studio/gone, endpoint: /say, with: {text: a}}"
        text = (
            BROKEN.replace("PLACE", first.url).replace("FALLBACK", gone)
            if is_fallback
            else BROKEN.replace("PLACE", "studio/gone").replace("fallback: [FALLBACK], ", "")
        )
        broken = run(text)
        if stage is None:
            del spaces["studio/gone"]
        else:
            spaces["studio/gone"].stages = [stage]
        again = go_on(broken)

    assert broken.to_json()["steps"]["it"]["status"] == "succeeded"
    assert outputs(again) == outputs(broken)
    assert again.to_json()["steps"]["it"]["status"] == "succeeded"
    assert joins(first.asked) == (1 if is_fallback else 0)


def test_what_an_earlier_run_made_stays_in_a_run_that_used_it(run, actor, monkeypatch):
    """It is the result of this run as well, wherever it came from."""
    spaces = {"studio/gone": ListedSpace(actor.url)}
    text = BROKEN.replace("PLACE", "studio/gone").replace("fallback: [FALLBACK], ", "")
    with hub_standin(spaces) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        run(text)
        broken = run(text)
        spaces["studio/gone"].stages = ["PAUSED"]
        again = go_on(broken)

    assert broken.to_json()["steps"]["it"]["cached"]
    assert outputs(again) == outputs(broken)


def test_work_at_a_fallback_that_cannot_be_asked_for_is_told(tmp_path):
    """It may have been paid for; whoever pays wants to know."""
    with open_house() as vendors, web(acting(join=Recovering(1))) as first:
        vendor = vendors.by_name["replicate"]
        text = FALLS_BACK.replace("FIRST", first.url)
        (tmp_path / "chain.yaml").write_text(
            text.replace("FALLBACK", "{service: replicate, with: {prompt: a}}")
        )
        killed = Killed(tmp_path, **vendors.environment())
        killed.kill_when(lambda line: '"queued"' in line and vendor.creates == 1)
        killed.env = {name: value for name, value in killed.env.items() if name != "REPLICATE_API_TOKEN"}
        made = killed.go_on()

    (warning,) = made["steps"]["it"]["warnings"]
    assert made["steps"]["it"]["via"] == first.url
    assert "a call was under way at replicate" in warning
    assert "REPLICATE_API_TOKEN" in warning
