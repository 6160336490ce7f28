"""A Gradio app whose endpoints cost next to nothing, or exactly what they are asked to sleep."""

import os
import tempfile
import time
import wave
from functools import cache
from pathlib import Path
from typing import TypedDict, Unpack

import gradio as gr
from PIL import Image, ImageDraw

BULK_BYTES = 20_000_000
_loaded: set[str] = set()


class _Every(TypedDict):
    """What all endpoints share; Gradio counts its limit by function, so none is used for two of them."""

    concurrency_limit: None


def echo(text: str) -> str:
    """The text as it came."""
    return text


def wait(text: str, seconds: float) -> str:
    """The text as it came, later."""
    time.sleep(seconds)
    return text


def load(text: str, model: str) -> str:
    """The text after a second; the first call of a model takes twelve, as one does that loads it."""
    time.sleep(1.0 if model in _loaded else 12.0)
    _loaded.add(model)
    return text


def join(first: str, second: str, third: str, fourth: str) -> str:
    """Four texts as one."""
    return f"{first} {second} {third} {fourth}"


def draw(text: str) -> str:
    """A picture that no other text gives."""
    picture = Image.new("RGB", (256, 256), "#203040")
    ImageDraw.Draw(picture).text((10, 120), text[:40], fill="white")
    path = _new("picture.png")
    picture.save(path)
    return str(path)


def animate(image: str) -> tuple[str, str]:
    """A film of four frames out of a picture, and what it shows."""
    with Image.open(image) as opened:
        first = opened.convert("RGB").resize((128, 128))
    rest = [first.rotate(angle) for angle in (2, 4, 6)]
    path = _new("clip.gif")
    first.save(path, save_all=True, append_images=rest, duration=80)
    return str(path), f"{1 + len(rest)} frames"


def speak(text: str) -> str:
    """A quarter of a second of sound, made of the text."""
    path = _new("voice.wav")
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes((text.encode() * 4000)[:4000])
    return str(path)


def bulk(number: int) -> str:
    """A file of 20 MB that no other number gives."""
    path = _new("bulk.bin")
    with path.open("wb") as file:
        file.write(_noise())
        file.seek(0)
        file.write(int(number).to_bytes(8, "big"))
    return str(path)


def weigh(file: str) -> int:
    """The size of a file in bytes."""
    return Path(file).stat().st_size


@cache
def _noise() -> bytes:
    return os.urandom(BULK_BYTES)


def _new(name: str) -> Path:
    return Path(tempfile.mkdtemp()) / name


def build() -> gr.Blocks:
    """The app; no endpoint waits for another."""
    with gr.Blocks() as app:
        text, answer, number = gr.Textbox(label="Text"), gr.Textbox(label="Answer"), gr.Number(label="Number")
        name = gr.Textbox(label="Name")
        four = [gr.Textbox(label=label) for label in ("First", "Second", "Third", "Fourth")]
        image = gr.Image(label="Image", type="filepath")
        clip, voice = gr.Image(label="Clip", type="filepath"), gr.Audio(label="Voice", type="filepath")
        sent, given = gr.File(label="Sent", type="filepath"), gr.File(label="Given")
        weight = gr.Number(label="Weight", precision=0)

        def offer(**every: Unpack[_Every]) -> None:
            gr.Button().click(echo, [text], [answer], api_name="echo", **every)
            gr.Button().click(wait, [text, number], [answer], api_name="wait", **every)
            gr.Button().click(load, [text, name], [answer], api_name="load", **every)
            gr.Button().click(join, four, [answer], api_name="join", **every)
            gr.Button().click(draw, [text], [image], api_name="draw", **every)
            gr.Button().click(animate, [image], [clip, answer], api_name="animate", **every)
            gr.Button().click(speak, [text], [voice], api_name="speak", **every)
            gr.Button().click(bulk, [number], [given], api_name="bulk", **every)
            gr.Button().click(weigh, [sent], [weight], api_name="weigh", **every)

        offer(concurrency_limit=None)
    return app


if __name__ == "__main__":
    build().launch()
