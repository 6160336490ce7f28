"""What exists: find a Space, describe what it takes and returns, reach it.

Names that need the network's libraries are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spaces_registry.address import BadAddress, HubAddress, UrlAddress, address_of, aliases
from spaces_registry.clocks import Clocks
from spaces_registry.errors import CallFailed, ToolkitError
from spaces_registry.progress import CallEvent, Listener, unheard
from spaces_registry.signature import (
    Endpoint,
    File,
    Kind,
    Parameter,
    Return,
    Space,
    Unusable,
    Value,
    Wire,
    fits,
)

if TYPE_CHECKING:
    from spaces_registry.apps.app import App, NotGradio
    from spaces_registry.apps.description import read_space
    from spaces_registry.bookmarks import BadBookmarks, Bookmarks, load_bookmarks
    from spaces_registry.catalogue import Category, UnknownCategory, categories, category_of, well_known
    from spaces_registry.fitting.matching import AmbiguousBinding, Match, Supply, match
    from spaces_registry.fitting.ranking import Candidate, Need
    from spaces_registry.fitting.resolver import NothingFits, PassedOver, Resolution, resolve
    from spaces_registry.hub.models import Served, ServedModel, served_models
    from spaces_registry.hub.search import BadQuery, Hit, Query
    from spaces_registry.registry import Registry, open_registry

__all__ = [
    "AmbiguousBinding",
    "App",
    "BadAddress",
    "BadBookmarks",
    "BadQuery",
    "Bookmarks",
    "CallEvent",
    "CallFailed",
    "Candidate",
    "Category",
    "Clocks",
    "Endpoint",
    "File",
    "Hit",
    "HubAddress",
    "Kind",
    "Listener",
    "Match",
    "Need",
    "NotGradio",
    "NothingFits",
    "Parameter",
    "PassedOver",
    "Query",
    "Registry",
    "Resolution",
    "Return",
    "Served",
    "ServedModel",
    "Space",
    "Supply",
    "ToolkitError",
    "UnknownCategory",
    "Unusable",
    "UrlAddress",
    "Value",
    "Wire",
    "address_of",
    "aliases",
    "categories",
    "category_of",
    "fits",
    "load_bookmarks",
    "match",
    "open_registry",
    "read_space",
    "resolve",
    "served_models",
    "unheard",
    "well_known",
]
_LATER = {
    name: module
    for module, names in {
        "apps.app": ("App", "NotGradio"),
        "bookmarks": ("BadBookmarks", "Bookmarks", "load_bookmarks"),
        "catalogue": ("Category", "UnknownCategory", "categories", "category_of", "well_known"),
        "apps.description": ("read_space",),
        "fitting.matching": ("AmbiguousBinding", "Match", "Supply", "match"),
        "hub.models": ("Served", "ServedModel", "served_models"),
        "fitting.ranking": ("Candidate", "Need"),
        "registry": ("Registry", "open_registry"),
        "fitting.resolver": ("NothingFits", "PassedOver", "Resolution", "resolve"),
        "hub.search": ("BadQuery", "Hit", "Query"),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"spaces_registry.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
