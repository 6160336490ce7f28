"""The Python door: a chain run by one call, with typed results."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from chains.model import Chain
from pipelines.engine.events import RunListener, unheard
from pipelines.household.library import find_chain, load_file
from pipelines.running.run import Options, Run, run_loaded
from pipelines.running.workshop import Settings


async def run_chain_async(  # noqa: PLR0913 - all but two by name, all with defaults
    chain: str | Path | Chain,
    inputs: Mapping[str, object] | None = None,
    *,
    out: str | Path = "outputs",
    local: bool = False,
    use: Mapping[str, str] | None = None,
    fresh: bool = False,
    redo: Sequence[str] = (),
    only: Sequence[str] = (),
    token: str | None = None,
    tell: RunListener = unheard,
) -> Run:
    """Run a chain; as `run_chain`, for programs that have an event loop (asyncio or trio, through anyio)."""
    loaded = _loaded(chain)
    settings = Settings(local=local, use=use or {}, token=token)
    options = Options(Path(out), fresh=fresh, redo=redo, only=only)
    return await run_loaded(loaded, inputs or {}, settings, options, tell)


def run_chain(  # noqa: PLR0913 - all but two by name, all with defaults
    chain: str | Path | Chain,
    inputs: Mapping[str, object] | None = None,
    *,
    out: str | Path = "outputs",
    local: bool = False,
    use: Mapping[str, str] | None = None,
    fresh: bool = False,
    redo: Sequence[str] = (),
    only: Sequence[str] = (),
    token: str | None = None,
    tell: RunListener = unheard,
) -> Run:
    """Run a chain and wait for it.

    Args:
        chain: path of a chain file, a recipe's name, or a loaded chain.
        inputs: by name; files as `pathlib.Path`, or as text with a path or URL; lists for `many`.
        out: the folder below which the run gets its own, `out/<chain>/<run>`.
        local: use the local studio for the Spaces it has.
        use: Space id to URL of an app to call in its stead.
        fresh: make every call again, kept results or not.
        redo: steps whose calls are made again, with all that reads from them.
        only: run these steps and what they need, nothing else.
        token: for the Hub and its Spaces; None for the one that `huggingface_hub` finds.
        tell: hears the run's events, on the thread that runs.

    Returns:
        How it went. A failed step does not raise: look at `run.status`, or `run.ok`.

    Raises:
        InvalidChain: the chain is wrong; `problems` has every mistake with its position.
        NotTrusted: it would run code, or hand over a key or a variable, that the user has not allowed.
        ToolkitError: inputs or places do not fit; nothing was called.
        KeyboardInterrupt: Ctrl-C in the main thread; the calls are cancelled and the run is recorded first.
    """
    settings = Settings(local=local, use=use or {}, token=token)
    in_main = threading.current_thread() is threading.main_thread()
    options = Options(Path(out), fresh=fresh, redo=redo, only=only, watch_signals=in_main)
    loaded = _loaded(chain)
    run = anyio.run(lambda: run_loaded(loaded, inputs or {}, settings, options, tell))
    if run.status == "interrupted":
        raise KeyboardInterrupt
    return run


def _loaded(chain: str | Path | Chain) -> Chain:
    match chain:
        case Chain():
            return chain
        case Path():
            return load_file(chain)
        case str():
            return find_chain(chain)
