"""Apps whose answers are more than one plain value: files in values, masks, nulls, later updates."""
# ruff: noqa: ARG001, ARG005 - answers are made up

import tempfile
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

MAJOR = int(gr.__version__.split(".")[0])
TALK = {} if MAJOR >= 6 else {"type": "messages"}  # the only form since Gradio 6


def _path(suffix):
    return str(Path(tempfile.mkdtemp()) / f"made{suffix}")


def _picture(colour):
    path = _path(".png")
    Image.new("RGB", (32, 24), colour).save(path)
    return path


def _words(text, suffix=".txt"):
    path = _path(suffix)
    Path(path).write_text(text, encoding="utf-8")
    return path


def _app(**endpoints):
    """An app with an endpoint a function: what it is called with, what it gives."""
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        for name, (function, gives) in endpoints.items():
            gives.render()
            gr.Button().click(function, word, gives, api_name=name)
    return demo


def files_in_chats():
    def messages(word):
        said = {"role": "assistant", "content": {"path": _picture("purple"), "alt_text": "a flat"}}
        return [{"role": "user", "content": word}, said, {"role": "assistant", "content": "there"}]

    def no_file(word):
        return [{"role": "user", "content": word}]

    return _app(
        messages=(messages, gr.Chatbot(label="Talk", **TALK)),
        no_file=(no_file, gr.Chatbot(label="Talk", **TALK)),
        empty=(lambda word: [], gr.Chatbot(label="Talk", **TALK)),
    )


def files_in_messages():
    def both(word):
        return {"text": word, "files": [_picture("navy"), _words("hello")]}

    return _app(
        both=(both, gr.MultimodalTextbox(label="Reply")),
        words=(lambda word: {"text": word, "files": []}, gr.MultimodalTextbox(label="Reply")),
    )


def files_in_json():
    def deep(word):
        return {"seed": 3, "found": [{"at": [1, 2], "file": _data(_picture("red"))}, {"file": None}]}

    def looks_like_it(word):
        return {"path": "/no/such/file.png", "name": word, "size": 3}

    return _app(deep=(deep, gr.JSON(label="Facts")), looks_like_it=(looks_like_it, gr.JSON(label="Facts")))


def _data(path):
    return {"path": path, "orig_name": "made.png", "meta": {"_type": "gradio.FileData"}}


def masks():
    def several(word):
        one, other = np.zeros((24, 32)), np.zeros((24, 32))
        one[2:10, 3:9] = 1
        other[:, 20:] = 0.5
        return _picture("teal"), [(one, word), (other, "the right"), ((1, 2, 5, 6), "a box")]

    return _app(
        several=(several, gr.AnnotatedImage(label="Parts")),
        none=(lambda word: (_picture("teal"), []), gr.AnnotatedImage(label="Parts")),
    )


def editors_parts():
    def parts(word):
        layers = [_picture("green"), _picture("blue")]
        return {"background": _picture("red"), "layers": layers, "composite": _picture("white")}

    def no_layers(word):
        return {"background": _picture("red"), "layers": [], "composite": None}

    return _app(
        parts=(parts, gr.ImageEditor(label="Drawn", type="filepath")),
        no_layers=(no_layers, gr.ImageEditor(label="Drawn", type="filepath")),
    )


def subtitled():
    """A video with subtitles in its value, which Gradio 6 has no more."""

    def film(clip):
        return clip if MAJOR >= 6 else (clip, _words("1\n00:00:00,000 --> 00:00:00,400\nsea\n", ".srt"))

    with gr.Blocks() as demo:
        gr.Button().click(film, gr.Video(label="Clip"), gr.Video(label="Film"), api_name="film")
    return demo


def all_nulls():
    kinds = {
        "textbox": gr.Textbox,
        "number": gr.Number,
        "json": gr.JSON,
        "label": gr.Label,
        "image": gr.Image,
        "audio": gr.Audio,
        "video": gr.Video,
        "file": gr.File,
        "gallery": gr.Gallery,
        "chatbot": gr.Chatbot,
        "annotated": gr.AnnotatedImage,
        "editor": gr.ImageEditor,
        "message": gr.MultimodalTextbox,
        "dataframe": gr.Dataframe,
        "model": gr.Model3D,
        "plot": gr.Plot,
    }
    more = {"chatbot": TALK}
    return _app(
        **{name: (lambda word: None, kind(label="Out", **more.get(name, {}))) for name, kind in kinds.items()}
    )


def later_skips():
    """Generators that leave in a later yield what they gave in an earlier one."""

    def leaving(value):
        def work(word):
            yield "working", value()
            yield "nearly", gr.update()
            yield "done", gr.update(visible=True)

        return work

    def replacing(word):
        yield "working", gr.update(value={"a": [1]}, visible=True)
        yield "nearly", gr.update(visible=False)
        yield "done", gr.update(value={"a": [2]})

    def never(word):
        yield gr.update(), gr.update(visible=True)

    status = gr.Textbox(label="Status", render=False)
    values = {
        "text": (lambda: "words", gr.Textbox),
        "facts": (lambda: {"a": [1, {"b": 2}]}, gr.JSON),
        "scores": (lambda: {"cat": 0.9, "dog": 0.1}, gr.Label),
        "table": (lambda: {"headers": ["a"], "data": [["x"]]}, gr.Dataframe),
        "picture": (lambda: _picture("purple"), gr.Image),
        "gallery": (lambda: [_picture("red"), _picture("blue")], gr.Gallery),
        "file": (lambda: _words("hello"), gr.File),
    }
    endpoints = {
        name: (leaving(value), [status, kind(label="Out", render=False)])
        for name, (value, kind) in values.items()
    }
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        status.render()
        for name, (function, gives) in endpoints.items():
            gives[1].render()
            gr.Button().click(function, word, gives, api_name=name)
        facts = gr.JSON(label="Facts")
        gr.Button().click(replacing, word, [status, facts], api_name="replacing")
        gr.Button().click(never, word, [status, facts], api_name="never")
    return demo
