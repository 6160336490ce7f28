"""The tree of a value: what `$ref`, `${{ … }}`, text and plain YAML have in common. Data only.

Parsed by `expressions`, worked out by `evaluate`. Every node knows its position, so that a mistake at run
time can be shown in the file too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from chains.prompts import PromptTemplate
from chains.text.source import Position

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands for itself."""

    value: Scalar
    at: Position


@dataclass(frozen=True, slots=True)
class Name:
    """A name: `inputs`, `item`, a step."""

    name: str
    at: Position


@dataclass(frozen=True, slots=True)
class Part:
    """`of.name`; `at` is where the name stands."""

    of: "Node"
    name: str
    at: Position


@dataclass(frozen=True, slots=True)
class Index:
    """`of[index]`; `at` is where the index stands."""

    of: "Node"
    index: "Node"
    at: Position


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    operand: "Node"
    at: Position


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`, or `+operand` if not `minus`."""

    operand: "Node"
    at: Position
    minus: bool = True


@dataclass(frozen=True, slots=True)
class Logic:
    """`a or b or c`, `a and b and c`: the value of the operand that decided."""

    operator: OneOf["and", "or"]
    operands: tuple["Node", ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Compare:
    """`first < second <= third`: each operator with what stands on its right."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right`, with one of `+ - * / %`."""

    operator: str
    left: "Node"
    right: "Node"
    at: Position


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if test else otherwise`."""

    test: "Node"
    then: "Node"
    otherwise: "Node"
    at: Position


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments…)`."""

    function: str
    arguments: tuple["Node", ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Fill:
    """`template('name', variable=value, …)`: a prompt template with its gaps filled.

    `template` is None if there is none of that name or a gap stays open; `places` are where the names of the
    variables stand.
    """

    name: "Node"
    values: Mapping[str, "Node"]
    places: Mapping[str, Position]
    template: PromptTemplate | None
    at: Position


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, of YAML's or of an expression."""

    items: tuple["Node", ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Record:
    """A YAML mapping."""

    fields: Mapping[str, "Node"]
    at: Position


@dataclass(frozen=True, slots=True)
class Text:
    """Text with expressions in it; the pieces are joined as text."""

    pieces: tuple["Node", ...]
    at: Position


Node: TypeAlias = (
    Literal
    | Name
    | Part
    | Index
    | Not
    | Negative
    | Logic
    | Compare
    | Arithmetic
    | Choice
    | Call
    | Fill
    | Listing
    | Record
    | Text
)


def inner(node: Node) -> Iterator[Node]:  # noqa: C901, PLR0912 - one case a node
    """The nodes directly below one, from left to right."""
    match node:
        case Part():
            yield node.of
        case Index():
            yield from (node.of, node.index)
        case Not() | Negative():
            yield node.operand
        case Logic():
            yield from node.operands
        case Compare():
            yield from (node.first, *(right for _, right in node.rest))
        case Arithmetic():
            yield from (node.left, node.right)
        case Choice():
            yield from (node.then, node.test, node.otherwise)
        case Call():
            yield from node.arguments
        case Fill():
            yield from (node.name, *node.values.values())
        case Listing():
            yield from node.items
        case Record():
            yield from node.fields.values()
        case Text():
            yield from node.pieces
        case Literal() | Name():
            pass


def every(node: Node) -> Iterator[Node]:
    """A node and all below it, from left to right."""
    left = [node]
    while left:
        one = left.pop()
        yield one
        left += reversed([*inner(one)])
