"""What is known without asking: well-known Spaces and models, the Hub's categories. Data: `catalog/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.signature import Kind


@dataclass(frozen=True, slots=True)
class WellKnown:
    """A Space that many use.

    Attributes:
        id: `owner/name`.
        aliases: its short names, lower case.
        about: one line: what it does.
        category: slug of the Hub's category.
        tasks: in the Hub's words, e.g. `text-to-image`.
        takes: kinds that can go in; not all of them must.
        gives: kinds that come out.
    """

    id: str
    aliases: tuple[str, ...]
    about: str
    category: str
    tasks: tuple[str, ...]
    takes: tuple[Kind, ...]
    gives: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that many use; `task` is the Hub's word for what it does."""

    id: str
    aliases: tuple[str, ...]
    about: str
    task: str


@dataclass(frozen=True, slots=True)
class Category:
    """One of the Hub's categories of Spaces.

    Attributes:
        slug: how to ask for it.
        label: how the Hub shows it.
        help: what one finds there.
        gives: the kind that nearly every Space of it makes, if there is one.
    """

    slug: str
    label: str
    help: str
    gives: Kind | None


class UnknownCategory(ToolkitError):
    """The Hub has no category of that name."""

    code = "unknown-category"

    def __init__(self, name: str) -> None:
        hint = nearest(name, categories())
        more = "`spacechain find --categories` lists them all"
        super().__init__(
            f"the Hub has no category {name!r}",
            hint=f"{hint} {more}" if hint and hint.startswith("did") else more,
        )
        self.name = name


def data(name: str) -> Any:
    """A file of the catalog, decoded."""
    from importlib.resources import files  # noqa: PLC0415 - only who needs the catalog pays for it

    import yaml  # noqa: PLC0415

    text = files("spaces_registry").joinpath(f"catalog/{name}.yaml").read_text("utf-8")
    return yaml.safe_load(text)


@cache
def well_known() -> Mapping[str, WellKnown]:
    """The well-known Spaces by id, in the order of the catalog."""
    return MappingProxyType(
        {
            repo: WellKnown(
                repo,
                tuple(entry["aliases"]),
                entry["about"],
                entry["category"],
                tuple(entry["tasks"]),
                tuple(map(Kind, entry["takes"])),
                tuple(map(Kind, entry["gives"])),
            )
            for repo, entry in data("spaces").items()
        }
    )


@cache
def known_models() -> Mapping[str, KnownModel]:
    """The well-known models by id, in the order of the catalog."""
    return MappingProxyType(
        {
            repo: KnownModel(repo, tuple(entry["aliases"]), entry["about"], entry["task"])
            for repo, entry in data("models").items()
        }
    )


@cache
def categories() -> Mapping[str, Category]:
    """The Hub's categories by slug."""
    return MappingProxyType(
        {
            slug: Category(slug, entry["label"], entry["help"], Kind(gives) if gives else None)
            for slug, entry in data("categories").items()
            for gives in [entry.get("gives")]
        }
    )


def category_of(name: str) -> Category:
    """The category of a slug or a label, in any case.

    Raises:
        UnknownCategory: there is none; the hint names the nearest.
    """
    slug = "-".join(name.strip().lower().replace("_", " ").split())
    if (found := categories().get(slug)) is None:
        raise UnknownCategory(name)
    return found


def category_labelled(label: str | None) -> Category | None:
    """The category that the Hub shows under a label, or None if it is no known one."""
    return next((one for one in categories().values() if one.label == label), None)


def relevance(words: str, *texts: str | None) -> float:
    """How much of what was asked for these texts speak of: 0 to 1, by whole words and their beginnings.

    This stands in for the Hub's semantic search where the Hub cannot be asked.
    """
    wanted = [one for one in _words(words) if one not in _COMMON]
    if not wanted:
        return 0.0
    told = [word for text in texts if text for word in _words(text)]
    return round(sum(any(_alike(one, word) for word in told) for one in wanted) / len(wanted), 4)


_COMMON = frozenset(
    {"a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "the", "this", "to", "with"}
)
_STEM = 4  # letters that two forms of a word share at least


def _words(text: str) -> list[str]:
    return "".join(one if one.isalnum() else " " for one in text.lower()).split()


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    shared = min(len(one), len(other), max(_STEM, len(one) - 3))
    return shared >= _STEM and one[:shared] == other[:shared]
