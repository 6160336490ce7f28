"""Both generations of Gradio's `{prefix}/openapi.json`, read into the shape of `/info`.

It is the second choice: it lacks defaults, labels, components and, since 6.13, the outputs. What it does
not say is left out here, and `/config` fills it in.

Source: `gradio/routes.py`; Gradio 5.29 to 6.12 lists `/run/{name}`, later ones `/call/v2/{name}`.
"""

import re
from collections.abc import Mapping
from typing import Any

from spaces_registry.apps.schema import mapping, sequence

_PATH = re.compile(r"(?:^|/)(?:run|call/v2)/(?P<name>[^{}]+)")  # a name in braces is FastAPI's own route list
_RECIPE = "Output must be fetched from"  # Gradio's text, after the author's


def named_endpoints(openapi: object) -> dict[str, dict[str, Any]]:
    """The endpoints by name (`/generate`), with `parameters`, and with `returns` if described."""
    found: dict[str, dict[str, Any]] = {}
    for path, item in mapping(mapping(openapi).get("paths")).items():
        post = mapping(mapping(item).get("post"))
        match = _PATH.fullmatch(path.removeprefix("/gradio_api")) if isinstance(path, str) else None
        if match and post:
            found[f"/{match['name']}"] = _endpoint(post)
    return found


def _endpoint(post: Mapping[str, Any]) -> dict[str, Any]:
    body = _schema(post.get("requestBody"))
    required = body.get("required")
    endpoint: dict[str, Any] = {
        "parameters": [
            {"parameter_name": name, "type": schema}
            | ({} if not isinstance(required, list) else {"parameter_has_default": name not in required})
            for name, schema in mapping(body.get("properties")).items()
        ],
    }
    description = post.get("description")
    if isinstance(description, str):
        endpoint["description"] = description.split(_RECIPE)[0].strip()
    answer = mapping(_schema(mapping(post.get("responses")).get("200")).get("properties"))
    if answer and "event_id" not in answer:
        endpoint["returns"] = [{"type": schema} for schema in answer.values()]
    return endpoint


def _schema(holder: object) -> Mapping[str, Any]:
    content = mapping(mapping(holder).get("content"))
    return mapping(mapping(content.get("application/json")).get("schema"))


def described(info: object, openapi: object) -> tuple[dict[str, dict[str, Any]], bool]:
    """The endpoints that `/info` and `openapi.json` describe, `/info` first; whether there was either."""
    named = mapping(info).get("named_endpoints")
    found = {
        f"/{name.lstrip('/')}": dict(entry) if isinstance(entry, Mapping) else {"broken": True}
        for name, entry in mapping(named).items()
        if isinstance(name, str)
    }
    for name, entry in named_endpoints(openapi).items():
        if name not in found:
            found[name] = entry
        elif not isinstance(found[name].get("returns"), list) and sequence(entry.get("returns")):
            found[name]["returns"] = entry["returns"]
    return found, isinstance(named, Mapping) or bool(found)
