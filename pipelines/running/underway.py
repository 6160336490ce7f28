"""One run under way: its folder, its calls, its record."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread

from chains.language.evaluate import ABSENT
from chains.model import Chain, Step
from pipelines.artifacts import StorageFailed
from pipelines.engine.binding import shown
from pipelines.engine.blocking import is_blocked, wait_of
from pipelines.engine.breaker import Breaker
from pipelines.engine.budget import Budgets, used_by
from pipelines.engine.calls import CallMaker
from pipelines.engine.events import CallTold, RunEvent, RunListener, RunSettled, RunStarted, StepSettled
from pipelines.engine.executor import execute
from pipelines.engine.interrupts import interruptible
from pipelines.engine.perform import Performer
from pipelines.engine.results import Failed, Result, Skipped, Succeeded, failed_ones
from pipelines.engine.sight import names_for
from pipelines.engine.work_times import WorkTimes
from pipelines.household.history import new_id, remember
from pipelines.household.scratch import lives, scratch_folder
from pipelines.journal import Begun, JournalFailed
from pipelines.programs.environment import masked
from pipelines.running.folder import RunFolder
from pipelines.running.outcome import Run, Status
from pipelines.running.record import Output, StepReport
from pipelines.running.workshop import Settings, Workshop
from pipelines.versions import JSON_VERSION
from spaces_registry.errors import ToolkitError
from spaces_registry.machine import MachineRefused
from spaces_registry.progress import FellBack, Retrying
from spaces_registry.signature import Json


@dataclass(frozen=True, slots=True)
class Options:
    """How a chain is run.

    Attributes:
        out: the folder below which the run gets its own, `out/<chain>/<run>`.
        fresh: make every call again, kept results or not.
        redo: make these steps' calls again, and those of what reads from them.
        only: run these steps and what they read from, nothing else.
        as_text: inputs are text from a command line.
        watch_signals: let SIGINT, SIGTERM and SIGHUP interrupt the run in good order (main thread only).
        is_watched: whether a person looks on, and sees the progress of calls.
        within: the folder in which the run gets its own, in place of `out/<chain>`.
        resumed: the run that is gone on with, in place of a new one.
        row: the batch that it is a row of, and which.
    """

    out: Path = Path("outputs")
    fresh: bool = False
    redo: Sequence[str] = ()
    only: Sequence[str] = ()
    as_text: bool = False
    watch_signals: bool = False
    is_watched: bool = False
    within: Path | None = None
    resumed: Begun | None = None
    row: tuple[str, int] | None = None


class Running:
    """One run under way.

    Args:
        chain: what is run.
        shop: where.
        options: how.
        values: its inputs, converted and checked.
        environment: the variables that its expressions read, with their values.
        hidden: the same with those of nested chains: secrets.
        tell: hears what happens.
        started: when the first look began, by the monotonic clock.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a run is made of
        self,
        chain: Chain,
        shop: Workshop,
        options: Options,
        values: Mapping[str, object],
        environment: Mapping[str, str],
        hidden: Mapping[str, str],
        tell: RunListener,
        started: float,
    ) -> None:
        self.chain, self.shop, self.options, self.tell = chain, shop, options, tell
        self.hidden, self.started = hidden, started
        self.at = datetime.now(UTC)
        if (begun := options.resumed) is not None:
            self.id, self.folder = begun.run, RunFolder(Path(begun.folder))
            with suppress(ValueError):  # else it is no id of ours, and the day is today
                self.at = datetime.strptime(begun.run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        else:
            self.id, self.folder = _new_folder(self.at, options.within or options.out / chain.name)
        self.folder = replace(self.folder, hidden=hidden)
        facts = {"id": self.id, "chain": chain.name, "date": f"{self.at:%Y-%m-%d}"}
        self.names: dict[str, object] = {"inputs": values, "env": environment, "run": facts}
        self.values = values
        self.results: dict[str, Result] = {}
        self.reports: dict[str, StepReport] = {}
        self.ready_at: datetime | None = None
        self.unmade: dict[str, ToolkitError] = {}

    async def to_its_end(self, wanted: frozenset[str], fresh: frozenset[str]) -> Run:
        """Execute, publish, record."""
        with scratch_folder(self.shop.settings.home.scratch, self.id) as scratch:
            self.shop.store.sweep()
            self._begin()
            breaker = Breaker(self.shop.journal.outcomes)
            calls = self._calls(scratch, breaker, fresh)
            performer = Performer(self.names, self.shop.places, calls, breaker, self._hear)

            async def perform(step: Step, results: Mapping[str, Result]) -> Result:
                if step.name not in wanted:
                    return Skipped(step.name, because="it was not asked for", by_choice=True)
                result = await performer.perform(step, results)
                await anyio.to_thread.run_sync(self._publish, result)
                return result

            try:
                watch = self.options.watch_signals
                async with interruptible(watch_signals=watch, last_words=self._last_words) as interrupt:
                    await execute(self.chain, perform, self._record)
            except anyio.get_cancelled_exc_class():
                self._finish(interrupted=True)
                raise
            except (StorageFailed, JournalFailed, MachineRefused) as failure:  # what was made before is kept
                failure.hint = f"{failure.hint or 'mend that'}; then: spacechain resume {self.id}"
                failure.is_run_kept = True
                failure.next = f"spacechain resume {self.id}"
                raise
        return self._finish(interrupted=interrupt.happened)

    def _last_words(self) -> list[str]:
        """What was made and how to go on, for whoever does not wait for the run's record."""
        made = [name for name, one in self.results.items() if isinstance(one, Succeeded)]
        kept = f"made so far: {', '.join(made)}; it is kept in" if made else "what is done is kept in"
        return [
            f"interrupted; {kept} {self.folder.path}",
            f"go on from there with: spacechain resume {self.id}",
        ]

    def _begin(self) -> None:
        """Record the run, so that it can be gone on with from here."""
        home, runs, options = self.shop.settings.home, self.shop.journal.runs, self.options
        self.folder.prepare()
        remember(home.runs, self.id, self.chain.name, self.folder.path)
        if options.resumed is not None:
            runs.happened(self.id, "resumed")
        else:
            runs.begin(
                Begun(
                    self.id,
                    self.chain.name,
                    self.chain.source.file,
                    str(self.chain.folder.absolute()),
                    self.chain.source.text,
                    str(self.folder.path.absolute()),
                    self.values,
                    how(self.shop.settings, options),
                )
            )
        self._write("running")  # whoever hears of the run can find it
        self.tell(RunStarted(self.id, self.chain.name, str(self.folder.path), tuple(self.chain.steps)))

    def _calls(self, scratch: Path, breaker: Breaker, fresh: frozenset[str]) -> CallMaker:
        shop, journal = self.shop, self.shop.journal
        before, root = journal.newest(), shop.settings.home.scratch

        def is_dead(run: str, call: int) -> bool:
            return call <= before if run == self.id else not lives(root, run)

        return CallMaker(
            self.id,
            shop.store,
            journal,
            WorkTimes(journal),
            shop.limits,
            breaker,
            scratch,
            fresh,
            Budgets(self.chain.budget, journal, used_by(self.id, journal)),
            is_dead=is_dead,
            secrets=tuple(self.hidden.values()),
            resumed=self.options.resumed is not None,
            is_watched=self.options.is_watched,
        )

    def _hear(self, event: RunEvent) -> None:
        """Keep what is worth keeping of what happens, and pass it on."""
        match event:
            case CallTold(step=step, item=item, event=Retrying() | FellBack() as told):
                what = "retried" if isinstance(told, Retrying) else "fell-back"
                facts: dict[str, Json] = {"item": item, "place": told.place, "failure": told.failure}
                self.shop.journal.runs.happened(self.id, what, step, facts)
        self.tell(event)

    def _publish(self, result: Result) -> None:
        outputs = self.folder.publish_step(result) if isinstance(result, Succeeded) else {}
        self.reports[result.step] = StepReport(result, outputs)

    def _record(self, name: str, result: Result) -> None:
        self.results[name] = result
        if isinstance(result, Failed) and is_blocked(result) and (wait_s := wait_of(result)) is not None:
            ready_at = datetime.now(UTC) + timedelta(seconds=wait_s)
            self.ready_at = max(ready_at, self.ready_at or ready_at)
        self.reports.setdefault(name, StepReport(result, {}))
        self.shop.journal.runs.happened(self.id, "settled", name, type(result).__name__.lower())
        self.tell(StepSettled(name, result))
        self._write("running")

    def _finish(self, *, interrupted: bool) -> Run:
        for name in self.chain.steps:
            if name not in self.results:
                self._record(name, Skipped(name, because="the run was interrupted", by_choice=False))
        outputs = self._outputs()
        status = _status(self.results, interrupted=interrupted)
        run = self._state("failed" if status == "succeeded" and self.unmade else status, outputs)
        self.folder.write(self._document(run))
        self.shop.journal.runs.happened(self.id, "ended", told=run.status)
        self.tell(RunSettled(self.id, run.status, run.seconds))
        return run

    def _outputs(self) -> dict[str, Output]:
        """The chain's outputs, as far as what they read from succeeded."""
        outputs: dict[str, Output] = {}
        for name, template in self.chain.outputs.items():
            reads = [one.root for one in template.references if one.root in self.results]
            bad = [one for one in reads if not _usable(self.results[one])]
            if bad:
                continue
            names = names_for(reads, self.names, self.results)
            try:
                value = template.evaluate(names)
            except ToolkitError as failure:  # what a place gave is not what the expression reads
                self.unmade[name] = failure
                continue
            if value is not ABSENT:
                outputs[name] = self.folder.publish_output(name, value)
        return outputs

    def _state(self, status: Status, outputs: Mapping[str, Output]) -> Run:
        steps = {name: self.reports[name] for name in self.chain.steps if name in self.reports}
        seconds = time.monotonic() - self.started
        inputs = {name: shown(value) for name, value in self.values.items()}
        return Run(
            self.id,
            self.chain.name,
            status,
            seconds,
            self.folder.path,
            outputs,
            steps,
            inputs,
            self.ready_at if status == "blocked" else None,
            self.unmade,
        )

    def _write(self, status: str) -> None:
        run = self._state("interrupted", {})
        self.folder.write({**self._document(run), "status": status}, lasting=False)

    def _document(self, run: Run) -> dict[str, object]:
        """`run.json`: the JSON of the run, and all that it takes to tell where each result came from."""
        document = {
            "version": JSON_VERSION,
            **run.to_json(),
            "started": self.at.isoformat(timespec="seconds"),
            "file": _whole_path(self.chain.source.file),
            "named": self.chain.source.file,
            "inputs": run.inputs,
            "options": how(self.shop.settings, self.options),
        }
        if (row := self.options.row) is not None:
            document |= {"batch": row[0], "row": row[1]}
        hidden = masked(document, self.hidden)
        return hidden if isinstance(hidden, dict) else document


def _whole_path(file: str) -> str:
    """Where a chain is: an absolute path, unless it came with spacechain or from the web."""
    return str(Path(file).absolute()) if Path(file).is_file() else file


def how(settings: Settings, options: Options) -> dict[str, Json]:
    """How a run is run, as the journal keeps it; no tokens."""
    return {
        "local": settings.local,
        "use": dict(settings.use),
        "frozen": settings.frozen,
        "wake_s": settings.wake_s,
        "fresh": options.fresh,
        "redo": list(options.redo),
        "only": list(options.only),
        **({} if options.row is None else {"row": [*options.row]}),
    }


def _usable(result: Result) -> bool:
    return isinstance(result, Succeeded) or (isinstance(result, Skipped) and result.by_choice)


def _status(results: Mapping[str, Result], *, interrupted: bool) -> Status:
    if interrupted:
        return "interrupted"
    failures = failed_ones(results.values())
    if any(is_blocked(one) for one in failures):
        return "blocked"
    return "failed" if failures else "succeeded"


def _new_folder(at: datetime, within: Path) -> tuple[str, RunFolder]:
    """An id that nobody has, and its folder."""
    while True:
        name = new_id(at)
        if not (within / name).exists():
            return name, RunFolder(within / name)
