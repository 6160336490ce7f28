"""Chains by name: a file of the user's, or a recipe that comes with spacechain."""

import re
from collections.abc import Callable
from pathlib import Path

from chains.loader import load, loads
from chains.meaning.paths import is_url
from chains.model import Chain
from chains.recipes import Recipe, recipes
from pipelines.household.home import find_home
from pipelines.household.templates import home_library
from pipelines.places.places import local_endpoints
from spaces_registry.errors import ToolkitError, nearest

_SUFFIXES = (".yaml", ".yml")
_SHOWN = 60  # characters of a name in a message


class UnknownChain(ToolkitError):
    """There is neither a file nor a recipe of that name."""

    code = "unknown-chain"


class NotWritten(ToolkitError):
    """A new chain file was not written."""

    code = "not-written"


def find_chain(name: str, *, kept: bool = False) -> Chain:
    """The chain that a user names: a path, a URL, or the name of a recipe.

    Args:
        name: of the chain.
        kept: whether of a URL the text counts that was fetched last, which its user may have read.

    Raises:
        UnknownChain: there is neither.
        FetchFailed: it cannot be fetched from its URL.
        InvalidChain: the file is no chain of this version.
    """
    if is_url(name):
        from pipelines.household.remote import load_kept, load_url  # noqa: PLC0415 - the network, for who asks

        return load_kept(name) if kept else load_url(name)
    path = Path(name)
    if path.suffix in _SUFFIXES or _is(path.is_file):
        return load_file(path)
    known = recipes()
    if name in known:
        return load_recipe(known[name])
    if name and _is(path.is_dir):
        raise UnknownChain(f"{name} is a folder, not a chain file", hint=_chains_in(path))
    shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    raise UnknownChain(f"there is no chain file and no recipe named {shown!r}", hint=nearest(name, known))


def load_file(path: Path) -> Chain:
    """The chain in a file; the user's own prompt templates are at its hand.

    Raises:
        InvalidChain: the file is no chain of this version, or the library of templates is none.
    """
    return load(path, known=local_endpoints, library=home_library(find_home()))


def _is(what: Callable[[], bool]) -> bool:
    """Whether a path is something; a name that no file can have is nothing."""
    try:
        return what()
    except (OSError, ValueError):
        return False


def load_recipe(recipe: Recipe) -> Chain:
    """A recipe as a chain; it reads no file, so its folder is where the user is."""
    library = home_library(find_home())
    return loads(recipe.text, file=recipe.name, folder=Path.cwd(), known=local_endpoints, library=library)


def write_new(path: Path, recipe: str) -> Path:
    """Write a new chain file to begin with; a file that is there is never touched.

    Args:
        path: where; `.yaml` is added if it is not there, and the stem becomes the chain's name.
        recipe: the bundled chain to start from.

    Raises:
        UnknownChain: there is no such recipe.
        NotWritten: the file exists, or cannot be written.
    """
    known = recipes()
    if recipe not in known:
        raise UnknownChain(f"there is no recipe named {recipe!r}", hint=nearest(recipe, known))
    if not path.name:
        raise NotWritten("a chain needs a name", hint="write: spacechain new my-film")
    path = path if path.suffix in _SUFFIXES else path.with_name(f"{path.name}.yaml")
    text = re.sub(r"(?m)^name: .*$", f"name: {path.stem}", known[recipe].text, count=1)
    try:
        data = text.encode()  # before there is a file
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise NotWritten(f"{path} is there already", hint="choose another name, or remove it first") from None
    except OSError as cause:
        hint = "make its folder first, or name another" if isinstance(cause, FileNotFoundError) else None
        raise NotWritten(f"{path} cannot be written: {cause.strerror or cause}", hint=hint) from cause
    return path


def _chains_in(folder: Path) -> str | None:
    found = sorted(str(one) for one in folder.iterdir() if one.suffix in _SUFFIXES)
    return f"in it: {', '.join(found[:6])}" if found else None
