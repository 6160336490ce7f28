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
    from spaces_registry.app import App, NotGradio
    from spaces_registry.description import read_space
    from spaces_registry.registry import Registry, open_registry

__all__ = [
    "App",
    "BadAddress",
    "CallEvent",
    "CallFailed",
    "Clocks",
    "Endpoint",
    "File",
    "HubAddress",
    "Kind",
    "Listener",
    "NotGradio",
    "Parameter",
    "Registry",
    "Return",
    "Space",
    "ToolkitError",
    "Unusable",
    "UrlAddress",
    "Value",
    "Wire",
    "address_of",
    "aliases",
    "fits",
    "open_registry",
    "read_space",
    "unheard",
]
_LATER = {
    "App": "app",
    "NotGradio": "app",
    "Registry": "registry",
    "open_registry": "registry",
    "read_space": "description",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"spaces_registry.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
