"""Every input is read somewhere."""

from collections.abc import Iterator

from chains.meaning.misspelt import misspelt
from chains.model import Chain
from chains.problems import Problem


def unused_inputs(chain: Chain) -> Iterator[Problem]:
    """An input that nothing reads is asked for in vain; one that is read by a misspelt name is not unused."""
    read = {one.path[0] for _, one in chain.references if one.root == "inputs" and one.path}
    meant = {*misspelt(map(str, read), chain.inputs).values()}
    for name, one in chain.inputs.items():
        if name not in read and name not in meant:
            hint = f"read it with `$inputs.{name}`, or remove it"
            yield Problem(
                one.at, "unused-input", f"nothing reads the input `{name}`", hint, severity="warning"
            )
