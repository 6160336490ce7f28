"""The tree of a chain file → a `Chain`, leaving out what is not of the right shape."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from chains import model
from chains.expressions import RESERVED, Template, parse_bare, parse_value
from chains.forms import duration
from chains.problems import Problem
from chains.shape import STEP_KINDS, each_is_controlled
from chains.source import Entry, Fields, Items, Leaf, Node, Position, Source, plain
from chains.source import Path as Keys
from spaces_registry.clocks import Clocks
from spaces_registry.signature import Json, Kind

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds a chain of what is right in a file, leaving out what is wrong.

    Attributes:
        source: the text.
        folder: the chain's own.
        wrong: paths whose value is not of the shape that it should have.
        spoiled: these paths and all that lead to them.
        problems: what is found wrong on the way: expressions.
    """

    source: Source
    folder: Path
    wrong: frozenset[Keys]
    spoiled: frozenset[Keys]
    problems: list[Problem] = field(default_factory=list)

    def chain(self) -> model.Chain:
        """The whole chain."""
        defaults = self.defaults()
        return model.Chain(
            name=self.get(("name",), str) or _stem(self.source.file),
            description=self.get(("description",), str) or "",
            version=self.written(("version",)),
            inputs={one.key: self.input(one) for one in self.entries(("inputs",))},
            steps={one.key: self.step(one, defaults) for one in self.entries(("steps",))},
            outputs=self.templates(("outputs",)),
            limits={
                one.key: model.Limit(count)
                for one in self.entries(("limits",))
                if (count := self.get(("limits", one.key, "concurrency"), int)) is not None
            },
            env=tuple(str(one) for one in self.get(("env",), list) or ()),
            folder=self.folder,
            source=self.source,
        )

    # what stands at a path, where it is right

    def node(self, path: Keys) -> Node | None:
        """The node at a path, or None where there is none or where it is wrong."""
        node = self.source.root
        for at, one in enumerate(path):
            if path[: at + 1] in self.wrong or not isinstance(node, Fields):
                return None
            node = node.get(str(one))
        return node

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
            parse_bare(node, self.source)
            if bare and isinstance(node, Leaf)
            else parse_value(node, self.source)
        )
        self.problems.extend(parsed[1])
        return parsed[0]

    def templates(self, path: Keys) -> dict[str, Template]:
        """The values of the mapping at a path as templates."""
        return {one.key: self.template(one.node) for one in self.entries(path)}

    # the parts of a chain

    def defaults(self) -> tuple[Clocks, bool]:
        """What steps get that do not say otherwise: clocks, and whether to use results again."""
        cache = self.get(("defaults", "cache"), bool)
        return self.clocks(("defaults", "timeout"), Clocks()), True if cache is None else cache

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

    def input(self, entry: Entry) -> model.Input:
        """One input, in its short or its long form."""
        path: Keys = ("inputs", entry.key)
        at = self.source.position(entry.start)
        if not isinstance(entry.node, Fields):
            default = plain(entry.node)
            kind, many = _kind_of(default)
            return model.Input(entry.key, kind, at, many=many, default=default, required=False)
        has_default = entry.node.get("default") is not None
        default = self.get((*path, "default"), object)  # type: ignore[assignment] # plain YAML is JSON
        choices = self.get((*path, "choices"), list)
        guessed, many = _kind_of(default) if has_default else (Kind.TEXT, False)
        written = self.get((*path, "kind"), str)
        required = self.get((*path, "required"), bool)
        return model.Input(
            entry.key,
            Kind(written) if written else Kind.CHOICE if choices else guessed,
            at,
            many=many
            if (stated := self.get((*path, "many"), bool)) is None and not written
            else bool(stated),
            help=self.get((*path, "help"), str) or "",
            default=default,
            required=not has_default if required is None else required,
            choices=tuple(choices) if choices else None,
            minimum=self.number((*path, "minimum")),
            maximum=self.number((*path, "maximum")),
        )

    def number(self, path: Keys) -> float | None:
        """The number at a path, or None."""
        value = self.get(path, object)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def step(self, entry: Entry, defaults: tuple[Clocks, bool]) -> model.Step:
        """One step, as what it says it is."""
        path: Keys = ("steps", entry.key)
        common = self.common(entry, defaults)
        value = plain(entry.node)
        kind = next((one for one in STEP_KINDS if isinstance(value, Mapping) and one in value), "space")
        place = self.source.at((*path, kind))
        what = self.get((*path, kind), str) or ""
        if kind == "find":
            return self.find(path, common, what, place)
        if kind == "media":
            return model.MediaStep(**common, operation=what, operation_at=place)
        if kind == "python":
            file, _, function = what.rpartition(":")
            return model.PythonStep(**common, file=file, function=function, file_at=place)
        endpoint = self.get((*path, "endpoint"), str)
        return model.SpaceStep(
            **common,
            space=what,
            endpoint=f"/{endpoint.lstrip('/')}" if endpoint else None,
            space_at=place,
            endpoint_at=self.source.at((*path, "endpoint" if endpoint else kind)),
        )

    def find(self, path: Keys, common: dict[str, Any], words: str, place: Position) -> model.FindStep:
        """A step that looks for its Space."""
        return model.FindStep(
            **common,
            words=words.strip(),
            words_at=place,
            takes=tuple(Kind(one) for one in self.several((*path, "takes"))),
            gives=tuple(Kind(one) for one in self.several((*path, "gives"))),
            category=self.get((*path, "category"), str) or None,
            among=tuple(self.several((*path, "among"))),
        )

    def several(self, path: Keys) -> list[str]:
        """The texts at a path: one, or a list of them."""
        value = self.get(path, object)
        return [str(one) for one in (value if isinstance(value, list) else [value]) if one is not None]

    def common(self, entry: Entry, defaults: tuple[Clocks, bool]) -> dict[str, Any]:
        """The fields that steps of every kind have, by name."""
        path: Keys = ("steps", entry.key)
        known = len(self.problems)
        arguments = self.templates((*path, "with"))
        when = self.node((*path, "when"))
        cache = self.get((*path, "cache"), bool)
        queries = self.get((*path, "outputs"), dict) or {}
        need_nodes = self.needs((*path, "needs"))
        step = model.StepFields(
            name=entry.key,
            at=self.source.position(entry.start),
            arguments=arguments,
            when=None if when is None else self.template(when, bare=True),
            each=self.each((*path, "each")),
            matrix=self.templates((*path, "matrix")) or None,
            needs=tuple(name for name, _ in need_nodes),
            timeout=self.clocks((*path, "timeout"), defaults[0]),
            cache=defaults[1] if cache is None else cache,
            outputs=queries,
            argument_places={one: self.source.key_at((*path, "with", one)) for one in arguments},
            output_places={one: self.source.at((*path, "outputs", one)) for one in queries},
            need_places=tuple(at for _, at in need_nodes),
        )
        self.problems[known:] = [replace(one, step=entry.key) for one in self.problems[known:]]
        step = replace(step, reads=tuple(_reads(step)))
        return {one.name: getattr(step, one.name) for one in fields(step)}

    def needs(self, path: Keys) -> list[tuple[str, Position]]:
        """The steps named at a path, one or a list, each with its place."""
        node = self.node(path)
        nodes = node.nodes if isinstance(node, Items) else () if node is None else (node,)
        leaves = [one for one in nodes if isinstance(one, Leaf) and isinstance(one.value, str)]
        return [(str(one.value), self.source.position(one.start)) for one in leaves]

    def each(self, path: Keys) -> model.Each | None:
        """What a step runs over."""
        node, keep_going = self.node(path), False
        if node is not None and each_is_controlled(plain(node)):
            keep_going = self.get((*path, "keep_going"), bool) or False
            node = self.node((*path, "in"))
        if node is None:
            return None
        if isinstance(node, Fields):
            return model.Each({one.key: self.template(one.node) for one in node.entries}, keep_going)
        return model.Each(self.template(node), keep_going)


def _stem(file: str) -> str:
    """A chain's name out of its file's."""
    return re.sub(r"[^\w.-]+", "-", Path(file).stem).strip("-._") or "chain"


def _kind_of(default: Json) -> tuple[Kind, bool]:
    """The kind that a default speaks of, and whether it is a list."""
    match default:
        case bool():
            return Kind.BOOLEAN, False
        case int() | float():
            return Kind.NUMBER, False
        case str():
            return Kind.TEXT, False
        case list():
            kinds = {_kind_of(one) for one in default}
            kind, many = kinds.pop() if len(kinds) == 1 else (Kind.JSON, False)
            return (Kind.JSON, False) if many or kind is Kind.JSON else (kind, True)
    return (Kind.ANY if default is None else Kind.JSON), False


def _reads(step: model.StepFields) -> Iterator[str]:
    """The steps that a step waits for, each once."""
    roots = [one.root for one in step.references if one.root not in RESERVED]
    yield from dict.fromkeys([*roots, *step.needs])
