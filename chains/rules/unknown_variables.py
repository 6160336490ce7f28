"""Every `env.X` is named in the chain's `env`."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest


def unknown_variables(chain: Chain) -> Iterator[Problem]:
    """No environment variable is read that the file does not name at its top."""
    for step, one in chain.references:
        if one.root == "env" and one.path and one.path[0] not in chain.env:
            name = str(one.path[0])
            message = f"the environment variable `{name}` is not named in this chain's `env`"
            hint = nearest(name, chain.env) or f"add `env: [{name}]` to the chain"
            yield Problem(one.parts_at[0], "unknown-variable", message, hint, step.name if step else None)
