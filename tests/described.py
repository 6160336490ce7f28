"""Apps that only describe themselves, as Gradio 6 does: for what their description alone decides."""

from collections.abc import Mapping
from typing import Any

from web import Answer, Asked, page, say

COMPONENTS = {
    "text": ("Textbox", {"type": "string"}),
    "number": ("Number", {"type": "number"}),
    "image": ("Image", {"title": "ImageData", "type": "object", "properties": {"path": {}, "meta": {}}}),
    "audio": ("Audio", {"title": "FileData", "type": "object", "properties": {"path": {}, "meta": {}}}),
    "video": ("Video", {"title": "VideoData", "type": "object", "properties": {"path": {}, "meta": {}}}),
    "gallery": ("Gallery", {"title": "GalleryData", "type": "array"}),
    "file": ("File", {"title": "FileData", "type": "object", "properties": {"path": {}, "meta": {}}}),
}
Shape = tuple[Mapping[str, str], Mapping[str, str]]


def info(endpoints: Mapping[str, Shape]) -> dict[str, Any]:
    """`/info` of an app: by endpoint what it takes and gives, each name to kind; `text?` has a default."""
    return {
        "named_endpoints": {
            name: {
                "parameters": [_entry(one, kind) for one, kind in takes.items()],
                "returns": [_entry(one, kind) for one, kind in gives.items()],
            }
            for name, (takes, gives) in endpoints.items()
        },
        "unnamed_endpoints": {},
    }


def _entry(name: str, kind: str) -> dict[str, Any]:
    component, schema = COMPONENTS[kind.removesuffix("?")]
    optional = {"parameter_has_default": kind.endswith("?"), "parameter_default": None}
    return {"label": name, "parameter_name": name, "component": component, "type": schema, **optional}


def describing(endpoints: Mapping[str, Shape]) -> Any:
    """What such an app answers, for `web`."""

    def answer(asked: Asked) -> Answer:
        match asked.path:
            case "/config":
                return say({"version": "6.31.0", "api_prefix": "/gradio_api", "protocol": "sse_v3",
                            "components": [], "dependencies": []})  # fmt: skip
            case "/gradio_api/info":
                return say(info(endpoints))
        return page("Not Found", 404)

    return answer


DRAW = {"/draw": ({"prompt": "text", "seed": "number?"}, {"picture": "image"})}
MOVE = {"/move": ({"first_frame": "image", "prompt": "text", "duration": "number?"}, {"clip": "video"})}
SPEAK = {"/speak": ({"text": "text", "speed": "number?"}, {"voice": "audio"})}
