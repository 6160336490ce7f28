"""The queue's event stream: bytes to messages, generator diffs to values, messages to events.

Source: `gradio/server_messages.py` and `gradio/queueing.py` (protocols `sse_v1` to `sse_v3`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from spaces_registry.apps.schema import is_finite, mapping, sequence
from spaces_registry.network.bounds import Bounds, told
from spaces_registry.network.decoding import Bloated, answered
from spaces_registry.plain import shortened
from spaces_registry.progress import CallEvent, Logged, Progress, Queued, Started, Yielded

_WORDS = Bounds().words
_A_VALUE = (
    Bounds().answer_bytes // Bounds().json_values
)  # as many values as an answer may have weigh as much as one
_MOST = 10**9  # of anything that is counted
DIFFED = frozenset({"sse_v2", "sse_v2.1", "sse_v3"})  # protocols that send later yields as differences


async def messages(
    chunks: AsyncIterator[bytes], at_most_bytes: int = Bounds().answer_bytes
) -> AsyncIterator[Mapping[str, Any]]:
    """The JSON objects of an event stream, in order.

    Lines are split at line feeds alone: Gradio leaves U+2028 and its like unescaped within them.

    Args:
        chunks: the stream.
        at_most_bytes: of one line.

    Raises:
        ValueError: a line does not hold JSON that can be used, or does not end.
    """
    buffer = bytearray()
    async for chunk in chunks:
        start = len(buffer)
        buffer += chunk
        while (end := buffer.find(b"\n", start)) >= 0:
            one = buffer[:end]
            del buffer[: end + 1]
            start = 0
            if one.startswith(b"data:"):
                del one[:5]
                yield mapping(answered(one))
        if len(buffer) > at_most_bytes:
            raise Bloated(f"a message is larger than {told(at_most_bytes)}")


def patch(value: Any, edits: object) -> Any:
    """Apply one output's edits, in place where the value is a list or an object.

    Args:
        value: the output as the last message left it; it is this function's to change.
        edits: `[[action, path, new], …]` with the actions replace, append, add, delete; an empty path is the
            value itself.

    Raises:
        ValueError: an edit does not fit the value.
    """
    try:
        for action, path, new in sequence(edits):
            value = _edited(value, path, action, new)
    except (TypeError, KeyError, IndexError) as cause:
        raise ValueError(f"a difference does not fit: {cause}") from cause
    return value


def _edited(value: Any, path: list[Any], action: str, new: Any) -> Any:
    if not path:
        match action:
            case "replace":
                return new
            case "append":
                return _appended(value, new)
        raise ValueError(f"unknown edit {action!r}")
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    _edit_within(holder, path[-1], action, new)
    return value


def _appended(value: Any, new: Any) -> Any:
    match value, new:
        case (str(), str()):
            return value + new
        case (list(), list()):
            value += new  # in place: copied at each yield, a long list would take the square of its length
            return value
    raise ValueError("only text and lists can be appended to")


def _edit_within(holder: Any, last: Any, action: str, new: Any) -> None:
    match action, holder:
        case "replace", _:
            holder[last] = new
        case "append", _:
            holder[last] = _appended(holder[last], new)
        case "add", list():
            holder.insert(int(last), new)
        case "add", _:
            holder[last] = new
        case "delete", list():
            del holder[int(last)]
        case "delete", _:
            del holder[last]
        case _:
            raise ValueError(f"unknown edit {action!r}")


@dataclass(slots=True)
class Outputs:
    """What the outputs of one call are by now, over all its yields.

    Attributes:
        is_diffed: whether yields after the first come as differences.
        known: the last real value per position: an update without a value leaves it as it was.
        count: yields so far.
        most_bytes: of what they may grow to by differences, about as JSON.
    """

    is_diffed: bool
    known: list[Any] = field(default_factory=list)
    count: int = 0
    most_bytes: int = Bounds().answer_bytes
    _raw: list[Any] = field(default_factory=list)
    _grown: int = 0

    def take(self, data: list[Any]) -> None:
        """Take one yield.

        Raises:
            ValueError: a difference does not fit, or the outputs have become larger than an answer may be.
        """
        if self.is_diffed and self.count:
            self._raw += [None] * (len(data) - len(self._raw))
            self._raw = [_patched(old, edits) for old, edits in zip(self._raw, data, strict=False)]
        else:
            self._raw = list(data)
        self.count += 1
        self._grown += weight(data)
        if self._grown > self.most_bytes:  # what came in all; much of it may have been replaced
            self._grown = weight(self._raw)
        if self._grown > self.most_bytes:
            raise Bloated(f"its differences add up to more than {told(self.most_bytes)}")
        self.settle(self._raw)

    def settle(self, data: list[Any]) -> list[Any]:
        """Take whole values, e.g. the final ones; returns the outputs as they now are."""
        self.known += [None] * (len(data) - len(self.known))
        self.known = [_settled(old, new) for old, new in zip(self.known, data, strict=False)]
        return list(self.known)


def weight(value: object) -> int:
    """About how much of an answer a value is: the length of its texts, and the same for every value."""
    total, left = 0, [value]
    while left:
        one = left.pop()
        total += _A_VALUE
        match one:
            case str():
                total += len(one)
            case list():
                total += _A_VALUE * len(one)
                left += [inner for inner in one if isinstance(inner, str | list | dict)]
            case dict():
                total += sum(_A_VALUE + len(name) for name in one)
                left += [inner for inner in one.values() if isinstance(inner, str | list | dict)]
    return total


def _patched(value: Any, edits: object) -> Any:
    """The output after one output's edits.

    Edits change lists and objects in place, which is right as long as these are the output's value. Those
    that turn an object into an update without a value would change the earlier value, which stays: they get a
    copy.
    """
    becomes_update = any(
        isinstance(one, Sequence) and len(one) > 1 and one[1] == ["__type__"] for one in sequence(edits)
    )
    return patch(deepcopy(value) if becomes_update else value, edits)


def _settled(old: Any, new: Any) -> Any:
    match new:
        case {"__type__": "update", "value": value}:
            return value
        case {"__type__": "update"}:  # `gr.skip()` or `gr.update()` without a value: it stays what it was
            return old
    return new


def event_of(message: Mapping[str, Any], outputs: Outputs) -> CallEvent | None:
    """What a message tells a listener, or None if nothing."""
    match message.get("msg"):
        case "estimation":
            rank, length = message.get("rank"), message.get("queue_size")
            return Queued(_whole(rank), _whole(length), _number(message.get("rank_eta")))
        case "process_starts":
            return Started(_number(message.get("eta")))
        case "process_generating" | "process_streaming":
            return Yielded(outputs.count)
        case "log":
            level, words = str(message.get("level") or "info"), str(message.get("log") or "")
            return Logged(level[:20], shortened(words, _WORDS))
        case "progress":
            units = [mapping(one) for one in sequence(message.get("progress_data"))]
            return _progress(units[-1]) if units else None  # the innermost, as Gradio's page shows it
    return None


def _progress(unit: Mapping[str, Any]) -> Progress:
    done, total = _number(unit.get("index")), _number(unit.get("length"))
    fraction = _number(unit.get("progress"))
    if fraction is None and done is not None and total:
        fraction = done / total
    return Progress(
        done=done,
        total=total,
        fraction=None if fraction is None else min(1.0, max(0.0, fraction)),
        unit=str(unit.get("unit") or "")[:40],
        description=shortened(str(unit.get("desc") or ""), _WORDS),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        return None
    return float(value)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and abs(value) < _MOST else 0
