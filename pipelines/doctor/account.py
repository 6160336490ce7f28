"""The Hub, and what the user's token may there. The token itself is in nothing that is said."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final

import anyio

from pipelines.doctor.finding import Finding
from spaces_registry.errors import CallFailed, RateLimited, ToolkitError, Unauthorized
from spaces_registry.hub.account import GET_TOKEN, Account, GpuQuota, account_of, gpu_quota_of
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub

_PATIENCE_S = 15.0
_SLOW_S = 3.0
_LITTLE = 0.2  # of the quota
_LOG_IN: Final = "set HF_TOKEN (also in .env) or run `hf auth login`; a new token: " + GET_TOKEN
_NONE: Final = Finding(
    "token",
    "warn",
    "none: public Spaces work, with a visitor's two minutes of GPU a day; models do not",
    _LOG_IN,
)


async def account(
    hub: Hub,
    answers: Answers,
    environ: Mapping[str, str],
    *,
    offline: bool,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Finding]:
    """The Hub, the token, its permissions, the quota.

    Args:
        hub: as the user reaches it.
        answers: the Hub's, kept for minutes.
        environ: tells where the token comes from.
        offline: ask nobody.
        clock: seconds, monotonic.
    """
    whence = "HF_TOKEN" if environ.get("HF_TOKEN") else "the login of `hf auth login`"
    if offline:
        if hub.token is None:
            yield _NONE
        else:
            yield Finding("token", "ok", f"there is one, from {whence}; it was not checked")
        return
    reached = await _reach(hub, clock)
    yield reached
    if hub.token is None:
        yield _NONE
        return
    if reached.state == "fail":
        yield Finding("token", "warn", f"there is one, from {whence}; it could not be checked")
        return
    whose = await _whose(hub, answers, whence)
    if isinstance(whose, Finding):
        yield whose
        return
    for one in _about(whose, whence):
        yield one
    yield await _quota(hub, answers)


async def _reach(hub: Hub, clock: Callable[[], float]) -> Finding:
    name = hub.address or "https://huggingface.co"
    began = clock()
    try:
        with anyio.fail_after(_PATIENCE_S):
            await hub.get("/api/models", {"limit": "1"}, doing=f"asking {name}")
    except TimeoutError:
        told = f"{name} did not answer within {_PATIENCE_S:.0f} s"
        return Finding("hub", "fail", told, "is there a network, or a proxy in between?")
    except RateLimited as failure:
        return Finding("hub", "warn", f"{name} counts too many requests of yours", failure.hint)
    except Unauthorized:  # the token is looked at next
        return Finding("hub", "ok", f"{name} answers")
    except CallFailed as failure:
        return Finding("hub", "fail", failure.message, failure.hint or "HF_ENDPOINT names another Hub")
    took_s = clock() - began
    facts = {"url": name, "latency_s": round(took_s, 3)}
    if took_s > _SLOW_S:
        return Finding("hub", "warn", f"{name} answers after {took_s:.1f} s, which is slow", facts=facts)
    return Finding("hub", "ok", f"{name} answers in {took_s * 1000:.0f} ms", facts=facts)


async def _whose(hub: Hub, answers: Answers, whence: str) -> Account | Finding:
    try:
        with anyio.fail_after(_PATIENCE_S):
            return await account_of(hub, answers)
    except Unauthorized:
        told = f"the Hub does not accept the token from {whence}: it is wrong, or was revoked"
        return Finding("token", "fail", told, _LOG_IN, refused=True)
    except TimeoutError:
        told = f"there is one, from {whence}; the Hub did not say within {_PATIENCE_S:.0f} s whose it is"
    except RateLimited:
        told = f"there is one, from {whence}; the Hub does not say whose it is to who asks this often"
    except ToolkitError as failure:
        told = f"there is one, from {whence}; {failure.message}"
    return Finding("token", "warn", told, "try again in some minutes")


def _about(account: Account, whence: str) -> Iterator[Finding]:
    pro = ", PRO" if account.is_pro else ""
    named = f" {account.token!r}" if account.token else ""
    told = f"{account.name}{pro}: the token{named} from {whence}, role {account.role or 'unknown'}"
    facts = {
        "user": account.name,
        "pro": account.is_pro,
        "organizations": list(account.organizations),
        "role": account.role,
        "permissions": [{"name": one.name, "on": one.on} for one in account.permissions],
    }
    yield Finding("token", "ok", told, facts=facts)
    if account.permissions:
        named = ", ".join(f"{one.name} ({one.on or 'everything'})" for one in account.permissions)
        yield Finding("permissions", "ok", named)
    if account.may_infer:
        yield Finding("models", "ok", "the token may call models through Inference Providers")
    else:
        told = "the token may not call models: it lacks inference.serverless.write"
        yield Finding("models", "warn", told, f"make one that may: {GET_TOKEN}")
    if not account.may_read_private:
        told = "the token may not see private Spaces: it lacks repo.content.read"
        yield Finding(
            "private Spaces", "warn", told, "add it at https://huggingface.co/settings/tokens, if you need it"
        )


async def _quota(hub: Hub, answers: Answers) -> Finding:
    try:
        with anyio.fail_after(_PATIENCE_S):
            quota = await gpu_quota_of(hub, answers)
    except Unauthorized:
        told = "the token may not tell what is left of it"
        hint = "a fine-grained token needs `Read billing usage and payment method status` for that"
        return Finding("ZeroGPU", "warn", told, hint)
    except TimeoutError:
        return Finding(
            "ZeroGPU", "warn", "the Hub did not say what is left of it", "try again in some minutes"
        )
    except ToolkitError as failure:
        return Finding("ZeroGPU", "warn", failure.message, failure.hint)
    return _left(quota)


def _left(quota: GpuQuota) -> Finding:
    again = f"; whole again at {quota.resets_at}" if quota.resets_at else ""
    told = f"{quota.left_s:.0f} of {quota.base_s:.0f} s left{again}"
    facts = {"base_s": quota.base_s, "left_s": quota.left_s, "resets_at": quota.resets_at}
    if quota.left_s <= quota.base_s * _LITTLE:
        hint = "wait until then, or give steps a fallback that needs no GPU of the Hub's"
        return Finding("ZeroGPU", "warn", told, hint, facts=facts)
    return Finding("ZeroGPU", "ok", told, facts=facts)
