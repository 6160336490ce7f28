"""The tree of a chain file → a `Chain`, leaving out what is not of the right shape."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from chains import model
from chains.building.step_builder import Defaults, StepBuilder
from chains.building.tree import Tree
from chains.prompt_reader import shipped, templates_of
from chains.prompts import PromptTemplate
from chains.shape.forms import duration
from chains.text.source import Entry, Fields, plain
from chains.text.source import Path as Keys
from spaces_registry.clocks import Clocks
from spaces_registry.signature import Json, Kind


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds a chain of what is right in a file, leaving out what is wrong.

    Attributes:
        tree: the file.
        folder: the chain's own.
        library: the prompt templates of whoever runs it.
    """

    tree: Tree
    folder: Path
    library: Mapping[str, PromptTemplate] = field(default_factory=dict)

    def chain(self) -> model.Chain:
        """The whole chain."""
        tree = replace(self.tree, prompts={**shipped(), **self.library, **templates_of(self.tree)})
        steps = StepBuilder(tree, self.defaults())
        return model.Chain(
            name=tree.get(("name",), str) or _stem(tree.source.file),
            description=tree.get(("description",), str) or "",
            version=tree.written(("version",)),
            inputs={one.key: self.input(one) for one in tree.entries(("inputs",))},
            steps={one.key: steps.step(one) for one in tree.entries(("steps",))},
            outputs=tree.templates(("outputs",)),
            limits={one.key: self.limit(("limits", one.key)) for one in tree.entries(("limits",))},
            env=tuple(str(one) for one in tree.get(("env",), list) or ()),
            budget=self.budget(("budget",)),
            prompts=tree.prompts,
            folder=self.folder,
            source=tree.source,
        )

    def defaults(self) -> Defaults:
        """What steps get that do not say otherwise."""
        cache = self.tree.get(("defaults", "cache"), bool)
        return Defaults(
            timeout=self.tree.clocks(("defaults", "timeout"), Clocks()),
            retry=self.tree.retry(("defaults", "retry"), model.Retry()),
            cache=True if cache is None else cache,
            pickup=self.tree.pickup(("defaults", "pickup"), model.Pickup()),
        )

    def limit(self, path: Keys) -> model.Limit:
        """How much may be asked of one place."""
        return model.Limit(
            concurrency=self.tree.get((*path, "concurrency"), int),
            per_minute=self.tree.get((*path, "per_minute"), int),
            per_day=self.tree.get((*path, "per_day"), int),
        )

    def budget(self, path: Keys) -> model.Budget:
        """What a run may use."""
        gpu = self.tree.get((*path, "gpu"), str)
        return model.Budget(
            gpu_s=None if gpu is None else duration(gpu),
            calls=self.tree.get((*path, "calls"), int),
            usd=self.tree.number((*path, "usd")),
        )

    def input(self, entry: Entry) -> model.Input:
        """One input, in its short or its long form."""
        path: Keys = ("inputs", entry.key)
        at = self.tree.source.position(entry.start)
        if not isinstance(entry.node, Fields):
            default = plain(entry.node)
            kind, many = _kind_of(default)
            return model.Input(entry.key, kind, at, many=many, default=default, required=False)
        has_default = entry.node.get("default") is not None
        default = self.tree.get((*path, "default"), object)  # type: ignore[assignment] # plain YAML is JSON
        choices = self.tree.get((*path, "choices"), list)
        guessed, many = _kind_of(default) if has_default else (Kind.TEXT, False)
        written = self.tree.get((*path, "kind"), str)
        required = self.tree.get((*path, "required"), bool)
        return model.Input(
            entry.key,
            Kind(written) if written else Kind.CHOICE if choices else guessed,
            at,
            many=many
            if (stated := self.tree.get((*path, "many"), bool)) is None and not written
            else bool(stated),
            help=self.tree.get((*path, "help"), str) or "",
            default=default,
            required=not has_default if required is None else required,
            choices=tuple(choices) if choices else None,
            minimum=self.tree.number((*path, "minimum")),
            maximum=self.tree.number((*path, "maximum")),
        )


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
