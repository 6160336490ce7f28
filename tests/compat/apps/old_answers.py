"""What apps of Gradio 3 and the first 4.x answer: generators, updates, masks, chats with pictures."""
# ruff: noqa: ARG001 - answers are made up

import tempfile
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image


def grow(number):
    for one in range(int(number)):
        yield f"part {one}", Image.new("RGB", (16 + one, 16))


def hush(text):
    yield text.upper(), "working"
    yield gr.update(), "done"


def shown(text):
    return gr.update(value=text.upper(), visible=True), gr.update(visible=True)


def parts(text):
    mask = np.zeros((48, 64))
    mask[10:30, 10:40] = 1
    return Image.new("RGB", (64, 48), "teal"), [(mask, text), ((1, 2, 10, 12), "dog")]


def chat(text):
    path = str(Path(tempfile.mkdtemp()) / "made.png")
    Image.new("RGB", (8, 8)).save(path)
    return [[text, "hello"], [None, (path,)]]


def count(text, before):
    now = (before or 0) + 1
    yield f"{text} {now}", now
    yield f"{text} {now} end", now


def nothing(text):
    return None, None


def fail(text):
    yield "first"
    raise gr.Error("no more of " + text)


with gr.Blocks() as demo:
    number, text = gr.Number(label="Number"), gr.Textbox(label="Text")
    said, status, state = gr.Textbox(label="Said"), gr.Textbox(label="Status"), gr.State()
    made = gr.Image(label="Made")
    gr.Button("a").click(grow, [number], [said, made], api_name="grow")
    gr.Button("b").click(hush, [text], [said, status], api_name="hush")
    gr.Button("c").click(shown, [text], [said, status], api_name="shown")
    gr.Button("d").click(parts, [text], [gr.AnnotatedImage(label="Parts")], api_name="parts")
    gr.Button("e").click(chat, [text], [gr.Chatbot(label="Talk")], api_name="chat")
    gr.Button("f").click(count, [text, state], [said, state], api_name="count")
    gr.Button("g").click(nothing, [text], [made, said], api_name="nothing")
    gr.Button("h").click(fail, [text], [said], api_name="fail")

demo.queue().launch(show_error=True)
