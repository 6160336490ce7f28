"""Mistakes in a chain file: data with a position, collected, sorted, shown at the end."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from chains.text.source import Position, Source
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.plain import visible

if TYPE_CHECKING:
    from chains.model import Chain

__all__ = ["InvalidChain", "Position", "Problem", "in_order", "near", "show"]

_WIDTH = 100  # characters of a source line that are shown
_NAMES = 300  # to compare a name with
_LEAD = 60  # characters kept before the caret when a line is longer


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a chain file.

    Attributes:
        at: where it stands.
        code: stable kebab-case name of the sort of mistake.
        message: one line: what is wrong.
        hint: one line: what to do about it.
        step: the step it stands in, if in one.
        severity: an error keeps the chain from running, a warning does not.
        text: what it stands in, where that is another file than the chain that is checked.
    """

    at: Position
    code: str
    message: str
    hint: str | None = None
    step: str | None = None
    severity: Literal["error", "warning"] = "error"
    text: str | None = field(default=None, repr=False, compare=False)


class InvalidChain(ToolkitError):
    """The text is not a chain of this version.

    Attributes:
        problems: every mistake found, by position; at least one is an error.
        source: the text they stand in.
        rest: what could be read of the chain in spite of them, to look for more; None where nothing could.
    """

    code = "invalid-chain"

    def __init__(self, problems: Iterable[Problem], source: Source, rest: "Chain | None" = None) -> None:
        self.rest = rest
        self.problems = in_order(problems)
        self.source = source
        first = next((one for one in self.problems if one.severity == "error"), self.problems[0])
        others = len(self.problems) - 1
        more = f" (and {others} more {'problem' if others == 1 else 'problems'})" if others else ""
        where = f"{first.at.file}:{first.at.line}:{first.at.column}"
        super().__init__(visible(f"{where}: {first.message}{more}"), hint=first.hint)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems by file, line and column, without repeats."""
    unique = dict.fromkeys(problems)
    return tuple(
        sorted(unique, key=lambda one: (one.at.file, one.at.line, one.at.column, one.code, one.message))
    )


def near(name: str, offered: Iterable[str]) -> str | None:
    """The hint that names what the user may have meant; of very many names, those of a like length count."""
    names = list(offered)
    if len(names) > _NAMES:
        alike = [one for one in names if abs(len(one) - len(name)) <= 1]
        names = (alike or names)[:_NAMES]
    return nearest(name, names)


def show(problem: Problem, text: str) -> str:
    """A problem for reading: position and message, the source line with a caret, the hint.

    Args:
        problem: what to show.
        text: the text it stands in, unless it has one of its own.

    Returns:
        Plain text of two to four lines, without a line end; control characters are made visible.
    """
    at = problem.at
    severity = "warning: " if problem.severity == "warning" else ""
    lines = [visible(f"{at.file}:{at.line}:{at.column}: {severity}{problem.message} [{problem.code}]")]
    source = (text if problem.text is None else problem.text).split("\n")
    if at.line <= len(source) and source[at.line - 1].strip():
        lines += _excerpt(source[at.line - 1], at.line, at.column)
    if problem.hint:
        lines.append(visible(f"  hint: {problem.hint}"))
    return "\n".join(lines)


def _excerpt(line: str, number: int, column: int) -> list[str]:
    """The source line and the caret below its column."""
    first = max(0, column - 1 - _LEAD) if len(line) > _WIDTH else 0
    shown = visible(line.rstrip("\r"))[first : first + _WIDTH]
    caret = " " * sum(_cells(one) for one in shown[: column - 1 - first]) + "^"
    gutter = " " * len(str(number))
    return [f" {number} | {shown}".rstrip(), f" {gutter} | {caret}"]


def _cells(character: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
