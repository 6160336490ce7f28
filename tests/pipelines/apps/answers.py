"""A Gradio app that answers in every shape: lists, files in values, updates, empty files."""
# ruff: noqa: ARG001, ARG005 - answers are made up

import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import gradio as gr
import imageio_ffmpeg
import numpy as np
from PIL import Image

CALLS: Counter[str] = Counter()
BOXES = [{"label": "cat", "box": [1, 2, 3, 4]}, {"label": "dog", "box": [5, 6, 7, 8]}]
TABLE = {"headers": ["word", "n"], "data": [["sea", 3], ["salt", 2]]}


def _path(suffix):
    return str(Path(tempfile.mkdtemp()) / f"made{suffix}")


def _picture(colour, size=(64, 48)):
    path = _path(".png")
    Image.new("RGB", size, colour).save(path)
    return path


def _words(text, suffix=".txt"):
    path = _path(suffix)
    Path(path).write_text(text, encoding="utf-8")
    return path


def _film(colour):
    path = _path(".mp4")
    source = f"color={colour}:s=64x48:r=10:d=1"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-loglevel",
            "error",
            "-f",
            "lavfi",
            "-i",
            source,
            "-pix_fmt",
            "yuv420p",
            path,
        ],
        check=True,
    )
    return path


def chat(prompt):
    CALLS["chat"] += 1
    said = {"role": "assistant", "content": {"path": _picture("purple")}}
    return [{"role": "user", "content": prompt}, said]


def reply(prompt):
    return {"text": f"{prompt}!", "files": [_picture("navy"), _words("hello")]}


def parts(prompt):
    cat, dog = np.zeros((48, 64)), np.zeros((48, 64))
    cat[10:30, 10:40] = 1
    dog[0:5, 0:5] = 1
    return _picture("teal"), [(cat, prompt), (dog, "dog")]


def edited(prompt):
    return {
        "background": _picture("red"),
        "layers": [_picture("green"), _picture("blue")],
        "composite": _picture("white"),
    }


def film(prompt):
    return _film("red")


def only_label(prompt):
    CALLS["only_label"] += 1
    yield "working", {"cat": 0.9, "dog": 0.1}
    yield "done", gr.update(visible=True)


def steps(prompt):
    CALLS["steps"] += 1
    yield "working", _picture("purple"), {"cat": 0.9}, {"headers": ["a"], "data": [[1]]}
    yield "done", gr.skip(), gr.skip(), gr.skip()


def transcript(prompt):
    CALLS["transcript"] += 1
    path = _path(".srt")
    Path(path).touch()
    return "(no speech)", path


def link(prompt):
    CALLS["link"] += 1
    return {"seed": 3, "best": {"path": prompt, "url": prompt, "meta": {"_type": "gradio.FileData"}}}


with gr.Blocks() as demo:
    text = gr.Textbox(label="Prompt")
    said, status = gr.Textbox(label="Text"), gr.Textbox(label="Status")
    scores = gr.Label(label="Scores")

    def endpoint(function, gives, takes=text):
        gr.Button().click(function, [takes], gives, api_name=function.__name__)

    gr.Button().click(lambda prompt: BOXES, [text], [gr.JSON(label="Found")], api_name="detect")
    gr.Button().click(lambda prompt: {"cat": 0.9, "dog": 0.1}, [text], [scores], api_name="classify")
    gr.Button().click(lambda prompt: TABLE, [text], [gr.Dataframe(label="Table")], api_name="table")
    gr.Button().click(lambda: dict(CALLS), [], [gr.JSON(label="Calls")], api_name="calls")
    endpoint(chat, [gr.Chatbot(label="Talk")])
    endpoint(reply, [gr.MultimodalTextbox(label="Reply")])
    endpoint(parts, [gr.AnnotatedImage(label="Parts")])
    endpoint(edited, [gr.ImageEditor(label="Edited", type="filepath")])
    endpoint(film, [gr.Video(label="Film")])
    endpoint(only_label, [status, scores])
    endpoint(steps, [status, gr.Image(label="Img"), gr.Label(label="Scores"), gr.Dataframe(label="Table")])
    endpoint(transcript, [said, gr.File(label="Srt")])
    endpoint(link, [gr.JSON(label="Link")])

if __name__ == "__main__":
    demo.launch(show_error=True)
