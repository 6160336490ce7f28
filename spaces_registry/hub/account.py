"""Who the user is to the Hub: the token's role and permissions, and what is left of the ZeroGPU quota.

Sources: `GET /api/whoami-v2`, which the Hub limits strictly; `GET /api/spaces/zero-gpu/quota`. Both answers
are kept for minutes, under a digest of the token.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spaces_registry.apps.schema import mapping
from spaces_registry.errors import BadOutput, Unauthorized
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub

INFERENCE = "inference.serverless.write"
GET_TOKEN = "https://huggingface.co/settings/tokens/new?ownUserPermissions=inference.serverless.write&tokenType=fineGrained"  # noqa: S105 - where one is made
_FULL = frozenset({"read", "write", "god"})  # the old kind of token, which may all that its role says


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that a fine-grained token may.

    Attributes:
        name: the Hub's, e.g. `inference.serverless.write`.
        on: whose things: `user ada`, `org acme`, `space ada/clip`; empty for everything.
    """

    name: str
    on: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The user, as the Hub sees the token.

    Attributes:
        name: of the user.
        is_pro: whether the user pays for PRO.
        organizations: that the user belongs to.
        token: what the user calls it.
        role: `read`, `write`, `god` or `fineGrained`; empty where the Hub does not say.
        permissions: of a fine-grained token.
    """

    name: str
    is_pro: bool = False
    organizations: tuple[str, ...] = ()
    token: str = ""
    role: str = ""
    permissions: tuple[Permission, ...] = ()

    @property
    def may_infer(self) -> bool:
        """Whether it may call models through Inference Providers."""
        return self.role in _FULL or any(one.name == INFERENCE for one in self.permissions)

    @property
    def may_read_private(self) -> bool:
        """Whether it may see private Spaces, at least some."""
        names = {one.name for one in self.permissions}
        return self.role in _FULL or bool(names & {"repo.content.read", "repo.write"})


@dataclass(frozen=True, slots=True)
class GpuQuota:
    """The user's share of ZeroGPU.

    Attributes:
        base_s: seconds a day.
        left_s: of them.
        resets_at: when it is whole again, in ISO 8601; None if nothing of it is used.
        bought_s: seconds used beyond it, which are paid for.
    """

    base_s: float
    left_s: float
    resets_at: str | None = None
    bought_s: float = 0.0


async def account_of(hub: Hub, answers: Answers) -> Account:
    """Who the Hub takes the user for.

    Args:
        hub: with the user's token.
        answers: keeps what it says for some minutes.

    Raises:
        Unauthorized: there is no token, or it is not valid any more.
        RateLimited, Unreachable, BadOutput: the Hub does not say.
        UnwritableCache: the answer cannot be kept.
    """
    _need_token(hub)
    told = await answers.get(_question(hub, "whoami"), lambda: _who(hub))
    permissions = tuple(Permission(name, on) for name, on in told["permissions"])
    organizations = tuple(told["organizations"])
    return Account(told["name"], told["is_pro"], organizations, told["token"], told["role"], permissions)


async def gpu_quota_of(hub: Hub, answers: Answers) -> GpuQuota:
    """What is left of the user's ZeroGPU quota.

    Raises:
        Unauthorized: there is no token, or it may not ask: a fine-grained one needs to read billing.
        RateLimited, Unreachable, BadOutput: the Hub does not say.
        UnwritableCache: the answer cannot be kept.
    """
    _need_token(hub)
    told = await answers.get(_question(hub, "gpu-quota"), lambda: _quota(hub))
    return GpuQuota(**told)


def _need_token(hub: Hub) -> None:
    if not hub.token:
        hint = "set HF_TOKEN or run `hf auth login`"
        raise Unauthorized("the Hub", "there is no Hugging Face token", hint=hint)


def _question(hub: Hub, what: str) -> tuple[str, str, str]:
    digest = hashlib.sha256(f"spacechain {what} {hub.token}".encode()).hexdigest()
    return (what, hub.address, digest)


async def _who(hub: Hub) -> dict[str, Any]:
    told = mapping(await hub.get("/api/whoami-v2", {}, doing="asking whose token it is"))
    token = mapping(mapping(told.get("auth")).get("accessToken"))
    if not isinstance(told.get("name"), str):
        raise BadOutput("the Hub", "asking whose token it is: the Hub answered without a name")
    organizations = told.get("orgs")
    return {
        "name": told["name"],
        "is_pro": told.get("isPro") is True,
        "organizations": [str(mapping(one).get("name")) for one in _listed(organizations)],
        "token": str(token.get("displayName") or ""),
        "role": str(token.get("role") or ""),
        "permissions": [*_permissions(mapping(token.get("fineGrained")))],
    }


def _permissions(told: Any) -> Iterator[tuple[str, str]]:
    for name in _listed(told.get("global")):
        yield str(name), ""
    for scope in _listed(told.get("scoped")):
        entity = mapping(mapping(scope).get("entity"))
        on = f"{entity.get('type', '')} {entity.get('name', '')}".strip()
        for name in _listed(mapping(scope).get("permissions")):
            yield str(name), on


async def _quota(hub: Hub) -> dict[str, Any]:
    doing = "asking for the ZeroGPU quota"
    told = mapping(await hub.get("/api/spaces/zero-gpu/quota", {}, doing=doing))
    base, left, bought = told.get("base"), told.get("current"), told.get("overquotaUsed")
    if not isinstance(base, int | float) or not isinstance(left, int | float):
        raise BadOutput("the Hub", f"{doing}: the Hub answered without a number of seconds")
    resets_at = told.get("resetsAt")
    return {
        "base_s": float(base),
        "left_s": float(left),
        "resets_at": resets_at if isinstance(resets_at, str) else None,
        "bought_s": float(bought) if isinstance(bought, int | float) else 0.0,
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
