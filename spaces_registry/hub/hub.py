"""The Hub: what it knows of a Space, and waking it. On `huggingface_hub`, whose calls run in threads.

Source: `GET {HF_ENDPOINT}/api/spaces/{id}`. Stages are compared as plain texts, because the Hub sends
`SLEEPING`, which the client's own list lacks.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from spaces_registry.address import aliases
from spaces_registry.apps.schema import mapping
from spaces_registry.errors import (
    BadOutput,
    CallFailed,
    HubUnreachable,
    Missing,
    Paused,
    RateLimited,
    RejectedInput,
    Unauthorized,
    Unreachable,
    nearest,
)
from spaces_registry.network.certificates import certificate_hint
from spaces_registry.network.refusals import waited
from spaces_registry.network.session import ready
from spaces_registry.plain import words
from spaces_registry.progress import WARNING, Listener, Logged, unheard

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingface_hub import HfApi

ASLEEP = frozenset({"SLEEPING", "STOPPED"})  # any visitor wakes it
STARTING = frozenset({"BUILDING", "APP_STARTING"})  # wait for it
BROKEN = frozenset(
    {"PAUSED", "DELETING", "NO_APP_FILE", "CONFIG_ERROR", "BUILD_ERROR", "RUNTIME_ERROR"}
)  # only the owner can change that
_ASK_S = 15.0
_LONGEST_WAIT_S = 300.0  # the Hub counts requests by windows of five minutes
_AGAIN_S = 1.0  # before another try, where nobody says how long to wait
_TRIES = 3
_PASSING = frozenset({500, 502, 503, 504})  # the Hub's own troubles, often gone a second later
_OFFLINE = "unset it, name an app by its URL, or run with --local"
_LOG_IN = "set HF_TOKEN or run `hf auth login` with an account that may see it"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Listing:
    """What the Hub knows of a Space.

    Attributes:
        id: `owner/name` as the Hub writes it.
        url: root of the running app, or None if it has none.
        stage: the Hub's word for its state; None if it says nothing.
        revision: the commit that runs, else the newest one.
        hardware: what it runs on, e.g. `zero-a10g`.
        sdk: `gradio`, `docker`, `static`, …
        is_private: whether only some may see it.
        complaint: the Hub's words about what is wrong with it.
        likes: how many people like it.
        title: what its page is called.
        about: one line about it, if there is one.
    """

    id: str
    url: str | None
    stage: str | None
    revision: str | None
    hardware: str | None
    sdk: str | None
    is_private: bool
    complaint: str | None = None
    likes: int = 0
    title: str = ""
    about: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether only its owner can make it run again."""
        return self.stage is not None and (self.stage in BROKEN or self.stage.endswith("_ERROR"))

    def refuse_broken(self) -> None:
        """Raise `Paused` if only its owner can make it run again."""
        if not self.is_broken:
            return
        said = self.complaint
        message = f"{self.id} is {self.stage}" + (f": {' '.join(said.split())[:300]}" if said else "")
        raise Paused(self.id, message, said=said, hint="only its owner can restart it; choose another Space")


def find_token() -> str | None:
    """The user's token, found as `huggingface_hub` finds it, or None."""
    from huggingface_hub import get_token  # noqa: PLC0415 - heavy

    try:
        return get_token()
    except OSError:  # HOME leads nowhere, or to a folder of somebody else's
        return None


def may_have_token(url: str) -> bool:
    """Whether an app that the Hub named gets the user's token: only over https, only below hf.space."""
    parts = urlsplit(url)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".hf.space") and parts.username is None


