"""A server that describes itself as a Gradio app does and answers as a test writes it."""

from collections.abc import Callable, Mapping
from typing import Any

from web import Answer, Asked, say, stream

CONFIG = {
    "version": "6.31.0",
    "api_prefix": "/gradio_api",
    "protocol": "sse_v3",
    "components": [
        {"id": 1, "type": "textbox", "props": {"label": "Text"}, "api_info": {"type": "string"}},
        {"id": 2, "type": "textbox", "props": {"label": "Said"}, "api_info": {"type": "string"}},
    ],
    "dependencies": [
        {"id": 0, "api_name": "say", "inputs": [1], "outputs": [2], "types": {"generator": False}}
    ],
}
INFO = {
    "named_endpoints": {
        "/say": {
            "parameters": [{"parameter_name": "text", "label": "Text", "type": {"type": "string"}}],
            "returns": [{"label": "Said", "type": {"type": "string"}, "component": "Textbox"}],
        }
    }
}


def done(value: Any, **output: Any) -> Answer:
    """A stream that ends with this output."""
    told = {"data": [value], **output}
    completed = {
        "msg": "process_completed",
        "event_id": "e",
        "success": "error" not in output,
        "output": told,
    }
    return stream({"msg": "process_starts", "event_id": "e"}, completed, {"msg": "close_stream"})


def acting(**answers: Answer | Callable[[], Answer]) -> Callable[[Asked], Answer]:
    """Answers `config`, `join` and `data` as told; a function is asked anew each time."""

    def answer(asked: Asked) -> Answer:
        known: Mapping[str, tuple[str, Answer]] = {
            "/config": ("config", say(CONFIG)),
            "/info": ("info", say(INFO)),
            "/queue/join": ("join", say({"event_id": "e"})),
            "/queue/data": ("data", done("said")),
        }
        name, usual = known.get(asked.path.removeprefix("/gradio_api"), ("file", say({}, 404)))
        found = answers.get(name, usual)
        return found if isinstance(found, Answer) else found()

    return answer


def joins(asked: list[Asked]) -> int:
    """How many calls were sent."""
    return sum(one.path.endswith("/queue/join") for one in asked)
