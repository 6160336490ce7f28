"""Answers of a model's place that HTTP calls good, and that are no result: errors, words, pages, nothing."""

from collections.abc import Mapping
from typing import Any

from pipelines.runners.model_refusals import Asked, refused
from spaces_registry.errors import BadOutput, CallFailed, Crashed, RejectedInput
from spaces_registry.network.complaints import complains, is_pending, refused_by_body, status_in
from spaces_registry.network.decoding import answered
from spaces_registry.network.refusals import line, message_in, refused_by_text, text_of, words_of

_WITH_ADVICE = frozenset({401, 402, 403, 404, 410, 429})  # statuses for which a user can do something
_CHECKED = ("has_nsfw_concepts", "has_nsfw_contents")  # fal's and wavespeed's names; one for each picture
_SHOWN = 2000  # characters of JSON that stand for words where it has none


def complained(asked: Asked, body: object) -> CallFailed:
    """The failure that an error within an answer means, in the place's own words."""
    import httpx2  # noqa: PLC0415 - only a failure needs it

    found = refused_by_body(asked.place, body)
    status = status_in(body)
    if status not in _WITH_ADVICE or found.code == "rejected-input":
        return found
    return refused(asked, httpx2.Response(status, json=body))


def must_be_result(asked: Asked, result: object, answer: Any, facts: Mapping[str, Any]) -> None:
    """Let a result through that is one.

    Args:
        asked: what was called.
        result: what the library made of the answer.
        answer: the last HTTP answer.
        facts: what was told of the result before it was downloaded.

    Raises:
        CallFailed: the answer tells of an error, or has words in place of a file.
    """
    import httpx2  # noqa: PLC0415 - heavy

    if answer is not None and complains(body := _body(answer.content)):
        raise complained(asked, body)
    if _is_blacked_out(facts):
        message = f"{asked.place}: the safety checker made the picture black"
        raise RejectedInput(asked.place, message, hint="say it in other words")
    if not isinstance(result, bytes):
        return
    kind = answer.headers.get("content-type", "") if answer is not None else ""
    said = _words_in(httpx2.Response(200, headers={"content-type": kind}, content=result))
    if said is not None:
        raise _words_instead(asked, said)


def misread(asked: Asked, cause: Exception, answer: Any) -> CallFailed | None:
    """The failure behind an answer that the library could not read; None if it says nothing.

    Args:
        asked: what was called.
        cause: what the library raised.
        answer: the last HTTP answer that was no refusal, if there was one.
    """
    if answer is None:
        return None
    body = _body(answer.content)
    if complains(body):
        return complained(asked, body)
    if is_pending(body) or (isinstance(body, Mapping | list) and not _is_flat(body)):
        return None  # a job that is not done, or an answer of another shape
    if isinstance(cause, TimeoutError) and not message_in(body):  # what the library makes of no output at all
        return BadOutput(asked.place, f"{asked.place} says that it is done, and gives no output")
    said = _words_in(answer)
    return None if said is None else _words_instead(asked, said)


def unread(asked: Asked, answer: Any) -> CallFailed:
    """The failure of an answer to a chat that is none."""
    said = words_of(answer) or ""
    if type(found := refused_by_text(asked.place, said)) is not Crashed:
        return found
    kind = answer.headers.get("content-type", "").partition(";")[0].strip() or "no type"
    message = f"{asked.place} answers with {kind} that is no chat" + (f": {line(said)}" if said else "")
    return BadOutput(asked.place, message, said=said or None)


def _words_instead(asked: Asked, said: str) -> CallFailed:
    """The failure of words where a file, or a result of another kind, was promised."""
    if not said:
        return BadOutput(
            asked.place, f"{asked.place} answered with nothing in place of a result of {asked.task}"
        )
    found = refused_by_text(asked.place, said)
    if type(found) is not Crashed:
        return found
    message = f"{asked.place} answered with words in place of a result of {asked.task}: {line(said)}"
    return BadOutput(asked.place, message, said=said)


def _words_in(response: Any) -> str | None:
    """What an answer says; empty for nothing at all, None for what is no words."""
    content = response.content
    if not content.strip():
        return ""
    if (body := _body(content)) is not None:
        return message_in(body) or text_of(response)[:_SHOWN]
    begun = content.lstrip()[:1]
    kind = response.headers.get("content-type", "")
    is_text = kind.startswith("text/")
    if begun == b"<" or (is_text and b"\0" not in content) or "json" in kind:
        return words_of(response) or text_of(response)[:_SHOWN]
    return None


def _is_blacked_out(facts: Mapping[str, Any]) -> bool:
    """Whether the first picture, which is the result, was taken for one that nobody may see."""
    for one in (facts, facts.get("data")):
        for name in _CHECKED:
            found = one.get(name) if isinstance(one, Mapping) else None
            if isinstance(found, list) and found[:1] == [True]:
                return True
    return False


def _is_flat(body: Mapping[str, Any] | list[Any]) -> bool:
    """Whether it holds no more than words and numbers, and so can hold no result."""
    inner = body.values() if isinstance(body, Mapping) else body
    return bool(body) and not any(isinstance(one, Mapping | list) for one in inner)


def _body(content: bytes) -> Any:
    """An answer as JSON; None for what is none, such as a picture."""
    if content.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        return answered(content)
    except ValueError:
        return None
