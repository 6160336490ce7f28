"""Kill a run at a random moment, go on with it, and see what it cost: one kill at a time, on a real app."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHAIN = """
name: film
inputs: {take: a}
limits: {"app": {concurrency: 16}}
defaults: {pickup: PICKUP}
steps:
  story: {space: "app", endpoint: /tell, with: {words: a fox, take: $inputs.take}}
  pictures:
    space: "app"
    endpoint: /paint
    each: ${{ range(16) }}
    with: {story: $story.said, number: $item, take: $inputs.take}
  graded:
    space: "app"
    endpoint: /grade
    each: $pictures.image
    with: {picture: $item, take: $inputs.take}
  voice: {space: "app", endpoint: /speak, with: {words: $story.said, take: $inputs.take}}
  caption: {space: "app", endpoint: /title, with: {picture: "${{ graded.image[0] }}", take: $inputs.take}}
  reel: {media: slideshow, cache: false, with: {images: $graded.image, seconds: 2}}
  film: {media: mux, cache: false, with: {video: $reel.video, audio: $voice.audio}}
outputs: {film: $film.video, caption: $caption.said}
"""
CALLS = 1 + 16 + 16 + 1 + 1  # of the app, by a run that nobody disturbs
AT_ONCE = 16
MOST = 4  # tries for every kill: some runs end before their moment
ENDS_S = 180.0  # on a machine that has other things to do


@dataclass(slots=True)
class Tally:
    """What a series of kills cost.

    Attributes:
        kills: processes killed while they ran.
        late: runs that had ended before they were to be killed.
        wrong: resumed runs whose outputs were not those of an undisturbed one.
        lost: resumed runs that did not succeed.
        repeated: calls that the app worked on more than once.
        worst: the most of them for one kill.
        said: what runs said that did not succeed.
    """

    kills: int = 0
    late: int = 0
    wrong: int = 0
    lost: int = 0
    repeated: int = 0
    worst: int = 0
    said: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        per_kill = self.repeated / self.kills if self.kills else 0.0
        return (
            f"{self.kills} kills ({self.late} came too late), {self.lost} lost, {self.wrong} wrong, "
            f"{self.repeated} calls repeated ({per_kill:.2f} a kill, at most {self.worst})"
        )


@dataclass(frozen=True, slots=True)
class Field:
    """Where runs are killed.

    Attributes:
        folder: of its own, on a real disk: home folder, chain, outputs.
        log: what the app writes down.
    """

    folder: Path
    log: Path

    @property
    def home(self) -> Path:
        """The home folder of all its runs."""
        return self.folder / "home"

    def write_chain(self, url: str, pickup: str, more: str = "") -> None:
        """Put the chain there."""
        text = CHAIN.replace('"app"', f'"{url}"').replace("PICKUP", pickup)
        (self.folder / "film.yaml").write_text(text + more)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *words],
            cwd=self.folder,
            env={**os.environ, "SPACECHAIN_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill(self, take: str, after_s: float) -> bool:
        """Kill the run of a take after some time; whether it had not ended before."""
        process = self.start("run", "film.yaml", "-i", f"take={take}", "--json")
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def go_on(self, take: str) -> dict[str, Any]:
        """Resume the run of a take, or start it if it did not come so far as to be one."""
        run = self.run_of(take)
        return self.finish(*(("run", "film.yaml", "-i", f"take={take}") if run is None else ("resume", run)))

    def finish(self, *words: str) -> dict[str, Any]:
        """Run a command to its end; its JSON, or what it said in place of it."""
        said, told = self.start(*words, "--json").communicate(timeout=ENDS_S)
        return json.loads(said) if said else {"status": "none", "told": told}

    def run_of(self, take: str) -> str | None:
        """The id of the run of a take, if it came so far as to have one."""
        for record in (self.folder / "outputs").glob("film/*/run.json"):
            if json.loads(record.read_text()).get("inputs") == {"take": take}:
                return record.parent.name
        return None

    def worked(self, take: str) -> Counter[str]:
        """How often the app began each call of a take."""
        calls = (one["call"] for one in self.noted() if one["event"] == "began")
        return Counter(json.dumps(one) for one in calls if one[-1] == take)

    def noted(self) -> list[dict[str, Any]]:
        """All that the app wrote down."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def outputs_of(self, run: Mapping[str, Any]) -> tuple[object, ...]:
        """What a run made: the bytes of its film, and its caption."""
        outputs = run.get("outputs", {})
        if set(outputs) != {"film", "caption"}:
            return ("nothing",)
        film = self.folder / str(outputs["film"]["path"])
        return (hashlib.sha256(film.read_bytes()).hexdigest(), outputs["caption"]["value"])


def kill_runs(at: Field, kills: int, first: int = 0, undisturbed: int = 1) -> Tally:
    """Kill so many runs, each at a moment of its seed's, and go on with them.

    Runs that nobody disturbs tell what is right and how long one takes; one that ends before its moment tells
    it better.

    Args:
        at: where.
        kills: how many.
        first: the first seed.
        undisturbed: how many runs come before the first kill.
    """
    for number in range(undisturbed):
        started = time.monotonic()
        right = at.outputs_of(at.finish("run", "film.yaml", "-i", f"take=undisturbed {number}"))
        lasts_s = time.monotonic() - started
    tally = Tally()
    for seed in range(first, first + MOST * kills):
        if tally.kills == kills:
            break
        take, started = f"take {seed}", time.monotonic()
        if not at.kill(take, random.Random(seed).uniform(0.3, lasts_s)):  # noqa: S311 - a moment
            tally.late += 1
            lasts_s = time.monotonic() - started
            continue
        tally.kills += 1
        done = at.go_on(take)
        worked = at.worked(take)
        extra = worked.total() - len(worked)
        tally.lost += done.get("status") != "succeeded" or len(worked) != CALLS
        tally.wrong += at.outputs_of(done) != right
        tally.repeated += extra
        tally.worst = max(tally.worst, extra)
        if done.get("status") != "succeeded":
            tally.said.append(json.dumps(done)[:2000])
    return tally
