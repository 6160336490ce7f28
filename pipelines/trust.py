"""Which files' code may run here. Trust is given to exact bytes: a changed file is a stranger again."""

import hashlib
from pathlib import Path

from pipelines.artifacts import StorageFailed
from pipelines.home import Home
from spaces_registry.errors import ToolkitError


class NotTrusted(ToolkitError):
    """A chain wants to run code that the user has not trusted in its present form."""

    code = "not-trusted"

    def __init__(self, file: Path, chain: str) -> None:
        super().__init__(
            f"{file} is code that you have not trusted as it stands",
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
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as cause:
        raise NotReadable(f"{file} cannot be read: {cause.strerror or cause}") from cause


def is_trusted(home: Home, sha256: str) -> bool:
    """Whether the user has trusted a file with exactly these bytes."""
    return (home.trusted / sha256).exists()


def trust(home: Home, file: Path) -> str:
    """Trust the file's present bytes from now on; returns their SHA-256.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    sha256 = fingerprint(file)
    trust_content(home, sha256, file.name)
    return sha256


def trust_content(home: Home, sha256: str, note: str) -> None:
    """Trust what has this SHA-256 from now on; `note` says to a reader of the folder what it is.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    try:
        home.trusted.mkdir(parents=True, exist_ok=True)
        (home.trusted / sha256).write_text(f"{note}\n", encoding="utf-8")
    except OSError as cause:
        raise StorageFailed(home.trusted, cause) from cause
