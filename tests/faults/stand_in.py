"""A server that speaks Gradio's protocol, or a vendor's, and says whatever it is told to say."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from web import Answer, Asked, page, say, web

KINDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "words": ("Textbox", {"type": "string"}),
    "amount": ("Number", {"type": "number"}),
    "flag": ("Checkbox", {"type": "boolean"}),
    "pick": ("Radio", {"type": "string", "enum": ["a", "b"]}),
    "data": ("JSON", {"type": {}}),
    "picture": ("Image", {"title": "ImageData", "type": "object", "properties": {"path": {}, "meta": {}}}),
    "sound": ("Audio", {"title": "FileData", "type": "object", "properties": {"path": {}, "meta": {}}}),
    "clip": ("Video", {"title": "VideoData", "type": "object", "properties": {"path": {}, "meta": {}}}),
    "pictures": ("Gallery", {"title": "GalleryData", "type": "array"}),
    "paper": ("File", {"title": "FileData", "type": "object", "properties": {"path": {}, "meta": {}}}),
}


@dataclass(slots=True)
class StandIn:
    """What it says; may be changed while it runs.

    Attributes:
        url: where it is.
        messages: of the event stream of every call.
        files: the answers to requests for files, in turn.
        asked: how many calls came.
        sessions: the calls that wait for their stream: what `/take` was given, None for `/go`.
    """

    url: str = ""
    messages: list[Any] = field(default_factory=list)
    files: list[Answer] = field(default_factory=list)
    asked: int = 0
    sessions: dict[str, Any] = field(default_factory=dict)

    def gives(self, data: Any) -> None:
        """Every call ends with this answer."""
        self.messages = [completed(data)]

    def answer(self, asked: Asked) -> Answer:
        """One answer."""
        match asked.path.removeprefix("/gradio_api"):
            case "/config":
                return say({"version": "6.31.0", "api_prefix": "/gradio_api", "protocol": "sse_v3",
                            "components": [], "dependencies": []})  # fmt: skip
            case "/info":
                return say({"named_endpoints": {"/go": _endpoint([*KINDS]), "/take": _endpoint(["data"])}})
            case "/call/go" | "/call/take":
                self.asked += 1
                said = json.loads(asked.body, parse_constant=float)
                self.sessions[said["session_hash"]] = said["data"] if "take" in asked.path else None
                return say({"event_id": "e"})
            case "/queue/data":
                given = self.sessions.pop(asked.query.removeprefix("session_hash="), None)
                messages = self.messages if given is None else [completed([given])]
                return Answer("".join(map(framed, messages)).encode(), type="text/event-stream")
        if "/file=" in asked.path and self.files:
            self.files.append(self.files.pop(0))
            return self.files[-1]
        return page("Not Found", 404)


def completed(data: Any) -> dict[str, Any]:
    """The last message of a call that went well."""
    return {"msg": "process_completed", "success": True, "output": {"data": data, "duration": 0.01}}


def framed(message: Any) -> str:
    """A message as a frame of the stream; text goes as it is."""
    return f"data: {message if isinstance(message, str) else json.dumps(message)}\n\n"


def _endpoint(gives: list[str]) -> dict[str, Any]:
    takes = {name: KINDS[name] for name in ("words", "amount", "flag", "pick", "data")}
    return {
        "parameters": [
            {"label": name, "parameter_name": name, "component": component, "type": schema,
             "parameter_has_default": True, "parameter_default": None}
            for name, (component, schema) in takes.items()
        ],
        "returns": [{"label": name, "component": KINDS[name][0], "type": KINDS[name][1]} for name in gives],
    }  # fmt: skip


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Run one until the end of the block."""
    one = StandIn()
    with web(one.answer) as served:
        one.url = served.url
        yield one
