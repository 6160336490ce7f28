"""From what a place answers when it refuses (HTTP status, the app's own words) to a class of failure.

Only Gradio's, ZeroGPU's and HTTP's own fixed wordings are recognised. An app's own error, whatever it
speaks of, is `Crashed` and is shown as it was said.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from spaces_registry.decoding import decoded
from spaces_registry.errors import (
    Busy,
    CallFailed,
    Crashed,
    Drifted,
    Missing,
    OutOfQuota,
    RateLimited,
    RejectedInput,
    Unauthorized,
    Unreachable,
)

_AGAIN = re.compile(r"[Tt]ry again in (?:(?P<days>\d+) days?, )?(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d)")
_NO_GPU = re.compile(r"No GPU (?:was|is) available|Expired ZeroGPU proxy token")
_QUOTA = re.compile(
    r"GPU quota|ZeroGPU runs limit|reached its GPU limit|pending credits exceeded"
    r"|exceeded your .{0,40}\bcredits"
)
_INPUT = re.compile(
    r"is not in the list of choices"
    r"|^Value \S+ is (?:greater than maximum|less than minimum) value"
    r"|^Invalid file type"
    r"|^Cannot move .* to the gradio cache dir"
    r"|^The requested GPU duration .* is larger than the maximum allowed"
)
_RATE = re.compile(r"(?:^|;)\s*t=(?P<seconds>\d+)")
_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)
_KEPT = 10_000  # characters of plain text that are kept as somebody's words
_SHOWN = 300  # characters of another's words in one line; `said` keeps them all


def line(text: str) -> str:
    """The text as one line, shortened."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"


def refused_by_app(place: str, said: str | None, title: str | None = None) -> CallFailed:
    """The failure that an app's own error means.

    Args:
        place: what was called.
        said: the error's text; None if the app hides it (`launch(show_error=False)`).
        title: the heading that the app gave it, e.g. `ZeroGPU quota exceeded`.
    """
    if not said:
        hint = "the app hides its errors; try its web page with the same input, or another Space"
        return Crashed(place, f"{place} raised an error that it does not show", hint=hint)
    both = f"{title or ''}\n{said}"
    shown = f"{place}: {line(said)}"
    if _NO_GPU.search(both) or title == "ZeroGPU queue timeout":
        return Busy(place, shown, said=said, hint="no GPU became free; try again later")
    if _QUOTA.search(both) or title in ("ZeroGPU quota exceeded", "ZeroGPU pending credits exceeded"):
        hint = "log in with `hf auth login` or set HF_TOKEN for your own share, or wait"
        return OutOfQuota(place, shown, said=said, wait_s=_again(said), hint=hint)
    if _INPUT.search(said):
        return RejectedInput(place, shown, said=said)
    return Crashed(place, shown, said=said)


def _again(said: str) -> float | None:
    found = _AGAIN.search(said)
    if not found:
        return None
    hours = int(found["days"] or 0) * 24 + int(found["h"])
    return float(hours * 3600 + int(found["m"]) * 60 + int(found["s"]))


def refused_by_status(place: str, response: httpx2.Response, doing: str) -> CallFailed:
    """The failure that an HTTP status means.

    Args:
        place: what was called.
        response: the answer, read to its end.
        doing: what was asked, for the message: `sending a.png`, `joining the queue`.
    """
    status, said = response.status_code, words_of(response)
    message = f"{place}: {doing} got HTTP {status}" + (f": {line(said)}" if said else "")
    match status:
        case 401 | 403:
            hint = "it wants a login or a token: `hf auth login`, HF_TOKEN, or user and password for this app"
            return Unauthorized(place, message, said=said, hint=hint)
        case 404 | 405 | 410:
            return Drifted(place, message, said=said, hint="the app may have changed; describe it again")
        case 413:
            return RejectedInput(place, message, said=said, hint="the file is larger than the app takes")
        case 429:
            wait_s = retry_after(response)
            return RateLimited(place, message, said=said, wait_s=wait_s, hint="ask less often, or log in")
        case 503 if said and said.startswith("Queue is full"):
            return Busy(place, message, said=said, hint="its queue is full; try again later")
        case 400 | 422:
            return RejectedInput(place, message, said=said)
        case 500 if not _is_page(response):
            return Crashed(place, message, said=said)
    return Unreachable(place, message, said=said, wait_s=retry_after(response))


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
        what = "JSON that is not Gradio's" if _is_json(response) else "JSON that breaks off or is malformed"
    hint = "is it a running Gradio app? A sign-in page, a proxy or a starting Space answers like this"
    return Unreachable(place, f"{place}: {doing} got {what}", said=came, hint=hint)


def words_of(response: httpx2.Response) -> str | None:
    """What an answer says for people: `detail` of JSON, the title of a page, or its plain text."""
    text = response.text.strip()
    try:
        match decoded(response.content):
            case {"detail": str(said)} | {"detail": {"error": str(said)}} | {"error": str(said)} | str(said):
                return said
            case {"detail": [*problems]}:  # a developer's validators, or FastAPI's own
                found = [one.get("message") or one.get("msg") for one in problems if isinstance(one, dict)]
                return "; ".join(str(one) for one in found if one) or text
    except ValueError:
        pass
    if _is_page(response):
        title = _TITLE.search(text)
        return title[1] if title else None
    return text[:_KEPT] or None


def _is_json(response: httpx2.Response) -> bool:
    try:
        decoded(response.content)
    except ValueError:
        return False
    return True


def _is_page(response: httpx2.Response) -> bool:
    is_html = "html" in response.headers.get("content-type", "")
    return is_html or response.text.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds to wait, by `Retry-After` (seconds or a date), else by the Hub's `RateLimit`, else None."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    if value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    found = _RATE.search(response.headers.get("ratelimit", ""))
    return float(found["seconds"]) if found else None
