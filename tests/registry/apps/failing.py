"""An app that fails on purpose, and tells afterwards what ran. Takes small files and short queues only."""
# ruff: noqa: ARG001, B008 - an app as its author would write it

import os
import threading
from collections import defaultdict

import gradio as gr

RAN: list[str] = []
FREE: dict[str, threading.Event] = defaultdict(threading.Event)
STOPPED: dict[str, threading.Event] = defaultdict(threading.Event)
PATIENCE_S = 20


def refuse(words, title):
    raise gr.Error(words, title=title)


def break_down(text):
    return {}[text]


def die(text):
    os._exit(3)


def hold(name):
    RAN.append(name)
    FREE[name].wait(PATIENCE_S)
    return name


def release(name):
    FREE[name].set()
    return name


def endless(name):
    try:
        while True:
            yield name
            FREE[name].wait(0.01)
    finally:
        STOPPED[name].set()


def was_stopped(name):
    return STOPPED[name].wait(PATIENCE_S)


def talk(text, progress=gr.Progress()):
    gr.Info("listen")
    progress((1, 4), desc="Thinking", unit="steps")
    FREE[text].wait(PATIENCE_S)
    return text


with gr.Blocks() as demo:
    text, title = gr.Textbox(label="Text"), gr.Textbox(value="Error", label="Title")
    number = gr.Slider(1, 50, value=20, label="Steps")
    bounded = gr.Number(value=5, minimum=1, maximum=50, label="Bounded")
    style = gr.Dropdown(["anime", "photo"], value="photo", label="Style")
    file, data, flag, said = gr.File(), gr.JSON(), gr.Checkbox(), gr.Textbox()
    for name, function, takes, gives in [
        ("refuse", refuse, [text, title], [said]),
        ("break_down", break_down, [text], [said]),
        ("die", die, [text], [said]),
        ("hold", hold, [text], [said]),
        ("endless", endless, [text], [said]),
        ("was_stopped", was_stopped, [text], [flag]),
        ("talk", talk, [text], [said]),
        ("style", lambda one: one, [style], [said]),
        ("bounded", lambda one: one, [bounded], [bounded]),
        ("file", lambda one: one, [file], [file]),
    ]:
        gr.Button(name).click(function, takes, gives, api_name=name, concurrency_limit=1)
    gr.Button("release").click(release, [text], [said], api_name="release", queue=False)
    gr.Button("ran").click(lambda: RAN, [], [data], api_name="ran", queue=False)

demo.queue(max_size=2).launch(show_error=True, max_file_size="1kb")
