"""Where service files are: beside a chain, in the home folder, in the catalogue that comes with us."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from chains.meaning.paths import is_hidden, is_outside, unusable
from chains.services.model import Service
from chains.services.reader import load_service
from pipelines.household.home import Home
from spaces_registry.address import in_place_of
from spaces_registry.errors import ToolkitError, nearest

Whose = Literal["beside", "home", "catalogue"]
_SUFFIXES = (".yaml", ".yml")


class UnknownService(ToolkitError):
    """There is no service of that name."""

    code = "unknown-service"


@dataclass(frozen=True, slots=True)
class Found:
    """A service, its file, and whose file it is: the chain's, the user's, or ours."""

    service: Service
    file: Path
    whose: Whose


def is_file_name(name: str) -> bool:
    """Whether a step's `service` names a file beside the chain."""
    return "/" in name or "\\" in name or name.endswith(_SUFFIXES)


def find_service(name: str, folder: Path, home: Home) -> Found:
    """The service that a step names.

    Args:
        name: of the service, or a file's.
        folder: the chain's own.
        home: has the user's services.

    Raises:
        UnknownService: there is none, or its file lies outside the chain's folder.
        InvalidService: its file is none; all problems are in it.
        ServiceUnreadable: its file cannot be read.
    """
    if "://" in name:
        hint = in_place_of(name) or "name one, such as `openai`, and say `url:` beside it"
        raise UnknownService(f"{name} is an address, and no service", hint=hint)
    if is_file_name(name):
        if why := unusable(name, folder):
            raise UnknownService(f"the path {name[:80]} {why}")
        if is_outside(name, folder):
            message = f"{name} lies outside the chain's folder, where a chain may not read"
            hint = f"put it beside the chain, or into {home.folder / 'services'}"
            raise UnknownService(message, hint=hint)
        if is_hidden(name, folder):
            raise UnknownService(f"{name} is a hidden file, which a chain may not read")
        file = folder / name
        if not file.is_file():
            offered = [one.name for one in _names_in(file.parent).values()]
            raise UnknownService(f"there is no service file {name}", hint=nearest(file.name, offered))
        return Found(load_service(file, name), file, "beside")
    known = service_files(home)
    if name not in known:
        hint = nearest(name, known) or "`spacechain services` lists what there is"
        raise UnknownService(f"there is no service {name!r}", hint=hint)
    file, whose = known[name]
    return Found(load_service(file, file.name if whose == "catalogue" else str(file)), file, whose)


def service_files(home: Home) -> dict[str, tuple[Path, Whose]]:
    """The services that go by name, sorted; the user's own stand before those of the catalogue."""
    shipped = Path(str(files("spaces_registry"))) / "catalog" / "services"
    found: dict[str, tuple[Path, Whose]] = {
        one: (file, "catalogue") for one, file in _names_in(shipped).items()
    }
    found |= {one: (file, "home") for one, file in _names_in(home.folder / "services").items()}
    return dict(sorted(found.items()))


def _names_in(folder: Path) -> dict[str, Path]:
    try:
        return {one.stem: one for one in sorted(folder.iterdir()) if one.suffix in _SUFFIXES}
    except OSError:
        return {}
