"""`run.json` → `report.html`, beside it."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipelines.artifacts import StorageFailed
from pipelines.engine.losses import loss_words, read_losses
from pipelines.report.command import command_again
from pipelines.report.values import Json, items, mapping, with_file_names
from spaces_registry.plain import lines

if TYPE_CHECKING:
    from jinja2 import Template

NAME = "report.html"
_RESTED = "not asked: "
_MOST_TRIES = 100
_MOST_SECONDS = 1e15  # and bytes; what is more is no number for people
_MOST_TEXT = 20_000  # characters of one text
_SHOWN_AS = {"image": "img", "video": "video", "audio": "audio"}
_DRAWN_BY_THE_BROWSER = re.compile(r"image/(png|jpeg|gif|webp|avif|bmp)|(video|audio)/[\w.+-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Shown:
    """One value as the page shows it.

    Attributes:
        tag: `img`, `video`, `audio`; `file` for a link; `text` for words.
        text: the words, or the file's name.
        href: relative address of the file, or empty.
        facts: kind and size in words.
    """

    tag: str
    text: str
    href: str = ""
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt that did not succeed: where, what happened, the place's words, what was done about it."""

    via: str
    what: str
    said: str
    then: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step as the page shows it.

    Attributes:
        name: of the step.
        status: as in `run.json`; `partly` for one that went on without items that failed.
        via: where it was performed.
        endpoint: what was called.
        revision: the state it was in, for a commit its first digits.
        how: cached, called, so many calls.
        seconds: how long it took.
        share: of the longest step, in percent.
        outputs: by name.
        error: message, hint and the place's words, if it failed.
        because: why it was skipped.
        tries: what did not succeed, in order.
        notes: why this place, what was passed over.
        warnings: what whoever uses its outputs should know.
    """

    name: str
    status: str
    via: str
    endpoint: str
    revision: str
    how: str
    seconds: float
    share: float
    outputs: Sequence[tuple[str, Sequence[Shown]]]
    error: Mapping[str, str]
    because: str
    tries: Sequence[Try]
    notes: Sequence[str]
    warnings: Sequence[str]


def write_report(folder: Path, document: Json) -> Path:
    """Write the page of a run into its folder; whoever has it open never sees half of it.

    Args:
        folder: the run's.
        document: its `run.json`; secrets are masked in it already.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    path = folder / NAME
    aside = path.with_name(f".{NAME}.{os.getpid()}")
    try:
        aside.write_text(report_html(folder, document), encoding="utf-8", errors="replace")
        aside.replace(path)
    except OSError as cause:
        aside.unlink(missing_ok=True)
        raise StorageFailed(path, cause) from cause
    return path


def report_html(folder: Path, document: Json) -> str:
    """The page as text; everything in it that came from outside is escaped.

    Args:
        folder: where the run's files are; addresses in the page are relative to it.
        document: its `run.json`.
    """
    reader = _Reader(folder, str(document.get("folder", "")))
    steps = [(str(name), mapping(one)) for name, one in mapping(document.get("steps")).items()]
    longest = max((_number(one.get("seconds")) for _, one in steps), default=0.0)
    shown = [reader.step(name, one, longest) for name, one in steps]
    outputs = reader.outputs(mapping(document.get("outputs")))
    inputs = [(str(name), reader.input(one)) for name, one in mapping(document.get("inputs")).items()]
    calls = sum(int(_number(one.get("attempts"))) for _, one in steps)
    kept = sum(one.get("cached") is True for _, one in steps)
    return _template().render(
        title=str(document.get("chain", "run")),
        run=str(document.get("run", "")),
        status=str(document.get("status", "")),
        started=str(document.get("started", "")).replace("T", " ").replace("+00:00", " UTC"),
        seconds=duration(_number(document.get("seconds"))),
        calls=calls,
        kept=kept,
        outputs=[(name, media) for name, media in outputs if any(one.tag != "text" for one in media)],
        words=[(name, media) for name, media in outputs if all(one.tag == "text" for one in media)],
        lost=[*read_losses(document)],
        unmade=[
            (str(name), str(mapping(one).get("message", "")))
            for name, one in mapping(document.get("unmade")).items()
        ],
        steps=shown,
        inputs=inputs,
        again=command_again(document),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only what writes a page needs it

    text = (files("pipelines.report") / "report.html.jinja").read_text(encoding="utf-8")
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_seen
    )
    made.filters["duration"] = duration
    return made.from_string(text)


