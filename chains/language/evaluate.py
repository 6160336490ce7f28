"""Works out the value of a parsed expression, by a whitelist of operations on plain values.

No attribute of a Python object is ever reached: `.name` looks into a mapping, or asks an object that
offers `Parts`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol, runtime_checkable

from chains.language.empty import EmptyQuery
from chains.language.functions import (
    MAX_ITEMS,
    MAX_NUMBER,
    MAX_TEXT,
    Function,
    Refused,
    as_text,
    bounded,
    functions,
    number_of,
    sort_of,
    whole_of,
)
from chains.language.nodes import (
    Arithmetic,
    Call,
    Choice,
    Compare,
    Fill,
    Index,
    Listing,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    Part,
    Record,
    Text,
)
from chains.prompts import pieces
from chains.text.source import Position
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.network.bounds import Bounds

_AN_ITEM: Final = 8  # characters that an item of a list counts as: what it takes of memory at least
_TOO_LONG: Final = f"the text would be longer than {MAX_TEXT:,} characters"


class Absent:
    """What is read from a step that was skipped; there is one such value, `ABSENT`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
_FALSY: Final = bool | int | float | str | Mapping | Sequence | Absent | EmptyQuery  # where empty


@runtime_checkable
class Parts(Protocol):
    """Something whose parts an expression may name: a step's outputs, a file."""

    def part(self, name: str) -> object:
        """The part of that name; `KeyError` if there is none."""
        ...

    def parts(self) -> tuple[str, ...]:
        """The names that `part` knows."""
        ...


class EvaluationFailed(ToolkitError):
    """An expression has no value, with these values in it.

    Attributes:
        at: where in the chain file.
    """

    code = "evaluation-failed"

    def __init__(self, message: str, at: Position, *, hint: str | None = None) -> None:
        super().__init__(f"{at.file}:{at.line}:{at.column}: {message}", hint=hint)
        self.at = at
        self.reason = message


def evaluate(node: Node, names: Mapping[str, object]) -> object:
    """The value of a node.

    Args:
        node: a parsed value; its depth is bounded by the parser.
        names: what every name stands for; `ABSENT` for a step that was skipped.

    Returns:
        A plain value (null, boolean, number, text, list, dict), something that a name led to, or `ABSENT`.

    Raises:
        EvaluationFailed: an unknown part, values that do not fit the operation, or a result out of bounds.
    """
    try:
        return _worked(node, _Scope(names))
    except RecursionError as cause:
        raise EvaluationFailed("the values are nested too deeply", node.at) from cause


@dataclass(slots=True)
class _Scope:
    """What names stand for, and how much one evaluation may still make; text that is thrown away counts."""

    names: Mapping[str, object]
    left: int = Bounds().made

    def made(self, value: object) -> object:
        """A value that was made anew."""
        if isinstance(value, str | list):
            self.left -= len(value) * (_AN_ITEM if isinstance(value, list) else 1)
            if self.left < 0:
                raise Refused(f"working it out makes more than {Bounds().made:,} characters")
        return value


def _worked(node: Node, scope: _Scope) -> object:
    """The value of a node within an evaluation; what it cannot be is told at its place."""
    try:
        return _value(node, scope)
    except Refused as cause:
        raise EvaluationFailed(str(cause), node.at) from cause


def _value(node: Node, scope: _Scope) -> object:  # noqa: C901, PLR0911, PLR0912 - one case a node
    match node:
        case Literal():
            return node.value
        case Name():
            return _named(node, scope)
        case Part():
            return _part(_worked(node.of, scope), node)
        case Index():
            return _item(_worked(node.of, scope), _worked(node.index, scope), node)
        case Not():
            return not _truth(_worked(node.operand, scope))
        case Negative():
            return _negative(_worked(node.operand, scope), minus=node.minus)
        case Logic():
            return _decide(node, scope)
        case Compare():
            return _compare(node, scope)
        case Arithmetic():
            return scope.made(
                _arithmetic(node.operator, _worked(node.left, scope), _worked(node.right, scope))
            )
        case Choice():
            return _worked(node.then if _truth(_worked(node.test, scope)) else node.otherwise, scope)
        case Call():
            return scope.made(_call(node, scope))
        case Fill():
            return scope.made(_filled(node, scope))
        case Listing():
            items = [_worked(one, scope) for one in node.items]
            return ABSENT if any(one is ABSENT for one in items) else items
        case Record():
            fields = {key: _worked(one, scope) for key, one in node.fields.items()}
            return ABSENT if any(one is ABSENT for one in fields.values()) else fields
        case Text():
            return scope.made(_joined(node, scope))


