"""What expressions may read: what was given, and the outputs of the steps that came before."""

from collections.abc import Mapping, Sequence

from chains.language.evaluate import ABSENT
from pipelines.engine.results import Result, Succeeded


def names_for(
    reads: Sequence[str], given: Mapping[str, object], results: Mapping[str, Result]
) -> dict[str, object]:
    """What expressions that read from these steps may read: the steps' outputs, or their absence."""
    names = dict(given)
    for name in reads:
        result = results[name]
        names[name] = result.outputs if isinstance(result, Succeeded) else ABSENT
    return names
