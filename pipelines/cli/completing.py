"""What a shell offers to complete a word: runs, recipes, chain files, steps, inputs, services, kinds.

A completion that cannot be made offers nothing: a person in the middle of a line wants no message.
"""

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import typer

Complete: TypeAlias = Callable[[typer.Context, str], list[str]]
_RUNS = 50  # the newest ones
_RECIPE = ".yaml"


def _offered(names: Callable[[typer.Context], Iterable[str]]) -> Complete:
    """Completion by the names that begin as the word does."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [one for one in dict.fromkeys(names(ctx)) if one.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - whatever is wrong is told by the command itself, not in the line
            return []

    return complete


def _recipes() -> list[str]:
    folder = files("chains") / "recipes"
    return sorted(one.name.removesuffix(_RECIPE) for one in folder.iterdir() if one.name.endswith(_RECIPE))


@_offered
def recipe_names(ctx: typer.Context) -> Iterable[str]:
    """The bundled chains."""
    del ctx
    return _recipes()


def chain_names(incomplete: str) -> list[str]:
    """What a shell offers for a chain: recipes, and the YAML files below what is written; no lock files."""
    written = incomplete if incomplete.endswith("/") else str(Path(incomplete).parent)
    folder = Path(written) if incomplete else Path()
    try:
        below = sorted(folder.iterdir())
    except (OSError, ValueError):
        below = []
    found = [str(one) for one in below if one.suffix in {".yaml", ".yml"} and not _is_lock(one)]
    found += [f"{one}/" for one in below if "/" in incomplete and one.is_dir()]
    return sorted(one for one in (*_recipes(), *found) if one.startswith(incomplete))


def _is_lock(path: Path) -> bool:
    return path.stem.endswith(".lock")


@_offered
def run_names(ctx: typer.Context) -> Iterable[str]:
    """The newest runs and batches, and `last`."""
    from itertools import islice  # noqa: PLC0415

    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.listing import LAST, listed  # noqa: PLC0415

    del ctx
    return [LAST, *(one.entry.run for one in islice(listed(find_home()), _RUNS))]


def _chain_before(ctx: typer.Context) -> str:
    """The chain that stands before in the line; an option that still lacks its value leaves it unparsed."""
    name = str(ctx.params.get("chain") or next(one for one in ctx.args if not one.startswith("-")))
    if "://" in name:
        raise LookupError(name)  # a key that is pressed asks nobody on the web
    return name


@_offered
def step_names(ctx: typer.Context) -> Iterable[str]:
    """The steps of the chain that is named before."""
    from pipelines.household.library import find_chain  # noqa: PLC0415

    return find_chain(_chain_before(ctx)).steps


@_offered
def input_names(ctx: typer.Context) -> Iterable[str]:
    """The inputs of the chain that is named before, each with its `=`."""
    from pipelines.household.library import find_chain  # noqa: PLC0415

    return [f"{name}=" for name in find_chain(_chain_before(ctx)).inputs]


@_offered
def service_names(ctx: typer.Context) -> Iterable[str]:
    """The HTTP vendors, shipped ones and the user's own."""
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.services.listing import list_services  # noqa: PLC0415

    del ctx
    return [one.service.name for one in list_services(find_home()).services]


@_offered
def kind_names(ctx: typer.Context) -> Iterable[str]:
    """The kinds of values."""
    from spaces_registry.signature import Kind  # noqa: PLC0415

    del ctx
    return [str(one) for one in Kind]


@_offered
def operation_names(ctx: typer.Context) -> Iterable[str]:
    """The media operations."""
    from pipelines.media.catalogue import BY_NAME  # noqa: PLC0415

    del ctx
    return BY_NAME