def _joined(node: Text, scope: _Scope) -> object:
    texts: list[str] = []
    room = MAX_TEXT
    for one in node.pieces:
        value = _worked(one, scope)
        if value is ABSENT:
            return ABSENT
        texts.append(as_text(value))
        room -= len(texts[-1])
        if room < 0:  # said now, before the rest of a long text is worked out
            raise Refused(_TOO_LONG)
    return "".join(texts)


def _filled(node: Fill, scope: _Scope) -> object:
    # each once, however often its gap stands in the text
    values = {name: _worked(one, scope) for name, one in node.values.items()}
    if node.template is None:
        raise EvaluationFailed("there is no such template, or it has a gap that is not filled", node.at)
    if any(one is ABSENT for one in values.values()):
        return ABSENT
    texts = {**node.template.variables, **{name: as_text(one) for name, one in values.items()}}
    filled = [
        one if isinstance(one, str) else texts.get(one.name) or "" for one in pieces(node.template.prompt)
    ]
    if sum(map(len, filled)) > MAX_TEXT:
        raise Refused(_TOO_LONG)
    return "".join(filled)


def _named(node: Name, scope: _Scope) -> object:
    try:
        return scope.names[node.name]
    except KeyError:
        message = f"there is nothing called `{node.name}` here"
        raise EvaluationFailed(message, node.at, hint=nearest(node.name, scope.names)) from None


def _truth(value: object) -> bool:
    """Whether a value counts as true: not null, false, 0, empty or absent. An object of parts always does."""
    if value is None or isinstance(value, _FALSY):
        return bool(value)
    return True


def _part(value: object, node: Part) -> object:
    if value is ABSENT:
        return ABSENT
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_part(one, node) for one in value]
    try:
        if isinstance(value, Mapping):
            return value[node.name]
        if isinstance(value, Parts):
            return value.part(node.name)
    except KeyError:
        hint = nearest(node.name, _offered(value))
        raise EvaluationFailed(f"there is no `{node.name}`", node.at, hint=hint) from None
    raise EvaluationFailed(f"{sort_of(value)} has no `{node.name}`", node.at)


def _offered(value: object) -> tuple[str, ...]:
    """The names of the parts of a value."""
    if isinstance(value, Mapping):
        return tuple(str(one) for one in value)
    return value.parts() if isinstance(value, Parts) else ()


def _item(value: object, index: object, node: Index) -> object:
    if value is ABSENT or index is ABSENT:
        return ABSENT
    if isinstance(index, str):
        return _part(value, Part(node.of, index, node.at))
    if isinstance(value, Mapping):
        raise EvaluationFailed(f"the keys of a mapping are text, not {sort_of(index)}", node.at)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise EvaluationFailed(f"{sort_of(value)} has no items to count", node.at)
    try:
        return value[whole_of(index)]
    except IndexError:
        raise EvaluationFailed(f"there is no item {index}; the list has {len(value)}", node.at) from None


def _negative(value: object, *, minus: bool) -> object:
    if value is ABSENT:
        return ABSENT
    return -number_of(value) if minus else number_of(value)


def _decide(node: Logic, scope: _Scope) -> object:
    """The first operand that decides, as it is; the last one otherwise."""
    value: object = None
    for operand in node.operands:
        value = _worked(operand, scope)
        if _truth(value) == (node.operator == "or"):
            break
    return value


def _compare(node: Compare, scope: _Scope) -> object:
    left = _worked(node.first, scope)
    for operator, operand in node.rest:
        right = _worked(operand, scope)
        result = _compared(operator, left, right)
        if result is not True:
            return result
        left = right
    return True


