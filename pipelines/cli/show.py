"""How things are shown: results to stdout, all else to stderr, and nothing that could steer a terminal."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from chains.problems import MOST_SHOWN, InvalidChain, Problem, foremost, shown
from pipelines.versions import JSON_VERSION
from spaces_registry.errors import ToolkitError
from spaces_registry.plain import escaped, flat, lines

_NARROWEST = 10  # characters of a column

safe = flat  # text from outside on one line, without control characters, escapes and direction marks


def say(line: str) -> None:
    """A line for the person at the terminal; whatever is in it, it steers nothing."""
    print(lines(line), file=sys.stderr, flush=True)


def result(line: str) -> None:
    """A line of the command's result: as it is for a program, unable to steer anything on a terminal."""
    text = lines(line) if sys.stdout.isatty() else line
    try:
        print(text)
    except UnicodeEncodeError:  # half a character, or a terminal of few letters
        coding = sys.stdout.encoding or "utf-8"
        print(text.encode(coding, "replace").decode(coding))


def result_json(document: object, indent: int | None = 2, *, is_versioned: bool | None = None) -> None:
    """The command's result as one JSON document, whose texts are spelt so that they steer nothing.

    Args:
        document: an object says which version of our documents it is; a list has no place for that.
        indent: None for a document on a line of its own, printed at once.
        is_versioned: whether to say the version: not where the object's keys are data, nor where others
            define it, nor in a line of a stream; None for all but such a line.
    """
    if isinstance(document, Mapping) and (indent is not None if is_versioned is None else is_versioned):
        document = {"version": JSON_VERSION, **document}
    is_wide = (sys.stdout.encoding or "utf-8").lower().startswith("utf")  # has every letter
    print(escaped(json.dumps(document, ensure_ascii=not is_wide, indent=indent)), flush=indent is None)


def show_error(error: ToolkitError) -> None:
    """An error: its problems with their source lines, or one line and a hint."""
    if isinstance(error, InvalidChain):
        show_problems(error.problems, error.source.text)
        return
    say(f"error: {safe(error.message)} [{error.code}]")
    said = getattr(error, "said", None)
    if said and safe(said) not in safe(error.message):
        say(f"  said: {safe(said)}")
    if error.hint:
        say(f"  hint: {safe(error.hint)}")


def error_json(error: ToolkitError) -> dict[str, object]:
    """An error in the documented JSON shape; that of a chain or a table with all of its problems."""
    document: dict[str, object] = {}
    if isinstance(error, InvalidChain):
        document = {"ok": False, **problems_json(error.problems)}
    elif isinstance(problems := getattr(error, "problems", None), tuple):
        listed = [{"code": error.code, "message": one} for one in problems[:MOST_SHOWN]]
        document = {"ok": False, "problems": listed, **_more(len(problems))}
    return {**document, **plain_error(error.code, error.message, error.hint, error.next)}


def plain_error(code: str, message: str, hint: str | None, following: str | None = None) -> dict[str, object]:
    """What ended a command, in the documented JSON shape; `following` is the command that goes on."""
    return {"error": {"code": code, "message": message, "hint": hint, "next": following}}


def whole_path(file: str) -> str:
    """Where a file is: an absolute path, unless it is in no file here."""
    return str(Path(file).absolute()) if Path(file).is_file() else file


def show_problems(problems: Iterable[Problem], text: str) -> None:
    """Each problem with its line, then how many there are."""
    problems = tuple(problems)
    for told in shown(foremost(problems), text):
        say(told)
    if len(problems) > MOST_SHOWN:
        say(f"and {len(problems) - MOST_SHOWN:,} more")
    errors = sum(one.severity == "error" for one in problems)
    warnings = len(problems) - errors
    parts = [_counted(errors, "error")] if errors else []
    parts += [_counted(warnings, "warning")] if warnings else []
    if parts:
        say(" and ".join(parts))


def problems_json(problems: Sequence[Problem]) -> dict[str, object]:
    """Problems in the documented JSON shape: as many as are shown, and how many more there are."""
    return {"problems": [_problem_json(one) for one in foremost(problems)], **_more(len(problems))}


def _more(number: int) -> dict[str, int]:
    return {"more": number - MOST_SHOWN} if number > MOST_SHOWN else {}


def _problem_json(problem: Problem) -> dict[str, object]:
    """A problem in the documented JSON shape."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "file": whole_path(problem.at.file),
        "line": problem.at.line,
        "column": problem.at.column,
        "step": problem.step,
    }


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, spare: int = 0) -> None:
    """Columns on stdout: as wide as they need, on a terminal as it has room; `…` ends what is cut.

    Args:
        head: of the columns.
        rows: a text a column.
        spare: how many columns, the last ones, a narrow terminal can do without.
    """
    every = [tuple(head), *(tuple(safe(cell) for cell in row) for row in rows)]
    widths = [max(len(row[place]) for row in every) for place in range(len(head))]
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        while spare > 0 and sum(widths) + 2 * (len(widths) - 1) > columns:
            widths, spare = widths[:-1], spare - 1
        widths = _fitted(widths, columns)
    for row in every:
        cells = (_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join(cells).rstrip())


def folded(text: str, first: str, others: str) -> list[str]:
    """A text in lines that a terminal has room for, broken between words; elsewhere as one line.

    Args:
        text: of one line.
        first: what the first line begins with.
        others: what the others begin with; where that leaves no room for words, nothing is broken.
    """
    columns = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or columns < len(others) + 2 * _NARROWEST:
        return [first + text]
    return textwrap.wrap(text, columns, initial_indent=first, subsequent_indent=others) or [first]


def _fitted(widths: Sequence[int], columns: int) -> list[int]:
    """Widths that fit beside each other; the widest give way.

    The first column names things to commands, so it is never cut; with too little room beside it, lines wrap.
    """
    fitted = [*widths]
    while sum(fitted) + 2 * (len(fitted) - 1) > columns:
        at = max(range(1, len(fitted)), key=lambda place: fitted[place], default=0)
        if at == 0 or fitted[at] <= _NARROWEST:
            break
        fitted[at] -= 1
    return fitted


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"


def size(size_bytes: float) -> str:
    """Bytes for people: `340 B`, `12 kB`, `3.4 GB`."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:  # noqa: PLR2004 - what a kilo is
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"


def duration(seconds: float) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:  # noqa: PLR2004 - two digits are enough
        return f"{seconds:.1f} s"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
