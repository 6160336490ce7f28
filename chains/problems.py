"""Mistakes in a chain file: data with a position, collected, sorted, shown at the end."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from chains.text.source import Position, Source
from spaces_registry.errors import ToolkitError
from spaces_registry.plain import shortened, visible

if TYPE_CHECKING:
    from chains.model import Chain

__all__ = [
    "MOST_SHOWN",
    "InvalidChain",
    "Position",
    "Problem",
    "foremost",
    "in_order",
    "show",
    "shown",
]

MOST_SHOWN: Final = 100  # problems of a file, which is more than anybody reads at once

_WIDTH = 100  # characters of a source line that are shown
_LEAD = 60  # characters kept before the caret when a line is longer
_WORDS = 1000  # characters of a message or a hint; a name in it may be as long as its file


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

    def __post_init__(self) -> None:
        """Shorten the words, in which a name of any length may stand."""
        if len(self.message) > _WORDS:
            object.__setattr__(self, "message", shortened(self.message, _WORDS))
        if self.hint and len(self.hint) > _WORDS:
            object.__setattr__(self, "hint", shortened(self.hint, _WORDS))


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


def foremost(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """As many problems as are shown, errors before warnings, in the order that they have."""
    every = tuple(problems)
    if len(every) <= MOST_SHOWN:
        return every
    errors = [one for one in every if one.severity == "error"][:MOST_SHOWN]
    warnings = [one for one in every if one.severity != "error"][: MOST_SHOWN - len(errors)]
    return in_order([*errors, *warnings])


def show(problem: Problem, text: str) -> str:
    """A problem for reading: position and message, the source line with a caret, the hint.

    Args:
        problem: what to show.
        text: the text it stands in, unless it has one of its own.

    Returns:
        Plain text of two to four lines, without a line end; control characters are made visible.
    """
    return next(shown((problem,), text))


def shown(problems: Iterable[Problem], text: str) -> Iterator[str]:
    """Several problems for reading, each as `show` has it; no text is cut into lines twice."""
    known: dict[str, list[str]] = {}
    for problem in problems:
        source = text if problem.text is None else problem.text
        if source not in known:
            known[source] = source.split("\n")
        yield _with_line(problem, known[source])


def _with_line(problem: Problem, source: Sequence[str]) -> str:
    at = problem.at
    severity = "warning: " if problem.severity == "warning" else ""
    lines = [visible(f"{at.file}:{at.line}:{at.column}: {severity}{problem.message} [{problem.code}]")]
    if at.line <= len(source) and (line := source[at.line - 1]).strip():
        lines += _excerpt(line, at.line, at.column)
    if problem.hint:
        lines.append(visible(f"  hint: {problem.hint}"))
    return "\n".join(lines)


def _excerpt(line: str, number: int, column: int) -> list[str]:
    """The source line and the caret below its column."""
    first = max(0, column - 1 - _LEAD) if len(line) > _WIDTH else 0
    seen = visible(line[first : first + _WIDTH].rstrip("\r"))
    caret = " " * sum(_cells(one) for one in seen[: column - 1 - first]) + "^"
    gutter = " " * len(str(number))
    return [f" {number} | {seen}".rstrip(), f" {gutter} | {caret}"]


def _cells(character: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
