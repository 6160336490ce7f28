"""Turn by turn: every contestant once, in another order each time, so that noise falls on all alike."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lab import Lab, surroundings
from questions import Contestant, Question

_WORKER = Path(__file__).parent / "worker.py"


class ContestantFailed(Exception):
    """A contestant did not do what it was asked; it said why on stderr."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one contestant needed.

    Attributes:
        label: who.
        seconds: of every kept turn that succeeded.
        ratio: of its median to the baseline's.
        failures: what the turns that failed said.
    """

    label: str
    seconds: Sequence[float]
    ratio: float
    failures: Sequence[str] = ()

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    @property
    def p75(self) -> float:
        """Seconds that three of four turns did not exceed."""
        if len(self.seconds) == 1:
            return self.seconds[0]
        return statistics.quantiles(self.seconds, n=4, method="inclusive")[2]


@dataclass(slots=True)
class Workers:
    """One process a tool, started when it is first needed; a second one where a tool takes part twice."""

    lab: Lab
    _open: dict[tuple[str, int], "subprocess.Popen[str]"] = field(default_factory=dict)

    def of(self, contestants: Sequence[Contestant]) -> list["subprocess.Popen[str]"]:
        """A process for each contestant, no process for two of them."""
        found, seen = [], dict.fromkeys((one.tool for one in contestants), 0)
        for one in contestants:
            key = (one.tool, seen[one.tool])
            seen[one.tool] += 1
            if key not in self._open:
                self._open[key] = self._start(one)
            found.append(self._open[key])
        return found

    def _start(self, contestant: Contestant) -> "subprocess.Popen[str]":
        python = self.lab.peers if contestant.is_peer else Path(sys.executable)
        return subprocess.Popen(
            [str(python), str(_WORKER), contestant.tool, self.lab.to_json()],
            cwd=self.lab.folder,
            env=surroundings(self.lab.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """Let all of them end."""
        for process in self._open.values():
            _pipe(process.stdin).close()
        for process in self._open.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def open_workers(lab: Lab) -> Iterator[Workers]:
    """The processes of one run of the benchmarks."""
    with ExitStack() as stack:
        workers = Workers(lab)
        stack.callback(workers.close)
        yield workers


def ask(question: Question, workers: Workers, turns: int) -> list[Row]:
    """Let every contestant take its turns; the first one, which warms it up, is not kept.

    A turn that fails is a finding if a peer's tool fails, and ends the benchmark if ours does.

    Raises:
        ContestantFailed: one of our own failed, a peer had no turn that succeeded, or a process ended.
    """
    pairs = [*zip(question.contestants, workers.of(question.contestants), strict=True)]
    taken: dict[str, list[float]] = {one.label: [] for one in question.contestants}
    failed: dict[str, list[str]] = {one.label: [] for one in question.contestants}
    for turn in range(turns + 1):
        first = turn % len(pairs)
        for contestant, process in [*pairs[first:], *pairs[:first]]:
            match _turn(contestant, process, turn):
                case {"seconds": float(seconds)} if turn:
                    taken[contestant.label].append(seconds)
                case {"failure": str(said)} if contestant.is_peer:
                    failed[contestant.label].append(said)
                case {"failure": str(said)}:
                    raise ContestantFailed(f"{contestant.label}: {said}")
    return _rows(taken, failed, question.baseline)


def _turn(contestant: Contestant, process: "subprocess.Popen[str]", turn: int) -> Mapping[str, object]:
    """The worker's answer, as it gave it."""
    asked = _pipe(process.stdin)
    try:
        asked.write(json.dumps({"way": contestant.way, "turn": turn}) + "\n")
        asked.flush()
    except BrokenPipeError as cause:
        raise ContestantFailed(contestant.label) from cause
    answer = _pipe(process.stdout).readline()
    if not answer:
        raise ContestantFailed(contestant.label)
    found: Mapping[str, object] = json.loads(answer)
    return found


def _rows(
    taken: Mapping[str, Sequence[float]], failed: Mapping[str, Sequence[str]], baseline: str
) -> list[Row]:
    for label, seconds in taken.items():
        if not seconds:
            raise ContestantFailed(f"{label}: {failed[label]}")
    one = statistics.median(taken[baseline])
    return [
        Row(label, seconds, statistics.median(seconds) / one, failed[label])
        for label, seconds in taken.items()
    ]


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("not a pipe")
    return stream
