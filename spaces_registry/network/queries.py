"""Looks into an answer by JMESPath, whose own words can ask for more than any machine has.

`[@,@]|[@,@]|…` doubles with every word, `[@,@][]|[@,@][]|…` fills the memory with it, and a projection over
what a projection made is a square. Each look has so many steps, and what it finds so many values.

One function is added to JMESPath's own: `items(object)`, the list of its `[key, value]` pairs in the order of
their keys, numbers as numbers. JSON's own order is often chance.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.visitor import TreeInterpreter

from spaces_registry.network.bounds import Bounds
from spaces_registry.sayable import is_of_numbers

_STEPS = Bounds().query_steps
_DIGITS: Final = re.compile(r"([0-9]+)")
_LONG: Final = 100  # digits; a number of more is compared as text


class TooMuch(ValueError):
    """A query asks for more steps, or finds more values, than anybody means."""


def find(query: str, value: object, most: int = _STEPS) -> Any:
    """What a query finds in a value; None for nothing, and for a function that does not fit what is there.

    Args:
        query: JMESPath.
        value: JSON with its lists and objects as `list` and `dict` (see `as_json`); may hold other values,
            which are handed through, and looked into by their `part`.
        most: steps that it may take, and values that it may find.

    Raises:
        TooMuch: it takes more.
    """
    looking = _Bounded(most)
    try:
        found = looking.visit(jmespath.compile(query).parsed, value)
        looking.measure(found)
    except JMESPathError:
        return None
    except (RecursionError, OverflowError) as cause:
        raise TooMuch(f"the query `{query[:60]}` goes too deep") from cause
    return found


def as_json(value: object) -> object:
    """A value as JMESPath knows it: it takes `list` alone for an array, and `dict` for an object."""
    match value:
        case str() | bytes():
            return value
        case Mapping():
            return {name: as_json(one) for name, one in value.items()}
        case Sequence() if is_of_numbers(value):
            return [*value]
        case Sequence():
            return [as_json(one) for one in value]
    return value


def readable(query: str) -> str | None:
    """Why a text is no JMESPath, or None if it is."""
    try:
        jmespath.compile(query)
    except (JMESPathError, RecursionError, ValueError) as error:
        return str(error).splitlines()[0][:120]
    return None


def natural_key(text: str) -> list[tuple[int, str]]:
    """What texts are sorted by so that 9 comes before 10, and `9:2` before `10:1`."""
    pieces = _DIGITS.split(text)
    return [(int(one), "") if at % 2 and len(one) < _LONG else (0, one) for at, one in enumerate(pieces)]


class _Functions(Functions):
    """JMESPath's own functions, and ours."""

    @signature({"types": ["object"]})
    def _func_items(self, of: Mapping[str, Any]) -> list[list[Any]]:
        return [[key, of[key]] for key in sorted(of, key=natural_key)]


class _Bounded(TreeInterpreter):
    """Counts its steps, and the values in what is made on the way."""

    def __init__(self, most: int) -> None:
        super().__init__(jmespath.Options(custom_functions=_Functions()))
        self.left = most

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._spend(1)
        return super().visit(node, *args, **kwargs)

    def visit_field(self, node: Any, value: Any) -> Any:
        """A file has parts, too: its name, its size, what came beside it."""
        if isinstance(value, dict) or not callable(part := getattr(value, "part", None)):
            return super().visit_field(node, value)
        try:
            return as_json(part(node["value"]))
        except KeyError:
            return None

    def visit_flatten(self, node: Any, value: Any) -> Any:
        merged = super().visit_flatten(node, value)
        if merged is not None:
            self._spend(len(merged))
        return merged

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """A function walks through all that it is given."""
        arguments = [self.visit(child, value) for child in node["children"]]
        for one in arguments:
            self.measure(one, texts=True)
        found = self._functions.call_function(  # type: ignore[attr-defined] # the base class sets it
            node["value"], arguments
        )
        self.measure(found, texts=True)
        return found

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """So does a comparison."""
        sides = [self.visit(child, value) for child in node["children"]]
        for one in sides:
            self.measure(one)
        literals = [{"type": "literal", "value": one, "children": []} for one in sides]
        compared: Any = {**node, "children": literals}
        return super().visit_comparator(compared, value)

    def measure(self, value: object, *, texts: bool = False) -> None:
        """Count the values in a value, each as often as it is found there.

        Args:
            value: JSON.
            texts: whether long texts count as many: they are made anew, not handed through.
        """
        waiting = [value]
        while waiting:
            self._spend(1)
            match waiting.pop():
                case list() | tuple() as several:
                    waiting += several
                case dict() as fields:
                    waiting += fields.values()
                case str() as text if texts:
                    self._spend(len(text) // 100)

    def _spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooMuch("the query takes more steps, or finds more values, than it may")
