"""The Hub: what it knows of a Space, and waking it. On `huggingface_hub`, whose calls run in threads.

Source: `GET {HF_ENDPOINT}/api/spaces/{id}`. Stages are compared as plain texts, because the Hub sends
`SLEEPING`, which the client's own list lacks.
"""

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio.to_thread

from spaces_registry.address import aliases
from spaces_registry.errors import (
    CallFailed,
    Missing,
    Paused,
    RateLimited,
    Unauthorized,
    Unreachable,
    nearest,
)
from spaces_registry.schema import mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingface_hub import HfApi

ASLEEP = frozenset({"SLEEPING", "STOPPED"})  # any visitor wakes it
STARTING = frozenset({"BUILDING", "APP_STARTING"})  # wait for it
BROKEN = frozenset(
    {"PAUSED", "DELETING", "NO_APP_FILE", "CONFIG_ERROR", "BUILD_ERROR", "RUNTIME_ERROR"}
)  # only the owner can change that
_ASK_S = 15.0
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
    """

    id: str
    url: str | None
    stage: str | None
    revision: str | None
    hardware: str | None
    sdk: str | None
    is_private: bool
    complaint: str | None = None

    def refuse_broken(self) -> None:
        """Raise `Paused` if only its owner can make it run again."""
        if self.stage is None or (self.stage not in BROKEN and not self.stage.endswith("_ERROR")):
            return
        said = self.complaint
        message = f"{self.id} is {self.stage}" + (f": {' '.join(said.split())[:300]}" if said else "")
        raise Paused(self.id, message, said=said, hint="only its owner can restart it; choose another Space")


def find_token() -> str | None:
    """The user's token, found as `huggingface_hub` finds it, or None."""
    from huggingface_hub import get_token  # noqa: PLC0415 - heavy

    return get_token()


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
    """

    token: str | None = field(default=None, repr=False)
    endpoint: str | None = None

    async def space(self, repo: str) -> Listing:
        """What the Hub knows of a Space.

        Raises:
            Missing: there is none of that id, as far as this token can see.
            Unauthorized: it may be private, or the token is not good for it.
            RateLimited, Unreachable: the Hub did not answer.
        """
        info = await self._ask(repo, lambda api: api.space_info(repo, timeout=_ASK_S))
        runtime = info.runtime.raw if info.runtime is not None else {}
        return _listing(info, mapping(runtime))

    async def _ask(self, repo: str, question: "Callable[[HfApi], _T]") -> _T:
        def ask() -> _T:
            from huggingface_hub import HfApi  # noqa: PLC0415 - heavy

            endpoint = self.endpoint or os.environ.get("HF_ENDPOINT") or None
            return question(HfApi(endpoint=endpoint, token=self.token or False))

        try:
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except (
            Exception
        ) as cause:  # the client raises its own, httpx2's and OSErrors; `_failure` tells them apart
            failure = _failure(repo, cause, has_token=self.token is not None)
            if failure is None:
                raise
            raise failure from cause


def _listing(info: Any, runtime: "Any") -> Listing:
    hardware = mapping(runtime.get("hardware")).get("current")
    complaint = runtime.get("errorMessage")
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
        complaint=complaint if isinstance(complaint, str) else None,
    )


def _failure(repo: str, cause: Exception, *, has_token: bool) -> CallFailed | None:
    """The class of a failure to ask the Hub, or None for what is a bug of ours."""
    import httpx2  # noqa: PLC0415 - heavy
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled  # noqa: PLC0415 - heavy

    if isinstance(cause, OfflineModeIsEnabled):
        return Unreachable(repo, f"{repo}: the Hub is not asked, because HF_HUB_OFFLINE is set")
    if isinstance(cause, HfHubHTTPError):
        return _by_status(repo, cause, has_token=has_token)
    if isinstance(cause, httpx2.HTTPError | OSError):
        return Unreachable(repo, f"{repo}: the Hub cannot be reached: {cause or type(cause).__name__}")
    return None


def _by_status(repo: str, cause: Any, *, has_token: bool) -> CallFailed:
    response = cause.response
    said = cause.server_message or None
    match response.status_code:
        case 401 if not has_token:
            message = f"{repo}: without a token the Hub shows no such Space; it is private, or there is none"
            guess = nearest(repo, aliases().values())
            hint = f"check the name ({guess})" if guess and guess.startswith("did") else "check the name"
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
            guess = nearest(repo, aliases().values())
            hint = guess if guess and guess.startswith("did") else "check owner and name, with capitals"
            return Missing(repo, f"{repo}: there is no such Space {seen}", said=said, hint=hint)
        case 429:
            wait_s = _wait_of(response.headers)
            message = f"{repo}: too many requests to the Hub"
            return RateLimited(
                repo, message, said=said, wait_s=wait_s, hint="wait, or log in for a larger share"
            )
    return Unreachable(repo, f"{repo}: the Hub answered with HTTP {response.status_code}", said=said)


def _wait_of(headers: Any) -> float | None:
    after = headers.get("retry-after", "")
    found = re.search(r"(?:^|;)\s*t=(\d+)", headers.get("ratelimit", ""))
    return float(after) if after.isdigit() else float(found[1]) if found else None
