"""The values of a step's `with` for one call, before they are bound to parameters."""

from collections.abc import Mapping
from pathlib import Path

from chains.language.evaluate import ABSENT
from chains.meaning.paths import is_hidden
from chains.model import Step
from pipelines.artifacts import Artifact, Store
from spaces_registry.errors import BadOutput, ToolkitError
from spaces_registry.signature import Endpoint, File, Kind, Parameter


class FileNotUsable(ToolkitError):
    """A file that a chain or a user names is not there, is no file, or lies where a chain may not read."""

    code = "file-not-found"


class WrongFile(FileNotUsable):
    """A file that a chain or a user names is empty, or its bytes are not of the kind it should be."""

    code = "wrong-file"


def arguments_of(
    step: Step, endpoint: Endpoint, names: Mapping[str, object], *, folder: Path, store: Store
) -> dict[str, object] | None:
    """Evaluate a step's arguments; None if one of them was skipped away by `when`.

    A text that is written in the chain itself for a file parameter names a file beside the chain; a text that
    comes from anywhere else never does.
    """
    values = values_of(step, names)
    if values is None:
        return None
    for name, value in values.items():
        parameter = endpoint.parameter(name)
        if isinstance(value, str) and not step.arguments[name].references and _takes_file(parameter):
            values[name] = beside(folder, value, store)
    return values


def values_of(step: Step, names: Mapping[str, object]) -> dict[str, object] | None:
    """Evaluate a step's arguments for whatever place; None if one of them was skipped away by `when`."""
    values = {name: template.evaluate(names) for name, template in step.arguments.items()}
    return None if any(value is ABSENT for value in values.values()) else values


def beside(folder: Path, name: str, store: Store) -> Artifact:
    """A file that a chain names, from the chain's own folder.

    Raises:
        FileNotUsable: it is not there, lies outside the folder, or is hidden.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        message = f"{name} lies outside the chain's folder, where a chain may not read"
        raise FileNotUsable(message, hint="declare an input of a file kind and hand the file in with -i")
    if is_hidden(name, folder):
        message = f"{name} is a hidden file, which a chain may not read"
        raise FileNotUsable(message, hint="hand it in with -i if it is meant")
    return keep_user_file(path, name, store)


def keep_user_file(path: Path, shown: str, store: Store, kind: Kind = Kind.FILE) -> Artifact:
    """Put a file of the user's into the store; the file itself stays where it is.

    Raises:
        FileNotUsable: it is not there or is no file.
        WrongFile: its bytes are not of the kind it should be.
    """
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is no file" if path.exists() else "does not exist"
            raise FileNotUsable(f"the file {shown} {what}", hint=_beside_hint(path))
    except (OSError, ValueError) as cause:
        raise FileNotUsable(f"{shown[:60]}… is no name of a file") from cause
    return keep_as_input(File(path, path.name), shown, store, kind)


def keep_as_input(file: File, shown: str, store: Store, kind: Kind, *, consume: bool = False) -> Artifact:
    """Put a file that the user named into the store; what is wrong with it is the user's to mend.

    Raises:
        WrongFile: its bytes are not of the kind it should be.
    """
    try:
        return store.keep(file, kind, consume=consume)
    except BadOutput as refused:
        message = refused.message.replace(repr(file.name), shown, 1)
        raise WrongFile(message, hint=f"hand in a file of kind {kind}") from refused


def _takes_file(parameter: Parameter | None) -> bool:
    return parameter is not None and (parameter.kind.is_file or parameter.kind == Kind.GALLERY)


def _beside_hint(path: Path) -> str | None:
    from spaces_registry.errors import nearest  # noqa: PLC0415 - only for the message

    try:
        return nearest(path.name, sorted(one.name for one in path.parent.iterdir() if one.is_file()))
    except OSError:
        return f"the folder {path.parent} does not exist either"
