"""What went wrong with a call of a model: the client library's exceptions, and the answers behind them.

The router and most providers answer with HTTP statuses and `{"error": …}` or `{"detail": …}`, as text or
deeper in; text-generation-inference adds `error_type`; some providers tell a job's failure with HTTP 200,
which the library raises as `ValueError` or `RuntimeError` in words of its own.
"""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from spaces_registry.address import GONE
from spaces_registry.apps.schema import mapping
from spaces_registry.errors import (
    BadOutput,
    Building,
    Busy,
    CallFailed,
    Crashed,
    Missing,
    OutOfQuota,
    RateLimited,
    RejectedInput,
    TimedOut,
    ToolkitError,
    Unauthorized,
    Unreachable,
)
from spaces_registry.network.certificates import certificate_hint
from spaces_registry.network.refusals import is_filtered, line, retry_after, wait_in, waited

TOKEN_PAGE = (
    "https://huggingface.co/settings/tokens/new"  # noqa: S105 - a page, no token
    "?ownUserPermissions=inference.serverless.write&tokenType=fineGrained"
)
_CREDIT = re.compile(r"credit|billing|payment|balance|quota|insufficient funds", re.IGNORECASE)
_LOADING = re.compile(r"currently loading|cold state|starting up|scaling|warming", re.IGNORECASE)
_LONGEST_SAID = 10_000
_TOO_LARGE = 413


class ModelsNotInstalled(ToolkitError):
    """A library that this task's answers need is not here."""

    code = "not-installed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was called, for the words of a failure.

    Attributes:
        place: as the user knows it.
        model: its id or URL.
        task: in the Hub's words.
        provider: who serves it, if somebody is named.
        by_hub: whether a Hugging Face token opens the door.
        others: providers that serve it too.
    """

    place: str
    model: str
    task: str
    provider: str | None
    by_hub: bool
    others: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> str:
        """Where else to ask."""
        if self.others:
            return f"{', '.join(self.others)} serve it too: write `provider:`"
        return f"`spacechain models --task {self.task}` lists what is served"


def failure_of(cause: Exception, asked: Asked, refusal: Any = None) -> ToolkitError | None:
    """The failure that an exception of the library means; None for what is a bug of ours.

    Args:
        cause: what it raised.
        asked: what was called.
        refusal: the last HTTP answer that was a refusal, if there was one.
    """
    import httpx2  # noqa: PLC0415 - only a failure needs them
    from huggingface_hub import errors  # noqa: PLC0415

    place = asked.place
    match cause:
        case ToolkitError():
            return cause
        case errors.OfflineModeIsEnabled():
            return Unreachable(place, f"{place}: nothing is asked, because HF_HUB_OFFLINE is set")
        case errors.HfHubHTTPError() | httpx2.HTTPStatusError():
            return refused(asked, cause.response)
        case errors.InferenceTimeoutError():
            return TimedOut(place, f"{place} did not answer in time", said=str(cause))
        case errors.TextGenerationError():
            return _text_generation(asked, cause)
        case httpx2.HTTPError() | httpx2.StreamError() | httpx2.InvalidURL():
            message = f"{place}: the connection broke: {cause or type(cause).__name__}"
            return Unreachable(place, message, hint=certificate_hint(cause))
        case ImportError():
            hint = 'pip install "spacechain[media]"'  # Pillow
            if "numpy" in str(cause).lower():
                hint = "pip install numpy"
            return ModelsNotInstalled(f"{place}: {asked.task} needs a library: {line(str(cause))}", hint=hint)
    if refusal is not None:  # it read an answer that was none
        return refused(asked, refusal)
    return _in_words(cause, asked)


def refused(asked: Asked, response: Any) -> CallFailed:
    """The failure that an HTTP answer means."""
    place, status = asked.place, response.status_code
    said, kind = _said(response)
    words = f": {line(said)}" if said else ""
    if kind == "overloaded" or (status == HTTPStatus.SERVICE_UNAVAILABLE and "overloaded" in words.lower()):
        return Busy(place, f"{place} has too much to do{words}", said=said)
    match status:
        case 401:
            return _no_token(asked, said)
        case 402:
            return _no_credit(asked, said)
        case 403 | 404 | 410:
            return _not_there(asked, status, said, words)
        case 400 | 405 | 406 | 413 | 415 | 422:
            what = "refuses what it was sent" if status != _TOO_LARGE else "was sent too much"
            return RejectedInput(place, f"{place} {what}{words}", said=said)
        case 429 if said and _CREDIT.search(said) and "rate" not in said.lower():
            return _no_credit(asked, said)
        case 429:
            wait_s = _wait_s(response, said)
            return RateLimited(place, f"{place}: too many requests{words}", said=said, wait_s=wait_s)
    return _troubled(asked, response, said, words)


def _troubled(asked: Asked, response: Any, said: str | None, words: str) -> CallFailed:
    """The failure behind an answer that blames nobody else."""
    place, status = asked.place, response.status_code
    match status:
        case 408 | 504:
            hint = "ask for less at once, or try another provider"
            return TimedOut(
                place, f"{place} did not end in time (HTTP {status}){words}", said=said, hint=hint
            )
        case 503:
            wait_s = _estimate(response) or _wait_s(response, said)
            kind_of = Building if wait_s or (said and _LOADING.search(said)) else Unreachable
            return kind_of(place, f"{place} is not ready{words}", said=said, wait_s=wait_s)
        case 424 | 500 | 501:
            return Crashed(place, f"{place} failed (HTTP {status}){words}", said=said)
    return Unreachable(place, f"{place} answered with HTTP {status}{words}", said=said)


def _no_token(asked: Asked, said: str | None) -> CallFailed:
    who = "the Hugging Face token" if asked.by_hub else f"the key for {asked.provider or 'it'}"
    hint = f"a token with the right permission is made at {TOKEN_PAGE}" if asked.by_hub else "check the key"
    words = f": {line(said)}" if said else ""
    return Unauthorized(asked.place, f"{asked.place} does not accept {who}{words}", said=said, hint=hint)


def _no_credit(asked: Asked, said: str | None) -> CallFailed:
    hint = "buy credits at https://huggingface.co/settings/billing, or set `bill_to:` or a provider's own key"
    if not asked.by_hub:
        hint = f"look at your account with {asked.provider}"
    words = f": {line(said)}" if said else ""
    message = f"{asked.place}: the credits are used up{words}"
    return OutOfQuota(asked.place, message, said=said, hint=hint)


def _not_there(asked: Asked, status: int, said: str | None, words: str) -> CallFailed:
    place = asked.place
    match status:
        case 403 if said and re.search(r"gated|accept|agree", said, re.IGNORECASE):
            hint = f"agree to its terms at https://huggingface.co/{asked.model}"
            return Unauthorized(place, f"{place} is not open to this token{words}", said=said, hint=hint)
        case 403 if said and is_filtered(said):
            hint = "its content filter refused this; change the input"
            return RejectedInput(place, f"{place} refuses what it was sent{words}", said=said, hint=hint)
        case 403 if asked.by_hub:
            hint = f"the token needs the permission `inference.serverless.write`; make one at {TOKEN_PAGE}"
            return Unauthorized(place, f"{place}: the token may not call it{words}", said=said, hint=hint)
        case 403:
            return Unauthorized(place, f"{place}: the key may not call it{words}", said=said)
        case 410 if said and GONE in said:
            hint = "write the model's id, `owner/name`: it is asked through router.huggingface.co"
            return Missing(place, f"{place}: {GONE} is no more{words}", said=said, hint=hint)
    gone = "is no longer served" if status == HTTPStatus.GONE else "is not served there"
    return Missing(place, f"{place} {gone}{words}", said=said, hint=asked.elsewhere)


def _text_generation(asked: Asked, cause: Exception) -> CallFailed:
    from huggingface_hub import errors  # noqa: PLC0415

    said = str(cause)
    message = f"{asked.place}: {line(said)}"
    match cause:
        case errors.OverloadedError():
            return Busy(asked.place, message, said=said)
        case errors.ValidationError():
            return RejectedInput(asked.place, message, said=said)
        case errors.IncompleteGenerationError():
            return BadOutput(asked.place, message, said=said)
    return Crashed(asked.place, message, said=said)


def _in_words(cause: Exception, asked: Asked) -> CallFailed | None:
    """The failure behind one of the library's own complaints, which have no class."""
    said = " ".join(str(one) for one in cause.args) or type(cause).__name__
    place, message = asked.place, f"{asked.place}: {line(said)}"
    match cause:
        case TimeoutError():  # replicate's: the model did not start within a minute
            return Building(place, message, said=said, hint="it may still be starting; try again")
        case ValueError() | RuntimeError():
            if "not supported" in said or "doesn't support task" in said or "No provider mapping" in said:
                return Missing(place, message, said=said, hint=asked.elsewhere)
            if "api_key" in said:
                return Unauthorized(place, message, said=said, hint="set HF_TOKEN or run `hf auth login`")
            if said.startswith(("You cannot specify", "You must specify")):
                return RejectedInput(place, message, said=said)
            if "Timed out" in said:
                return TimedOut(place, message, said=said)
            if "failed" in said:
                return Crashed(place, message, said=said)
            return BadOutput(place, message, said=said)
        case KeyError() | IndexError() | TypeError() | AttributeError() | OSError():
            message = f"{place} answered with something else than a result of {asked.task}: {line(said)}"
            return BadOutput(place, message, said=said)
    return None


