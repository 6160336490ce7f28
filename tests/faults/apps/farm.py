"""An app that makes everything a film needs, the same every time, and writes down each call it works on."""

import json
import os
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from PIL import Image, ImageOps

LOG = Path(os.environ["FARM_LOG"])
AT_ONCE = 16
PACE = float(os.environ.get("FARM_PACE", "1"))  # times as long as usual


@contextmanager
def noted(*what: object) -> Iterator[None]:
    """Write down when work begins and ends; one line at once, so that lines of many threads stay whole."""
    began = time.time()
    _note("began", what, began)
    yield
    _note("ended", what, time.time())


def _note(event: str, what: tuple[object, ...], at: float) -> None:
    line = json.dumps({"event": event, "call": list(what), "at": at}) + "\n"
    handle = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, line.encode())
    os.close(handle)


def tell(words: str, take: str) -> str:
    """A story."""
    with noted("tell", words, take):
        time.sleep(0.1 * PACE)
        return f"Once there was {words}."


def paint(story: str, number: float, take: str) -> str:
    """A picture for a story."""
    with noted("paint", story, number, take):
        time.sleep(0.3 * PACE)
        return _saved(Image.new("RGB", (64, 48), (int(number) * 15 % 256, 80, 160)))


def grade(picture: str, take: str) -> str:
    """A picture in other colours."""
    with Image.open(picture) as opened:
        pixel = opened.convert("RGB").getpixel((0, 0))
        with noted("grade", pixel, take):
            time.sleep(0.2 * PACE)
            return _saved(ImageOps.invert(opened.convert("RGB")))


def speak(words: str, take: str) -> str:
    """A tone that stands for a voice."""
    with noted("speak", words, take):
        time.sleep(0.3 * PACE)
        made = _folder() / "voice.wav"
        with wave.open(str(made), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(8000) * 2)
        return str(made)


def title(picture: str, take: str) -> str:
    """What a picture shows."""
    with Image.open(picture) as opened, noted("title", take):
        time.sleep(0.1 * PACE)
        return f"{opened.width} by {opened.height}"


def _folder() -> Path:
    folder = Path(os.environ["TMPDIR"]) / os.urandom(8).hex()
    folder.mkdir()
    return folder


def _saved(picture: Image.Image) -> str:
    made = _folder() / "picture.png"
    picture.save(made)
    return str(made)


with gr.Blocks() as app:
    text, number, take = gr.Textbox(label="words"), gr.Number(label="number"), gr.Textbox(label="take")
    image = gr.Image(type="filepath", label="picture", format="png")
    audio = gr.Audio(type="filepath", label="voice")
    said = gr.Textbox(label="said")
    for work, takes, gives in (
        (tell, [text, take], said),
        (paint, [text, number, take], image),
        (grade, [image, take], image),
        (speak, [text, take], audio),
        (title, [image, take], said),
    ):
        gr.Button().click(work, takes, gives, api_name=work.__name__, concurrency_limit=AT_ONCE)

app.queue(default_concurrency_limit=AT_ONCE)
app.launch(max_threads=64)
