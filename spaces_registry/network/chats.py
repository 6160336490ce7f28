"""Chats in OpenAI's dialect: read piece by piece or whole, and judged in one place.

A chat that comes in a stream is whole only with its end mark: a finish reason, or `[DONE]`. How it ended
decides what it is worth: a text, a text with a warning, or a failure.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any, Final

from spaces_registry.errors import (
    BadOutput,
    Busy,
    CallFailed,
    Crashed,
    NothingWritten,
    RejectedInput,
    Unreachable,
)
from spaces_registry.network.decoding import answered
from spaces_registry.network.redaction import TextRedactor

END: Final = "[DONE]"
_MOST: Final = 16 * 2**20  # bytes of one event, and characters of a whole text
_FIELDS: Final = (b"data", b"event", b"id", b"retry", b":")  # what lines of an event stream begin with
_BOM: Final = b"\xef\xbb\xbf"
_FILTERED: Final = frozenset(
    {"content_filter", "sensitive", "safety", "prohibited_content", "blocklist", "recitation", "spii"}
    | {"refusal", "error_toxic"}
)
_TOO_LONG: Final = frozenset(
    {"length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"}
)
_BROKEN: Final = frozenset({"error", "network_error", "abort", "aborted", "cancelled", "canceled"})
_CROWDED: Final = frozenset({"insufficient_system_resource"})
_CALLS: Final = frozenset({"tool_calls", "function_call", "tool_use"})


@dataclass(frozen=True, slots=True)
class Part:
    """One message of an answer.

    Attributes:
        body: the decoded JSON; None if it is none.
        content: its bytes.
        is_whole: whether it is the whole answer, and no event of a stream.
        is_end: whether it is the end mark of a stream, which says nothing else.
    """

    body: Any
    content: bytes
    is_whole: bool = False
    is_end: bool = False


async def parts(place: str, chunks: AsyncIterator[bytes], end: str = END) -> AsyncIterator[Part]:
    """What a server answers a chat with: the events of a stream up to its end mark, or the whole answer.

    Which of them it is, is seen by its bytes: servers that do not stream answer with JSON, and some that do
    give their events another media type.

    Args:
        place: how to call the server in messages.
        chunks: the answer's bytes.
        end: the data of the event that ends the stream.

    Raises:
        BadOutput: an event is no JSON or has no end.
    """
    begun, rest = await _beginning(chunks)
    if begun and not begun.startswith(_FIELDS):
        content = bytearray(begun)
        async for chunk in rest:
            content += chunk
        yield Part(_decoded(bytes(content)), bytes(content), is_whole=True)
        return
    async for data in events(place, _with(begun, rest)):
        if data == end:
            yield Part(None, data.encode(), is_end=True)
            return
        try:
            yield Part(answered(data.encode()), data.encode())
        except ValueError as cause:
            raise BadOutput(place, f"{place} sent an event that is no JSON: {data[:100]!r}") from cause


async def events(place: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The data of every event; several lines of one event are joined.

    Raises:
        BadOutput: an event has no end.
    """
    buffer = bytearray()
    data: list[str] = []
    async for chunk in chunks:
        buffer += chunk
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end]).rstrip(b"\r").decode("utf-8", errors="replace")
            del buffer[: end + 1]
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data = []
        if len(buffer) > _MOST:
            raise BadOutput(place, f"{place} sent an event without an end")
    rest = buffer.decode("utf-8", errors="replace").strip()
    if rest.startswith("data:"):
        data.append(rest[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)


@dataclass(slots=True)
class Chat:
    """One chat as it comes in.

    Attributes:
        place: how to call the server in messages.
        secrets: what the text must not repeat, also where it comes in pieces.
        is_ended: whether its end mark was seen.
        tools: the calls of tools that the model wants made, by their place.
    """

    place: str
    secrets: InitVar[Iterable[str]] = ()
    is_ended: bool = False
    tools: dict[int, dict[str, Any]] = field(default_factory=dict)
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _reasons: list[str] = field(default_factory=list)
    _refusals: list[str] = field(default_factory=list)
    _thought: bool = False
    _redactor: TextRedactor = field(init=False)

    def __post_init__(self, secrets: Iterable[str]) -> None:
        self._redactor = TextRedactor(secrets)

    @property
    def text(self) -> str:
        """All that was written so far."""
        return "".join(self._pieces)

    def hear(self, part: Part) -> str:
        """Take in an event, or a whole answer, of OpenAI's shape; gives the text that it adds."""
        body = first_choice(part.body)
        choice = _choice(body)
        said = _said(choice)
        self.notice(body)
        if part.is_end or part.is_whole:
            self.is_ended = True
        return self.write(said.get("content"), choice.get("finish_reason"))

    def write(self, content: object, reason: object = None) -> str:
        """Take in a piece of text and why the text ends, if it does; gives what can be told of it.

        Raises:
            BadOutput: there is no end to it.
        """
        piece = text_in(content)
        self._length += len(piece)
        if piece := self._redactor.feed(piece):
            self._pieces.append(piece)
        if reason:
            self._reasons.append(str(reason))
            self.is_ended = True
        if self._length > _MOST:
            raise BadOutput(self.place, f"{self.place} does not stop writing")
        return piece

    def close(self) -> str:
        """Nothing more comes; gives the text that was held back, since a secret might have begun there."""
        rest = self._redactor.end()
        self._pieces.append(rest)
        return rest

    def notice(self, body: object) -> None:
        """Take in what the dialect tells beside the text: refusals, thoughts, calls of tools."""
        said = _said(_choice(body))
        if isinstance(refusal := said.get("refusal"), str) and refusal:
            self._refusals.append(refusal)
        content = said.get("content")
        self._thought = self._thought or any(
            (
                bool(said.get("reasoning_content")),
                bool(said.get("reasoning")),
                isinstance(content, list) and bool(content) and not text_in(content),
            )
        )
        for number, one in enumerate(said.get("tool_calls") or ()):
            if isinstance(one, Mapping):
                place = one.get("index")
                _join(self.tools.setdefault(place if isinstance(place, int) else number, {}), one)

    def finished(self, *, with_tools: bool = False, must_end: bool = True) -> str | None:
        """Judge the chat once nothing more comes; what the user is to be warned of, if it can be used.

        Args:
            with_tools: whether calls of tools are an answer, too.
            must_end: whether it tells in some way that it ends.

        Raises:
            RejectedInput: the model refuses, or a content filter does.
            Crashed, Busy: it ended by an error.
            Unreachable: it was broken off.
            BadOutput: it has no text.
        """
        reasons = {one.lower().partition(":")[0].strip() for one in self._reasons}
        if (failure := self._refused(reasons)) is not None:
            raise failure
        if must_end and not self.is_ended:
            message = f"{self.place} broke its answer off after {self._length} letters"
            hint = "half a text does not pass for a whole one; ask again, or ask for less"
            raise Unreachable(self.place, message, hint=hint)
        if not self._length and not (with_tools and self.tools):
            raise self._empty(reasons)
        if reasons & _TOO_LONG:
            return f"{self.place}: the text is cut off, because it may have no more tokens (`max_tokens`)"
        return None

    def _refused(self, reasons: set[str]) -> CallFailed | None:
        place, said = self.place, "".join(self._refusals)
        shown = ", ".join(self._reasons)
        if said:
            hint = "the model itself refuses this; say it in other words, or ask another model"
            return RejectedInput(place, f"{place} refuses: {said[:300]}", said=said, hint=hint)
        if reasons & _FILTERED:
            message = f"{place}: its content filter ended the text ({shown})"
            hint = "its content filter refused this; change the input"
            return RejectedInput(place, message, said=shown, hint=hint)
        if reasons & _CROWDED:
            return Busy(place, f"{place} gave up in the middle of its text ({shown})", said=shown)
        if reasons & _BROKEN:
            return Crashed(place, f"{place} ended its text with an error ({shown})", said=shown)
        return None

    def _empty(self, reasons: set[str]) -> BadOutput:
        place = self.place
        if self.tools or reasons & _CALLS:
            hint = "only `text` is read here; leave the tools out"
            return NothingWritten(place, f"{place} wrote nothing: it wants a tool called", hint=hint)
        if self._thought:
            hint = "raise `max_tokens`, which its thoughts count towards, or ask a model that thinks less"
            return NothingWritten(place, f"{place} thought, and wrote nothing", hint=hint)
        if reasons & _TOO_LONG:
            hint = "raise `max_tokens`"
            return NothingWritten(place, f"{place} wrote nothing before it had to end", hint=hint)
        return BadOutput(place, f"{place} wrote nothing", hint="say it in other words, or ask another model")


def first_choice(body: object) -> object:
    """The event or answer with its first choice alone, where there are several side by side."""
    if not isinstance(body, Mapping) or not isinstance(choices := body.get("choices"), list):
        return body
    first = [one for one in choices if not isinstance(one, Mapping) or not one.get("index")]
    return body if len(first) == len(choices) <= 1 else {**body, "choices": first[:1]}


def text_in(content: object) -> str:
    """The text of a message: as it is, or the texts among its parts, without thoughts and pictures."""
    match content:
        case str():
            return content
        case list():
            parts_of_text = (one for one in content if isinstance(one, Mapping) and one.get("type") == "text")
            return "".join(text for one in parts_of_text if isinstance(text := one.get("text"), str))
    return ""


def is_chat(body: object) -> bool:
    """Whether a whole answer is a chat's."""
    return bool(_choice(body))


def is_message(body: object) -> bool:
    """Whether an event holds a whole message, and no piece of one."""
    choice = _choice(body)
    return "message" in choice and "delta" not in choice


def _choice(body: object) -> Mapping[str, Any]:
    choices = body.get("choices") if isinstance(body, Mapping) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else {}


def _said(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a choice says: a piece where it is an event, else its whole message."""
    said = choice["delta"] if "delta" in choice else choice.get("message")
    return said if isinstance(said, Mapping) else {}


def _join(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add a piece of a tool's call to what came before it."""
    function = piece.get("function")
    function = function if isinstance(function, Mapping) else {}
    arguments = function.get("arguments") or ""
    whole["id"] = piece.get("id") or whole.get("id")
    whole["name"] = function.get("name") or whole.get("name")
    if isinstance(arguments, str):
        whole["arguments"] = whole.get("arguments", "") + arguments
    else:
        whole["arguments"] = arguments  # some servers write them as an object, in one piece


def _decoded(content: bytes) -> Any:
    try:
        return answered(content)
    except ValueError:
        return None


async def _beginning(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Enough of an answer to tell what it is, and the rest of it."""
    begun = b""
    async for chunk in chunks:
        begun = (begun + chunk).removeprefix(_BOM).lstrip()
        if len(begun) >= max(map(len, _FIELDS)):
            break
    return begun, chunks


async def _with(begun: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if begun:
        yield begun
    async for chunk in rest:
        yield chunk
