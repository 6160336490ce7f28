"""A run from beginning to end: look first, then execute, keep what was made, and say how it went."""

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
import anyio.to_thread

from chains.evaluate import ABSENT
from chains.model import Chain, ChainStep, Step
from chains.problems import InvalidChain
from pipelines.engine.binding import shown
from pipelines.engine.blocking import is_blocked, wait_of
from pipelines.engine.breaker import Breaker
from pipelines.engine.budget import Budgets, used_by
from pipelines.engine.calls import CallMaker
from pipelines.engine.events import (
    CallTold,
    RunEvent,
    RunListener,
    RunSettled,
    RunStarted,
    StepSettled,
    unheard,
)
from pipelines.engine.executor import execute
from pipelines.engine.interrupts import interruptible
from pipelines.engine.perform import Performer, names_for
from pipelines.engine.results import Failed, Result, Skipped, Succeeded, failed_ones
from pipelines.environment import masked, read_environment
from pipelines.folder import RunFolder
from pipelines.history import remember
from pipelines.inputs import read_inputs
from pipelines.journal import Begun
from pipelines.locking import lock_of
from pipelines.nesting import secrets_of
from pipelines.places.nested import Around, read_nested
from pipelines.places.places import Places
from pipelines.preflight import look
from pipelines.record import Output, StepReport, output_json
from pipelines.scratch import lives, scratch_folder
from pipelines.workshop import Settings, Workshop, open_workshop
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.progress import FellBack, Retrying
from spaces_registry.signature import Json

Status: TypeAlias = Literal["succeeded", "failed", "blocked", "interrupted"]