def duration(seconds: float) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:  # noqa: PLR2004 - two digits are enough
        return f"{seconds:.1f} s"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of a `run.json` that lies in `folder` and was written for `told`."""

    folder: Path
    told: str

    def outputs(self, outputs: Json) -> list[tuple[str, list[Shown]]]:
        """By name, with what each shows."""
        return [(str(name), [*self.values(one)]) for name, one in outputs.items()]

    def values(self, output: object) -> Iterator[Shown]:
        """What an output, or a list of them, shows."""
        match output:
            case list():
                for one in output:
                    yield from self.values(one)
            case {"head": str() as head}:
                yield Shown("text", f"{head} …")
                if isinstance(path := mapping(output).get("path"), str):
                    yield self._file(path, mapping(output))
            case {"path": str() as path}:
                yield self._file(path, mapping(output))
                if extra := mapping(mapping(output).get("extra")):
                    yield Shown("text", _text(with_file_names(extra)))
                    yield from self._within([one for one in extra.values() if not _is_same(one, output)])
            case {"value": value}:
                yield Shown("text", _text(with_file_names(value)))
                yield from self._within(value)
            case _:
                yield Shown("text", _text(output))

    def _within(self, value: object) -> Iterator[Shown]:
        """The files that lie in a value."""
        match value:
            case {"path": str(), "sha256": str()}:
                yield from self.values(value)
            case Mapping():
                for one in value.values():
                    yield from self._within(one)
            case list():
                for one in value:
                    yield from self._within(one)

    def _file(self, path: str, facts: Json) -> Shown:
        name = Path(path).name
        size, kind, mime = (
            _number(facts.get("size_bytes")),
            str(facts.get("kind", "")),
            str(facts.get("mime", "")),
        )
        told = f"{kind}, {_bytes(size)}" if kind else _bytes(size)
        href = self._href(path)
        if href is None:
            return Shown("text", f"{name} (not in this folder)", "", told)
        drawn = _DRAWN_BY_THE_BROWSER.fullmatch(mime)
        tag = _SHOWN_AS.get(mime.partition("/")[0], "file") if drawn else "file"
        return Shown(tag, name, href, told)

    def _href(self, path: str) -> str | None:
        """The address of one of the run's files, relative to the page; None for what lies elsewhere."""
        for base in (self.told, str(self.folder)):
            try:
                inside = Path(path).relative_to(base) if base else None
            except ValueError:
                continue
            if inside is not None and ".." not in inside.parts:
                return "./" + quote(inside.as_posix().encode("utf-8", "surrogateescape"))
        return None

    def input(self, value: object) -> str:
        """An input in words."""
        match value:
            case {"name": str() as name, "sha256": _}:
                return name
            case list():
                return ", ".join(self.input(one) for one in value)
            case _:
                return _text(value)

    def step(self, name: str, step: Json, longest: float) -> StepShown:
        """A step as the page shows it."""
        seconds = _number(step.get("seconds"))
        share = 100 * seconds / longest if longest else 0.0
        via, shared = str(step.get("via") or ""), _shared(step)
        return StepShown(
            name=name,
            status="partly" if items(step.get("failed_items")) else str(step.get("status", "")),
            via=", ".join(f"{one} ({_items(number)})" for one, number in shared.items()) or via,
            endpoint="" if shared else str(step.get("endpoint") or ""),
            revision="" if shared else _revision(step),
            how=_how(step),
            seconds=seconds,
            share=round(share, 1),
            outputs=self.outputs(mapping(step.get("outputs"))),
            error=_error(mapping(step.get("error"))),
            because=str(step.get("because") or ""),
            tries=[*_tries(step)],
            notes=[*_notes(step)],
            warnings=[_text(one) for one in items(step.get("warnings"))[:_MOST_TRIES]],
        )


