"""What a mapped step runs over: the items of `each`, or every combination of `matrix`."""

from collections.abc import Mapping, Sequence
from itertools import product

from chains.language.evaluate import ABSENT
from chains.language.expressions import Template  # noqa: TC001 - names a type of values here
from chains.model import Step
from pipelines.engine.arguments import require_found
from pipelines.engine.binding import describe
from spaces_registry.errors import ToolkitError


class NotAList(ToolkitError):
    """What `each` or `matrix` names turned out to be no list."""

    code = "not-a-list"

    def __init__(self, step: str, value: object) -> None:
        message = f"step {step!r} runs once an item of a list, and got {describe(value)}"
        super().__init__(message, hint="name a list, such as $story.images or an input with `many: true`")


class UnequalLists(ToolkitError):
    """Lists that run side by side differ in length."""

    code = "unequal-lists"

    def __init__(self, step: str, lengths: Mapping[str, int]) -> None:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        message = f"the lists that step {step!r} runs over side by side differ in length: {told}"
        super().__init__(message, hint="make them equal, or use `matrix` for every combination")


def scopes_of(step: Step, names: Mapping[str, object]) -> Sequence[Mapping[str, object]] | None:
    """The names that each call of a step sees beside the others: `item` and `index`.

    Args:
        step: its `each` or `matrix` is evaluated.
        names: what expressions may read.

    Returns:
        One mapping a call, in order; a single empty one for a step that is not mapped; None if what it runs
        over was skipped away.

    Raises:
        NothingFound: what it runs over is a query that found nothing.
        NotAList: what it runs over is no list.
        UnequalLists: side-by-side lists differ in length.
    """
    if not step.repeats:
        return [{}]
    columns = _columns(step, names)
    if columns is None:
        return None
    if step.matrix:
        rows = [dict(zip(columns, row, strict=True)) for row in product(*columns.values())]
        return [{"item": row, "index": index} for index, row in enumerate(rows)]
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UnequalLists(step.name, lengths)
    if step.each is not None and not isinstance(step.each.value, Mapping):
        return [{"item": item, "index": index} for index, item in enumerate(columns[""])]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{"item": row, "index": index} for index, row in enumerate(rows)]


def _columns(step: Step, names: Mapping[str, object]) -> dict[str, Sequence[object]] | None:
    written: Mapping[str, Template]
    if step.matrix:
        written = step.matrix
    elif step.each is None:
        written = {}
    else:
        written = step.each.value if isinstance(step.each.value, Mapping) else {"": step.each.value}
    columns: dict[str, Sequence[object]] = {}
    for name, template in written.items():
        value = template.evaluate(names)
        if value is ABSENT:
            return None
        require_found(value, step.title)
        if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
            raise NotAList(step.name, value)
        columns[name] = value
    return columns