class UnknownStep(ToolkitError):
    """`--redo` or `--only` names a step that the chain does not have."""

    code = "unknown-step"


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
        within: the folder in which the run gets its own, in place of `out/<chain>`.
        resumed: the run that is gone on with, in place of a new one.
    """

    out: Path = Path("outputs")
    fresh: bool = False
    redo: Sequence[str] = ()
    only: Sequence[str] = ()
    as_text: bool = False
    watch_signals: bool = False
    within: Path | None = None
    resumed: Begun | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went.

    Attributes:
        id: time and six random digits, e.g. `20261121-051200-ab12cd`.
        chain: its name.
        status: `succeeded`, `failed`, `blocked` (a quota; run it again later) or `interrupted`.
        seconds: from the first look to the last file.
        folder: where its files are.
        outputs: the chain's outputs; those of steps that did not succeed are not in it.
        steps: by name, in the order of the file.
        inputs: what it was run with, as JSON.
        ready_at: for a blocked run, from when it can go on, as far as its places named a moment.
        unmade: the chain's outputs that have no value, though their steps succeeded, and why.
    """

    id: str
    chain: str
    status: Status
    seconds: float
    folder: Path
    outputs: Mapping[str, Output] = field(default_factory=dict)
    steps: Mapping[str, StepReport] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    ready_at: datetime | None = None
    unmade: Mapping[str, ToolkitError] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every step succeeded or was skipped by choice, and every output has a value."""
        return self.status == "succeeded"

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        told: dict[str, object] = {
            "run": self.id,
            "chain": self.chain,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "folder": str(self.folder),
            "outputs": {name: output_json(one) for name, one in self.outputs.items()},
            "steps": {name: one.to_json() for name, one in self.steps.items()},
        }
        if self.status == "blocked":
            told["ready_at"] = self.ready_at.isoformat(timespec="seconds") if self.ready_at else None
        if self.unmade:
            told["unmade"] = {
                name: {"code": one.code, "message": one.message, "hint": one.hint}
                for name, one in self.unmade.items()
            }
        return told


async def run_loaded(
    chain: Chain,
    inputs: Mapping[str, object],
    settings: Settings,
    options: Options,
    tell: RunListener = unheard,
) -> Run:
    """Run a chain; a failed step is told in the `Run`, all that is wrong before the first call is raised.

    Raises:
        InvalidChain: the chain does not fit the places it names.
        ToolkitError: inputs, environment, folder, studio or journal cannot be used, or it is not allowed.
    """
    async with open_workshop(chain, settings, lock_of(chain, frozen=settings.frozen)) as shop:
        return await run_in(shop, chain, inputs, options, tell)


async def run_in(
    shop: Workshop, chain: Chain, inputs: Mapping[str, object], options: Options, tell: RunListener = unheard
) -> Run:
    """Run a chain in a workshop that is open already; as `run_loaded`."""
    started = time.monotonic()
    wanted, fresh = _wanted_steps(chain, options), _fresh_steps(chain, options, shop.places)
    environment, hidden = read_environment(chain), secrets_of(chain, shop.places.around)
    values = await anyio.to_thread.run_sync(
        lambda: read_inputs(chain, inputs, shop.store, as_text=options.as_text)
    )
    found = await look(chain, shop.places, wake=True)
    if found.refusal is not None:
        raise found.refusal
    if not found.ok:
        raise InvalidChain(found.problems, chain.source)
    run = _Running(chain, shop, options, values, environment, tell, started)
    run.hidden = hidden
    return await run.to_its_end(wanted, fresh)


class _Running:
    """One run under way."""

    def __init__(  # noqa: PLR0917 - what a run is made of
        self,
        chain: Chain,
        shop: Workshop,
        options: Options,
        values: Mapping[str, object],
        environment: Mapping[str, str],
        tell: RunListener,
        started: float,
    ) -> None:
        self.chain, self.shop, self.options, self.tell = chain, shop, options, tell
        self.environment, self.started = environment, started
        self.hidden = environment  # those of nested chains are added
        self.at = datetime.now(UTC)
        self.id = f"{self.at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self.folder = RunFolder((options.within or options.out / chain.name) / self.id)
        if (begun := options.resumed) is not None:
            self.id, self.folder = begun.run, RunFolder(Path(begun.folder))
            with suppress(ValueError):  # else it is no id of ours, and the day is today
                self.at = datetime.strptime(begun.run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
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
                async with interruptible(watch_signals=self.options.watch_signals) as interrupt:
                    await execute(self.chain, perform, self._record)
            except anyio.get_cancelled_exc_class():
                self._finish(interrupted=True)
                raise
        return self._finish(interrupted=interrupt.happened)

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
            shop.limits,
            breaker,
            scratch,
            fresh,
            Budgets(self.chain.budget, journal, used_by(self.id, journal)),
            is_dead=is_dead,
            resumed=self.options.resumed is not None,
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
            **run.to_json(),
            "started": self.at.isoformat(timespec="seconds"),
            "file": self.chain.source.file,
            "inputs": run.inputs,
        }
        hidden = masked(document, self.hidden)
        return hidden if isinstance(hidden, dict) else document


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


def _fresh_steps(chain: Chain, options: Options, places: Places) -> frozenset[str]:
    """The steps whose kept results are not used."""
    if options.fresh:
        return frozenset(chain.steps)
    fresh: set[str] = set()
    for name in options.redo:
        fresh |= _downstream(chain, name, places.around)
    return frozenset(fresh)


def _downstream(chain: Chain, name: str, around: Around) -> set[str]:
    """A step and what reads from it; for `outer/inner`, the same in the chain that `outer` runs, too."""
    from chains.graph import downstream  # noqa: PLC0415 - networkx takes longer to import than a cached run

    outer, _, inner = name.partition("/")
    _known(chain, [outer])
    after = {*downstream(chain, outer)}
    step = chain.steps[outer]
    if not inner or not isinstance(step, ChainStep):
        _known(chain, [name])
        return {outer, *after}
    nested = read_nested(chain, step, around)
    return after | {f"{outer}/{one}" for one in _downstream(nested.chain, inner, nested.around)}


def _wanted_steps(chain: Chain, options: Options) -> frozenset[str]:
    """The steps to run: those asked for and, again and again, what they read from."""
    if not options.only:
        return frozenset(chain.steps)
    _known(chain, options.only)
    wanted: set[str] = set()
    waiting = list(options.only)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += chain.steps[name].reads
    return frozenset(wanted)


def _known(chain: Chain, names: Sequence[str]) -> None:
    for name in names:
        if name not in chain.steps:
            raise UnknownStep(f"{chain.name} has no step {name!r}", hint=nearest(name, chain.steps))
