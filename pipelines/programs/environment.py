"""The environment variables that a chain may read: those its `env` names. Their values are secret.

Programs that we start get the environment without what its names call secret: ffmpeg has no use for a token,
and a function of the user's gets the keys that its chain names.
"""

import os
import re
from collections.abc import Collection, Mapping

from chains.model import Chain
from spaces_registry.errors import ToolkitError

MASK = "•••"
_SECRET = re.compile(
    r"TOKENS?(?:_|$)|(?:^|_)(?:(?:API|ACCESS|AUTH|SSH)?KEYS?|KEY_ID|PAT|SECRETS?|PASS|PASSWD|PASSWORD|PWD|PASSPHRASE|CREDENTIALS?"
    r"|AUTH|COOKIES?|DSN|WEBHOOK)(?:_|$)",
    re.IGNORECASE,
)
_USUAL = frozenset({"PWD", "OLDPWD"})  # folders, not passwords
_HAS_PASSWORD = re.compile(r"://[^/@\s:]*+:[^/@\s]++@")
_KEY_LIKE = re.compile(  # how the keys of well-known hosts begin, and a token of three parts (JWT)
    r"\s*(?:Bearer\s+)?(?:hf_|api_org_|sk-|sk_|rk_live_|pk_live_|r8_|fal_|gsk_|xai-|nvapi-|AIza|ya29\."
    r"|gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|ASIA|eyJ[\w-]+\.eyJ)[\w.+/=:~-]{8,}"
)
_MOST_LOOKED_AT = 10_000  # characters of a value


class MissingVariable(ToolkitError):
    """A chain reads an environment variable that is not set."""

    code = "missing-variable"


def read_environment(chain: Chain) -> dict[str, str]:
    """The value of every variable in the chain's `env`.

    Raises:
        MissingVariable: one is not set.
    """
    missing = [name for name in chain.env if name not in os.environ]
    if missing:
        names = ", ".join(missing)
        message = f"{chain.name} reads the environment variable {names}, which is not set"
        raise MissingVariable(message, hint=f"set it first: export {missing[0]}=…")
    return {name: os.environ[name] for name in chain.env}


def environment_for_children(
    keep: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a program that we start: without tokens, keys and passwords.

    Args:
        keep: names that it is to have nevertheless.
        environ: the whole; None for our own.
    """
    environ = os.environ if environ is None else environ
    return {name: value for name, value in environ.items() if name in keep or not is_credential(name, value)}


def is_credential(name: str, value: str) -> bool:
    """Whether a variable looks like a key, a token or a password: by its name, or by its value."""
    if name in _USUAL:
        return False
    value = value[:_MOST_LOOKED_AT]
    return any((_SECRET.search(name), _HAS_PASSWORD.search(value), _KEY_LIKE.match(value)))


def masked(value: object, secrets: Mapping[str, str]) -> object:
    """A JSON value with every secret in it hidden."""
    match value:
        case str():
            for secret in secrets.values():
                value = value.replace(secret, MASK) if secret else value
            return value
        case Mapping():
            return {str(masked(name, secrets)): masked(one, secrets) for name, one in value.items()}
        case list():
            return [masked(one, secrets) for one in value]
        case _:
            return value
