"""From what a place answers when it refuses (HTTP status, its own words) to a class of failure.

Only fixed wordings are recognised: of Gradio, ZeroGPU, the Hub, HTTP, and of content filters. What an app
says in words of its own is in `spoken`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any, Final

import httpx2

from spaces_registry.errors import (
    Building,
    Busy,
    CallFailed,
    Crashed,
    Drifted,
    Missing,
    OutOfQuota,
    Paused,
    RateLimited,
    RejectedInput,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from spaces_registry.network.decoding import answered
from spaces_registry.plain import words

_NO_GPU = re.compile(r"No GPU (?:was|is) available|Expired ZeroGPU proxy token|ZeroGPU queue timeout")
_QUOTA = re.compile(
    r"GPU quota|ZeroGPU runs limit|reached its GPU limit|pending credits exceeded"
    r"|(?:exceeded|depleted) your .{0,40}\bcredits|exceeded your current quota|insufficient_quota",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"requested GPU duration .{0,100} is larger than the maximum allowed|ZeroGPU illegal duration"
)
_INPUT = re.compile(
    r"is not in the list of choices"
    r"|^Value \S+ is (?:greater than maximum|less than minimum) value"
    r"|^Invalid file type"
    r"|^Cannot move .* to the gradio cache dir"
    r"|^\d+ parameter\(s\) failed validation"
)
_FILTERED = re.compile(
    r"\bcontent[ _-]?(?:filter|policy|moderation)|\bNSFW (?:content|concepts?|images?)\b"
    r"|\bflagged (?:as|by|for)\b|\bsafety (?:system|filter|checker)\b|\bunsafe content\b|\bmoderation\b",
    re.IGNORECASE,
)
_LIBRARIES: Final[Sequence[tuple[re.Pattern[str], type[CallFailed]]]] = (
    (re.compile(r"^Queue is full|\bis (?:currently )?overloaded\b|^overloaded", re.IGNORECASE), Busy),
    (
        re.compile(
            r"^(?:Too many requests|429 |rate limit (?:reached|exceeded))"
            r"|you have reached your '?\w+'? rate limit",
            re.IGNORECASE,
        ),
        RateLimited,
    ),
    (re.compile(r"is in the invalid state: "), Paused),
    (re.compile(r"Repository Not Found|^404 Client Error"), Missing),
    (
        re.compile(r"Could not load .{0,200} as credentials were not provided|^Could not login|^401 |^403 "),
        Unauthorized,
    ),
    (re.compile(r"\bis (?:currently )?loading\b"), Building),
    (re.compile(r"^Could not fetch config|^Server stopped|^Queue is stopped"), Unreachable),
)
_LOADING = re.compile(r"\b(?:currently|still) (?:loading|starting|building)\b|\bis loading\b", re.IGNORECASE)
_CROWDED = re.compile(r"^Queue is full|\boverloaded\b|\bat capacity\b", re.IGNORECASE)
_SOON = (
    r"(?:(?:try(?: it)? again|retry|resets?|available) in|retry(?:-| )?after|\bwait)\b:? ?(?:for |about |~)?"
)
_AGAIN = re.compile(
    _SOON + r"(?:(?P<days>\d{1,6}) days?, )?(?P<h>\d{1,6}):(?P<m>\d\d):(?P<s>\d\d)", re.IGNORECASE
)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"\d{1,9}(?:\.\d{1,9})? ?(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b"
_TIGHT = r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|[smhd])){1,6}(?!\w)"  # 6m0s, as OpenAI and others write it
_LASTING = rf"(?:{_PART}(?:,? ?(?:and )?{_PART})*|{_TIGHT})"
_AFTER = re.compile(rf"{_SOON}(?P<parts>{_LASTING})", re.IGNORECASE)
_DURATION = re.compile(_LASTING, re.IGNORECASE)
_NUMBER = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(ms|[a-z])", re.IGNORECASE)
_NONE_LEFT = re.compile(r"(?:^|;)\s*r=0\s*(?:;|$)")
_RATE = re.compile(r"(?:^|;)\s*t=(?P<seconds>[0-9]+)")
_TITLE = re.compile(r"<title[^<>]*>([^<]*)</title", re.IGNORECASE)
_CODE = re.compile(r"<(script|style)\b.*?(?:</\1>|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_AROUND: Final = ("body", "query", "path")  # where FastAPI looks for a field
_MESSAGES: Final = ("detail", "error", "message", "msg", "errors", "error_description", "title")
_OVERLOADED = 529  # as Anthropic and others say it
_LONGEST_WAIT_S = 366 * 86400.0  # longer than any share takes to come back
_LOOKED_AT = 100_000  # bytes of an answer that are read for its words
_PROBLEMS = 100  # of one refusal that are told
_SHOWN = 300  # characters of another's words in one line; `said` keeps them all


def line(text: str) -> str:
    """The text as one line, shortened."""
    flat = " ".join(words(text).split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"


def refused_by_text(place: str, said: str, title: str | None = None) -> CallFailed:
    """The failure that a library's or a service's words mean; what is not recognised is `Crashed`."""
    said = words(said)
    if (found := by_words(place, said, title)) is not None:
        return found
    kind = next((kind for wording, kind in _LIBRARIES if wording.search(said)), Crashed)
    return kind(place, f"{place}: {line(said)}", said=said, wait_s=wait_in(said))


def by_words(place: str, said: str, title: str | None = None) -> CallFailed | None:
    """The failure that a fixed wording means; a missing GPU first, which ZeroGPU heads as quota."""
    both, shown = f"{words(title or '')}\n{said}", f"{place}: {line(said)}"
    if _NO_GPU.search(both):
        return Busy(place, shown, said=said, wait_s=wait_in(said), hint="no GPU became free; try again later")
    if _LENGTH.search(both):
        return RejectedInput(
            place, shown, said=said, hint="ask for less at once: fewer steps, a shorter clip"
        )
    if _QUOTA.search(both) or title == "ZeroGPU quota exceeded":
        hint = "log in with `hf auth login` or set HF_TOKEN for your own share, or wait"
        return OutOfQuota(place, shown, said=said, wait_s=wait_in(said), hint=hint)
    if _INPUT.search(said):
        return RejectedInput(place, shown, said=said)
    if is_filtered(both):
        return RejectedInput(
            place, shown, said=said, hint="its content filter refused this; change the input"
        )
    return None


def says_it_loads(said: str) -> bool:
    """Whether these words say that something is not ready yet."""
    return _LOADING.search(said) is not None


def is_filtered(said: str) -> bool:
    """Whether these are the words of a content filter."""
    return _FILTERED.search(words(said)) is not None


def waited(seconds: float) -> float:
    """Seconds that somebody says to wait, as something that can be waited."""
    return float(min(max(0, seconds), _LONGEST_WAIT_S))


def wait_in(said: str) -> float | None:
    """Seconds to wait, by words: `Try again in 1:23:45`, `retry in 1 day, 2:03:04`, `resets in ~30s`."""
    said = words(said)
    if found := _AGAIN.search(said):
        hours = int(found["days"] or 0) * 24 + int(found["h"])
        return waited(float(hours * 3600 + int(found["m"]) * 60 + int(found["s"])))
    found = _AFTER.search(said)
    return waited(_lasting(found["parts"])) if found else None


def duration_in(text: str) -> float | None:
    """The wait that a text asks for, else the first duration in it: `12s`, `6m0s`, `2 minutes`."""
    if (wait_s := wait_in(text)) is not None:
        return wait_s
    found = _DURATION.search(words(text))
    return waited(_lasting(found[0])) if found else None


def _lasting(parts: str) -> float:
    return sum(float(number) * _UNITS[_unit(unit, parts)] for number, unit in _NUMBER.findall(parts))


def _unit(letters: str, parts: str) -> str:
    lower = letters.lower()
    return "ms" if lower == "ms" or (lower == "m" and "milli" in parts.lower()) else lower[0]


def refused_by_status(place: str, response: httpx2.Response, doing: str) -> CallFailed:
    """The failure that an HTTP status means, with the words that came with it.

    Args:
        place: what was called.
        response: the answer, read to its end.
        doing: what was asked, for the message: `sending a.png`, `joining the queue`.
    """
    status, said = response.status_code, words_of(response)
    message = f"{place}: {doing} got HTTP {status}" + (f": {line(said)}" if said else "")
    wait_s = retry_after(response)
    if wait_s is None and said:
        wait_s = wait_in(said)
    kind, hint = _meaning(response, said or "")
    if kind is Building:
        wait_s = _estimated(response) or wait_s
    return kind(place, message, said=said, wait_s=wait_s, hint=hint)


def _meaning(response: httpx2.Response, said: str) -> tuple[type[CallFailed], str | None]:  # noqa: C901, PLR0911 - a table
    """The class of a refusal, and the hint that goes with it."""
    status, is_page = response.status_code, _is_page(response)
    found = None if is_page else by_words("", said)
    match status:
        case 402:
            return OutOfQuota, "buy credits, wait for the next period, or use another place"
        case 401 | 403 | 400 | 409 | 422 | 429 | 503 if isinstance(found, OutOfQuota | Busy):
            return type(found), found.hint
        case 403 if isinstance(found, RejectedInput):
            return RejectedInput, found.hint
        case 401 | 403:
            return (
                Unauthorized,
                "it wants a token (`hf auth login` or HF_TOKEN), or a `login` in your spaces.yaml",
            )
        case 404 | 405 | 410:
            return Drifted, "the app may have changed; describe it again"
        case 413:
            return RejectedInput, "the file is larger than the app takes"
        case 400 | 409 | 414 | 415 | 422 | 451:
            return RejectedInput, found.hint if found else None
        case 429:
            return RateLimited, "ask less often, or log in"
        case 503 | 529 if status == _OVERLOADED or _CROWDED.search(said):
            return Busy, "it is overloaded; try again later"
        case 503 if not is_page and (_estimated(response) is not None or _LOADING.search(said)):
            return Building, "it is loading; wait for it, or use another place"
        case 408 | 504:
            return TimedOut, None
        case 424 | 500 if not is_page:
            return Crashed, None
    return Unreachable, None


def _estimated(response: httpx2.Response) -> float | None:
    """Seconds until a model is loaded, by the answer's own `estimated_time`."""
    match _body(response):
        case {"estimated_time": int() | float() as seconds} if not isinstance(seconds, bool):
            return waited(seconds)
    return None


