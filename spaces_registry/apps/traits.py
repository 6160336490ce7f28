"""What tells one app from another where no commit does: its page and its functions, not when it began.

Gradio's own `app_id` changes at every start, and so says only that an app did not start anew.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from spaces_registry.apps.schema import mapping, sequence

_OF_APP = ("version", "title", "space_id", "theme", "theme_hash", "css", "js", "head")
_OF_FUNCTION = ("api_name", "api_description", "batch", "types")
_CHANGING = frozenset({"value", "choices", "visible", "interactive", "key", "root", "root_url", "proxy_url"})
_PAGE_TEXT = "markdown"  # what the page says of itself; an HTML may hold whatever was drawn at the start
_LENGTH = 16  # hex digits: enough to tell apart what ever ran at one URL


def traits_of(config: object, described: Mapping[str, Mapping[str, Any]]) -> str | None:
    """A short hash over what an app tells of itself at every start alike; None if it tells nothing.

    Args:
        config: decoded `/config`.
        described: its endpoints as `/info` has them.
    """
    here = mapping(config)
    if not here:
        return None
    try:
        text = json.dumps(_facts(here, described), sort_keys=True, default=str)
    except (ValueError, TypeError, RecursionError):
        return None
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_LENGTH]


def _facts(config: Mapping[str, Any], described: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    functions = map(mapping, sequence(config.get("dependencies")))
    return {
        "app": {name: config.get(name) for name in _OF_APP},
        "components": [*_components(config)],
        "functions": [{name: one.get(name) for name in _OF_FUNCTION} for one in functions],
        "described": {name: mapping(one).get("description") for name, one in described.items()},
    }


def _components(config: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Each component of the page: what it is and how it was set up, without what it shows at the moment."""
    for one in map(mapping, sequence(config.get("components"))):
        kind, props = one.get("type"), mapping(one.get("props"))
        kept = {name: _settled(value) for name, value in props.items() if name not in _CHANGING}
        if kind == _PAGE_TEXT:
            kept["value"] = props.get("value")
        yield [kind, kept]


def _settled(value: object) -> object:
    """A setting without where its files lie: that holds the app's address, or a folder of this start."""
    match value:
        case Mapping():
            return {name: _settled(one) for name, one in value.items() if name not in ("url", "path")}
        case list():
            return [_settled(one) for one in value]
    return value
