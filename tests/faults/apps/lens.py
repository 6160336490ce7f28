"""An app whose call uses every request of the protocol: a file in, a stream of messages, a file out."""

import time
from pathlib import Path

import gradio as gr
from PIL import Image, ImageOps

asked: dict[str, int] = {}


def invert(picture: str, name: str, progress: gr.Progress = gr.Progress()) -> str:  # noqa: B008 - Gradio's way
    """The negative of a picture."""
    asked[name] = asked.get(name, 0) + 1
    for _ in progress.tqdm(range(3), desc="developing"):
        time.sleep(0.02)
    made = Path(picture).with_name("negative.png")
    ImageOps.invert(Image.open(picture).convert("RGB")).save(made)
    return str(made)


def count(name: str) -> int:
    """How often `invert` ran for this name."""
    return asked.get(name, 0)


def linger(seconds: float) -> str:
    """Work for so long."""
    time.sleep(seconds)
    return "done"


with gr.Blocks() as app:
    picture, name = gr.Image(type="filepath", label="picture"), gr.Textbox(label="name")
    made = gr.Image(type="filepath", label="negative", format="png")
    gr.Button().click(invert, [picture, name], made, api_name="invert", concurrency_limit=8)
    gr.api(count, api_name="count")
    gr.api(linger, api_name="linger")

app.launch()