def _body(response: httpx2.Response) -> Any:
    try:
        return answered(response.content)
    except ValueError:
        return None


def not_found(place: str, response: httpx2.Response) -> Missing:
    """The failure of an app that is not there at all."""
    said = words_of(response)
    return Missing(place, f"{place}: nothing is there (HTTP {response.status_code})", said=said)


def not_json(place: str, response: httpx2.Response, doing: str) -> Unreachable:
    """The failure of an answer that is something else than the JSON that Gradio sends."""
    kind = response.headers.get("content-type", "something without a type").partition(";")[0]
    came = words_of(response)
    what = f"a web page ({line(came)})" if _is_page(response) and came else kind
    what = f"{what} in place of JSON"
    if "json" in kind and not _is_page(response):
        what = (
            "JSON that is not Gradio's"
            if _body(response) is not None
            else "JSON that breaks off or is malformed"
        )
    hint = "is it a running Gradio app? A sign-in page, a proxy or a starting Space answers like this"
    return Unreachable(place, f"{place}: {doing} got {what}", said=came, hint=hint)


def words_of(response: httpx2.Response) -> str | None:
    """What an answer says for people: the message within JSON, the title of a page, or its plain text."""
    text = text_of(response).strip()
    if (said := message_in(_body(response))) is not None:
        return said or words(text)
    if _is_page(response):
        title = _TITLE.search(text)
        return words(title[1].strip() if title else "") or _words_on(text) or None
    return words(text) or None


