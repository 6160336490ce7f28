"""Answers that came in full and in another shape than was promised: kept, shown, and read by whoever can.

They were paid for. So they are never asked for again: a run that is resumed or repeated once its chain is
mended reads them, with the step's own `outputs` or with the endpoint that fits.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio.to_thread

from chains.model import Step
from pipelines.artifacts import Artifact, Store, WrongKind
from pipelines.artifacts.filetypes import filetype_of
from pipelines.journal import Journal, WholeAnswer
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, UnexpectedAnswer
from spaces_registry.network.decoding import sendable
from spaces_registry.network.queries import TooMuch, as_json, find
from spaces_registry.sayable import is_of_numbers
from spaces_registry.signature import Endpoint, File, Kind, Value

_SHOWN: Final = 300  # characters of an answer in a message
_TEXT: Final = 60  # and of one text in it
_ITEMS: Final = 4  # and of a list
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_NO_NAMES: Final = frozenset({"url", "data", "content", "output", "result", "b64_json", "path"})


@dataclass(frozen=True, slots=True)
class Question:
    """One call, as its step asks it.

    Attributes:
        step: the step, or the fallback of it.
        name: the step's, with those of the chains that it is nested in.
        place: where.
        item: which of the step's calls.
        key: the cache key.
        bound: its arguments.
    """

    step: Step
    name: str
    place: Place
    item: int
    key: str
    bound: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UnexpectedAnswers:
    """What one run does with such answers.

    Attributes:
        run: its id.
        store: where files are kept.
        journal: where answers are recorded.
    """

    run: str
    store: Store
    journal: Journal
    _known: dict[str, WholeAnswer] = field(default_factory=dict)

    async def keep(self, question: Question, number: int, call: Call, failure: UnexpectedAnswer) -> None:
        """Keep what came, and say in the failure what it is and how it is read.

        Args:
            question: the call.
            number: the call's, in the journal.
            call: the same as it was made.
            failure: has the answer, whose files lie in the call's folder; afterwards, in the store.
        """
        failure.answer = await anyio.to_thread.run_sync(self._stored, failure.answer, {})
        failure.said = outline(failure.answer)
        own = failure.hint if failure.hint != failure.advice else None
        failure.hint = "; ".join(one for one in (own, how_to_read(failure.answer)) if one)
        whole = WholeAnswer(failure.answer, failure.message)
        reader = question.place.reader
        asked = await reader.asked(call) if reader is not None else ""
        self.journal.unexpected.keep(number, question.key, asked, whole)
        self._known[question.key] = whole
        if asked:
            self._known[asked] = whole

    async def find(
        self, question: Question, call: Call, *, is_fresh: bool, resumed: bool
    ) -> WholeAnswer | None:
        """What came when this was asked before, by this run or, unless it is to be fresh, by any."""
        kept, step = self.journal.unexpected, question.step
        if resumed:
            of = (self.run, question.name, question.item)
            if (found := kept.find(question.key, self.store, user=self.run, of=of)) is not None:
                return found
        if not step.cache:
            return None
        reader = question.place.reader
        asked = await reader.asked(call) if reader is not None else ""
        if (found := self._known.get(question.key) or self._known.get(asked)) is not None or is_fresh:
            return found
        return kept.find(question.key, self.store, user=self.run) or kept.find_asked(
            asked, self.store, user=self.run
        )

    def _stored(self, value: object, known: dict[Path, Artifact]) -> object:
        """A value with its files in the store."""
        match value:
            case File():
                if value.path not in known:
                    try:
                        known[value.path] = self.store.keep(value, Kind.ANY, consume=True)
                    except BadOutput:  # an empty one, or none at all
                        return value.url or value.name
                return known[value.path]
            case str():
                return sendable(value)
            case float() if not math.isfinite(value):
                return None
            case Mapping():
                return {sendable(str(name)): self._stored(one, known) for name, one in value.items()}
            case Sequence() if is_of_numbers(value):
                return tuple(value)
            case Sequence() if not isinstance(value, bytes):
                return tuple(self._stored(one, known) for one in value)
            case None | bool() | int() | float() | Artifact():
                return value
        return repr(value)


def again(question: Question, whole: WholeAnswer) -> UnexpectedAnswer:
    """The failure of a call that was answered before in a shape that nobody here can read."""
    message = f"{whole.why} (it answered so before; nothing was asked now)"
    said, hint = outline(whole.answer), how_to_read(whole.answer)
    return UnexpectedAnswer(question.place.address, message, whole.answer, said=said, hint=hint)


def parts_in(answer: object, named: Mapping[str, str]) -> list[object] | None:
    """What a step's own `outputs` find in an answer; None if there are none, or one of them finds nothing."""
    parts: list[object] = []
    for query in named.values():
        try:
            found = find(query, as_json(answer))
        except TooMuch:
            return None
        if found is None:
            return None
        parts.append(found)
    return parts or None


