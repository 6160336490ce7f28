"""Items that failed in a step that went on without them, because its chain says `keep_going`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.engine.results import CallDone, Result, Succeeded

_MOST = 100  # failed items that are told one by one


@dataclass(frozen=True, slots=True)
class Loss:
    """The failed items of a step that succeeded.

    Attributes:
        step: its name; of one in a nested chain `outer/inner`.
        items: how many items there were.
        failed: the calls that failed, in the order of the items.
    """

    step: str
    items: int
    failed: tuple[CallDone, ...]

    @property
    def words(self) -> str:
        """How many are missing, and which: `2 of 6, 4 failed (items 2, 4-6)`."""
        return loss_words(self.items, [one.item for one in self.failed])

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape; items are counted from 0, as in `calls`."""
        failures = [(one.item, one.failure) for one in self.failed if one.failure is not None]
        failed = [
            {"item": item, "code": why.code, "message": why.message, "hint": why.hint}
            for item, why in failures
        ]
        return {"step": self.step, "items": self.items, "failed": failed}


def losses_in(results: Mapping[str, Result]) -> Iterator[Loss]:
    """What the steps of a run lost, those of nested chains too, in the order of the file."""
    for name, result in results.items():
        if isinstance(result, Succeeded):
            yield from losses_of(name, result)


def losses_of(name: str, result: Succeeded) -> Iterator[Loss]:
    """What one step lost: its own items, and those of chains that it ran."""
    if failed := tuple(one for one in result.calls if one.failure is not None):
        yield Loss(name, len(result.calls), failed)
    for call in result.calls:
        if call.failure is None:
            where = f"{name}[{call.item + 1}]" if len(result.calls) > 1 else name
            yield from losses_in({f"{where}/{inner}": one for inner, one in call.steps.items()})


def read_losses(document: Mapping[str, object]) -> Iterator[tuple[str, str, list[str]]]:
    """The losses in a `run.json`: the step, how many in words, and each failed item with its reason."""
    for loss in _records(document.get("lost")):
        failed = [(one.get("item"), one) for one in _records(loss.get("failed"))]
        reasons = [
            f"item {item + 1}: {one.get('message')} [{one.get('code')}]"
            for item, one in failed
            if isinstance(item, int)
        ]
        items = loss.get("items")
        numbers = [item for item, _ in failed if isinstance(item, int)]
        if isinstance(items, int):  # else the file was changed by somebody
            yield str(loss.get("step")), loss_words(items, numbers), _folded(reasons)


def loss_words(items: int, failed: Sequence[int]) -> str:
    """The same in words, for items counted from 0; people count them from 1."""
    named = f"item{'' if len(failed) == 1 else 's'} {_ranges(sorted(failed))}"
    return f"{items - len(failed)} of {items}, {len(failed)} failed ({named})"


def _records(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _folded(reasons: list[str]) -> list[str]:
    more = len(reasons) - _MOST
    return reasons if more <= 0 else [*reasons[:_MOST], f"and {more} more; all of them are in run.json"]


def _ranges(numbers: Sequence[int]) -> str:
    """`2, 4-6`: counted from 1, neighbours together."""
    told: list[list[int]] = []
    for number in numbers:
        if told and number == told[-1][1] + 1:
            told[-1][1] = number
        else:
            told.append([number, number])
    return ", ".join(str(first + 1) if first == last else f"{first + 1}-{last + 1}" for first, last in told)
