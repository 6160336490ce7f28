"""The values of a step's `with` for one call, before they are bound to parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from chains.language.empty import EmptyQuery
from chains.language.evaluate import ABSENT
from chains.language.expressions import Template
from chains.language.nodes import Literal, every
from chains.meaning.arguments import inside
from chains.meaning.paths import is_hidden, is_url
from chains.model import Step
from pipelines.artifacts import Artifact, Store
from pipelines.household.fetch import fetch, without_user
from spaces_registry.errors import BadOutput, ToolkitError
from spaces_registry.signature import Endpoint, File, Kind, Parameter

_OTHERWISE: Final = '${{ step.name or "…" }}'


class NothingFound(ToolkitError):
    """A step reads a query of another step's `outputs` that found nothing in that one's answer."""

    code = "nothing-found"

    def __init__(self, reader: str, empty: EmptyQuery) -> None:
        hint = f"compare the query with the answer in run.json; where it may be empty: {_OTHERWISE}"
        super().__init__(f"{reader} has no value: {empty}", hint=hint)


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

    A text that is written in the chain itself for a file, also inside of an object, names one beside the
    chain or on the web; a text that comes from anywhere else never does.
    """
    values = values_of(step, names)
    if values is None:
        return None
    files = _Beside(folder, store)
    for name, value in values.items():
        if (parameter := endpoint.parameter(name)) is not None:
            values[name] = files.named(parameter, step.arguments[name], value)
    return values


@dataclass(frozen=True, slots=True)
class _Beside:
    """Puts files that a chain names by a literal text in place of their names."""

    folder: Path
    store: Store

    def named(self, parameter: Parameter, template: Template, value: object) -> object:
        """A value with its files, also inside of lists and objects that are written out."""
        parts = [*inside(parameter, template)]
        if parts and parts[0][0] is parameter:
            return self._named(value) if parameter.takes_file and template.is_literal else value
        match value:
            case Mapping():
                found = zip(value.items(), parts, strict=True)
                return {name: self.named(*part, one) for (name, one), part in found}
            case Sequence():
                return [self.named(*part, one) for one, part in zip(value, parts, strict=True)]
        return value

    def _named(self, value: object) -> object:
        match value:
            case str() if is_url(value):
                return fetched(value, Kind.FILE, self.store, by_chain=True)
            case str():
                return beside(self.folder, value, self.store)
            case Sequence():
                return [self._named(one) for one in value]
        return value


def values_of(step: Step, names: Mapping[str, object]) -> dict[str, object] | None:
    """Evaluate a step's arguments for whatever place; None if one of them was skipped away by `when`.

    Raises:
        NothingFound: a query that one of them reads found nothing.
    """
    values = {name: template.evaluate(names) for name, template in step.arguments.items()}
    for name, value in values.items():
        require_found(value, f"{name} of {step.title}")
    return None if any(value is ABSENT for value in values.values()) else values


def require_found(value: object, reader: str) -> None:
    """Refuse a value that a query which found nothing is part of.

    Args:
        value: as it was evaluated.
        reader: what it is for, in words.

    Raises:
        NothingFound: it holds such a query's answer.
    """
    match value:
        case EmptyQuery():
            raise NothingFound(reader, value)
        case str() | Artifact():
            return
        case Mapping():
            for one in value.values():
                require_found(one, reader)
        case Sequence():
            for one in value:
                require_found(one, reader)


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


def waits_for_the_web(step: Step) -> bool:
    """Whether an argument may have to be fetched first, so that its evaluation takes time."""
    texts = (
        node.value for one in step.arguments.values() for node in every(one.node) if isinstance(node, Literal)
    )
    return any(isinstance(text, str) and is_url(text) for text in texts)


def fetched(url: str, kind: Kind, store: Store, *, by_chain: bool) -> Artifact:
    """A file on the web, put into the store.

    Args:
        url: http or https.
        kind: what it should be.
        store: takes it.
        by_chain: whether a chain names it, not the user; see `fetch`.

    Raises:
        FetchFailed: it cannot be had.
        WrongFile: its bytes are not of the kind it should be.
    """
    with TemporaryDirectory() as folder:
        file = fetch(url, Path(folder), by_chain=by_chain)
        return keep_as_input(file, without_user(url), store, kind, consume=True)


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


def _beside_hint(path: Path) -> str | None:
    from spaces_registry.errors import nearest  # noqa: PLC0415 - only for the message

    try:
        return nearest(path.name, sorted(one.name for one in path.parent.iterdir() if one.is_file()))
    except OSError:
        return f"the folder {path.parent} does not exist either"
