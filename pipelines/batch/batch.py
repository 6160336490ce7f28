"""A batch from beginning to end: look at the whole table, then run what is not done, some rows at once."""

import hashlib
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.to_thread

from chains.problems import InvalidChain
from pipelines.artifacts import Artifact, StorageFailed, publish
from pipelines.batch.columns import Columns, fingerprint
from pipelines.batch.keeping import BatchLog, keeping
from pipelines.batch.memory import Memory, open_memory
from pipelines.batch.results import Layout, Results, RowDone, open_results
from pipelines.batch.survey import Batch, Survey, is_wanted, named, survey
from pipelines.batch.table import Row
from pipelines.batch.tally import Tally
from pipelines.engine.inputs import read_inputs
from pipelines.engine.interrupts import interruptible
from pipelines.engine.results import Failed, Skipped
from pipelines.household.listing import ROWS
from pipelines.household.trusting import require_recipe
from pipelines.household.variables import require_variables
from pipelines.journal import JournalFailed
from pipelines.programs.environment import masked, read_environment
from pipelines.running.folder import FEWEST_DIGITS
from pipelines.running.locking import lock_of
from pipelines.running.preflight import look
from pipelines.running.record import FileOutput, Output, ValueOutput, files_in_output, with_files
from pipelines.running.run import Options, Run, run_in
from pipelines.running.workshop import Settings, Workshop, open_workshop
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Kind


@dataclass(frozen=True, slots=True)
class Begun:
    """The table was looked at: this many rows, and what a person may want to know of its columns."""

    rows: int
    warnings: tuple[str, ...]


Told: TypeAlias = Begun | RowDone
Hearer: TypeAlias = Callable[[Told, Tally], None]


async def run_batch(batch: Batch, settings: Settings, tell: Hearer) -> Tally:
    """Run a chain for the rows of a table; a row that fails is told, and stops no other.

    Args:
        batch: what is to be done.
        settings: where.
        tell: hears of each row as it ends.

    Raises:
        InvalidTable: rows do not fit the chain's inputs; nothing was called.
        InvalidChain: the chain does not fit the places it names; nothing was called.
        ToolkitError: the table, the folder, the results, the studio or the journal cannot be used.
    """
    chain = batch.chain
    async with open_workshop(chain, settings, lock_of(chain, frozen=settings.frozen)) as shop:
        shared = await anyio.to_thread.run_sync(_shared, batch, shop)
        columns = Columns(chain, batch.table, batch.renamed, shared)
        surveyed = await anyio.to_thread.run_sync(survey, batch, columns, shop.store)
        require_recipe(chain, settings.home)
        read_environment(chain)  # what is not set is told first
        require_variables(chain, settings.home, shop.places.around)
        found = await look(chain, shop.places, wake=True)
        if found.refusal is not None:
            raise found.refusal
        if not found.ok:
            raise InvalidChain(found.problems, chain.source)
        with ExitStack() as stack:
            memory = stack.enter_context(open_memory())
            layout = Layout(batch.results.suffix == ".csv", (*chain.outputs,), surveyed.columns, batch.folder)
            results = stack.enter_context(open_results(batch.results, layout, memory, forget=batch.fresh))
            log = stack.enter_context(keeping(batch, settings.home))
            running = _Running(batch, shop, columns, surveyed, memory, results, tell, log)
            return await running.to_its_end()


def _shared(batch: Batch, shop: Workshop) -> dict[str, object]:
    """The inputs that all rows share, read once; others may be missing, since the rows have them."""
    given = batch.inputs
    known = {name: one for name, one in batch.chain.inputs.items() if name in given}
    if len(known) < len(given):
        read_inputs(batch.chain, given, shop.store, as_text=True)  # names what is wrong, with what is meant
    return read_inputs(replace(batch.chain, inputs=known), given, shop.store, as_text=True)


@dataclass(frozen=True, slots=True)
class _Job:
    """One row to run: what it asks for, also as a hash, and how its files are called."""

    row: Row
    content: str
    key: str
    stem: str