def as_value(answer: object) -> Value:
    """A kept answer as runners know answers: artifacts become files."""
    match answer:
        case Artifact():
            return answer.as_file()
        case Mapping():
            return {name: as_value(one) for name, one in answer.items()}
        case str() | None | bool() | int() | float():
            return answer
        case Sequence() if is_of_numbers(answer):
            return [*answer]
        case Sequence():
            return [as_value(one) for one in answer]
    return None


def outline(answer: object) -> str:
    """An answer in a line: what its fields are called, how its texts begin, which files are in it."""
    text = json.dumps(_short(answer), ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def how_to_read(answer: object) -> str:
    """What a user does with an answer that is kept, with a query that finds the first file or text in it."""
    name, query = next(_leaves(answer, (), (Artifact, File)), None) or next(
        _leaves(answer, (), (str,)), ("answer", "@")
    )
    return (
        f"the answer is kept: read it with `outputs: {{{name}: {json.dumps(query)}}}` in the step and run the"
        " chain again, which asks and pays for nothing a second time (`--redo` asks anew)"
    )


def _short(value: object) -> object:
    match value:
        case Artifact() | File():
            return f"<{value.name}>"
        case str():
            return value if len(value) <= _TEXT else f"{value[:_TEXT]}…"
        case Mapping():
            return {str(name): _short(one) for name, one in value.items()}
        case Sequence():
            more = [f"… {len(value) - _ITEMS} more"] if len(value) > _ITEMS else []
            return [*map(_short, value[:_ITEMS]), *more]
        case _:
            return value


def _leaves(value: object, path: tuple[str | int, ...], kinds: tuple[type, ...]) -> Iterator[tuple[str, str]]:
    """A name and a JMESPath query for each value of these types."""
    if isinstance(value, kinds):
        yield _name(path), _query(path)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, (*path, str(name)), kinds)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for at, one in enumerate(value):
            yield from _leaves(one, (*path, at), kinds)


def _name(path: Sequence[str | int]) -> str:
    names = [one for one in path if isinstance(one, str) and _PLAIN.fullmatch(one)]
    telling = [one for one in names if one.lower() not in _NO_NAMES]
    return (telling or ["answer"])[-1]


def _query(path: Sequence[str | int]) -> str:
    query = ""
    for one in path:
        if isinstance(one, int):
            query += f"[{one}]"
        else:
            query += ("." if query else "") + (one if _PLAIN.fullmatch(one) else json.dumps(one))
    return query or "@"


def must_be_of_kind(place: str, endpoint: Endpoint, values: Sequence[Value]) -> None:
    """Hold the files of an answer against the kinds that were promised, before any of them is moved.

    What is no medium at all may be an error page or the rest of a file: another call may do better.

    Raises:
        UnexpectedAnswer: one is a good file of another kind.
    """
    for told, value in zip(endpoint.returns, values, strict=True):
        for file in _files(value) if told.kind.is_file or told.kind == Kind.GALLERY else ():
            try:
                found = filetype_of(file.path, file.name)
            except OSError:
                continue  # told of where it is kept
            if found.kinds and not found.serves_as(told.kind):
                failure = WrongKind(place, file.name, told.kind, found.says)
                raise UnexpectedAnswer(place, f"{place}: {failure.message}", tuple(values))


def _files(value: Value) -> Iterator[File]:
    match value:
        case File():
            yield value
        case Mapping():
            for one in value.values():
                yield from _files(one)
        case Sequence() if not isinstance(value, str):
            for one in value:
                yield from _files(one)
