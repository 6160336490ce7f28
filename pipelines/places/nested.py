"""Places that are chains themselves: each file is read once, and none nests a chain that it lies in."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chains.language.expressions import Template
from chains.language.nodes import Text
from chains.lock.file import lock_path, read_lock
from chains.lock.locked import Lock, NoLock
from chains.meaning.kinds import type_of
from chains.meaning.parts import PartType
from chains.meaning.paths import is_hidden, is_missing, is_outside, unusable
from chains.model import Chain, ChainStep, FindStep, Input, SpaceStep
from chains.recipes import recipes
from pipelines.places.finding import Finder
from pipelines.places.place import Place
from pipelines.runners.chain import ChainRunner
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return

if TYPE_CHECKING:
    from pipelines.places.places import Places

MOST_DEEP: Final = 8
_SUFFIXES = (".yaml", ".yml")


class NotNested(ToolkitError):
    """A chain cannot be nested where a step names it."""

    code = "not-nested"


class NestedInCircle(NotNested):
    """A chain would run itself."""

    code = "chains-in-circle"

    def __init__(self, names: tuple[str, ...]) -> None:
        hint = "a chain cannot use itself, not even through another"
        super().__init__(f"these chains use each other in a circle: {' → '.join(names)}", hint=hint)
        self.names = names


class NestedTooDeep(NotNested):
    """Chains lie in each other deeper than is run."""

    code = "nested-too-deep"

    def __init__(self, names: tuple[str, ...]) -> None:
        message = f"chains are nested more than {MOST_DEEP} deep: {' → '.join(names)}"
        super().__init__(message, hint="use the inner chain's steps in one of the chains around it")
        self.names = names


class OutsideFolder(NotNested):
    """A step names a chain that lies where the outermost chain may not read."""

    code = "outside-folder"


class NoSuchChain(NotNested):
    """A step names neither a chain file nor a recipe."""

    code = "unknown-chain"


@dataclass(frozen=True, slots=True)
class Around:
    """The chains that a step lies in, from the outermost to its own.

    Attributes:
        root: folder of the outermost one, resolved; no file outside of it is read.
        trail: who they are, in that order: a resolved path, or a recipe's name.
        read: what was read of the chains in them, by who they are; one for a whole nest.
    """

    root: Path
    trail: tuple[str, ...]
    read: dict[str, "Nested"] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, chain: Chain) -> "Around":
        """What is around the steps of a chain that no other one uses."""
        root = chain.folder.resolve()
        return cls(root, (str(root / Path(chain.source.file).name),))

    def names(self, last: str) -> tuple[str, ...]:
        """The trail with one chain more, as it is told: paths below the outermost folder."""
        prefix = f"{self.root}/"
        return tuple(one.removeprefix(prefix) for one in (*self.trail, last))


@dataclass(frozen=True, slots=True)
class Nested:
    """A chain that a step runs.

    Attributes:
        chain: as it is loaded.
        around: what its own steps lie in.
        endpoint: what it takes and returns, as far as can be told without the network.
        height: how many chains lie in each other here, itself counted.
    """

    chain: Chain
    around: Around
    endpoint: Endpoint
    height: int


def read_nested(chain: Chain, step: ChainStep, around: Around) -> Nested:
    """The chain that a step names.

    Args:
        chain: the step's own.
        step: names a file beside that chain, or a recipe.
        around: what the step lies in.

    Raises:
        OutsideFolder: the file lies outside the outermost chain's folder, links resolved.
        NoSuchChain: there is neither a file nor a recipe of that name.
        NestedInCircle: it is one of the chains around the step.
        NestedTooDeep: too many chains would lie in each other.
        InvalidChain: it is no chain.
    """
    identity = _identity(chain, step, around)
    if identity in around.trail:
        circle = around.names(identity)
        raise NestedInCircle(circle[around.trail.index(identity) :])
    if len(around.trail) >= MOST_DEEP:
        raise NestedTooDeep(around.names(identity))
    if identity not in around.read:
        within = replace(around, trail=(*around.trail, identity))
        around.read[identity] = _read(chain, step, identity, within)
    found = around.read[identity]
    if len(around.trail) + found.height > MOST_DEEP:
        raise NestedTooDeep(around.names(identity))
    return found


def _identity(chain: Chain, step: ChainStep, around: Around) -> str:
    """Who a step names: a resolved path, or the name of a recipe."""
    name = step.chain
    if why := unusable(name, chain.folder):
        raise NoSuchChain(f"the path `{name[:80]}` {why}")
    path = chain.folder / name
    if not name.endswith(_SUFFIXES) and is_missing(name, chain.folder):
        known = recipes()
        if name in known:
            return name
        from spaces_registry.errors import nearest  # noqa: PLC0415 - only for the message

        message = f"there is no chain file and no recipe named {name!r}"
        raise NoSuchChain(message, hint=nearest(name, known))
    if Path(name).is_absolute() or is_outside(_below(path, around.root), around.root):
        message = f"`{name}` lies outside the folder of the outermost chain"
        raise OutsideFolder(message, hint="put the file beside that chain, or below")
    if is_hidden(name, chain.folder):
        raise OutsideFolder(f"`{name}` is a hidden file, which a chain may not read")
    if is_missing(name, chain.folder):
        from spaces_registry.errors import nearest  # noqa: PLC0415 - only for the message

        offered = [one.name for one in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise NoSuchChain(
            f"there is no chain file `{name}` beside {chain.source.file}", hint=nearest(path.name, offered)
        )
    return str(path.resolve())


def _below(path: Path, root: Path) -> str:
    """A path as one that is relative to the root; one that leads elsewhere stays one that does."""
    try:
        return str(path.resolve().relative_to(root))
    except (OSError, RuntimeError, ValueError):
        return ".."


def _read(chain: Chain, step: ChainStep, identity: str, within: Around) -> Nested:
    # both know this module: a chain's steps may be chains
    from chains.loader import load, loads  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.templates import home_library  # noqa: PLC0415
    from pipelines.places.places import local_endpoints  # noqa: PLC0415

    known, library = partial(local_endpoints, around=within), home_library(find_home())
    if not Path(identity).is_absolute():
        nested = loads(
            recipes()[identity].text, file=identity, folder=within.root, known=known, library=library
        )
    else:
        nested = load(
            _shown(Path(chain.source.file).parent / step.chain, Path(identity)), known=known, library=library
        )
    height = 1
    for one in nested.ways:
        if isinstance(one, ChainStep):
            with suppress(ToolkitError):  # told where the nested chain is checked
                height = max(height, 1 + read_nested(nested, one, within).height)
    endpoints = {key: one for key, one in known(nested).items() if isinstance(one, Endpoint)}
    return Nested(nested, within, signature_of(nested, endpoints), height)


def _shown(written: Path, resolved: Path) -> Path:
    """A file as it is told: as it is written, seen from where the user is, as far as that leads to it."""
    plain = Path(os.path.normpath(written))
    return plain if plain.resolve() == resolved else resolved


def signature_of(chain: Chain, known: Mapping[str, Endpoint]) -> Endpoint:
    """What a chain takes and returns: its inputs and its outputs.

    Args:
        chain: any chain.
        known: by step, what its steps call, as far as it can be told; it tells the kinds of the outputs.
    """
    return Endpoint(
        name=chain.name,
        parameters=tuple(_parameter(one) for one in chain.inputs.values()),
        returns=tuple(_return(name, one, chain, known) for name, one in chain.outputs.items()),
        description=chain.description,
    )


def _parameter(one: Input) -> Parameter:
    return Parameter(
        name=one.name,
        kind=one.kind,
        label=one.help,
        required=one.required,
        default=one.default,
        choices=one.choices,
        minimum=one.minimum,
        maximum=one.maximum,
        many=one.many,
    )


def _return(name: str, template: Template, chain: Chain, known: Mapping[str, Endpoint]) -> Return:
    part = None
    if template.reference is not None:
        part = type_of(template.reference, chain, known)
    elif isinstance(template.node, Text):
        part = PartType(Kind.TEXT)
    elif template.is_literal:
        with suppress(ToolkitError):  # it has no value, which is another rule's
            part = PartType(_kind_of(template.literal))
    part = part or PartType(Kind.ANY)
    return Return(name, part.kind, many=part.many)


def _kind_of(value: Json) -> Kind:
    match value:
        case bool():
            return Kind.BOOLEAN
        case int():
            return Kind.INTEGER
        case float():
            return Kind.NUMBER
        case str():
            return Kind.TEXT
        case _:
            return Kind.JSON


def chain_endpoint(chain: Chain, step: ChainStep, around: Around | None = None) -> Endpoint:
    """What a nested chain takes and returns, as far as can be told offline; raises as `read_nested`."""
    return read_nested(chain, step, around or Around.of(chain)).endpoint


async def chain_place(chain: Chain, step: ChainStep, places: "Places") -> Place:
    """The place of a nested chain, with the places of its own steps.

    Raises:
        ToolkitError: as `read_nested`; or only locked places are to be used, and it has no lock.
    """
    nested = read_nested(chain, step, places.around)
    inner = places.nested.get(nested.around.trail[-1])
    if inner is None:
        inner = _places(nested, places)
        places.nested[nested.around.trail[-1]] = inner
    known: dict[str, Endpoint] = {}
    read = {one.root for output in nested.chain.outputs.values() for one in output.references}
    for name, one in nested.chain.steps.items():
        if name in read:
            with suppress(ToolkitError):  # it is not ready: the bytes will tell what it gives
                known[name] = (await inner.find(one, wake_s=0.0)).endpoint
    endpoint = signature_of(nested.chain, known)
    return Place("chain", nested.chain.source.file, endpoint, ChainRunner(), nested=inner)


def _places(nested: Nested, places: "Places") -> "Places":
    chain = nested.chain
    finder = Finder(chain, places.registry, places.finder.among)
    return replace(places, chain=chain, finder=finder, lock=_lock(chain, places), inside=nested.around)


def _lock(chain: Chain, places: "Places") -> Lock | None:
    """A nested chain's own lock: one for all the chains that use it."""
    file = Path(chain.source.file)
    lock = read_lock(lock_path(file)) if file.is_file() else None
    if lock is None and places.frozen and any(isinstance(one, SpaceStep | FindStep) for one in chain.ways):
        raise NoLock(chain)
    return lock


def chains_in(chain: Chain, around: Around | None = None) -> Iterator[Chain]:
    """Every chain in a chain, each once, as far as they can be read; a problem is told elsewhere."""
    start = around or Around.of(chain)
    waiting, seen = [(chain, start)], {start.trail[-1]}
    while waiting:
        here, about = waiting.pop(0)
        for step in here.ways:
            if not isinstance(step, ChainStep):
                continue
            with suppress(ToolkitError):
                nested = read_nested(here, step, about)
                if nested.around.trail[-1] not in seen:
                    seen.add(nested.around.trail[-1])
                    waiting.append((nested.chain, nested.around))
                    yield nested.chain
