"""YAML text → a tree with positions, without YAML's traps.

The parser's events are read one by one, so that depth and aliases are bounded before anything grows.
Plain anchors and aliases are allowed, within bounds; tags, merge keys, duplicate keys, keys that are no text
and a second document are mistakes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import yaml

from chains.problems import Problem
from chains.text.scalars import NotFinite, resolve
from chains.text.source import Entry, Fields, Items, Leaf, Node, Source
from chains.text.syntax import Mistake, bare_braces, explain
from spaces_registry.network.bounds import Bounds

MAX_BYTES: Final = Bounds().chain_bytes
MAX_DEPTH: Final = 64
MAX_VALUES: Final = 50_000  # keys and values, aliases left aside
MAX_ALIASED: Final = 10_000  # values that aliases may add; a long text counts as several

Loader: TypeAlias = type[yaml.SafeLoader] | type[yaml.CSafeLoader]

# an index is part of a reference also where YAML would take its brackets for a list
_INDEXED = re.compile(r"\$[A-Za-z_]\w*(?:\.\w+|\[-?[0-9]{1,9}\])*")
_OPEN, _CLOSE = "\uf8e0", "\uf8e1"  # stand for `[` and `]` there, of the same length, while the parser reads

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _GiveUp(Exception):
    """Nothing sensible can be read after this."""


def fastest_loader() -> Loader:
    """The parser of libyaml where it is there, else the pure one; positions are the same."""
    return yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read(text: str, file: str, loader: Loader | None = None) -> tuple[Source, tuple[Problem, ...]]:
    """Read YAML text.

    Args:
        text: the whole file.
        file: its name, for positions.
        loader: which of PyYAML's parsers to use.

    Returns:
        The text with its tree (None where nothing could be made of it) and every mistake found.
    """
    text = text.removeprefix("\ufeff")
    places = Source(file, text)
    builder = _Builder(text, places)
    if len(text.encode(errors="replace")) > MAX_BYTES:
        hint = "keep long lists in a table and run `batch` over it"
        builder.mistakes.append(Mistake(0, "too-large", "the file is larger than 1 MB", hint))
    elif found := _UNPRINTABLE.search(text):
        message = f"the file contains the control character U+{ord(found[0]):04X}"
        builder.mistakes.append(Mistake(found.start(), "control-character", message, "remove it"))
    else:
        builder.build(loader or fastest_loader())
    return replace(places, root=builder.root), tuple(
        Problem(places.position(one.index), one.code, one.message, one.hint) for one in builder.mistakes
    )


def _masked(text: str) -> str:
    if _OPEN in text or _CLOSE in text:
        return text  # nobody's file; a reference with an index then needs quotes in `{…}` and `[…]`
    return _INDEXED.sub(lambda found: found[0].replace("[", _OPEN).replace("]", _CLOSE), text)


def _unmasked(value: str, text: str) -> str:
    return value if _OPEN in text or _CLOSE in text else value.replace(_OPEN, "[").replace(_CLOSE, "]")


@dataclass(slots=True)
class _Frame:
    """A collection that is being read."""

    event: yaml.CollectionStartEvent
    is_map: bool
    nodes: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Leaf | None = None  # read, its value not yet
    dropped: bool = False  # whether the coming value belongs to a key that is a mistake

    @property
    def start(self) -> int:
        return _start(self.event)

    @property
    def wants_key(self) -> bool:
        return self.is_map and self.key is None and not self.dropped


@dataclass(slots=True)
class _Builder:
    """Builds the tree out of the parser's events."""

    text: str
    places: Source  # the text, to say at which line something is
    mistakes: list[Mistake] = field(default_factory=list)
    root: Node | None = None
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)  # None: not closed yet
    aliased: int = 0
    values: int = 0

    def build(self, loader: Loader) -> None:
        """Read all events; afterwards `root` and `mistakes` say what came of it."""
        try:
            for event in yaml.parse(_masked(self.text), Loader=loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self.mistakes.append(explain(error, self.text))
            self.root = None
        except _GiveUp:
            self.root = None
        else:
            if self.root is None or (isinstance(self.root, Leaf) and self.root.value is None):
                self._say(0, "empty-chain", "the file is empty", "a chain needs at least `steps`")
                self.root = None

    def _say(self, index: int, code: str, message: str, hint: str | None = None) -> None:
        self.mistakes.append(Mistake(index, code, message, hint))

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                message = "a second document begins here"
                self._say(_start(event), "several-documents", message, "keep one chain in one file")
                raise _GiveUp
            case yaml.ScalarEvent():
                self._open(event)
                self._add(self._leaf(event), event.anchor)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event)
                if len(self.frames) >= MAX_DEPTH:
                    self._say(_start(event), "too-deep", f"more than {MAX_DEPTH} levels deep")
                    raise _GiveUp
                self.frames.append(_Frame(event, isinstance(event, yaml.MappingStartEvent)))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                frame = self.frames.pop()
                node: Node = (
                    Fields(tuple(frame.entries.values()), frame.start)
                    if frame.is_map
                    else Items(tuple(frame.nodes), frame.start)
                )
                self._add(node, frame.event.anchor, _end(event))
            case yaml.AliasEvent():
                self._add(self._alias(event), None)
            case _:
                pass

    def _open(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        """What a node says before its value: a tag, an anchor."""
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if event.tag is not None:
            hint = "text that begins with `!` needs quotes; in an expression write `not`"
            self._say(_start(event), "yaml-tag", f"tags are not part of the language: {event.tag}", hint)

    def _leaf(self, event: yaml.ScalarEvent) -> Leaf:
        start, end = _start(event), _end(event)
        if not event.value and event.implicit[0]:
            start = end = len(self.text[:end].rstrip(" \t"))  # the parsers put it on either side of spaces
        if not event.implicit[0]:
            return Leaf(_unmasked(event.value, self.text), start, end, plain=False)
        try:
            return Leaf(resolve(_unmasked(event.value, self.text)), start, end)
        except NotFinite:
            hint = "put it in quotes if it is text"
            self._say(start, "not-finite", f"`{event.value[:20]}` is not a number that can be used", hint)
            return Leaf(None, start, end)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        start = _start(event)
        node = self.anchors.get(event.anchor or "")
        if node is None:
            what = "stands inside itself" if event.anchor in self.anchors else "is not defined above"
            hint = "text that begins with `*` needs quotes"
            self._say(start, "bad-alias", f"the alias `*{event.anchor}` {what}", hint)
            return Leaf(None, start, _end(event))
        size, height = _measure(node)
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            self._say(start, "too-many-aliases", f"aliases add more than {MAX_ALIASED:,} values")
            raise _GiveUp
        if len(self.frames) + height > MAX_DEPTH:
            self._say(start, "too-deep", f"more than {MAX_DEPTH} levels deep")
            raise _GiveUp
        return node

    def _add(self, node: Node, anchor: str | None, end: int | None = None) -> None:
        """Put a finished node where it belongs: root, list, key or value."""
        self.values += 1
        if self.values > MAX_VALUES:
            hint = "keep long lists in a table and run `batch` over it"
            self._say(node.start, "too-large", f"the file holds more than {MAX_VALUES:,} values", hint)
            raise _GiveUp
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        if not frame.is_map:
            frame.nodes.append(node)
        elif frame.wants_key:
            self._key(frame, node, end)
        else:
            if frame.key is not None:
                key = str(frame.key.value)
                frame.entries[key] = Entry(key, frame.key.start, node)
            frame.key, frame.dropped = None, False

    def _key(self, frame: _Frame, node: Node, end: int | None) -> None:
        """Accept a key, or say why not and drop the value that follows."""
        frame.dropped = True
        if isinstance(node, Leaf) and isinstance(node.value, str):
            self._text_key(frame, node)
        elif isinstance(node, Fields) and self.text[frame.start : frame.start + 2] == "{{":
            self.mistakes.append(bare_braces(frame.start, self.text[frame.start + 2 : (end or 0) - 1]))
        else:
            shown = _named(node, self.text)
            self._say(
                node.start, "non-text-key", f"{shown} is no text, so it cannot be a key", "put it in quotes"
            )

    def _text_key(self, frame: _Frame, key: Leaf) -> None:
        name = str(key.value)
        if name == "<<" and key.plain:
            hint = "write the keys out, or set them in `defaults`"
            self._say(key.start, "merge-key", "merge keys (`<<`) are not part of the language", hint)
        elif name in frame.entries:
            line = self.places.position(frame.entries[name].start).line
            message = f"`{name[:60]}` is here twice; first at line {line}"
            self._say(key.start, "duplicate-key", message, "remove or rename one of them")
        else:
            frame.key, frame.dropped = key, False


def _start(event: yaml.Event) -> int:
    """Index of the first character of what an event tells of."""
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    """Index after its last character."""
    return event.end_mark.index if event.end_mark else 0


def _named(node: Node, text: str) -> str:
    match node:
        case Leaf():
            return f"the key `{text[node.start : node.end] or '(nothing)'}`"
        case Items():
            return "a list"
        case Fields():
            return "a mapping"


def _measure(node: Node) -> tuple[int, int]:
    """How many nodes a tree has, and how many levels."""
    size, height = 0, 0
    waiting: list[tuple[Node, int]] = [(node, 0)]
    while waiting:
        one, level = waiting.pop()
        size += 1 + (len(one.value) // 100 if isinstance(one, Leaf) and isinstance(one.value, str) else 0)
        if size > MAX_ALIASED:
            break
        inner = [*_inner(one)]
        height = max(height, level + bool(inner))
        waiting += [(child, level + 1) for child in inner]
    return size, height


def _inner(node: Node) -> Iterator[Node]:
    match node:
        case Items():
            yield from node.nodes
        case Fields():
            yield from (one.node for one in node.entries)
        case Leaf():
            pass