@dataclass(frozen=True, slots=True)
class Hub:
    """The Hub as one user sees it.

    Attributes:
        token: the user's token, or None for a visitor; it goes to the Hub's own address alone.
        endpoint: the Hub's address; None for `HF_ENDPOINT`, else huggingface.co.
        patience_s: how long one question may take.
    """

    token: str | None = field(default=None, repr=False)
    endpoint: str | None = None
    patience_s: float = _ASK_S

    @property
    def address(self) -> str:
        """Where it is, as far as it was said; empty for huggingface.co."""
        return self.endpoint or os.environ.get("HF_ENDPOINT") or ""

    @property
    def host(self) -> str:
        """The name of its machine, and its port if it was said."""
        try:
            return urlsplit(self.address).netloc or self.address or "huggingface.co"
        except ValueError:  # it is no address, and that is told
            return self.address

    async def space(self, repo: str) -> Listing:
        """What the Hub knows of a Space.

        Raises:
            Missing: there is none of that id, as far as this token can see.
            Unauthorized: it may be private, or the token is not good for it.
            RateLimited, Unreachable: the Hub did not answer.
        """
        info = await self._ask(repo, lambda api: api.space_info(repo, timeout=self.patience_s))
        runtime = info.runtime.raw if info.runtime is not None else {}
        return _listing(info, mapping(runtime))

    async def get(
        self,
        path: str,
        params: Mapping[str, str | list[str]],
        *,
        doing: str,
        tell: Listener = unheard,
        base: str | None = None,
    ) -> Any:
        """Decoded JSON of one of the Hub's lists; waits and asks again where the Hub says so.

        Args:
            path: with its leading slash.
            params: the query; a list repeats the name.
            doing: what is asked, for messages: `searching Spaces`.
            tell: hears of every wait.
            base: another address than the Hub's own, which gets no token.

        Raises:
            RateLimited: the Hub wants a longer pause than its own window, or does not relent.
            Unauthorized, RejectedInput, Unreachable, BadOutput: it refuses, is not there, or sends no JSON.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                return await self._get(path, params, doing, base)
            except CallFailed as failure:
                wait_s = _pause(failure)
                if wait_s is None or not tries_left:
                    raise
                reason = "counts too many requests" if isinstance(failure, RateLimited) else "is not ready"
                tell(Logged(WARNING, f"the Hub {reason}; waiting {wait_s:g} s before {doing}"))
                await anyio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    async def _get(
        self, path: str, params: Mapping[str, str | list[str]], doing: str, base: str | None
    ) -> Any:
        def ask() -> Any:
            from huggingface_hub import constants, get_session  # noqa: PLC0415 - heavy
            from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - exported lazily
                build_hf_headers,
                hf_raise_for_status,
            )

            ready()
            root = base or self.address or constants.ENDPOINT
            headers = build_hf_headers(token=self.token if self.token and base is None else False)
            url = f"{root.rstrip('/')}{path}"
            response = get_session().get(url, params=params, headers=headers, timeout=self.patience_s)
            hf_raise_for_status(response)
            return response.json()

        try:
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except (json.JSONDecodeError, UnicodeDecodeError) as cause:
            message = f"{doing}: the Hub sent something else than JSON"
            raise BadOutput(
                "the Hub", message, hint="does a proxy or a sign-in page answer for it?"
            ) from cause
        except Exception as cause:  # as in `_ask`
            failure = _refusal(doing, cause, self.host)
            if failure is None:
                raise
            raise failure from cause

    async def _ask(self, repo: str, question: "Callable[[HfApi], _T]") -> _T:
        def ask() -> _T:
            from huggingface_hub import HfApi  # noqa: PLC0415 - heavy

            ready()
            return question(HfApi(endpoint=self.address or None, token=self.token or False))

        try:
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except (
            Exception
        ) as cause:  # the client raises its own, httpx2's and OSErrors; `_failure` tells them apart
            failure = _failure(repo, cause, self.host, has_token=self.token is not None)
            if failure is None and isinstance(cause, KeyError | TypeError | AttributeError | ValueError):
                message = (
                    f"{repo}: what the Hub answered is no record of a Space"  # the client stumbled on it
                )
                failure = BadOutput(repo, message, hint="does a proxy or a sign-in page answer for the Hub?")
            if failure is None:
                raise
            raise failure from cause


def _listing(info: Any, runtime: Mapping[str, Any]) -> Listing:
    hardware = mapping(runtime.get("hardware")).get("current")
    complaint = runtime.get("errorMessage")
    card = info.card_data.to_dict() if info.card_data is not None else {}
    title, about = card.get("title"), card.get("short_description")
    host = info.host
    if not host and info.subdomain:
        host = f"https://{info.subdomain}.hf.space"
    return Listing(
        id=info.id,
        url=host.rstrip("/") if host else None,
        stage=runtime.get("stage") or None,
        revision=runtime.get("sha") or info.sha,
        hardware=hardware if isinstance(hardware, str) else None,
        sdk=info.sdk,
        is_private=bool(info.private),
        complaint=words(complaint) if isinstance(complaint, str) else None,
        likes=info.likes or 0,
        title=title if isinstance(title, str) else "",
        about=about if isinstance(about, str) else "",
    )


def _pause(failure: CallFailed) -> float | None:
    """Seconds to wait before the same question may be answered; None if waiting does not help."""
    match failure:
        case RateLimited(wait_s=None):
            return _AGAIN_S
        case RateLimited(wait_s=float(wait_s)):
            return wait_s if wait_s <= _LONGEST_WAIT_S else None
        case Unreachable(wait_s=float(wait_s)):  # it is there, and not ready
            return wait_s if wait_s <= _LONGEST_WAIT_S else None
    return None


def _refusal(doing: str, cause: Exception, host: str) -> CallFailed | None:
    """The class of a failure to ask for one of the Hub's lists, or None for what is a bug of ours."""
    import httpx2  # noqa: PLC0415 - heavy
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled  # noqa: PLC0415 - heavy

    if isinstance(cause, OfflineModeIsEnabled):
        message = f"{doing}: the Hub is not asked, because HF_HUB_OFFLINE is set"
        return Unreachable("the Hub", message, hint=_OFFLINE)
    if isinstance(cause, HfHubHTTPError):
        said, status = words(cause.server_message or "") or None, cause.response.status_code
        shown = f": {' '.join(said.split())[:300]}" if said else ""
        match status:
            case 401 | 404 if cause.response.headers.get("x-error-code") == "RepoNotFound":
                return Missing("the Hub", f"{doing}: the Hub shows none of that name", said=said)
            case 401 | 403:
                message = f"{doing}: the Hub does not accept the token"
                return Unauthorized("the Hub", message, said=said, hint=_LOG_IN)
            case 429:
                wait_s = _wait_of(cause.response.headers)
                message = f"{doing}: too many requests to the Hub"
                hint = "wait, or log in for a larger share"
                return RateLimited("the Hub", message, said=said, wait_s=wait_s, hint=hint)
            case 400 | 422:
                return RejectedInput("the Hub", f"{doing}: the Hub refuses the question{shown}", said=said)
        after = cause.response.headers.get(
            "retry-after", ""
        )  # `RateLimit` comes with every answer, and is no advice
        wait_s = _seconds(after, _AGAIN_S) if status in _PASSING else None
        message = f"{doing}: the Hub answered with HTTP {status}{shown}"
        return Unreachable("the Hub", message, said=said, wait_s=wait_s)
    if isinstance(cause, httpx2.HTTPError | httpx2.InvalidURL | OSError):
        why = str(cause) or type(cause).__name__
        return HubUnreachable("the Hub", doing, host, why, certificate_hint(cause))
    return None


