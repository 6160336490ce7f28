"""One call, with all that makes it safe: its limit, its place in the journal, its files in the store.

The order is the promise: bytes in the store, then the journal says so, then the step counts as done.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.to_thread

from chains.model import Step
from pipelines.artifacts import Artifact, StorageFailed, Store
from pipelines.engine.binding import as_arguments, bind
from pipelines.engine.limits import Limits
from pipelines.engine.results import Attempt, CallDone
from pipelines.journal import Intent, Journal
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, CallFailed, ToolkitError
from spaces_registry.progress import Held, Listener
from spaces_registry.signature import File, Return, Value

Made = tuple[CallDone, tuple[object, ...] | None]


@dataclass(frozen=True, slots=True)
class CallMaker:
    """Makes the calls of one run, each at most once for the same question.

    Attributes:
        run: the run's id.
        store: where files are kept.
        journal: where calls are recorded.
        limits: how many calls a place gets at once.
        scratch: an existing folder on the store's file system.
        fresh: steps whose kept results are not to be used.
        clock: seconds, monotonic.
    """

    run: str
    store: Store
    journal: Journal
    limits: Limits
    scratch: Path
    fresh: frozenset[str] = frozenset()
    clock: Callable[[], float] = time.monotonic
    _asked: dict[str, anyio.Lock] = field(default_factory=dict)
    _answered: dict[str, tuple[object, ...]] = field(default_factory=dict)

    async def make(
        self, step: Step, place: Place, item: int, values: Mapping[str, object], tell: Listener
    ) -> Made:
        """The outputs of one call, from the store or its place; what failed is told in the `CallDone`."""
        started = self.clock()
        key: str | None = None
        try:
            bound = bind(place.endpoint, values, place=place.address)
            key = place.key(bound)
            # equal questions wait for one answer, unless each is to be asked by itself
            async with self._asked.setdefault(key, anyio.Lock()) if step.cache else nullcontext():
                if (kept := self._kept(step, key)) is not None:
                    return _done(place, item, key, cached=True, seconds=0.0), kept
                limiter = self.limits.of(place)
                if limiter.available_tokens < 1:
                    tell(Held())
                async with limiter:
                    outputs = await self._send(step, place, item, key, bound, tell)
                self._answered[key] = outputs
        except ToolkitError as failure:
            seconds = self.clock() - started
            return _done(place, item, key, cached=False, seconds=seconds, failure=failure), None
        return _done(place, item, key, cached=False, seconds=self.clock() - started), outputs

    def _kept(self, step: Step, key: str) -> tuple[object, ...] | None:
        """An answer of this run, or of an earlier one if the step does not ask for a fresh one."""
        if not step.cache:
            return None
        if key in self._answered:
            return self._answered[key]
        return None if step.name in self.fresh else self.journal.result(key, self.store)

    async def _send(
        self, step: Step, place: Place, item: int, key: str, bound: Mapping[str, object], tell: Listener
    ) -> tuple[object, ...]:
        intent = Intent(
            self.run, step.name, item, key, place.kind, place.address, place.endpoint.name, place.revision
        )
        number = self.journal.sent(intent)
        try:
            with TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
                call = Call(place.address, place.endpoint, as_arguments(bound), Path(folder), step.timeout)
                values = await place.runner(call, tell)
                outputs = await anyio.to_thread.run_sync(self._keep, place, values)
        except OSError as cause:
            raise StorageFailed(self.scratch, cause) from cause
        except ToolkitError as failure:
            self.journal.failed(number, key, failure.code, getattr(failure, "said", None))
            raise
        self.journal.received(number, key, outputs)
        return outputs

    def _keep(self, place: Place, values: Sequence[Value]) -> tuple[object, ...]:
        """A call's answer with its files in the store, each verified to be of the kind it should be."""
        returns = place.endpoint.returns
        if len(values) != len(returns):
            message = (
                f"{place.address} {place.endpoint.name} returned {len(values)} values, not {len(returns)}"
            )
            raise BadOutput(place.address, message)
        return tuple(self._keep_one(place, one, value) for one, value in zip(returns, values, strict=True))

    def _keep_one(self, place: Place, told: Return, value: Value) -> object:
        match value:
            case File():
                return self.store.keep(value, told.kind, place=place.address, consume=True)
            case str() | None:
                return value
            case Mapping():
                return {name: self._keep_one(place, told, one) for name, one in value.items()}
            case Sequence():
                return tuple(self._keep_one(place, told, one) for one in value)
            case _:
                return value


def _done(
    place: Place,
    item: int,
    key: str | None,
    *,
    cached: bool,
    seconds: float,
    failure: ToolkitError | None = None,
) -> CallDone:
    attempts: tuple[Attempt, ...] = ()
    if failure is not None:
        said = failure.said if isinstance(failure, CallFailed) else None
        attempts = (Attempt(place.address, failure.code, said, seconds),)
    return CallDone(
        item=item,
        via=place.address,
        url=place.url,
        endpoint=place.endpoint.name,
        revision=place.revision,
        cached=cached,
        seconds=seconds,
        key=key,
        failure=failure,
        attempts=attempts,
        choice=place.choice,
    )


def artifacts_in(value: object) -> tuple[Artifact, ...]:
    """Every artifact in a value, in order."""
    match value:
        case Artifact():
            return (value,)
        case Mapping():
            return tuple(one for inner in value.values() for one in artifacts_in(inner))
        case str():
            return ()
        case Sequence():
            return tuple(one for inner in value for one in artifacts_in(inner))
        case _:
            return ()
