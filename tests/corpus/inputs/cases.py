"""Values that go into apps, beside what `gradio_client` is given for the same: by endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from differential import Media, captioned
from gradio_client import handle_file

from spaces_registry import File, Value

Given = Callable[[Media], Value]
Theirs = Callable[[Media], Any]
KINDS = "image audio video file files number dropdown radio text multi model3d json editor datetime message"


@dataclass(frozen=True, slots=True)
class Case:
    """One value.

    Attributes:
        endpoint: what it goes to.
        ours: the value as a chain has it.
        theirs: the same in `gradio_client`'s words.
        versions: the first numbers of the Gradio versions that can take it.
    """

    endpoint: str
    ours: Given
    theirs: Theirs
    versions: str = "456"


def _at(file: File) -> Any:
    return handle_file(str(file.path))


def _editor(media: Media) -> Any:
    return {"background": _at(media.picture), "layers": [_at(media.mask)], "composite": _at(media.picture)}


def _blocks(media: Media) -> Any:
    return [
        {"role": "user", "content": [{"type": "text", "text": "see"}]},
        {"role": "user", "content": [{"type": "file", "file": _at(media.picture)}]},
        {"role": "assistant", "content": [{"type": "text", "text": "seen"}]},
    ]


def _messages(media: Media) -> Any:
    return [
        {"role": "user", "content": "see"},
        {"role": "user", "content": {"file": _at(media.picture), "alt_text": None}},
        {"role": "assistant", "content": "seen"},
    ]


def _pairs(media: Media) -> Any:
    return [["see", None], [{"file": _at(media.picture), "alt_text": None}, "seen"]]


def _said(media: Media) -> Value:
    """A history as a person would write it."""
    return [
        {"role": "user", "content": "see"},
        {"role": "user", "content": media.picture},
        {"role": "assistant", "content": "seen"},
    ]


def _said_in_pairs(media: Media) -> Value:
    return [["see", None], [media.picture, "seen"]]


_MASKED: Given = lambda media: {"image": media.picture, "mask": media.mask}  # noqa: E731 - a table's cell
CASES: Mapping[str, Case] = {
    **{
        f"nothing for {kind}": Case(f"/empty_{kind}", lambda _: None, lambda _: None, "3456")
        for kind in KINDS.split()
    },
    "editor, three parts": Case(
        "/editor",
        lambda media: {"background": media.picture, "layers": [media.mask], "composite": None},
        lambda media: {"background": _at(media.picture), "layers": [_at(media.mask)], "composite": None},
    ),
    "editor, a picture and a mask": Case("/editor", _MASKED, _editor),
    "sketchpad": Case("/sketchpad", _MASKED, _editor),
    "paint": Case("/paint", _MASKED, _editor),
    "image mask": Case("/mask", _MASKED, _editor),
    "editor, a picture alone": Case(
        "/editor",
        lambda media: media.picture,
        lambda media: {"background": _at(media.picture), "layers": [], "composite": _at(media.picture)},
    ),
    "message": Case(
        "/look",
        lambda media: {"text": "what", "files": [media.picture, media.text]},
        lambda media: {"text": "what", "files": [_at(media.picture), _at(media.text)]},
    ),
    "message, words alone": Case("/look", lambda _: "hello", lambda _: {"text": "hello", "files": []}),
    "message, a picture alone": Case(
        "/look", lambda media: media.picture, lambda media: {"text": "", "files": [_at(media.picture)]}
    ),
    "message, several files": Case(
        "/look",
        lambda media: (media.picture, media.text),
        lambda media: {"text": "", "files": [_at(media.picture), _at(media.text)]},
    ),
    "message, files alone": Case(
        "/look",
        lambda media: {"files": [media.picture]},
        lambda media: {"text": "", "files": [_at(media.picture)]},
    ),
    "somebody's own component": Case(
        "/prompted",
        lambda media: {"image": media.picture, "points": [[1, 2.5]]},
        lambda media: {"image": _at(media.picture), "points": [[1, 2.5]]},
    ),
    "gallery with captions": Case(
        "/hang",
        lambda media: [
            {"image": media.picture, "caption": "one"},
            captioned(media.picture, "two"),
            media.picture,
        ],
        lambda media: [
            {"image": _at(media.picture), "caption": "one"},
            {"image": _at(media.picture), "caption": "two"},
            {"image": _at(media.picture), "caption": None},
        ],
    ),
    "chat of blocks": Case("/hear", _said, _blocks, "6"),
    "chat of blocks, written out": Case(
        "/hear",
        lambda media: [{"role": "user", "content": [{"type": "file", "file": media.picture}, "and this"]}],
        lambda media: [
            {
                "role": "user",
                "content": [
                    {"type": "file", "file": _at(media.picture)},
                    {"type": "text", "text": "and this"},
                ],
            }
        ],
        "6",
    ),
    "chat of pairs, for blocks": Case("/hear", _said_in_pairs, _blocks, "6"),
    "chat of messages": Case("/hear", _said, _messages, "45"),
    "chat of pairs": Case("/hear_pairs", _said_in_pairs, _pairs, "45"),
    "chat of messages, for pairs": Case("/hear_pairs", _said, _pairs, "45"),
    "chat of pairs, for messages": Case("/hear", _said_in_pairs, _messages, "45"),
    "video with subtitles": Case(
        "/play",
        lambda media: {"video": media.clip, "subtitles": None},
        lambda media: {"video": _at(media.clip), "subtitles": None},
        "45",
    ),
}
