"""An app that does what a test asks of it: says, refuses, paints, falls silent, and counts its calls."""

import tempfile
import time
from collections import Counter
from pathlib import Path

import gradio as gr
from PIL import Image

CALLS: Counter[str] = Counter()


def say(text: str) -> str:
    """The text back."""
    CALLS["say"] += 1
    return text


def slowly(text: str) -> str:
    """The text back, after a while."""
    CALLS["slowly"] += 1
    time.sleep(0.15)
    return text


def refuse(words: str, title: str) -> str:
    """An error with a heading, as ZeroGPU raises it."""
    CALLS["refuse"] += 1
    raise gr.Error(words, title=title or "Error")


def once_bad(name: str) -> str:
    """Fails the first time it is asked for a name."""
    CALLS[name] += 1
    if CALLS[name] == 1:
        raise RuntimeError("bad luck")
    return name


def paint(colour: str, width: int) -> str:
    """A picture of one colour, or of two halves."""
    CALLS["paint"] += 1
    left, _, right = colour.partition("-")
    image = Image.new("RGB", (int(width), 32), right or left)
    image.paste(left, (0, 0, int(width) // 2, 32))
    path = Path(tempfile.mkdtemp()) / "picture.png"
    image.save(path)
    return str(path)


def calls() -> dict[str, int]:
    """How often each was called."""
    return dict(CALLS)


with gr.Blocks() as demo:
    text, title, answer = gr.Textbox(label="Text"), gr.Textbox(label="Title"), gr.Textbox(label="Answer")
    width, picture = gr.Number(label="Width", value=32, precision=0), gr.Image(label="Picture")
    every = {"concurrency_limit": None}
    gr.Button().click(say, [text], [answer], api_name="say", **every)
    gr.Button().click(slowly, [text], [answer], api_name="slowly", **every)
    gr.Button().click(refuse, [text, title], [answer], api_name="refuse", **every)
    gr.Button().click(refuse, [text, title], [picture], api_name="refuse_to_paint", **every)
    gr.Button().click(once_bad, [text], [answer], api_name="once_bad", **every)
    gr.Button().click(paint, [text, width], [picture], api_name="paint", **every)
    gr.Button().click(calls, None, [gr.JSON(label="Facts")], api_name="calls", queue=False)

if __name__ == "__main__":
    demo.launch()
