"""The tree of a step → a `Step` with its fallbacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from chains import model
from chains.building.tree import Tree
from chains.language.expressions import RESERVED
from chains.shape.forms import size
from chains.shape.step_shape import each_is_controlled
from chains.shape.way_shape import step_kind
from chains.text.source import Entry, Fields, Items, Leaf, Position, plain
from chains.text.source import Path as Keys
from spaces_registry.clocks import Clocks
from spaces_registry.signature import Kind


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a step gets that does not say otherwise: the chain's defaults; for a fallback, its step's own."""

    timeout: Clocks
    retry: model.Retry
    cache: bool
    pickup: model.Pickup
    expect: model.Expect = field(default_factory=model.Expect)
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepBuilder:
    """Builds steps of what is right in a file.

    Attributes:
        tree: the file.
        defaults: what a step gets that does not say otherwise.
    """

    tree: Tree
    defaults: Defaults

    def step(self, entry: Entry) -> model.Step:
        """One step with its fallbacks."""
        path: Keys = ("steps", entry.key)
        known = len(self.tree.problems)
        when = self.tree.node((*path, "when"))
        need_nodes = self.needs((*path, "needs"))
        common = replace(
            self.common(path, self.defaults),
            name=entry.key,
            at=self.tree.source.position(entry.start),
            when=None if when is None else self.tree.template(when, bare=True),
            each=self.each((*path, "each")),
            matrix=self.tree.templates((*path, "matrix")) or None,
            needs=tuple(name for name, _ in need_nodes),
            need_places=tuple(at for _, at in need_nodes),
        )
        common = replace(common, fallback=tuple(self.ways((*path, "fallback"), common)))
        self.tree.problems[known:] = [replace(one, step=entry.key) for one in self.tree.problems[known:]]
        return self.of_kind(path, common)

    def ways(self, path: Keys, step: model.StepFields) -> Iterator[model.Step]:
        """The fallbacks of a step, with what they do not say as their step has it."""
        node = self.tree.node(path)
        own = Defaults(step.timeout, step.retry, step.cache, step.pickup, step.expect, step.outputs)
        for at, one in enumerate(node.nodes if isinstance(node, Items) else ()):
            if isinstance(one, Fields):
                common = self.common((*path, at), own)
                common = replace(common, name=step.name, at=self.tree.source.position(one.start), way=at + 1)
                yield self.of_kind((*path, at), common)

    def common(self, path: Keys, base: Defaults) -> model.StepFields:
        """What steps and fallbacks of every kind have; the name and the place are for the caller to add."""
        tree = self.tree
        arguments = tree.templates((*path, "with"))
        cache = tree.get((*path, "cache"), bool)
        own = tree.get((*path, "outputs"), dict)
        queries: Mapping[str, str] = base.outputs if own is None else own
        return model.StepFields(
            name="",
            at=tree.source.key_at(path),
            arguments=arguments,
            timeout=tree.clocks((*path, "timeout"), base.timeout),
            cache=base.cache if cache is None else cache,
            outputs=queries,
            retry=tree.retry((*path, "retry"), base.retry),
            expect=self.expect((*path, "expect"), base.expect),
            pickup=tree.pickup((*path, "pickup"), base.pickup),
            argument_places={one: tree.source.key_at((*path, "with", one)) for one in arguments},
            output_places={one: tree.source.at((*path, "outputs", one)) for one in queries},
        )

    def expect(self, path: Keys, base: model.Expect) -> model.Expect:
        """What a result must be, key by key over what else is said."""
        said = {
            "min_seconds": self.tree.number((*path, "min_seconds")),
            "min_width": self.tree.get((*path, "min_width"), int),
            "min_height": self.tree.get((*path, "min_height"), int),
            "not_blank": self.tree.get((*path, "not_blank"), bool),
            "matches": self.tree.get((*path, "matches"), str),
        }
        return replace(base, **{key: value for key, value in said.items() if value is not None})  # type: ignore[arg-type] # each of its own type

    def of_kind(self, path: Keys, step: model.StepFields) -> model.Step:
        """A step or a fallback, as what it says it is."""
        step = replace(step, reads=tuple(_reads(step)))
        common = {one.name: getattr(step, one.name) for one in fields(step)}
        node = self.tree.node(path)
        kind = step_kind(None if node is None else plain(node))
        place = self.tree.source.at((*path, kind))
        what = self.tree.get((*path, kind), str) or ""
        match kind:
            case "find":
                return self.find(path, common, what, place)
            case "media":
                return model.MediaStep(**common, operation=what, operation_at=place)
            case "python":
                return self.python(path, common, what, place)
            case "model":
                return self.of_model(path, common, what, place)
            case "service":
                return self.of_service(path, common, what.strip(), place)
            case "chain":
                return model.ChainStep(**common, chain=what.strip(), chain_at=place)
        return self.space(path, common)

    def space(self, path: Keys, common: dict[str, Any]) -> model.SpaceStep:
        """A call of a Space, or of one of several that do the same."""
        first, *others = self.tree.several((*path, "space")) or [""]
        endpoint = self.tree.get((*path, "endpoint"), str)
        place = self.tree.source.at((*path, "space", 0))
        return model.SpaceStep(
            **common,
            space=first,
            others=tuple(others),
            endpoint=f"/{endpoint.lstrip('/')}" if endpoint else None,
            space_at=place,
            endpoint_at=self.tree.source.at((*path, "endpoint")) if endpoint else place,
        )

    def find(self, path: Keys, common: dict[str, Any], words: str, place: Position) -> model.FindStep:
        """A step that looks for its Space."""
        return model.FindStep(
            **common,
            words=words.strip(),
            words_at=place,
            takes=tuple(Kind(one) for one in self.tree.several((*path, "takes"))),
            gives=tuple(Kind(one) for one in self.tree.several((*path, "gives"))),
            category=self.tree.get((*path, "category"), str) or None,
            among=tuple(self.tree.several((*path, "among"))),
        )

    def python(self, path: Keys, common: dict[str, Any], what: str, place: Position) -> model.PythonStep:
        """A call of a function."""
        file, _, function = what.rpartition(":")
        isolate = self.tree.get((*path, "isolate"), bool)
        memory = self.tree.get((*path, "memory"), str)
        return model.PythonStep(
            **common,
            file=file,
            function=function,
            file_at=place,
            isolate=True if isolate is None else isolate,
            memory_bytes=None if memory is None else size(memory),
        )

    def of_model(self, path: Keys, common: dict[str, Any], what: str, place: Position) -> model.ModelStep:
        """A call of a model."""
        return model.ModelStep(
            **common,
            model=what,
            model_at=place,
            task=self.tree.get((*path, "task"), str) or None,
            provider=self.tree.get((*path, "provider"), str) or "auto",
            bill_to=self.tree.get((*path, "bill_to"), str) or None,
        )

    def of_service(self, path: Keys, common: dict[str, Any], what: str, place: Position) -> model.ServiceStep:
        """A call of a service."""
        return model.ServiceStep(
            **common,
            service=what,
            service_at=place,
            endpoint=self.tree.get((*path, "endpoint"), str) or None,
            url=self.tree.get((*path, "url"), str) or None,
        )

    def needs(self, path: Keys) -> list[tuple[str, Position]]:
        """The steps named at a path, one or a list, each with its place."""
        node = self.tree.node(path)
        nodes = node.nodes if isinstance(node, Items) else () if node is None else (node,)
        leaves = [one for one in nodes if isinstance(one, Leaf) and isinstance(one.value, str)]
        return [(str(one.value), self.tree.source.position(one.start)) for one in leaves]

    def each(self, path: Keys) -> model.Each | None:
        """What a step runs over."""
        node, keep_going = self.tree.node(path), False
        if node is not None and each_is_controlled(plain(node)):
            keep_going = self.tree.get((*path, "keep_going"), bool) or False
            node = self.tree.node((*path, "in"))
        if node is None:
            return None
        if isinstance(node, Fields):
            return model.Each({one.key: self.tree.template(one.node) for one in node.entries}, keep_going)
        return model.Each(self.tree.template(node), keep_going)


def _reads(step: model.StepFields) -> Iterator[str]:
    """The steps that a step waits for, each once."""
    roots = [one.root for one in step.references if one.root not in RESERVED]
    yield from dict.fromkeys([*roots, *step.needs])
