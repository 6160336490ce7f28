"""What a refusal of a model's place means: HTTP's statuses, with the place's own words and a way out.

The router and most providers answer with HTTP statuses and `{"error": …}` or `{"detail": …}`, as text or
deeper in; text-generation-inference adds `error_type`.
"""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from spaces_registry.address import GONE
from spaces_registry.apps.schema import mapping
from spaces_registry.errors import (
    Building,
    Busy,
    CallFailed,
    Crashed,
    Missing,
    OutOfQuota,
    RateLimited,
    RejectedInput,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from spaces_registry.hub.task import CHAT
from spaces_registry.network.decoding import answered
from spaces_registry.network.refusals import (
    is_filtered,
    line,
    message_in,
    retry_after,
    text_of,
    wait_in,
    waited,
)
from spaces_registry.plain import words

TOKEN_PAGE = (
    "https://huggingface.co/settings/tokens/new"  # noqa: S105 - a page, no token
    "?ownUserPermissions=inference.serverless.write&tokenType=fineGrained"
)
_CREDIT = re.compile(r"credit|billing|payment|balance|quota|insufficient funds", re.IGNORECASE)
_LOADING = re.compile(r"currently loading|cold state|starting up|scaling|warming", re.IGNORECASE)
_TOO_LARGE, _OVERLOADED = 413, 529


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
    def address(self) -> str:
        """Where a URL's model is asked: a chat has its path below it, which the client library completes."""
        if self.task != CHAT or self.model.endswith("/chat/completions"):
            return self.model
        return self.model.removesuffix("/v1") + "/v1/chat/completions"

    @property
    def elsewhere(self) -> str:
        """Where else to ask."""
        if "://" in self.model:
            return f"see that the URL is right; it was asked at {self.address}"
        if self.others:
            return f"{', '.join(self.others)} serve it too: write `provider:`"
        return f"`spacechain models --task {self.task}` lists what is served"


def refused(asked: Asked, response: Any) -> CallFailed:
    """The failure that an HTTP answer means."""
    place, status = asked.place, response.status_code
    said, kind = _said(response)
    shown = f": {line(said)}" if said else ""
    if (
        kind == "overloaded"
        or status == _OVERLOADED
        or (status == HTTPStatus.SERVICE_UNAVAILABLE and "overloaded" in shown.lower())
    ):
        return Busy(place, f"{place} has too much to do{shown}", said=said)
    match status:
        case 401:
            return _no_token(asked, said)
        case 402:
            return _no_credit(asked, said)
        case 403 | 404 | 410:
            return _not_there(asked, status, said, shown)
        case 400 | 405 | 406 | 413 | 415 | 422:
            what = "refuses what it was sent" if status != _TOO_LARGE else "was sent too much"
            return RejectedInput(place, f"{place} {what}{shown}", said=said)
        case 429 if said and _CREDIT.search(said) and "rate" not in said.lower():
            return _no_credit(asked, said)
        case 429:
            wait_s = _wait_s(response, said)
            return RateLimited(place, f"{place}: too many requests{shown}", said=said, wait_s=wait_s)
    return _troubled(asked, response, said, shown)


def _troubled(asked: Asked, response: Any, said: str | None, shown: str) -> CallFailed:
    """The failure behind an answer that blames nobody else."""
    place, status = asked.place, response.status_code
    match status:
        case 408 | 504:
            hint = "ask for less at once, or try another provider"
            return TimedOut(
                place, f"{place} did not end in time (HTTP {status}){shown}", said=said, hint=hint
            )
        case 503:
            wait_s = _estimate(response) or _wait_s(response, said)
            kind_of = Building if wait_s or (said and _LOADING.search(said)) else Unreachable
            return kind_of(place, f"{place} is not ready{shown}", said=said, wait_s=wait_s)
        case 424 | 500 | 501:
            return Crashed(place, f"{place} failed (HTTP {status}){shown}", said=said)
    return Unreachable(place, f"{place} answered with HTTP {status}{shown}", said=said)


def _no_token(asked: Asked, said: str | None) -> CallFailed:
    who = "the Hugging Face token" if asked.by_hub else f"the key for {asked.provider or 'it'}"
    hint = f"a token with the right permission is made at {TOKEN_PAGE}" if asked.by_hub else "check the key"
    shown = f": {line(said)}" if said else ""
    return Unauthorized(asked.place, f"{asked.place} does not accept {who}{shown}", said=said, hint=hint)


def _no_credit(asked: Asked, said: str | None) -> CallFailed:
    hint = "buy credits at https://huggingface.co/settings/billing, or set `bill_to:` or a provider's own key"
    if not asked.by_hub:
        hint = f"look at your account with {asked.provider}"
    shown = f": {line(said)}" if said else ""
    message = f"{asked.place}: the credits are used up{shown}"
    return OutOfQuota(asked.place, message, said=said, hint=hint)


def _not_there(asked: Asked, status: int, said: str | None, shown: str) -> CallFailed:
    place = asked.place
    match status:
        case 403 if said and re.search(r"gated|accept|agree", said, re.IGNORECASE):
            hint = f"agree to its terms at https://huggingface.co/{asked.model}"
            return Unauthorized(place, f"{place} is not open to this token{shown}", said=said, hint=hint)
        case 403 if said and is_filtered(said):
            hint = "its content filter refused this; change the input"
            return RejectedInput(place, f"{place} refuses what it was sent{shown}", said=said, hint=hint)
        case 403 if asked.by_hub:
            hint = f"the token needs the permission `inference.serverless.write`; make one at {TOKEN_PAGE}"
            return Unauthorized(place, f"{place}: the token may not call it{shown}", said=said, hint=hint)
        case 403:
            return Unauthorized(place, f"{place}: the key may not call it{shown}", said=said)
        case 410 if said and GONE in said:
            hint = "write the model's id, `owner/name`: it is asked through router.huggingface.co"
            return Missing(place, f"{place}: {GONE} is no more{shown}", said=said, hint=hint)
    gone = "is no longer served" if status == HTTPStatus.GONE else "is not served there"
    return Missing(place, f"{place} {gone}{shown}", said=said, hint=asked.elsewhere)


def _said(response: Any) -> tuple[str | None, str | None]:
    """The place's own words, and its own name for the failure, if it has one."""
    try:
        body = answered(response.content)
    except ValueError:
        text = text_of(response).strip()
        is_page = "html" in response.headers.get("content-type", "")
        return (None if is_page or not text else words(text)), None
    kind = mapping(body).get("error_type")
    said = message_in(body) or (words(json.dumps(body)) if body else None)
    return said, kind if isinstance(kind, str) else None


def _wait_s(response: Any, said: str | None) -> float | None:
    wait_s = retry_after(response)
    return wait_in(said) if wait_s is None and said else wait_s


def _estimate(response: Any) -> float | None:
    try:
        wait_s = mapping(answered(response.content)).get("estimated_time")
    except ValueError:
        return None
    return waited(wait_s) if isinstance(wait_s, int | float) and not isinstance(wait_s, bool) else None