def _said(response: Any) -> tuple[str | None, str | None]:
    """The place's own words, and its own name for the failure, if it has one."""
    try:
        body = json.loads(response.content)
    except ValueError:
        text = response.text.strip()
        is_page = "html" in response.headers.get("content-type", "")
        return (None if is_page or not text else text[:_LONGEST_SAID]), None
    kind = mapping(body).get("error_type")
    return _words(body), kind if isinstance(kind, str) else None


def _words(body: Any) -> str | None:
    match body:
        case str():
            return body or None
        case {"error": (str() | dict() | list()) as inner} if inner:
            return _words(inner)
        case {"message": str(told)} | {"msg": str(told)} | {"detail": str(told)} | {"title": str(told)}:
            return told
        case {"detail": (dict() | list()) as inner} | {"errors": list() as inner} if inner:
            return _words(inner)
        case list() if body:
            return "; ".join(text for one in body if (text := _words(one))) or None
        case dict() if body:
            return json.dumps(body)[:_LONGEST_SAID]
    return None


def _wait_s(response: Any, said: str | None) -> float | None:
    wait_s = retry_after(response)
    return wait_in(said) if wait_s is None and said else wait_s


def _estimate(response: Any) -> float | None:
    try:
        wait_s = mapping(json.loads(response.content)).get("estimated_time")
    except (ValueError, RecursionError):
        return None
    return waited(wait_s) if isinstance(wait_s, int | float) and not isinstance(wait_s, bool) else None