def _compared(operator: str, left: object, right: object) -> bool | Absent:
    if operator in {"==", "!="}:
        if (left is ABSENT and right is not None) or (right is ABSENT and left is not None):
            return ABSENT
        same = _equal(_known(left), _known(right))
        return same if operator == "==" else not same
    if left is ABSENT or right is ABSENT:
        return ABSENT
    if operator in {"in", "not in"}:
        return _holds(right, left) == (operator == "in")
    return _ordered(operator, left, right)


def _known(value: object) -> object:
    """The value for a comparison with null, to which what is absent or empty is equal."""
    return None if value is ABSENT or isinstance(value, EmptyQuery) else value


def _equal(left: object, right: object) -> bool:
    """Equal as values of the language: `true` is not 1, and objects of parts are equal to themselves only."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and left == right
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        return list(left) == list(right)
    if isinstance(left, int | float | Mapping) and isinstance(right, int | float | Mapping):
        return bool(left == right)
    return left is right


def _holds(box: object, value: object) -> bool:
    if isinstance(box, str):
        if not isinstance(value, str):
            raise Refused(f"`in` looks for text in a text, not for {sort_of(value)}")
        return value in box
    if isinstance(box, Mapping):
        return isinstance(value, str) and value in box
    if isinstance(box, Sequence):
        return any(_equal(one, value) for one in box)
    raise Refused(f"`in` needs a text, a list or a mapping on its right, not {sort_of(box)}")


def _ordered(operator: str, left: object, right: object) -> bool:
    both_text = isinstance(left, str) and isinstance(right, str)
    if not both_text:
        for one in (left, right):
            if isinstance(one, bool) or not isinstance(one, int | float):
                raise Refused(f"`{operator}` compares two numbers or two texts, not {_pair(left, right)}")
    less = bool(left < right)  # type: ignore[operator] # both are text or both numbers, see above
    same = bool(left == right)
    return {"<": less, "<=": less or same, ">": not (less or same), ">=": not less}[operator]


def _pair(left: object, right: object) -> str:
    return f"{sort_of(left)} and {sort_of(right)}"


def _arithmetic(operator: str, left: object, right: object) -> object:
    if left is ABSENT or right is ABSENT:
        return ABSENT
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return bounded(left + right)
    if operator == "+" and isinstance(left, Sequence) and isinstance(right, Sequence):
        if isinstance(left, str) or isinstance(right, str):
            raise Refused(f"`+` cannot add {_pair(left, right)}")
        if len(left) + len(right) > MAX_ITEMS:
            raise Refused(f"the list would have more than {MAX_ITEMS:,} items")
        return [*left, *right]
    for one in (left, right):
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise Refused(f"`{operator}` cannot take {_pair(left, right)}")
    return _calculated(operator, number_of(left), number_of(right))


def _calculated(operator: str, left: float, right: float) -> int | float:
    if operator in {"/", "%"} and right == 0:
        raise Refused("division by zero")
    try:
        match operator:
            case "+":
                result = left + right
            case "-":
                result = left - right
            case "*":
                result = left * right
            case "/":
                result = left / right
            case _:
                result = left % right
    except OverflowError:
        result = math.inf
    if abs(result) > MAX_NUMBER or math.isnan(result):
        raise Refused("the number is too large")
    return result


def _call(node: Call, scope: _Scope) -> object:
    function = _functions().get(node.function)
    if function is None:
        hint = nearest(node.function, _functions())
        raise EvaluationFailed(f"there is no function `{node.function}`", node.at, hint=hint)
    values = [_worked(one, scope) for one in node.arguments]
    if any(one is ABSENT for one in values):
        return ABSENT
    if not function.least <= len(values) <= function.most:
        raise EvaluationFailed(f"`{node.function}` is called as `{function.usage}`", node.at)
    try:
        result = function.call(*values)
    except Refused as cause:
        raise EvaluationFailed(f"{node.function}: {cause}", node.at) from cause
    return bounded(result) if isinstance(result, str) else result


@cache
def _functions() -> Mapping[str, Function]:
    return functions()