def text_of(response: httpx2.Response) -> str:
    """How an answer begins, as text; for its words alone, which stand at its beginning."""
    head = httpx2.Response(200, headers=_kind_of(response), content=response.content[:_LOOKED_AT])
    return head.text


def _kind_of(response: httpx2.Response) -> dict[str, str]:
    kind = response.headers.get("content-type")
    return {"content-type": kind} if kind else {}


def message_in(value: Any) -> str | None:
    """The message in an answer's JSON, wherever Gradio, FastAPI, the Hub and vendors put it."""
    match value:
        case str():
            return words(value)
        case [*problems]:  # a developer's validators, or FastAPI's own
            found = [message_in(one) for one in problems[:_PROBLEMS]]
            return words("; ".join(one for one in found if one))
        case {"loc": [_, *_] as loc, "msg": str(said)}:  # FastAPI's, which names the field
            field = ".".join(words(str(one)) for one in loc[:_PROBLEMS] if one not in _AROUND)
            said = words(said)
            return words(f"{field}: {said}") if field and field not in said else said
        case Mapping():
            inner = (message_in(value[name]) for name in _MESSAGES if value.get(name))
            return next((one for one in inner if one), None)
    return None


def _words_on(page: str) -> str:
    """What stands on a web page, without its code."""
    shown = _TAG.sub(" ", _CODE.sub(" ", words(page)))
    return " ".join(unescape(shown).split())


def _is_page(response: httpx2.Response) -> bool:
    return "html" in response.headers.get("content-type", "") or begins_page(response.content)


def begins_page(content: bytes) -> bool:
    """Whether bytes are a web page, as a proxy or a sign-in answers in somebody's place."""
    return content.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


def none_left(response: httpx2.Response) -> float | None:
    """Seconds until a place takes calls again that says by `RateLimit` that this one was the last."""
    told = response.headers.get("ratelimit", "")
    found = _RATE.search(told) if response.is_success and _NONE_LEFT.search(told) else None
    return waited(float(found["seconds"])) if found else None


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds to wait, by `Retry-After` (seconds or a date), else by the `RateLimit` of a 429, else None.

    The Hub sends `RateLimit` with every answer; only with a refusal it says how long to wait.
    """
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return waited(float(value))
    if value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return waited((aware - datetime.now(UTC)).total_seconds())
    if response.status_code != httpx2.codes.TOO_MANY_REQUESTS:
        return None
    found = _RATE.search(response.headers.get("ratelimit", ""))
    return waited(float(found["seconds"])) if found else None
