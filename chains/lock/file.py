"""The lock file: what every step of a chain resolved to, so that a later run can tell what has changed."""

import os
import re
import secrets
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from chains.lock.locked import (
    VERSION,
    Finding,
    Lock,
    LockedStep,
    Question,
    as_written,
    outdated,
    question_of,
    unlike,
)
from chains.lock.shape import LockShape, misfit
from chains.meaning.paths import read_file
from chains.problems import InvalidChain, Problem
from chains.text.reader import read
from chains.text.scalars import NotFinite, resolve
from chains.text.source import Source, plain
from spaces_registry.errors import ToolkitError
from spaces_registry.plain import is_seen
from spaces_registry.signature import Json, Parameter, Return

__all__ = [
    "VERSION",
    "Finding",
    "InvalidLock",
    "Lock",
    "LockedStep",
    "Question",
    "UnreadableLock",
    "UnwritableLock",
    "as_written",
    "lock_path",
    "lock_text",
    "outdated",
    "parse_lock",
    "question_of",
    "read_lock",
    "unlike",
    "write_lock",
]

_HEADER = """\
# What the steps of this chain resolved to, as `spacechain lock` found it. Keep it beside the chain and under
# version control. `spacechain lock --update` accepts what has changed since. Not meant to be edited by hand.
"""
_MERGE: Final = re.compile(r"^(?:<<<<<<<|>>>>>>>) ", re.MULTILINE)
_AGAIN: Final = "write it again with `spacechain lock`"


class InvalidLock(InvalidChain):
    """The file is no lock of this version; its problems have positions in the lock file."""

    code = "invalid-lock"


class UnreadableLock(ToolkitError):
    """The lock file is there, but cannot be read; `path` is where."""

    code = "unreadable-lock"

    def __init__(self, path: Path, why: str, hint: str = "check its permissions") -> None:
        super().__init__(f"{path} cannot be read: {why}", hint=hint)
        self.path = path


class UnwritableLock(ToolkitError):
    """The lock file cannot be written; `path` is where. What was there before is there still."""

    code = "unwritable-lock"

    def __init__(self, path: Path, why: str, hint: str = "is there space, and may you write there?") -> None:
        super().__init__(f"{path} cannot be written: {why}", hint=hint)
        self.path = path


def lock_path(chain_file: Path) -> Path:
    """Where the lock of a chain file is: `film.lock.yaml` beside `film.yaml`."""
    is_yaml = chain_file.suffix.lower() in {".yaml", ".yml"}
    return chain_file.with_name(f"{chain_file.stem if is_yaml else chain_file.name}.lock.yaml")


def read_lock(path: Path) -> Lock | None:
    """The lock in a file; None if there is no such file.

    Raises:
        InvalidLock: it is damaged, edited by hand or of another version; all problems are in it.
        UnreadableLock: it cannot be read.
    """
    try:
        data = read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as cause:
        raise UnreadableLock(path, cause.strerror or type(cause).__name__) from cause
    try:
        return _lock_of(data, path)
    except InvalidLock:
        if not path.is_symlink():
            raise
    # a stranger's folder may have a link to any file here, whose lines are nobody's to see
    raise UnreadableLock(path, "it is a link to a file that is no lock", "write it again where it belongs")


def _lock_of(data: bytes, path: Path) -> Lock:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as cause:
        source = Source(str(path), data.decode("utf-8", errors="replace"))
        at = source.position(len(data[: cause.start].decode("utf-8")))
        raise InvalidLock(
            [Problem(at, "not-utf8", "the lock is not UTF-8 from here on", _AGAIN)], source
        ) from cause
    return parse_lock(text, str(path))


def parse_lock(text: str, file: str) -> Lock:
    """The lock in a text.

    Args:
        text: the YAML.
        file: what to call it in positions.

    Raises:
        InvalidLock: as in `read_lock`.
    """
    source, found = read(text, file)
    if found or source.root is None:
        raise InvalidLock(_damage(found, source), source)
    value = plain(source.root)
    version = value.get("lock") if isinstance(value, Mapping) else None
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        message = f"this lock is of version {version}, and this spacechain reads version {VERSION}"
        hint = "update spacechain" if version > VERSION else _AGAIN
        raise InvalidLock([Problem(source.at(("lock",)), "unknown-lock-version", message, hint)], source)
    try:
        shape = LockShape.model_validate(value)
    except ValidationError as cause:
        raise InvalidLock(
            [misfit(one["type"], one["loc"], value, source, _AGAIN) for one in cause.errors()], source
        ) from cause
    lock = shape.value()
    if problems := [*_contradictions(lock, source)]:
        raise InvalidLock(problems, source)
    return lock


def _damage(problems: Iterable[Problem], source: Source) -> Iterator[Problem]:
    """What is wrong with the YAML; the hints for chains do not help here."""
    if merge := _MERGE.search(source.text):
        at = source.position(merge.start())
        yield Problem(at, "merge-conflict", "a merge of this lock was not finished", _AGAIN)
        return
    for problem in problems:
        if problem.code == "empty-chain":
            yield replace(problem, code="empty-lock", message="the lock is empty", hint=_AGAIN)
        else:
            yield replace(problem, hint=_AGAIN)


