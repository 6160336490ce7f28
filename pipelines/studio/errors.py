"""What can keep the studio from opening."""

from collections.abc import Sequence

from pipelines.studio.spaces import SPACES
from spaces_registry.errors import ToolkitError


class StudioNotInstalled(ToolkitError):
    """The studio's libraries are an extra, and are not all there."""

    code = "studio-not-installed"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"the studio needs {', '.join(missing)}, which this Python does not have",
            hint='pip install "spacechain[studio]"',
        )
        self.missing = tuple(missing)


class NotInStudio(ToolkitError):
    """The studio stands in for a few Spaces; this is none of them."""

    code = "not-in-studio"

    def __init__(self, space: str) -> None:
        super().__init__(
            f"the studio has no {space!r}",
            hint=f"it has {', '.join(SPACES)}; point other Spaces elsewhere with --use SPACE=URL",
        )
        self.space = space


class StudioFailed(ToolkitError):
    """An app of the studio did not start.

    Args:
        space: the app, or several of them.
        why: what happened to it, as the end of a sentence.
        said: the last lines of its log, unchanged.
    """

    code = "studio-failed"

    def __init__(self, space: str, why: str, said: str = "") -> None:
        last = said.strip().splitlines()[-1].strip() if said.strip() else ""
        super().__init__(
            f"the studio's {space} {why}" + (f": {last}" if last else ""),
            hint="try again; `spacechain doctor` looks at the installation",
        )
        self.space, self.why, self.said = space, why, said
