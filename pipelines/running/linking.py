"""Spaces linked straight into a chain: described, wired by kind, written down, ready to run."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from chains.checks import check
from chains.compose.composition import (
    Composition,
    Decision,
    Linked,
    Question,
    TooFewSpaces,
    compose,
    with_decision,
)
from chains.compose.handed import Given
from chains.compose.wiring import Connection
from chains.compose.written import write
from chains.loader import loads
from chains.meaning.paths import expanded
from chains.model import Chain
from chains.problems import InvalidChain
from pipelines.household.library import NotWritten
from pipelines.running.workshop import Settings, Workshop, address_here, open_workshop
from spaces_registry.address import BadAddress
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.registry import Registry
from spaces_registry.signature import NoApi, Space

_WAKE_S = 300.0  # for a Space that sleeps; as a step's
Ask = Callable[[Question], Awaitable[Decision | None]]


class NotLinked(ToolkitError):
    """An option speaks of a Space that is not among those that are linked."""

    code = "not-linked"


@dataclass(frozen=True, slots=True)
class Link:
    """What is to be linked.

    Attributes:
        spaces: ids, URLs or aliases, in the order of the chain; or words for what a Space should do.
        given: texts by input name; several for a list.
        wires: what is decided already.
        endpoints: Space to names of its endpoints; the first for where it stands first, and so on.
        name: of the chain; None for one made of its steps.
        save: where to keep the chain; None keeps it nowhere.
    """

    spaces: tuple[str, ...]
    given: Mapping[str, Sequence[str]]
    wires: tuple[Connection, ...] = ()
    endpoints: Mapping[str, Sequence[str]] = field(default_factory=dict)
    name: str | None = None
    save: Path | None = None


@dataclass(frozen=True, slots=True)
class LinkedChain:
    """A chain that was composed: its parts, its text, and itself."""

    composition: Composition
    text: str
    chain: Chain


@asynccontextmanager
async def open_link(link: Link, settings: Settings, ask: Ask) -> AsyncIterator[tuple[Workshop, LinkedChain]]:
    """Look at the Spaces and compose a chain of them, in a workshop where it can run.

    Args:
        link: what is wanted.
        settings: where to work.
        ask: decides what is left open; None for none of the choices.

    Raises:
        ToolkitError: a Space cannot be reached, or they make no chain; nothing was called.
    """
    if link.save is not None:
        refuse_existing(link.save)
    if len(link.spaces) < 2:  # noqa: PLR2004 - a link has two ends
        raise TooFewSpaces("a link takes two Spaces or more", hint="for one Space there is `spacechain call`")
    given = tuple(Given(name, tuple(values)) for name, values in link.given.items())
    addresses = [one if _is_words(one) else address_here(one, settings).shown for one in link.spaces]
    settings.say(f"looking at {len(addresses)} Spaces")
    async with open_workshop(_only_spaces(addresses), settings) as shop:
        row = _narrowed(await _described(addresses, shop), link, shop.registry)
        made = await _composed(row, given, link, ask)
        for line in made.chosen:
            settings.say(line)
        yield shop, _loaded(made, link)


def save(linked: LinkedChain, path: Path) -> None:
    """Keep a chain as a file; one that is there is never touched.

    Raises:
        NotWritten: the file exists, or cannot be written.
    """
    refuse_existing(path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(linked.text)
    except OSError as cause:
        raise NotWritten(f"{path} cannot be written: {cause.strerror or cause}") from cause


def refuse_existing(path: Path) -> None:
    """Say so before the work if a file would be in the way.

    Raises:
        NotWritten: it exists, or its folder does not.
    """
    if path.exists() or path.is_symlink():
        raise NotWritten(f"{path} is there already", hint="choose another name, or remove it first")
    if not path.parent.is_dir():
        raise NotWritten(f"{path.parent} is no folder", hint="create it first")


async def _composed(row: tuple[Linked, ...], given: tuple[Given, ...], link: Link, ask: Ask) -> Composition:
    wires = link.wires
    while isinstance(made := compose(row, given, wires, _default_file(link.save)), Question):
        decision = await ask(made)
        if decision is None:
            open_ = dict.fromkeys(
                one.decision.parameter for one in made.choices if isinstance(one.decision, Connection)
            )
            wires += tuple(Connection(one, "") for one in open_)
            continue
        row, added = with_decision(row, decision)
        wires += added
    return made


def _loaded(made: Composition, link: Link) -> LinkedChain:
    name = link.name or _stem(link.save) or "-".join(one.name for one in made.steps)
    text = write(made, name)
    folder = (link.save.parent if link.save else Path.cwd()).resolve()
    chain = loads(text, file=str(link.save or name), folder=folder)
    problems = [one for one in check(chain, made.endpoints) if one.severity == "error"]
    if problems:
        raise InvalidChain(problems, chain.source)
    return LinkedChain(made, text, chain)


def _stem(save: Path | None) -> str:
    """A chain's name out of its file's."""
    return re.sub(r"[^\w.-]+", "-", save.stem).strip("-._")[:100] if save else ""


def _default_file(save: Path | None) -> Callable[[str], str | None]:
    """How the chain may name a file: a URL as it is, a file beside the chain by its relative path."""

    def name(written: str) -> str | None:
        if written.startswith(("http://", "https://")):
            return written
        try:
            path = expanded(written).resolve()
            folder = save.parent.resolve() if save else None
            is_beside = folder is not None and path.is_relative_to(folder) and path.is_file()
        except (OSError, RuntimeError, ValueError):  # links in a circle, no name of a file
            return None
        if folder is None or not is_beside:
            return None
        return path.relative_to(folder).as_posix()

    return name


def _is_words(written: str) -> bool:
    return len(written.split()) > 1 and "://" not in written


def _only_spaces(addresses: Sequence[str]) -> Chain:
    """A chain that calls nothing, for a workshop that knows which Spaces it is about."""
    steps = {
        f"step_{at}": {"find" if _is_words(one) else "space": one}
        for at, one in enumerate(dict.fromkeys(addresses))
    }
    return loads(json.dumps({"name": "link", "steps": steps}), file="link", folder=Path.cwd())


async def _described(addresses: Sequence[str], shop: Workshop) -> tuple[Linked, ...]:
    """All Spaces, looked at concurrently; the first of them that cannot be is the error."""
    spaces: dict[str, Space] = {}
    failures: dict[str, ToolkitError] = {}

    async def one(address: str) -> None:
        try:
            where = await _found(address, shop) if _is_words(address) else address
            spaces[address] = await shop.registry.describe(where, wake_s=_WAKE_S)
            if not spaces[address].endpoints:
                raise NoApi(spaces[address].address)
        except ToolkitError as failure:
            failures[address] = failure

    async with anyio.create_task_group() as tasks:
        for address in dict.fromkeys(addresses):
            tasks.start_soon(one, address)
    for address in addresses:
        if address in failures:
            raise failures[address]
    return tuple(Linked(spaces[one].address, spaces[one].endpoints) for one in addresses)


async def _found(words: str, shop: Workshop) -> str:
    """The Space that suits words best; in the studio one of its own."""
    from spaces_registry.fitting.ranking import Need  # noqa: PLC0415 - only words need it
    from spaces_registry.fitting.resolver import resolve  # noqa: PLC0415

    need = Need(words=words, among=shop.places.finder.among)
    return (await resolve(need, shop.registry)).best().space


def _narrowed(row: tuple[Linked, ...], link: Link, registry: Registry) -> tuple[Linked, ...]:
    """The row with the endpoints that the user named: for the first place of a Space its first, and so on."""
    names = dict(zip(link.spaces, (one.space for one in row), strict=True))
    wanted: dict[str, list[str]] = {}
    for written, several in link.endpoints.items():
        space = names.get(written) or (written if written in names.values() else None)
        space = space or names.get(next((one for one in names if _same(one, written, registry)), ""))
        if space is None:
            raise NotLinked(f"--endpoint names {written}, which is not linked", hint=nearest(written, names))
        wanted.setdefault(space, []).extend(several)
    narrowed: list[Linked] = []
    for one in row:
        left = wanted.get(one.space)
        if left is None:
            narrowed.append(one)
            continue
        name = left.pop(0) if len(left) > 1 else left[0]
        narrowed.append(replace(one, endpoints=(Space(one.space, "", one.endpoints).endpoint(name),)))
    return tuple(narrowed)


def _same(one: str, other: str, registry: Registry) -> bool:
    """Whether two texts are the same address: an alias and its id, a URL with and without its last slash."""
    try:
        return registry.address(one) == registry.address(other)
    except BadAddress:
        return False