class _Running:
    """One batch under way."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a batch is made of
        self,
        batch: Batch,
        shop: Workshop,
        columns: Columns,
        survey: Survey,
        memory: Memory,
        results: Results,
        tell: Hearer,
        log: BatchLog,
    ) -> None:
        self.batch, self.shop, self.columns, self.survey = batch, shop, columns, survey
        self.memory, self.results, self.tell, self.log = memory, results, tell, log
        self.tally = Tally(rows=survey.rows)
        self.started = time.monotonic()
        self.failure: ToolkitError | None = None
        self.reading = anyio.Lock()
        self.flying: dict[str, anyio.Event] = {}
        where = (shop.settings.local, *sorted(shop.settings.use.items()), batch.name)
        self.secrets = read_environment(batch.chain)
        self.world = f"{fingerprint(batch.chain)} {where!r}"

    async def to_its_end(self) -> Tally:
        """Run every row that is not done."""
        self.log.write(self.tally)
        self.tell(Begun(self.survey.rows, self.survey.warnings), self.tally)
        jobs = self._jobs()

        async def work(scope: anyio.CancelScope) -> None:
            try:
                while (job := await self._next(jobs)) is not None:
                    await self._do(job)
            except ToolkitError as failure:  # of ours, not of a row: going on would lose results
                self.failure = failure
                scope.cancel()

        async with (
            interruptible(watch_signals=self.batch.watch_signals, last_words=self._last_words) as interrupt,
            anyio.create_task_group() as workers,
        ):
            for _ in range(self.batch.workers):
                workers.start_soon(work, workers.cancel_scope)
        self.tally.seconds = time.monotonic() - self.started
        self.tally.running = 0
        self.tally.interrupted = interrupt.happened
        self.log.write(self.tally, self.tally.status if self.failure is None else "interrupted")
        if self.failure is not None:
            raise self.failure
        return self.tally

    def _last_words(self) -> list[str]:
        """How many rows were made and how to go on, for whoever does not wait for the end."""
        made, folder = self.tally.succeeded + self.tally.skipped, self.batch.folder
        return [
            f"interrupted; {made} of {self.tally.rows} rows are done and kept in {folder}",
            f"go on from there with: {shlex.join(['spacechain', 'batch', '--resume', str(folder)])}",
        ]

    async def _next(self, jobs: Iterator[_Job]) -> _Job | None:
        """The next row to run; rows are read in a thread, since their files may be long."""
        async with self.reading:
            return None if self._is_over() else await anyio.to_thread.run_sync(next, jobs, None)

    def _is_over(self) -> bool:
        most = self.batch.stop_after
        return self.tally.blocked > 0 or (most is not None and self.tally.failed >= most)

    def _jobs(self) -> Iterator[_Job]:
        """The rows that are to be run, in the table's order; names are counted over all of its rows."""
        for row in self.batch.table.rows():
            stem = self.survey.pattern.fill(named(self.columns, row))
            number = self.memory.count("stem", stem.casefold())
            if not is_wanted(self.batch, row):
                continue
            content = self.columns.content(row)
            whole = f"{self.world}\n{content}\n{sorted(row.cells.items())!r}"
            key = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            if self.results.is_done(key):
                self.tally.skipped += 1
                continue
            yield _Job(row, content, key, stem if number == 1 else f"{stem}-{number}")

    async def _do(self, job: _Job) -> None:
        """Run one row, once no other runs that asks for the same."""
        self.tally.running += 1
        try:
            while (other := self.flying.get(job.content)) is not None:
                await other.wait()
            if self._is_over():
                return
            self.flying[job.content] = anyio.Event()
            try:
                done = await self._run(job)
            finally:
                self.flying.pop(job.content).set()
        finally:
            self.tally.running -= 1
        self.results.add(done)
        match done.status:
            case "succeeded":
                self.tally.succeeded += 1
            case "failed":
                self.tally.failed += 1
            case _:
                self.tally.blocked += 1
        self.tally.seconds = time.monotonic() - self.started
        self.log.write(self.tally)
        self.tell(done, self.tally)

    async def _run(self, job: _Job) -> RowDone:
        batch, row = self.batch, job.row
        started = time.monotonic()
        fresh = batch.fresh and self.memory.count("asked", job.content) == 1
        options = Options(fresh=fresh, as_text=batch.table.is_text, within=batch.folder / ROWS)
        options = replace(options, row=(self.log.id, row.number))
        try:
            run = await run_in(self.shop, batch.chain, self.columns.inputs(row), options)
        except (StorageFailed, JournalFailed):
            raise
        except ToolkitError as failure:  # of this row alone: a file that is gone, a place that refuses
            seconds = time.monotonic() - started
            error = self._hidden(_told(failure))
            return RowDone(row.number, "failed", None, seconds, {}, error, job.key, row.cells)
        self.tally.calls += _calls(run)
        with anyio.CancelScope(shield=True):  # what is made is not left without its name
            outputs = await anyio.to_thread.run_sync(partial(self._publish, job, run))
        return RowDone(
            row.number,
            run.status,
            run.id,
            run.seconds,
            outputs,
            self._hidden(_why(run)),
            job.key,
            row.cells,
            (*(f"{one.step}: {one.words}" for one in run.losses), *run.warnings),
        )

    def _publish(self, job: _Job, run: Run) -> dict[str, Output]:
        """Put a row's files where its user looks; those of a row that failed are in its run's folder."""
        if not run.ok:
            return {}
        *folders, stem = job.stem.split("/")
        folder = self.batch.folder.joinpath(*folders)
        several = sum(any(files_in_output(one)) for one in run.outputs.values()) > 1
        return {
            name: self._publish_one(one, folder, f"{stem}-{name}" if several else stem)
            for name, one in run.outputs.items()
        }

    def _hidden(self, error: Mapping[str, object] | None) -> Mapping[str, object] | None:
        """An error without the secrets that a place may have repeated in it."""
        return None if error is None else {name: masked(one, self.secrets) for name, one in error.items()}

    def _publish_one(self, output: Output, folder: Path, stem: str) -> Output:
        moved: Output = self._put(output, folder, stem)  # type: ignore[assignment]  # of its own class
        return _hidden(moved, self.secrets)

    def _put(self, output: object, folder: Path, stem: str) -> object:
        """An output, or what came beside a file of one, with its files published and numbered from 1."""
        count = len([*files_in_output(output)])
        numbers = iter(range(1, count + 1))
        digits = max(FEWEST_DIGITS, len(str(count)))

        def put(file: FileOutput) -> FileOutput:
            number = next(numbers)
            name = stem if count == 1 else f"{stem}-{number:0{digits}}"
            path = publish(self._artifact(file), folder, name)
            extra = {
                part: replace(one, path=path)
                if isinstance(one, FileOutput) and one.sha256 == file.sha256
                else self._put(one, folder, f"{name}-{part}")
                for part, one in file.extra.items()
            }
            return replace(file, path=path, extra=extra)

        return with_files(output, put)

    def _artifact(self, file: FileOutput) -> Artifact:
        kept = self.shop.store.find(file.sha256) or file.path
        return Artifact(Kind(file.kind), file.sha256, file.size_bytes, file.mime, file.path.name, kept)


def _hidden(output: Output, secrets: Mapping[str, str]) -> Output:
    """An output without secrets that a place repeated."""
    match output:
        case FileOutput():
            extra = {name: masked(one, secrets) for name, one in output.extra.items()}
            head = None if output.head is None else str(masked(output.head, secrets))
            return replace(output, extra=extra, head=head)
        case tuple():
            return tuple(_hidden(one, secrets) for one in output)
        case ValueOutput(value=value):
            return replace(output, value=masked(value, secrets))


def _why(run: Run) -> Mapping[str, object] | None:
    """The first step that failed, or the first output without a value, and why."""
    failed = {name: one.result.error for name, one in run.steps.items() if isinstance(one.result, Failed)}
    for name, error in (failed | dict(run.unmade)).items():
        told = _told(error)
        return {**told, "message": f"{name}: {told['message']}"}
    return None


def _calls(run: Run) -> int:
    """How many calls were made for it."""
    called = (one.result for one in run.steps.values() if not isinstance(one.result, Skipped))
    return sum(call.tries for result in called for call in result.calls)


def _told(failure: ToolkitError) -> dict[str, object]:
    return {"code": failure.code, "message": failure.message, "hint": failure.hint}
