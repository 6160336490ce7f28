"""Which files' code may run here. Trust is given to exact bytes: a changed file is a stranger again."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chains.meaning.paths import is_outside, read_file
from chains.model import Chain, PythonStep
from pipelines.artifacts import StorageFailed
from pipelines.household.home import Home
from spaces_registry.errors import ToolkitError
from spaces_registry.network.bounds import Bounds

INSIDE = "-inside"  # what is added to the SHA-256 of code that may run in our own process


class NotTrusted(ToolkitError):
    """A chain wants to run code that the user has not trusted in its present form."""

    code = "not-trusted"

    def __init__(self, file: Path, chain: str, *, inside: bool = False) -> None:
        how = " to run inside of spacechain" if inside else ""
        super().__init__(
            f"{file} is code that you have not trusted as it stands{how}",
            hint=f"read it, then allow it with: spacechain trust {chain}",
        )
        self.file = file


class NotReadable(ToolkitError):
    """A file of code cannot be read."""

    code = "file-not-found"


def fingerprint(file: Path) -> str:
    """SHA-256 (hex) of a file's bytes.

    Raises:
        NotReadable: there is no such file, or it cannot be read.
    """
    try:
        return hashlib.sha256(read_file(file, Bounds().code_bytes)).hexdigest()
    except OSError as cause:
        raise NotReadable(f"{file} cannot be read: {cause.strerror or cause}") from cause


def is_trusted(home: Home, sha256: str, *, inside: bool = False) -> bool:
    """Whether the user has trusted a file with exactly these bytes.

    Args:
        home: knows what is trusted.
        sha256: of the bytes.
        inside: whether it is to run inside of spacechain, which is asked for separately.
    """
    return (home.trusted / (f"{sha256}{INSIDE}" if inside else sha256)).exists()


def trust(home: Home, file: Path, *, inside: bool = False) -> str:
    """Trust the file's present bytes from now on; returns their SHA-256.

    Args:
        home: takes it down.
        file: of code.
        inside: whether it may run inside of spacechain; in a process of its own it then may as well.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    sha256 = fingerprint(file)
    trust_content(home, sha256, file.name)
    if inside:
        trust_content(home, f"{sha256}{INSIDE}", f"{file.name}, inside of spacechain")
    return sha256


def trust_content(home: Home, sha256: str, note: str) -> None:
    """Trust what has this SHA-256 from now on; `note` says to a reader of the folder what it is.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    try:
        home.make()
        home.trusted.mkdir(mode=0o700, exist_ok=True)
        (home.trusted / sha256).touch(mode=0o600)
        (home.trusted / sha256).write_text(f"{note}\n", encoding="utf-8")
    except OSError as cause:
        raise StorageFailed(home.trusted, cause) from cause


@dataclass(frozen=True, slots=True)
class Code:
    """A file of code that a chain, or one in it, runs.

    Attributes:
        file: where it lies.
        named: as it is told to the user.
        inside: whether some step runs it inside of spacechain, not in a process of its own.
    """

    file: Path
    named: str
    inside: bool

    @property
    def told(self) -> str:
        """What it will be allowed to do, in plain words."""
        where = "runs inside spacechain itself" if self.inside else "runs in a process of its own"
        return f"{self.named} may read and write your files and reach the network, and {where}"


def code_of(chains: Iterable[Chain]) -> tuple[Code, ...]:
    """Every file of code that chains run, each once.

    Raises:
        NotReadable: one lies outside of its chain's folder, perhaps behind a link.
    """
    found: dict[Path, Code] = {}
    for chain in chains:
        for step in chain.ways:
            if not isinstance(step, PythonStep):
                continue
            if is_outside(step.file, chain.folder):
                message = f"{step.file} lies outside the chain's folder, where a chain may not read"
                raise NotReadable(
                    message, hint="put it beside the chain; a link out of the folder does not count"
                )
            file = (chain.folder / step.file).resolve()
            named = os.path.normpath(Path(chain.source.file).parent / step.file)
            inside = not step.isolate or (file in found and found[file].inside)
            found[file] = Code(file, named, inside)
    return tuple(found.values())
