"""Going on with a run that failed, was interrupted or whose process died: what was received is kept."""

from collections.abc import Mapping  # noqa: TC003 - names a type of values here
from dataclasses import replace
from pathlib import Path
from typing import Any

from chains.loader import loads
from chains.model import Chain
from pipelines.artifacts import Store
from pipelines.engine.events import RunListener, unheard
from pipelines.household.listing import find_run
from pipelines.household.scratch import StillRunning, lives
from pipelines.household.templates import home_library
from pipelines.journal import Begun, open_journal
from pipelines.places.places import local_endpoints
from pipelines.running.run import Options, Run, run_loaded
from pipelines.running.workshop import Settings
from spaces_registry.errors import ToolkitError


class NotResumable(ToolkitError):
    """The journal does not know how a run was begun."""

    code = "not-resumable"


def begun_run(name: str, settings: Settings) -> Begun:
    """How a run was begun that is to be gone on with.

    Args:
        name: its id or how it begins, its folder, or `last`.
        settings: whose home folder has the journal.

    Raises:
        UnknownRun: there is none of that name, or it is a batch.
        StillRunning: a process works on it.
        NotResumable: the journal does not know it.
        InputsGone: its input files are no longer kept.
    """
    run, home = find_run(settings.home, name).entry.run, settings.home
    if lives(home.scratch, run):
        raise StillRunning(run)
    with open_journal(home.journal) as journal:
        begun = journal.runs.of(run, Store(home.store))
    if begun is None:
        hint = "run its chain again: what was made is used again"
        raise NotResumable(f"the journal does not know how run {run} was begun", hint=hint)
    return begun


def load_begun(begun: Begun, settings: Settings) -> Chain:
    """The chain of a run, as it stood when the run was begun.

    Raises:
        InvalidChain: this version of spacechain does not take it.
    """
    return loads(
        begun.text,
        file=begun.file,
        folder=Path(begun.beside),
        known=local_endpoints,
        library=home_library(settings.home),
    )


async def resume(
    begun: Begun,
    chain: Chain,
    settings: Settings,
    *,
    watch_signals: bool = False,
    is_watched: bool = False,
    tell: RunListener = unheard,
) -> Run:
    """Go on with a run in its own folder, in the way it was begun.

    Args:
        begun: how it was.
        chain: as `load_begun` reads it.
        settings: of them, what the run itself does not say.
        watch_signals: as in `Options`.
        is_watched: as in `Options`.
        tell: hears the run's events.

    Raises:
        As `run_loaded`.
    """
    told: Mapping[str, Any] = begun.options
    settings = replace(
        settings,
        local=bool(told.get("local")),
        use=told.get("use") or {},
        frozen=bool(told.get("frozen")),
        wake_s=told.get("wake_s") if settings.wake_s is None else settings.wake_s,
    )
    options = Options(
        fresh=bool(told.get("fresh")),
        redo=told.get("redo") or (),
        only=told.get("only") or (),
        watch_signals=watch_signals,
        is_watched=is_watched,
        resumed=begun,
        row=None if told.get("row") is None else (str(told["row"][0]), int(told["row"][1])),
    )
    return await run_loaded(chain, begun.inputs, settings, options, tell)
