"""A run as JSON: what `run --json` prints and `run.json` keeps (see the command line's JSON shapes)."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from chains.language.empty import EmptyQuery
from chains.language.evaluate import Absent
from pipelines.artifacts import Artifact, StorageFailed, artifacts_in
from pipelines.engine.binding import shown
from pipelines.engine.outputs import EachOutputs
from pipelines.engine.results import Attempt, CallDone, Failed, Result, Skipped, Succeeded
from pipelines.running.long_values import head_of, is_long
from spaces_registry.plain import escaped, lines


@dataclass(frozen=True, slots=True)
class FileOutput:
    """A file that a run made, under its readable name; also a value that is too long to be shown.

    Attributes:
        kind: image, audio, video, …
        path: in the run's folder.
        mime: from the bytes.
        sha256: of the bytes, hex.
        size_bytes: of the file.
        extra: what came beside it, by name, as in a `ValueOutput`: an annotated picture's `annotations`.
        head: how a value begins that is too long to be shown, and of which all lies in the file; else None.
    """

    kind: str
    path: Path
    mime: str
    sha256: str
    size_bytes: int
    extra: Mapping[str, object] = field(default_factory=dict, compare=False)
    head: str | None = None


@dataclass(frozen=True, slots=True)
class ValueOutput:
    """An output that is no file.

    Attributes:
        kind: text, number, json, …
        value: plain JSON, but that a file in it is a `FileOutput`; None where it is too long to be told.
        head: how such a value begins; else None.
    """

    kind: str
    value: object
    head: str | None = None


Output: TypeAlias = FileOutput | ValueOutput | tuple["Output", ...]


Write: TypeAlias = Callable[[object], Artifact]


def as_output(value: object, published: Mapping[str, Iterator[Path]], write: Write | None = None) -> Output:
    """A value of a run as users get it.

    Args:
        value: an artifact, a plain value, or a list of these.
        published: by SHA-256, the readable paths of the artifacts of these bytes, in order; they are used up.
        write: writes a value that is too long to be shown into a file; None where there is no folder for it.
    """
    match value:
        case str() | Mapping() | Sequence() if is_long(value) and not artifacts_in(value):
            kind = "text" if isinstance(value, str) else "json"
            if write is None:
                return ValueOutput(kind, None, head_of(value))
            file = write(value)
            return FileOutput(kind, file.path, file.mime, file.sha256, file.size_bytes, head=head_of(value))
        case Artifact():
            return _file_output(value, published)
        case Absent() | EmptyQuery():
            return ValueOutput("json", None)
        case bool():
            return ValueOutput("boolean", value)
        case int():
            return ValueOutput("integer", value)
        case float():
            return ValueOutput("number", value)
        case str():
            return ValueOutput("text", value)
        case Sequence():
            return tuple(as_output(one, published, write) for one in value)
        case _:
            return ValueOutput("json", _with_paths(value, published))


def as_outputs(value: object, published: Mapping[str, Iterator[Path]], write: Write | None = None) -> Output:
    """What the calls of a step with `each` gave, one by one however many: see `as_output`."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    return tuple(as_output(one, published, write) for one in items)


def _file_output(file: Artifact, published: Mapping[str, Iterator[Path]]) -> FileOutput:
    path = next(published.get(file.sha256, iter(())), file.path)
    extra = {
        name: FileOutput(str(one.kind), path, one.mime, one.sha256, one.size_bytes)
        if isinstance(one, Artifact) and one.sha256 == file.sha256  # the file itself, published once
        else _with_paths(one, published)
        for name, one in file.extra.items()
    }
    return FileOutput(str(file.kind), path, file.mime, file.sha256, file.size_bytes, extra)


def _with_paths(value: object, published: Mapping[str, Iterator[Path]]) -> object:
    """Plain JSON with every file in it as users get it."""
    match value:
        case Artifact():
            return _file_output(value, published)
        case Mapping():
            return {str(name): _with_paths(one, published) for name, one in value.items()}
        case str():
            return value
        case Sequence():
            return [_with_paths(one, published) for one in value]
        case _:
            return shown(value)


