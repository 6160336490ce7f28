"""Keys in files: `.env` in the folder where the command is run, and in the home folder.

The home folder's file is the user's own and may set anything. The one in the current folder may have come
with a stranger's chain, and the environment steers programs: where a token goes, which ffmpeg is run, whose
proxy is used. So of that one only credentials are taken, by their names. Neither overrides what is set, and
neither is looked for anywhere else. Nothing in them is expanded.

Why a reader of our own: the well-known one passes over what it cannot read, and a key that is silently not
there is found late.
"""

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.household.home import Home, NoHome, find_home
from spaces_registry.errors import ToolkitError

NAME = ".env"
_MOST_BYTES = 100_000
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=[ \t]*")
_NOTHING = re.compile(r"\s*(#.*)?")
_COMMENT = re.compile(r"(^|\s)#.*$")
_CREDENTIAL = re.compile(r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
_HELP = frozenset({"--help", "-h"})
_WITHOUT = frozenset({"doctor", "help", "--version"})  # what a user in trouble asks
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class BadDotenv(ToolkitError):
    """A `.env` file cannot be read, or a line of it is no assignment."""

    code = "bad-dotenv"


@dataclass(frozen=True, slots=True)
class Dotenv:
    """One `.env` file.

    Attributes:
        path: where it is.
        given: names that it set.
        overruled: names that were set already, to whatever.
        left_out: names that a file in the current folder may not set.
    """

    path: Path
    given: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def apply_dotenv(environ: MutableMapping[str, str], here: Path, home: Home) -> tuple[Dotenv, ...]:
    """Set what the `.env` files say and nobody has set; the current folder's goes before the home folder's.

    Args:
        environ: what is set, and changed.
        here: the current folder.
        home: the user's.

    Returns:
        The files that are there.

    Raises:
        BadDotenv: one cannot be read; its position is told, and nothing of what stands there.
    """
    return tuple(apply_file(path, environ, is_own=is_own) for path, is_own in dotenv_files(here, home))


def dotenv_files(here: Path, home: Home) -> tuple[tuple[Path, bool], ...]:
    """The `.env` files that are there, each with whether it is the user's own."""
    near, own = here / NAME, home.folder / NAME
    found = [(near, False)] if os.path.isfile(near) else []  # noqa: PTH113 - in a closed folder: none
    if os.path.isfile(own):  # noqa: PTH113
        if found and near.samefile(own):
            return ((own, True),)
        found.append((own, True))
    return tuple(found)


def apply_file(path: Path, environ: MutableMapping[str, str], *, is_own: bool) -> Dotenv:
    """Set what one file says and nobody has set; of one that is not the user's own, credentials only.

    Raises:
        BadDotenv: it cannot be read.
    """
    values = read_dotenv(path)
    left_out = tuple(name for name in values if not is_own and not _CREDENTIAL.search(name))
    allowed = [name for name in values if is_own or _CREDENTIAL.search(name)]
    overruled = tuple(name for name in allowed if name in environ)
    given = tuple(name for name in allowed if name not in environ)
    environ.update({name: values[name] for name in given})
    return Dotenv(path, given, overruled, left_out)


def read_dotenv(path: Path) -> Mapping[str, str]:
    """The assignments in a file: `NAME=value`, quotes, `export`, comments; in quotes also several lines.

    Raises:
        BadDotenv: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as cause:
        raise BadDotenv(f"{path} cannot be read: {cause.strerror or cause}") from cause
    if len(data) > _MOST_BYTES:
        raise BadDotenv(f"{path} is larger than {_MOST_BYTES // 1000} kB", hint="is it meant for spacechain?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = data[: cause.start].count(b"\n") + 1
        raise BadDotenv(f"{path}:{line}: it is not UTF-8 from here on") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise _bad(path, line, "there is a null character here", "is it text?")
    return dict(_assignments(path, text.splitlines()))


def _assignments(path: Path, lines: list[str]) -> Iterator[tuple[str, str]]:
    number = 0
    while number < len(lines):
        line, at = lines[number], number + 1
        number += 1
        if _NOTHING.fullmatch(line):
            continue
        if (found := _ASSIGNMENT.match(line)) is None:
            raise _bad(path, at, "this line is no assignment", "write NAME=value, or begin a comment with #")
        rest = line[found.end() :]
        if rest[:1] not in {'"', "'"}:
            yield found[1], _COMMENT.sub("", rest).strip()
            continue
        quote, rest = rest[0], rest[1:]
        parts: list[str] = []
        while (end := _end_of(rest, quote)) is None:
            if number == len(lines):
                raise _bad(path, at, f"the quote {quote} that begins here is never closed", None)
            parts.append(rest)
            rest = lines[number]
            number += 1
        if not _NOTHING.fullmatch(rest[end + 1 :]):
            raise _bad(
                path, number, "there is something after the closing quote", "only a comment may follow"
            )
        yield found[1], _unquoted("\n".join([*parts, rest[:end]]), quote)


def _end_of(text: str, quote: str) -> int | None:
    """Where the closing quote is in a line; inside double quotes, a backslash takes the next sign along.

    One that ends the line takes the line end along, so that each line can be looked at by itself.
    """
    pattern = r"(?:[^\"\\]|\\.)*\"" if quote == '"' else r"[^']*'"
    found = re.match(pattern, text, re.DOTALL)
    return None if found is None else found.end() - 1


def _unquoted(text: str, quote: str) -> str:
    if quote == "'":
        return text
    return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), text, flags=re.DOTALL)


def _bad(path: Path, line: int, what: str, hint: str | None) -> BadDotenv:
    return BadDotenv(f"{path}:{line}: {what}", hint=hint)


def apply_for_command(words: list[str]) -> tuple[Dotenv, ...]:
    """Set what the `.env` files say for a command of the command line.

    A file that cannot be read stops every command but those that a user in trouble asks.

    Args:
        words: of the command.

    Raises:
        BadDotenv: a file cannot be read.
    """
    asked_for_help = not words or words[0] in _WITHOUT or not _HELP.isdisjoint(words)
    try:
        return apply_dotenv(os.environ, Path.cwd(), find_home())
    except (BadDotenv, NoHome, OSError):
        if asked_for_help:
            return ()
        raise