def _contradictions(lock: Lock, source: Source) -> Iterator[Problem]:
    """What a hand or a merge leaves behind."""
    for name, step in lock.steps.items():
        if step.signature.fingerprint != step.fingerprint:
            message = f"the fingerprint of step `{name}` is not that of its parameters and returns"
            at = source.at(("steps", name, "fingerprint"))
            yield Problem(at, "edited-lock", message, _AGAIN, name)
        bound = Counter(step.binding.values())
        for written, parameter in step.binding.items():
            at = source.at(("steps", name, "binding", written))
            if step.signature.parameter(parameter) is None:
                message = (
                    f"`{written}` of step `{name}` goes to `{parameter}`, which {step.endpoint} does not have"
                )
                yield Problem(at, "edited-lock", message, _AGAIN, name)
            elif bound[parameter] > 1:
                message = f"two arguments of step `{name}` go to `{parameter}`"
                yield Problem(at, "edited-lock", message, _AGAIN, name)


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock so that nobody ever sees half of it, and that it reads back as it is.

    Raises:
        UnwritableLock: the disk refuses, or a lock file cannot hold it.
    """
    text = lock_text(lock, path)
    target = Path(os.path.realpath(path))  # a link stays one
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with aside.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(target)
    except OSError as cause:
        raise UnwritableLock(path, cause.strerror or type(cause).__name__) from cause
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    _flush_folder(target.parent)


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system can flush a folder at all."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def lock_text(lock: Lock, path: Path) -> str:
    """A lock as the YAML of its file, the same for the same lock.

    Args:
        lock: what to write.
        path: the file it is for; for messages.

    Raises:
        UnwritableLock: it would not read back as it is: an app describes itself with numbers or characters
            that YAML has not, or at a length beyond all use.
    """
    hint = "give the step another Space, or run without a lock"
    try:
        text = _yaml(lock)
        again = _yaml(parse_lock(text, path.name))
    except InvalidLock as cause:
        said = cause.problems[0]
        where = _unfit(lock)
        raise UnwritableLock(
            path, f"{where}: what is called does not go into a lock: {said.message}", hint
        ) from cause
    except RecursionError as cause:
        raise UnwritableLock(
            path, "what a step calls has a default that is too deeply nested", hint
        ) from cause
    if again != text:
        raise UnwritableLock(path, "what a step calls has names or values that do not go into a lock", hint)
    return text


def _unfit(lock: Lock) -> str:
    """Which step it is that cannot be read back."""
    for name, step in lock.steps.items():
        try:
            parse_lock(_yaml(replace(lock, steps={name: step})), "")
        except InvalidLock:
            return f"step `{name}`"
    return "all steps together"


class _Line(dict[str, Any]):
    """A mapping to write on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes for the chain language's reader, which knows YAML 1.2's scalars."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True

    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, str) and not _is_plain(data):
            return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')
        if isinstance(data, _Line):
            return self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
        return super().represent_data(data)


def _is_plain(text: str) -> bool:
    """Whether a text needs no double quotes: without them line ends are folded, and `1e5` is a number."""
    try:
        return text.isprintable() and text == text.strip() and isinstance(resolve(text), str)
    except NotFinite:
        return False


def _yaml(lock: Lock) -> str:
    document = {
        "lock": lock.version,
        "chain": lock.chain,
        "steps": {name: _step(one) for name, one in lock.steps.items()},
    }
    body = _dumped(document, allow_unicode=True)
    return _HEADER + (body if is_seen(body) else _dumped(document, allow_unicode=False))


def _dumped(document: Mapping[str, Any], *, allow_unicode: bool) -> str:
    """A lock's text; what people cannot see is in it as an escape where `allow_unicode` is false."""
    body: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=sys.maxsize
    )
    return body


def _step(step: LockedStep) -> dict[str, Any]:
    parts = {
        "space": step.space,
        "written": step.written,
        "endpoint": step.endpoint,
        "revision": step.revision,
        "gradio": step.gradio,
        "found": step.found and _finding(step.found),
        "binding": {name: step.binding[name] for name in sorted(step.binding)} or None,
        "fingerprint": step.fingerprint,
        "parameters": {one.name: _parameter(one) for one in step.parameters} or None,
        "returns": {one.name: _return(one) for one in step.returns} or None,
    }
    return {key: value for key, value in parts.items() if value is not None}


def _finding(finding: Finding) -> dict[str, Any]:
    asked = finding.question
    parts = {
        "words": asked.words,
        "arguments": [*asked.arguments],
        "takes": [str(one) for one in asked.takes],
        "gives": [str(one) for one in asked.gives],
        "category": asked.category,
        "among": [*asked.among],
        "why": [*finding.why],
    }
    return {key: value for key, value in parts.items() if value not in (None, [])}


def _parameter(one: Parameter) -> dict[str, Any]:
    """On one line, but for choices: they have a line each, so that a diff shows which came and went."""
    parts: dict[str, Any] = {"kind": str(one.kind)}
    if one.label:
        parts["label"] = one.label
    if one.required:
        parts["required"] = True
    if one.default is not None or not one.required:
        parts["default"] = _inline(one.default)
    if one.closed != (one.choices is not None):
        parts["closed"] = one.closed
    numbers = {"minimum": one.minimum, "maximum": one.maximum}
    parts |= {key: value for key, value in numbers.items() if value is not None}
    parts |= {key: True for key in ("many", "wrapped") if getattr(one, key)}
    if one.component:
        parts["component"] = one.component
    return (
        _Line(parts) if one.choices is None else {**parts, "choices": [_inline(each) for each in one.choices]}
    )


def _return(one: Return) -> dict[str, Any]:
    parts: dict[str, Any] = {"kind": str(one.kind)}
    parts |= {key: value for key in ("label", "many", "component") if (value := getattr(one, key))}
    return _Line(parts)


def _inline(value: Json) -> Any:
    """A JSON value to write on one line, the keys of its mappings in order."""
    match value:
        case Mapping():
            return _Line({key: _inline(value[key]) for key in sorted(value)})
        case str() | None | bool() | int() | float():
            return value
    return [_inline(one) for one in value]
