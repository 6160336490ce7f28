"""The environment variables that a chain may read: those its `env` names. Their values are secret."""

import os
from collections.abc import Mapping

from chains.model import Chain
from spaces_registry.errors import ToolkitError

MASK = "•••"


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
