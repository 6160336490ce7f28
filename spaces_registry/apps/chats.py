"""The history of a chat, in the form that an app's Gradio takes: whoever wrote it need not know which.

`blocks` since Gradio 6: messages whose content is a list of texts and files. `messages`: the same with one
text or file each. `pairs`: what the user said beside the answer. `three`: pairs with the files of Gradio 3.
"""

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spaces_registry.signature import File, Json, Value


def history(value: Value, form: str, sent: Mapping[File, Json]) -> Json:
    """A chat's history as JSON; what is in none of the known forms goes as it is.

    Args:
        value: messages `{role, content}` or pairs; files stand where they were said, or in a `file`.
        form: the app's own.
        sent: the app's object for each file.
    """
    if isinstance(value, str | File | Mapping) or not isinstance(value, Sequence):
        return _plain(value, sent)
    turns = [*_turns(value)]
    if any(turn is None for turn in turns):
        return _plain(value, sent)
    known = [turn for turn in turns if turn is not None]
    match form:
        case "blocks":
            return [
                {**more, "role": role, "content": [_block(one, sent) for one in said]}
                for role, said, more in known
            ]
        case "messages":
            return [
                {**more, "role": role, "content": _single(one, sent, form)}
                for role, said, more in known
                for one in said
            ]
    return [*_pairs(known, sent, form)]


_Turn = tuple[str, list[Any], dict[str, Any]]  # who, what, and what else the message has


def _turns(value: Sequence[Value]) -> Iterator[_Turn | None]:
    """Who said what, in order; None for what is neither a message nor a pair."""
    for one in value:
        match one:
            case {"role": str(role), "content": content, **more}:
                yield role, _said(content), {str(key): each for key, each in more.items() if each is not None}
            case [asked, answered] if not isinstance(one, str):
                if asked is not None:
                    yield "user", _said(asked), {}
                if answered is not None:
                    yield "assistant", _said(answered), {}
            case _:
                yield None


def _said(content: Any) -> list[Value]:
    """The texts and files of one message."""
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [*content]
    return [] if content is None else [content]


def _block(one: Any, sent: Mapping[File, Json]) -> Any:
    match one:
        case str():
            return {"type": "text", "text": one}
        case File():
            return {"type": "file", "file": sent[one], "alt_text": one.caption}
        case {"file": _}:
            return {"type": "file", **_object(one, sent)}
        case {"path": str()}:
            return {"type": "file", "file": _plain(one, sent)}
        case {"text": str()}:
            return {"type": "text", **_object(one, sent)}
        case {"component": _}:
            return {"type": "component", **_object(one, sent)}
    return _plain(one, sent)


def _single(one: Any, sent: Mapping[File, Json], form: str) -> Any:
    """One text or file, as forms before the blocks have it."""
    match _block(one, sent):
        case {"type": "text", "text": text}:
            return text
        case {"type": "file", "file": file, **more} if form == "three":
            return _of_three(file, more.get("alt_text"))
        case {"type": "file", "file": file, **more}:
            return {"file": file, "alt_text": more.get("alt_text")}
        case {"type": "component", **more}:
            return more
        case found:
            return found


def _of_three(file: Any, alt_text: Any) -> Json:
    """A file of the app's own, as the chats of Gradio 3 hold it."""
    path = file.get("path") if isinstance(file, Mapping) else None
    if not isinstance(path, str):
        return file  # type: ignore[no-any-return]  # JSON that the user wrote
    mime = file.get("mime_type") or mimetypes.guess_type(path)[0]
    return {"name": path, "mime_type": mime, "alt_text": alt_text, "data": None, "is_file": True}


def _pairs(turns: Sequence[_Turn], sent: Mapping[File, Json], form: str) -> Iterator[Json]:
    """What the user said beside what came back; what has no other side stands beside null."""
    waiting: Json = None
    for role, said, _ in turns:
        for one in said:
            single = _single(one, sent, form)
            if role == "assistant":
                yield [waiting, single]
                waiting = None
            else:
                if waiting is not None:
                    yield [waiting, None]
                waiting = single
    if waiting is not None:
        yield [waiting, None]


def _object(value: Mapping[str, Value], sent: Mapping[File, Json]) -> dict[str, Json]:
    return {key: _plain(one, sent) for key, one in value.items()}


def _plain(value: Value, sent: Mapping[File, Json]) -> Json:
    match value:
        case File():
            return sent[value]
        case str() | None | bool() | int() | float():
            return value
        case Mapping():
            return _object(value, sent)
    return [_plain(one, sent) for one in value]
