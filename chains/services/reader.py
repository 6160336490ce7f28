"""A service file → a `Service`, or everything that is wrong with the file at once."""

import hashlib
from dataclasses import replace
from pathlib import Path

from chains.meaning.paths import read_file
from chains.problems import InvalidChain, Problem
from chains.services.builder import Builder
from chains.services.misfits import misfits
from chains.services.model import Service
from chains.services.rules import RULES
from chains.text.reader import read
from chains.text.source import Source, plain
from spaces_registry.errors import ToolkitError

_HINTS = {
    "empty-chain": "a service needs at least `url` and `endpoints`",
    "several-documents": "keep one service in one file",
    "too-large": "a service file is small; keep workflows in files of their own",
}


class InvalidService(InvalidChain):
    """The text is not a service file; `problems` are all that is wrong with it, `source` is the text."""

    code = "invalid-service"


class ServiceUnreadable(ToolkitError):
    """There is a service file, but it cannot be read."""

    code = "service-unreadable"


def load_service(path: Path, shown: str | None = None) -> Service:
    """Read a service file.

    Args:
        path: where it is.
        shown: what to call it in positions; the path if left out.

    Raises:
        ServiceUnreadable: it cannot be read.
        InvalidService: it is none; all problems are in it.
    """
    name = shown or str(path)
    try:
        data = read_file(path)
    except (OSError, ValueError) as cause:
        why = getattr(cause, "strerror", None) or str(cause)
        raise ServiceUnreadable(f"the service file {name} cannot be read: {why}") from cause
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as cause:
        source = Source(name, data.decode("utf-8", errors="replace"))
        at = source.position(len(data[: cause.start].decode("utf-8")))
        problem = Problem(at, "not-utf8", "the file is not UTF-8 from here on", "save it as UTF-8")
        raise InvalidService([problem], source) from cause
    return replace(read_service(text, file=name), sha256=hashlib.sha256(data).hexdigest())


def read_service(text: str, *, file: str = "<text>") -> Service:
    """Read a service out of text; `file` is what to call it in positions.

    Raises:
        InvalidService: it is none; all problems are in it.
    """
    source, mistakes = read(text, file)
    problems = [replace(one, hint=_HINTS.get(one.code, one.hint)) for one in mistakes]
    if source.root is None:
        raise InvalidService(problems, source)
    problems += [problem for _, problem in misfits(plain(source.root), source)]
    if problems:
        raise InvalidService(problems, source)
    builder = Builder(source)
    service = builder.service()
    found = [*builder.problems, *(problem for rule in RULES for problem in rule(service))]
    if found:
        raise InvalidService(found, source)
    return service
