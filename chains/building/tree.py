"""The tree of a chain file, as it is read: what stands at a path, where it is right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from chains.language.expressions import Allowance, Template, parse_bare, parse_value
from chains.model import Pickup, Retry
from chains.problems import Problem
from chains.prompts import PromptTemplate
from chains.shape.forms import duration
from chains.text.source import Entry, Fields, Leaf, Node, Source, plain
from chains.text.source import Path as Keys
from spaces_registry.clocks import Clocks

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tree:
    """What is right in a file; what is wrong is as if it were not there.

    Attributes:
        source: the text.
        wrong: paths whose value is not of the shape that it should have.
        spoiled: these paths and all that lead to them.
        problems: what is found wrong on the way: expressions.
        prompts: the prompt templates that expressions may use.
        allowance: how much more there may be of expressions.
    """

    source: Source
    wrong: frozenset[Keys]
    spoiled: frozenset[Keys]
    problems: list[Problem] = field(default_factory=list)
    prompts: Mapping[str, PromptTemplate] = field(default_factory=dict)
    allowance: Allowance = field(default_factory=Allowance)

    @classmethod
    def of(cls, source: Source, wrong: Iterable[Keys]) -> "Tree":
        """The tree of a file of which these paths are wrong."""
        paths = frozenset(wrong)
        return cls(source, paths, frozenset(one[:end] for one in paths for end in range(len(one) + 1)))

    def node(self, path: Keys) -> Node | None:
        """The node at a path, or None where there is none or where it is wrong."""
        if any(path[:end] in self.wrong for end in range(1, len(path) + 1)):
            return None
        return self.source.node(path)

    def get(self, path: Keys, sort: type[_T]) -> _T | None:
        """The plain value at a path if it is of that class and nothing in it is wrong."""
        node = self.node(path)
        if node is None or path in self.spoiled:
            return None
        value = plain(node)
        return value if isinstance(value, sort) else None

    def entries(self, path: Keys) -> tuple[Entry, ...]:
        """The entries of the mapping at a path, none where there is no mapping."""
        node = self.node(path)
        return node.entries if isinstance(node, Fields) else ()

    def written(self, path: Keys) -> str:
        """A scalar as its author wrote it: `1.10` stays `1.10`."""
        node = self.node(path)
        if not isinstance(node, Leaf) or node.value is None:
            return ""
        return node.value if isinstance(node.value, str) else self.source.text[node.start : node.end]

    def template(self, node: Node, *, bare: bool = False) -> Template:
        """A value as a template; what is wrong with it is kept."""
        parsed = (
            parse_bare(node, self.source, self.prompts, self.allowance)
            if bare and isinstance(node, Leaf)
            else parse_value(node, self.source, self.prompts, self.allowance)
        )
        self.problems.extend(parsed[1])
        return parsed[0]

    def templates(self, path: Keys) -> dict[str, Template]:
        """The values of the mapping at a path as templates."""
        return {one.key: self.template(one.node) for one in self.entries(path)}

    def number(self, path: Keys) -> float | None:
        """The number at a path, or None."""
        value = self.get(path, object)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def several(self, path: Keys) -> list[str]:
        """The texts at a path: one, or a list of them."""
        value = self.get(path, object)
        return [str(one) for one in (value if isinstance(value, list) else [value]) if one is not None]

    def seconds(self, path: Keys, base: float) -> float:
        """The duration at a path, else another."""
        text = self.get(path, str)
        return base if text is None else duration(text)

    def clocks(self, path: Keys, base: Clocks) -> Clocks:
        """The clocks at a path over others."""
        node = self.node(path)
        if isinstance(node, Leaf):
            run = self.get(path, str)
            return base if run is None else replace(base, run_s=duration(run))
        for name in ("wake", "queue", "run"):
            if (text := self.get((*path, name), str)) is not None:
                base = replace(base, **{f"{name}_s": duration(text)})
        return base

    def pickup(self, path: Keys, base: Pickup) -> Pickup:
        """The `pickup` at a path, a mode's name or `{detached: 90s}`, or the one given."""
        if isinstance(self.node(path), Leaf):
            mode = self.get(path, str)
            return base if mode is None else Pickup(mode)
        text = self.get((*path, "detached"), str)
        return base if text is None else Pickup("detached", duration(text))

    def retry(self, path: Keys, base: Retry) -> Retry:
        """What is said at a path about further tries, over another."""
        attempts = self.get((*path, "attempts"), int)
        on = self.get((*path, "on"), dict) or {}
        return Retry(
            attempts=base.attempts if attempts is None else attempts,
            wait_s=self.seconds((*path, "wait"), base.wait_s),
            up_to_s=self.seconds((*path, "up_to"), base.up_to_s),
            on={**base.on, **on},
        )