def _failure(repo: str, cause: Exception, host: str, *, has_token: bool) -> CallFailed | None:
    """The class of a failure to ask the Hub, or None for what is a bug of ours."""
    import httpx2  # noqa: PLC0415 - heavy
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled  # noqa: PLC0415 - heavy

    if isinstance(cause, OfflineModeIsEnabled):
        message = f"{repo}: the Hub is not asked, because HF_HUB_OFFLINE is set"
        return Unreachable(repo, message, hint=_OFFLINE)
    if isinstance(cause, HfHubHTTPError):
        return _by_status(repo, cause, has_token=has_token)
    if isinstance(cause, httpx2.HTTPError | OSError):
        why = str(cause) or type(cause).__name__
        return HubUnreachable(repo, repo, host, why, certificate_hint(cause))
    return None


def _by_status(repo: str, cause: Any, *, has_token: bool) -> CallFailed:
    response = cause.response
    said = words(cause.server_message or "") or None
    match response.status_code:
        case 401 if not has_token:
            message = f"{repo}: without a token the Hub shows no such Space; it is private, or there is none"
            guess = _guess(repo)
            hint = f"check the name ({guess})" if guess else "check the name"
            return Unauthorized(repo, message, said=said, hint=f"{hint}; if it is private, {_LOG_IN}")
        case 401 if response.headers.get("x-error-code") != "RepoNotFound":
            return Unauthorized(repo, f"{repo}: the Hub does not accept the token", said=said, hint=_LOG_IN)
        case 403:
            hint = (
                "a fine-grained token needs read access to this Space; make one at the Hub's token settings"
            )
            return Unauthorized(repo, f"{repo}: the token may not see this Space", said=said, hint=hint)
        case 401 | 404:
            seen = "that this token can see" if has_token else "on the Hub"
            hint = _guess(repo) or "check owner and name, with capitals"
            return Missing(repo, f"{repo}: there is no such Space {seen}", said=said, hint=hint)
        case 429:
            wait_s = _wait_of(response.headers)
            message = f"{repo}: too many requests to the Hub"
            return RateLimited(
                repo, message, said=said, wait_s=wait_s, hint="wait, or log in for a larger share"
            )
    return Unreachable(repo, f"{repo}: the Hub answered with HTTP {response.status_code}", said=said)


def _guess(repo: str) -> str | None:
    """Which well-known Space may be meant, if another one is much like it."""
    known = aliases().values()
    guess = None if repo in known else nearest(repo, known)
    return guess if guess and guess.startswith("did") else None


def _wait_of(headers: Any) -> float | None:
    after = headers.get("retry-after", "")
    found = re.search(r"(?:^|;)\s*t=([0-9]+)", headers.get("ratelimit", ""))
    return _seconds(after, _seconds(found[1]) if found else None)


def _seconds(text: str, otherwise: float | None = None) -> float | None:
    return waited(float(text)) if text.isascii() and text.isdigit() else otherwise