def files_in_output(output: object) -> Iterator[FileOutput]:
    """Every file of an output, in order, also those in values; without what only came beside others."""
    match output:
        case FileOutput():
            yield output
        case ValueOutput(value=value):
            yield from files_in_output(value)
        case Mapping():
            for inner in output.values():
                yield from files_in_output(inner)
        case list() | tuple():
            for inner in output:
                yield from files_in_output(inner)


def with_files(output: object, change: Callable[[FileOutput], FileOutput]) -> object:
    """An output, or a value of one, with every file of `files_in_output` changed, in order."""
    match output:
        case FileOutput():
            return change(output)
        case ValueOutput(value=value):
            return replace(output, value=with_files(value, change))
        case Mapping():
            return {name: with_files(one, change) for name, one in output.items()}
        case tuple():
            return tuple(with_files(one, change) for one in output)
        case list():
            return [with_files(one, change) for one in output]
    return output


def output_json(output: Output) -> object:
    """An output in the documented JSON shape."""
    match output:
        case FileOutput():
            facts: dict[str, object] = {
                "kind": output.kind,
                "path": str(output.path.absolute()),
                "mime": output.mime,
                "sha256": output.sha256,
                "size_bytes": output.size_bytes,
            }
            if output.extra:
                facts["extra"] = _plain(output.extra)
            return facts if output.head is None else {**facts, "head": output.head}
        case ValueOutput(head=str() as head):
            return {"kind": output.kind, "value": None, "head": head}
        case ValueOutput():
            return {"kind": output.kind, "value": _plain(output.value)}
        case tuple():
            return [output_json(one) for one in output]


def brief(value: object) -> object:
    """A value of an output for a line of text: a file in it is its path."""
    match value:
        case FileOutput():
            return str(value.path)
        case Mapping():
            return {name: brief(one) for name, one in value.items()}
        case list():
            return [brief(one) for one in value]
    return value


