"""The text of a chain file as a tree that knows where everything stands."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from chains.text.scalars import origins
from spaces_registry.signature import Json

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file.

    Attributes:
        file: the file's name as the user gave it.
        line: 1-based.
        column: 1-based, in characters.
    """

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar.

    Attributes:
        value: what it means by YAML 1.2.
        start: index of its first character in the text, its quote or block sign included.
        end: index after its last character.
        plain: whether it stands without quotes and without a block sign.
    """

    value: bool | int | float | str | None
    start: int
    end: int
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple["Node", ...]
    start: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; `start` is the key's own index."""

    key: str
    start: int
    node: "Node"


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping, in the file's order; keys are text and unique."""

    entries: tuple[Entry, ...]
    start: int

    def get(self, key: str) -> "Node | None":
        """The value under a key, or None."""
        return next((one.node for one in self.entries if one.key == key), None)


Node: TypeAlias = Leaf | Items | Fields


def plain(node: Node) -> Json:
    """The value of a node without its positions."""
    match node:
        case Leaf():
            return node.value
        case Items():
            return [plain(one) for one in node.nodes]
        case Fields():
            return {one.key: plain(one.node) for one in node.entries}


@dataclass(frozen=True)
class Source:
    """A chain file's text and where things stand in it.

    Attributes:
        file: the name as the user gave it.
        text: the whole text.
        root: the tree, or None where the text could not be read.
    """

    file: str
    text: str
    root: Node | None = field(default=None, repr=False)

    @cached_property
    def _starts(self) -> list[int]:
        """Index of the first character of every line."""
        return [0, *(index + 1 for index, character in enumerate(self.text) if character == "\n")]

    @cached_property
    def _places(self) -> Mapping[Path, tuple[int, Node]]:
        """Per path the index of its key (or of the item itself) and its value."""
        places: dict[Path, tuple[int, Node]] = {}
        waiting: list[tuple[Path, int, Node]] = []
        if self.root is not None:
            waiting.append(((), self.root.start, self.root))
        while waiting:
            path, key_start, node = waiting.pop()
            places[path] = (key_start, node)
            match node:
                case Items():
                    waiting += [((*path, at), one.start, one) for at, one in enumerate(node.nodes)]
                case Fields():
                    waiting += [((*path, one.key), one.start, one.node) for one in node.entries]
                case Leaf():
                    pass
        return places

    @property
    def leaves(self) -> Iterator[tuple[Path, Leaf]]:
        """Every scalar with its path; a scalar that an alias repeats comes once a use."""
        waiting: list[tuple[Path, Node]] = [] if self.root is None else [((), self.root)]
        while waiting:
            path, node = waiting.pop()
            match node:
                case Leaf():
                    yield path, node
                case Items():
                    waiting += [((*path, at), one) for at, one in enumerate(node.nodes)]
                case Fields():
                    waiting += [((*path, one.key), one.node) for one in node.entries]

    def position(self, index: int) -> Position:
        """Line and column of an index into the text."""
        line = bisect_right(self._starts, index)
        return Position(self.file, line, index - self._starts[line - 1] + 1)

    def characters(self, leaf: Leaf) -> Callable[[int], Position]:
        """From an index into a text scalar's value to its place in the file."""
        text = leaf.value if isinstance(leaf.value, str) else ""
        indexes = origins(text, self.text[leaf.start : leaf.end])
        return lambda index: self.position(leaf.start + indexes[min(index, len(text))])

    def written(self, path: Path) -> Json:
        """The value at a path as it stands in the file; None if there is none."""
        node = self.node(path)
        return None if node is None else plain(node)

    def node(self, path: Path) -> Node | None:
        """The node at a path, or None."""
        found = self._places.get(path)
        return found[1] if found else None

    def at(self, path: Path) -> Position:
        """Where the value at a path begins; the nearest enclosing value if there is none."""
        return self.position(self._near(path)[1])

    def key_at(self, path: Path) -> Position:
        """Where the key of a path begins; the nearest enclosing key if there is none."""
        return self.position(self._near(path)[0])

    def _near(self, path: Path) -> tuple[int, int]:
        """Where the key and the value at a path begin; those of what is around it if there is none."""
        while path and path not in self._places:
            path = path[:-1]
        key_start, node = self._places.get(path, (0, None))
        return key_start, node.start if node is not None else 0
