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
    return {name: value for name, value in environ.items() if name in keep or not _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    if name in _USUAL:
        return False
    return _SECRET.search(name) is not None or _HAS_PASSWORD.search(value) is not None


def masked(value: object, secrets: Mapping[str, str]) -> object:
    """A JSON value with every secret in it hidden."""
    match value:
        case str():
            for secret in secrets.values():
                value = value.replace(secret, MASK) if secret else value
            return value
        case Mapping():
            return {name: masked(one, secrets) for name, one in value.items()}
        case list():
            return [masked(one, secrets) for one in value]
        case _:
            return value
