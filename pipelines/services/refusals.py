"""What an answer that is none means: the service file's own rules first, then HTTP's."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx2

from chains.services.model import FailureRule
from pipelines.services.exchange import Answer, Exchange, as_words, find
from spaces_registry import errors
from spaces_registry.errors import CallFailed
from spaces_registry.network.complaints import refused_by_body
from spaces_registry.network.origin import scrubbed
from spaces_registry.network.refusals import (
    duration_in,
    line,
    refused_by_status,
    retry_after,
    words_of,
)

_CLASSES: Final[Mapping[str, type[CallFailed]]] = {
    one.code: one
    for one in (
        errors.Unauthorized,
        errors.OutOfQuota,
        errors.Busy,
        errors.RateLimited,
        errors.RejectedInput,
        errors.Crashed,
        errors.BadOutput,
        errors.Drifted,
        errors.Missing,
        errors.Unreachable,
        errors.TimedOut,
    )
}
_HINTED: Final = frozenset({errors.RejectedInput, errors.Busy, errors.Building})  # as true of a vendor
_SAID: Final = (
    *("error.message", "detail.error", "detail", "error_description", "message"),
    *("error", "errors", "title", "msg"),
)


def must_be_good(exchange: Exchange, answer: Answer, doing: str) -> None:
    """Let an answer through that is one.

    Args:
        exchange: the call.
        answer: to a request of it.
        doing: what was asked, for the message.

    Raises:
        CallFailed: of the class that the file or HTTP says.
    """
    rule = next((one for one in exchange.endpoint.failures if _holds(one, answer)), None)
    if rule is not None or not answer.response.is_success:
        raise _failure(exchange, answer, doing, rule)


def refused(exchange: Exchange, answer: Answer, doing: str) -> CallFailed:
    """The failure of an answer that is one whatever its status: an error in a stream, a job that failed."""
    rule = next((one for one in exchange.endpoint.failures if _holds(one, answer)), None)
    return _failure(exchange, answer, doing, rule)


def _failure(exchange: Exchange, answer: Answer, doing: str, rule: FailureRule | None) -> CallFailed:
    said = words_in(exchange, answer)
    usual = _usual(exchange, answer, doing, said)
    kind = _CLASSES[rule.means] if rule else type(usual)
    what = f"{doing} got HTTP {answer.status}" if not answer.response.is_success else f"{doing} failed"
    message = f"{exchange.place}: {line(said)}" if said else f"{exchange.place}: {what}"
    if said and not answer.response.is_success:
        message += f" (HTTP {answer.status})"
    wait_s = rule.wait_s if rule and rule.wait_s else wait_in(exchange, answer)
    wait_s = usual.wait_s if wait_s is None else wait_s
    hint = rule.hint if rule and rule.hint else _hint(exchange, kind, usual)
    return scrubbed(kind(exchange.place, message, said=said, wait_s=wait_s, hint=hint), exchange.origin)


def _usual(exchange: Exchange, answer: Answer, doing: str, said: str | None) -> CallFailed:
    """What an answer means that the file says nothing about: HTTP's statuses, and wordings that many use."""
    if not answer.response.is_success:
        return refused_by_status(exchange.place, _plain(answer), doing)
    return refused_by_body(
        exchange.place, answer.body, (said or "").partition("\n")[0]
    )  # below: a job's logs


def unread(exchange: Exchange, answer: Answer) -> CallFailed:
    """The failure of an answer that HTTP calls good, and that is nothing of what was asked for."""
    said = words_in(exchange, answer) or words_of(_plain(answer))
    kind = answer.response.headers.get("content-type", "").partition(";")[0].strip() or "no type"
    message = f"{exchange.place} answers with {kind} that is no chat" + (f": {line(said)}" if said else "")
    return errors.BadOutput(exchange.place, message, said=said, hint=lacking(exchange))


def lacking(exchange: Exchange) -> str | None:
    """What the service's own address ends in, and the one that is asked does not: `/v1`, as a rule."""
    service, root = exchange.service, exchange.origin.root
    path = urlsplit(service.url).path.rstrip("/")
    if not path or urlsplit(root).path.strip("/"):
        return None
    where = service.url_from or "`url:`"
    return f"it was looked for at {root}, without the {path} that {service.url} ends in; see {where}"


def words_in(exchange: Exchange, answer: Answer) -> str | None:
    """The vendor's own words in an answer."""
    for query in (*exchange.service.said, *_SAID):
        if said := as_words(find(query, answer.body)):
            return said
    if answer.response.is_success:
        return None
    return words_of(_plain(answer))


def wait_in(exchange: Exchange, answer: Answer) -> float | None:
    """Seconds that the vendor asks to wait, if it does."""
    if (wait_s := retry_after(answer.response)) is not None:
        return wait_s
    return seconds_in(find(exchange.service.wait, answer.body))


def seconds_in(value: object) -> float | None:
    """A number as seconds, or the wait that a text asks for."""
    match value:
        case bool():
            return None
        case int() | float():
            return max(0.0, float(value))
        case str():
            return duration_in(value)
    return None


def _holds(rule: FailureRule, answer: Answer) -> bool:
    if rule.statuses and answer.status not in rule.statuses:
        return False
    if rule.when is not None and not find(rule.when, answer.body):
        return False
    if rule.header is not None:
        name, value = rule.header
        return answer.response.headers.get(name, "").strip().lower() == value.lower()
    return True


def _plain(answer: Answer) -> httpx2.Response:
    """The answer as one that is read to its end."""
    kind = answer.response.headers.get("content-type")
    headers = {"content-type": kind} if kind else {}
    return httpx2.Response(answer.status, headers=headers, content=answer.content)


def _hint(exchange: Exchange, kind: type[CallFailed], usual: CallFailed) -> str | None:
    auth = exchange.service.auth
    if kind is errors.Unauthorized:
        if auth is None:
            return f"it wants a key, and {exchange.service.source.file} has no `auth`"
        where = f"; get one: {auth.get_one}" if auth.get_one else ""
        return f"check the key in {' or '.join(auth.variables)}{where}"
    if kind is errors.Drifted:
        return lacking(exchange) or "the service may have changed, or there is no such model"
    return usual.hint if isinstance(usual, kind) and kind in _HINTED else None
