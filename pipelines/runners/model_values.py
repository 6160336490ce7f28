"""A chain's values as the client library takes them, and its answers as a chain's values."""

import base64
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.artifacts.filetypes import filetype_of
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, RejectedInput
from spaces_registry.hub.task import CHAT, Task
from spaces_registry.signature import File, Value

_AS_CHAT = {"max_new_tokens": "max_tokens"}
_OF_CHAT = ("max_tokens", "temperature", "top_p", "seed", "stop", "frequency_penalty")
_TEXTS = ("text", "translation_text", "summary_text", "generated_text")
_SIZED = ("image-to-image", "image-to-video")


def arguments_for(task: Task, call: Call) -> dict[str, Any]:
    """What the task's method is called with; reads the call's files.

    Raises:
        RejectedInput: what only the arguments together tell is wrong with them.
    """
    given = {name: value for name, value in call.arguments.items() if value is not None}
    if (extra := given.get("extra_body")) is not None and not isinstance(extra, Mapping):
        raise RejectedInput(call.place, f"extra_body of {call.place} takes a mapping of names to values")
    if task.name == CHAT:
        return _chat(given, call)
    asked = {name: _plain(value) for name, value in given.items()}
    if task.name in _SIZED:
        _as_target(asked, call)
        asked = {**asked.pop("extra_body", {}), **asked}
    return asked


def as_chat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `text-generation` for what is served as a chat: the prompt is the user's message."""
    named = {_AS_CHAT.get(name, name): value for name, value in asked.items() if name != "prompt"}
    chat = {name: value for name, value in named.items() if name in _OF_CHAT}
    if more := {name: value for name, value in named.items() if name not in _OF_CHAT}:
        chat["extra_body"] = more
    return {"messages": [{"role": "user", "content": asked["prompt"]}], **chat}


def outputs_of(task: Task, answer: Any, call: Call) -> tuple[Value, ...]:
    """The task's returns out of the client's answer; files lie in the call's folder.

    Raises:
        BadOutput: the answer is not what the task promises.
    """
    match [one.name for one in task.returns]:
        case ["image"]:
            return (_picture(answer, call, "image"),)
        case ["video" | "audio" as name]:
            return (_file(answer, call, name),)
        case ["text"]:
            return (answer if isinstance(answer, str) else _words(answer, call),)
        case ["text", "chunks"]:
            return _words(answer, call), _json(answer.get("chunks"))
        case ["text", "candidates"]:
            return _first(answer, "sequence", call), _json(answer)
        case ["label", "scores"]:
            best = sorted(answer, key=lambda one: -(one.score or 0))
            return _first(best, "label", call), _json(answer)
        case ["answer", "details"]:
            return _first(answer if isinstance(answer, list) else [answer], "answer", call), _json(answer)
        case ["masks", _]:
            masks = tuple(_picture(one.mask, call, f"mask-{place}") for place, one in enumerate(answer, 1))
            return masks, _without(answer, "mask")
        case ["audios", _]:
            sounds = tuple(_file(one.blob, call, f"audio-{place}") for place, one in enumerate(answer, 1))
            return sounds, _without(answer, "blob")
    listed = answer.tolist() if hasattr(answer, "tolist") else answer  # an array of numpy's
    if not isinstance(listed, list):
        raise BadOutput(call.place, f"{call.place} answered with something else than a list")
    return (_json(listed),)


def _words(answer: Mapping[str, Any], call: Call) -> str:
    """The text of an answer.

    Raises:
        BadOutput: it has none; the library fills in what a place left out.
    """
    found = next((answer[name] for name in _TEXTS if isinstance(answer.get(name), str)), None)
    if not isinstance(found, str):
        raise BadOutput(call.place, f"{call.place} answered without a text")
    return found


def _chat(given: Mapping[str, Value], call: Call) -> dict[str, Any]:
    own = ("prompt", "system", "images", "messages")
    asked = {name: _plain(value) for name, value in given.items() if name not in own}
    messages = given.get("messages", ())
    if isinstance(messages, str | Mapping) or not isinstance(messages, Sequence):
        raise RejectedInput(call.place, f"messages of {call.place} takes a list of role and content")
    said = [dict(one) for one in messages if isinstance(one, Mapping)]
    if len(said) != len(messages) or not all("role" in one for one in said):
        raise RejectedInput(call.place, f"messages of {call.place}: each has a role and a content")
    if (system := given.get("system")) is not None:
        said.insert(0, {"role": "system", "content": system})
    pictures = [_shown(one) for one in _files(given.get("images"))]
    prompt = given.get("prompt")
    if pictures:
        words = [{"type": "text", "text": prompt}] if prompt is not None else []
        said.append({"role": "user", "content": [*words, *pictures]})
    elif prompt is not None:
        said.append({"role": "user", "content": prompt})
    if not any(one["role"] != "system" for one in said):
        raise RejectedInput(call.place, f"{call.place} needs a `prompt` or `messages`")
    return {"messages": said, **asked}


def _as_target(asked: dict[str, Any], call: Call) -> None:
    size = {name: asked.pop(name) for name in ("width", "height") if name in asked}
    if len(size) == 1:
        raise RejectedInput(call.place, f"{call.place} takes width and height together, or neither")
    if size:
        asked["target_size"] = size


def _files(value: Value) -> Iterable[File]:
    return [one for one in value if isinstance(one, File)] if isinstance(value, Sequence) else []


def _shown(file: File) -> dict[str, Any]:
    encoded = base64.b64encode(file.path.read_bytes()).decode()
    url = f"data:{filetype_of(file.path, file.name).mime};base64,{encoded}"
    return {"type": "image_url", "image_url": {"url": url}}


def _plain(value: Value) -> Any:
    """A value as the library takes it: a file is its bytes, with what they are."""
    match value:
        case File():
            from huggingface_hub.inference._common import MimeBytes  # noqa: PLC0415 - heavy

            return MimeBytes(value.path.read_bytes(), filetype_of(value.path, value.name).mime)
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case str():
            return value
        case Sequence():
            return [_plain(one) for one in value]
        case _:
            return value


def _picture(image: Any, call: Call, name: str) -> File:
    """The picture as it came; it is written anew only if the library does not have it any more."""
    source = getattr(image, "fp", None)
    if source is not None and hasattr(source, "getvalue"):
        return _file(source.getvalue(), call, name)
    path = _place(call)
    image.save(path, format="PNG")
    return File(path, f"{name}.png", "image/png")


def _file(content: Any, call: Call, name: str) -> File:
    if not isinstance(content, bytes) or not content:
        raise BadOutput(call.place, f"{call.place} answered with no {name}")
    path = _place(call)
    path.write_bytes(content)
    kind = filetype_of(path)
    return File(path, f"{name}{kind.extension}", kind.mime)


def _place(call: Call) -> Path:
    return call.folder / uuid.uuid4().hex


def _first(found: Sequence[Any], key: str, call: Call) -> str:
    """The first one's word; no answer at all is none."""
    if not found:
        return ""
    if not isinstance(word := found[0].get(key), str):
        raise BadOutput(call.place, f"{call.place} answered without {key!r}")
    return word


def _without(found: Iterable[Mapping[str, Any]], key: str) -> Value:
    return [_json({name: one for name, one in each.items() if name != key}) for each in found]


def _json(value: Any) -> Value:
    """The library's own classes, which are dictionaries underneath, without what the place left out."""
    match value:
        case Mapping():
            return {str(name): _json(one) for name, one in value.items() if one is not None}
        case list() | tuple():
            return [_json(one) for one in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
