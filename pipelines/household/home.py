"""Where spacechain keeps what outlives a run: the store, the journal, descriptions and trust."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from spaces_registry.disk import make_private


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


def find_home() -> Home:
    """`$SPACECHAIN_HOME`, else the platform's data folder for this user."""
    if given := os.environ.get("SPACECHAIN_HOME"):
        return Home(Path(given).expanduser().absolute())
    return Home(platformdirs.user_data_path("spacechain"))