def _error(error: Json) -> dict[str, str]:
    """What went wrong, each part as text; empty if nothing did."""
    parts = ("code", "message", "hint", "said")
    return {part: str(error.get(part) or "") for part in parts} if error else {}


def _revision(step: Json) -> str:
    told = str(step.get("revision") or "")
    return f"at {told[:7]}" if _COMMIT.fullmatch(told) else ""


def _shared(step: Json) -> Mapping[str, int]:
    """How many items each place made, where several did."""
    found = Counter(str(mapping(one).get("via") or "?") for one in items(step.get("calls")))
    return found if len(found) > 1 else {}


def _items(number: int) -> str:
    return "1 item" if number == 1 else f"{number} items"


def _how(step: Json) -> str:
    calls = step.get("calls")
    number = int(_number(step.get("attempts")))
    if step.get("cached") is True:
        return "kept from before"
    if isinstance(calls, list) and len(calls) > 1:
        kept = sum(mapping(one).get("cached") is True for one in calls)
        if lost := items(step.get("failed_items")):
            return loss_words(len(calls), [int(_number(one)) for one in lost])
        return _items(len(calls)) + (f", {kept} kept from before" if kept else "")
    return "" if number == 0 else "1 call" if number == 1 else f"{number} calls"


def _tries(step: Json) -> Iterator[Try]:
    """The tries that did not succeed, in order: the step's story, or what its error knows of them."""
    told = items(step.get("story")) or items(mapping(step.get("error")).get("attempts"))
    yield from (_try(mapping(one)) for one in told[:_MOST_TRIES])
    if len(told) > _MOST_TRIES:
        yield Try(f"and {len(told) - _MOST_TRIES} more", "all of them are in run.json", "", "", 0.0)


def _try(one: Json) -> Try:
    then, wait = str(one.get("then") or ""), one.get("wait_s")
    words = {"retry": "tried again", "fall-back": "went on to the next place", "stop": "gave up"}.get(
        then, then
    )
    if then == "retry" and isinstance(wait, int | float):
        words += f" after {duration(float(wait))}"
    via, what = str(one.get("via") or ""), str(one.get("class") or one.get("failure") or "failed")
    said = _text(one.get("said") or "").removeprefix(f"{via}: ")
    if said.startswith(_RESTED):  # the failures of earlier calls spoke against it
        what, said = "not asked", said.removeprefix(_RESTED)
    return Try(via, what, said, words, _number(one.get("seconds")))


def _notes(step: Json) -> Iterator[str]:
    """Why it was performed there, and what the steps of a nested chain did."""
    yield from (str(one) for one in items(step.get("why")))
    for one in items(step.get("passed_over")):
        told = mapping(one)
        yield f"passed over {told.get('space')}: {told.get('why')}"
    for name, one in mapping(step.get("steps")).items():
        told = mapping(one)
        where = f" at {told['via']}" if told.get("via") else ""
        yield f"{name}: {told.get('status')}{where}, {duration(_number(told.get('seconds')))}"
        yield from (f"{name}: warning: {_text(one)}" for one in items(told.get("warnings"))[:_MOST_TRIES])


def _seen(value: object) -> object:
    """A value as the page shows it: without controls and marks that turn the direction of writing."""
    return lines(value) if type(value) is str else value  # what is markup was put together of such values


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " … (all of it in run.json)"


def _is_same(one: object, output: object) -> bool:
    """Whether two files have the same bytes."""
    return mapping(one).get("sha256") == mapping(output).get("sha256") is not None


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - of each unit
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"  # noqa: PLR2004
        size /= 1000
    return f"{size:.1f} GB"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < _MOST_SECONDS else 0.0