def _plain(value: object) -> object:
    """A value of an output as JSON alone."""
    match value:
        case FileOutput():
            return output_json(value)
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case list():
            return [_plain(one) for one in value]
    return value


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of a finished run, as users get it.

    Attributes:
        result: how it ended.
        outputs: by the returns' names; files with readable paths.
    """

    result: Result
    outputs: Mapping[str, Output]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its places warned of, each line once."""
        if isinstance(self.result, Skipped):
            return ()
        return tuple(dict.fromkeys(_warnings(self.result.calls)))

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape of a step."""
        match self.result:
            case Skipped():
                return {
                    "status": "skipped",
                    "because": self.result.because,
                    "cached": False,
                    "via": None,
                    "endpoint": None,
                    "attempts": 0,
                    "seconds": 0.0,
                    "outputs": {},
                    "error": None,
                }
            case Succeeded(calls=calls, seconds=seconds):
                return {"status": "succeeded", **self._called(calls, seconds), "error": None}
            case Failed(calls=calls, seconds=seconds):
                return {"status": "failed", **self._called(calls, seconds), "error": _error(self.result)}

    def _called(self, calls: Sequence[CallDone], seconds: float) -> dict[str, object]:
        first = calls[0] if calls else None
        told: dict[str, object] = {
            "cached": bool(calls) and all(one.cached for one in calls),
            "via": first.via if first else None,
            "endpoint": first.endpoint if first else None,
            "revision": first.revision if first else None,
            "attempts": sum(one.tries for one in calls),
            "seconds": round(seconds, 3),
            "outputs": {name: output_json(one) for name, one in self.outputs.items()},
        }
        if (keys := self._keys(calls)) is not None:
            told["keys"] = keys
        if first and first.choice.why:
            told["why"] = list(first.choice.why)
        if first and first.choice.binding:
            told["binding"] = dict(first.choice.binding)
        if first and first.choice.passed_over:
            told["passed_over"] = [{"space": one.space, "why": one.why} for one in first.choice.passed_over]
        if len(calls) > 1 or any(one.failure for one in calls):
            made = self._made(calls)
            told["calls"] = [
                {**_call(one, is_one_of_several=len(calls) > 1), "outputs": made.get(one.item, {})}
                for one in calls
            ]
        if isinstance(self.result, Succeeded) and (lost := [one.item for one in calls if one.failure]):
            told |= {"items": len(calls), "failed_items": lost}
        if first and first.steps and len(calls) == 1:
            told["steps"] = _steps(first)
        if warnings := self.warnings:
            told["warnings"] = [*warnings]
        if any(one.attempts for one in calls):
            told["story"] = [line for one in calls for line in _story(one)]
        return told

    def _made(self, calls: Sequence[CallDone]) -> dict[int, dict[str, object]]:
        """What each item gave, by its number: the same outputs as those of the step, taken apart."""
        if not isinstance(self.result, Succeeded) or not isinstance(self.result.outputs, EachOutputs):
            return {}
        lists = {name: iter(one) for name, one in self.outputs.items() if isinstance(one, tuple)}
        good = (one.item for one in calls if one.failure is None)
        made: dict[int, dict[str, object]] = {}
        for item, given in zip(good, self.result.outputs.items, strict=False):
            names = [name for name in given.by_name() if name in lists]
            made[item] = {name: output_json(one) for name in names if (one := next(lists[name], None))}
        return made

    def _keys(self, calls: Sequence[CallDone]) -> str | list[str | None] | None:
        """What the outputs are kept by, an item each; of them the journal can be made anew."""
        if not isinstance(self.result, Succeeded):
            return None
        keys = [one.key for one in calls if one.failure is None]
        if isinstance(self.result.outputs, EachOutputs):
            return keys
        return keys[0] if len(keys) == 1 else None


def _warnings(calls: Sequence[CallDone]) -> Iterator[str]:
    """What was warned of, with the item where there are several."""
    for call in calls:
        item = f"item {call.item + 1}: " if len(calls) > 1 else ""
        yield from (lines(f"{item}{one}") for one in call.warnings)


def _steps(call: CallDone) -> dict[str, object]:
    """The steps of a nested chain, in the shape of any other; their files lie in the store."""
    told: dict[str, object] = {}
    for name, result in call.steps.items():
        made = result.outputs.by_name() if isinstance(result, Succeeded) else {}
        is_of_each = isinstance(result, Succeeded) and isinstance(result.outputs, EachOutputs)
        outputs = as_outputs if is_of_each else as_output
        told[name] = StepReport(result, {one: outputs(value, {}) for one, value in made.items()}).to_json()
    return told


def _call(call: CallDone, *, is_one_of_several: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "item": call.item,
        "status": "failed" if call.failure else "succeeded",
        "cached": call.cached,
        "via": call.via,
        "seconds": round(call.seconds, 3),
        "error": {"code": call.failure.code, "message": lines(call.failure.message)}
        if call.failure
        else None,
    }
    return {**told, "steps": _steps(call)} if call.steps and is_one_of_several else told


def _story(call: CallDone) -> list[dict[str, object]]:
    """What went before a call's end: every try that failed, and what was done about it."""
    return [
        {"item": call.item, **_attempt(one), "then": one.then, "wait_s": _rounded(one.wait_s)}
        for one in call.attempts
    ]


def _attempt(one: Attempt) -> dict[str, object]:
    return {"via": one.via, "class": one.failure, "said": _seen(one.said), "seconds": round(one.seconds, 3)}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _error(failed: Failed) -> dict[str, object]:
    attempts = [_attempt(one) for call in failed.calls for one in call.attempts]
    words = (getattr(call.failure, "said", None) for call in failed.calls)
    return {
        "code": failed.error.code,
        "message": lines(failed.error.message),
        "hint": _seen(failed.error.hint),
        "said": _seen(getattr(failed.error, "said", None) or next((one for one in words if one), None)),
        "attempts": attempts,
    }


def _seen(words: str | None) -> str | None:
    """Words for people, without what steers a terminal; a value is never changed, only spelt harmlessly."""
    return None if words is None else lines(words)


def write_json(path: Path, document: Mapping[str, object], *, lasting: bool = True) -> None:
    """Write a JSON document so that a reader never sees half of it, and nothing in it steers his terminal.

    Args:
        path: the file.
        document: what to write.
        lasting: whether it must survive a power cut and be pleasant to read; what is soon replaced need not.

    Raises:
        StorageFailed: the disk is full or the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            text = json.dumps(document, ensure_ascii=False, indent=2 if lasting else None)
            file.write(escaped(text) + "\n")
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        aside.replace(path)
    except OSError as cause:
        aside.unlink(missing_ok=True)
        raise StorageFailed(path, cause) from cause
