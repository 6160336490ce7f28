"""A chain file → a `Chain`, or everything that is wrong with the file at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from chains import model
from chains.building.builder import Builder
from chains.building.tree import Tree
from chains.checks import check, not_reached
from chains.meaning.paths import read_file
from chains.problems import InvalidChain, Problem
from chains.prompts import NO_PROMPTS, PromptTemplate
from chains.shape.misfits import misfits
from chains.text.reader import MAX_BYTES, read
from chains.text.source import Source, plain
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.signature import Endpoint, Misnamed


class ChainNotFound(ToolkitError):
    """There is no chain file of that name; `path` is the name."""

    code = "chain-not-found"

    def __init__(self, path: str, offered: list[str], *, is_folder: bool = False) -> None:
        what = "is a folder, not a chain file" if is_folder else "does not exist"
        super().__init__(f"{path} {what}", hint=nearest(Path(path).name, offered))
        self.path = path


class ChainUnreadable(ToolkitError):
    """The file is there, but cannot be read; `path` is its name."""

    code = "chain-unreadable"

    def __init__(self, path: str, why: str, hint: str = "check its permissions") -> None:
        super().__init__(f"{path} cannot be read: {why}", hint=hint)
        self.path = path


Known: TypeAlias = Callable[[model.Chain], Mapping[str, Endpoint | ToolkitError]]


def _nothing(chain: model.Chain) -> Mapping[str, Endpoint | ToolkitError]:
    del chain
    return {}


def load(
    path: Path | str, *, known: Known = _nothing, library: Mapping[str, PromptTemplate] = NO_PROMPTS
) -> model.Chain:
    """Load a chain file.

    Args:
        path: the file; its name stands in every position as it is given here.
        known: the signatures that need no look-up, or why there is none, by `key`, for what is said of a
            file that is wrong.
        library: prompt templates of whoever runs the chain; its own come first.

    Raises:
        ChainNotFound: there is no such file.
        ChainUnreadable: it cannot be read.
        InvalidChain: it is not a chain; all problems are in it.
    """
    where = Path(path)
    try:
        if where.is_dir():
            raise ChainNotFound(str(path), _chain_files(where), is_folder=True)
        data = read_file(where, pipes=True)
    except (FileNotFoundError, NotADirectoryError, ValueError) as cause:
        raise ChainNotFound(str(path), _chain_files(where.parent)) from cause
    except OSError as cause:
        raise ChainUnreadable(str(path), cause.strerror or type(cause).__name__) from cause
    folder = where.resolve().parent
    try:
        text = _decoded(data, str(path))
        return loads(text, file=str(path), folder=folder, known=known, library=library)
    except InvalidChain:
        if not where.is_symlink() or folder.is_relative_to(where.parent.resolve()):
            raise
    # a folder from elsewhere may have a link to any file in it, whose lines are nobody's to see
    hint = f"to see what is wrong with it, name that file itself: {where.resolve()}"
    raise ChainUnreadable(str(path), "it is a link to a file elsewhere that is no chain", hint)


def loads(
    text: str,
    *,
    file: str = "<text>",
    folder: Path,
    known: Known = _nothing,
    library: Mapping[str, PromptTemplate] = NO_PROMPTS,
) -> model.Chain:
    """Load a chain from text.

    Args:
        text: the YAML.
        file: what to call it in positions.
        folder: where relative paths in it begin.
        known: as in `load`.
        library: as in `load`.

    Raises:
        InvalidChain: it is not a chain; all problems are in it, mistakes of meaning too.
    """
    source, problems = read(text, file)
    if source.root is None:
        raise InvalidChain(problems, source)
    found = [*misfits(plain(source.root), source)]
    tree = Tree.of(source, [path for path, _ in found])
    chain = Builder(tree, folder, library).chain()
    everything = [*problems, *(one for _, one in found), *tree.problems]
    if everything:
        raise InvalidChain([*everything, *_meant(chain, known(chain), everything)], source, chain)
    return chain


def _meant(
    chain: model.Chain, known: Mapping[str, Endpoint | ToolkitError], found: Iterable[Problem]
) -> Iterator[Problem]:
    """What else is wrong with a file that is wrong.

    Warnings, and a second word on one place, may come of the mistakes.
    """
    endpoints = {key: one for key, one in known.items() if isinstance(one, Endpoint)} | meant(known)
    errors = [one for one in check(chain, endpoints) if one.severity == "error"]
    yield from errors
    told = {one.at for one in (*found, *errors)}
    for step in chain.ways:
        failure = known.get(step.key)
        if isinstance(failure, ToolkitError) and not isinstance(failure, InvalidChain):
            problem = not_reached(step, failure)
            if problem.at not in told:
                yield problem


def meant(known: Mapping[str, object]) -> dict[str, Endpoint]:
    """By key, the endpoints that misspelt names surely meant."""
    return {
        key: one.meant for key, one in known.items() if isinstance(one, Misnamed) and one.meant is not None
    }


def _chain_files(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir() if one.suffix in {".yaml", ".yml"})
    except (OSError, ValueError):
        return []


def _decoded(data: bytes, file: str) -> str:
    """The text of a file, which is UTF-8."""
    if len(data) > MAX_BYTES:
        return data.decode("utf-8", errors="replace")  # what is wrong is its size
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as cause:
        text = data[: cause.start].decode("utf-8")
        utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
        source = Source(file, "" if utf16 else data.decode("utf-8", errors="replace"))
        message = "the file is UTF-16, not UTF-8" if utf16 else "the file is not UTF-8 from here on"
        problem = Problem(source.position(len(text)), "not-utf8", message, "save it as UTF-8")
        raise InvalidChain([problem], source) from cause
