"""Where spacechain keeps what outlives a run: the store, the journal, descriptions and trust."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from spaces_registry.disk import make_private
from spaces_registry.errors import ToolkitError

_UNKNOWN = "this user has no home folder: HOME is not set, and the user is in no list of users"
_HINT = "set SPACECHAIN_HOME to the absolute path of a folder of yours"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one user's spacechain; nothing is created until something is written.

    Attributes:
        folder: root of them all.
    """

    folder: Path

    def make(self) -> None:
        """Make the folder, open to its owner alone; one that is there stays as it is."""
        make_private(self.folder)

    @property
    def store(self) -> Path:
        """Content-addressed artifacts."""
        return self.folder / "store"

    @property
    def journal(self) -> Path:
        """The SQLite record of calls."""
        return self.folder / "journal.db"

    @property
    def scratch(self) -> Path:
        """A folder per run under way, for files that are not kept yet."""
        return self.folder / "scratch"

    @property
    def signatures(self) -> Path:
        """Descriptions of Hub Spaces, by id and revision."""
        return self.folder / "signatures"

    @property
    def runs(self) -> Path:
        """Where each run's folder is, a line a run."""
        return self.folder / "runs.jsonl"

    @property
    def templates(self) -> Path:
        """The user's own prompt templates."""
        return self.folder / "templates.yaml"

    @property
    def trusted(self) -> Path:
        """Hashes of the code files that the user trusts."""
        return self.folder / "trusted"


class NoHome(ToolkitError):
    """There is no telling where this user's folder is."""

    code = "no-home"


def find_home() -> Home:
    """`$SPACECHAIN_HOME`, else the platform's data folder for this user.

    Raises:
        NoHome: the variable names a user who is not there, or the user has no home folder.
    """
    given = os.environ.get("SPACECHAIN_HOME")
    try:
        folder = Path(given).expanduser().absolute() if given else platformdirs.user_data_path("spacechain")
    except RuntimeError as cause:  # there is no such user, or this one is in no list of users
        what = f"SPACECHAIN_HOME is {given!r}, and there is no such user" if given else _UNKNOWN
        raise NoHome(what, hint=_HINT) from cause
    if not folder.is_absolute():
        raise NoHome(_UNKNOWN, hint=_HINT)
    return Home(folder)
