"""A Gradio app with what the engine's tests need; it counts its own calls."""

import os
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import gradio as gr
from PIL import Image

CALLS: Counter[str] = Counter()
NOW: Counter[str] = Counter()
MOST: Counter[str] = Counter()
MEETINGS = {count: threading.Barrier(count) for count in (4, 8)}


def shout(text: str) -> str:
    """Upper case."""
    CALLS["shout"] += 1
    return text.upper()


def wait(seconds: float, text: str) -> str:
    """Sleep, then give the text back."""
    CALLS["wait"] += 1
    NOW["wait"] += 1
    MOST["wait"] = max(MOST["wait"], NOW["wait"])
    try:
        time.sleep(seconds)
    finally:
        NOW["wait"] -= 1
    return text


def meet(count: int, text: str) -> str:
    """Wait until so many calls are here at once, and a moment for one too many; then give the text back."""
    NOW["meet"] += 1
    MOST["meet"] = max(MOST["meet"], NOW["meet"])
    try:
        MEETINGS[int(count)].wait(60)
        time.sleep(0.2)
    finally:
        NOW["meet"] -= 1
    return text


def crawl(seconds: float):
    """Yield often, so that a cancellation shows."""
    CALLS["crawl"] += 1
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        CALLS["crawl-ticks"] += 1
        time.sleep(0.05)
        yield "…"
    CALLS["crawl-ended"] += 1
    yield "end"


def refuse(text: str) -> str:
    """Never works."""
    CALLS["refuse"] += 1
    message = f"I do not like {text!r}"
    raise gr.Error(message)


def picky(text: str) -> str:
    """Works unless the text is `bad`."""
    CALLS["picky"] += 1
    if text == "bad":
        message = "that one is bad"
        raise gr.Error(message)
    return text


def draw(colour: str, count: int) -> list[str]:
    """Flat pictures; their content is what the colour says."""
    CALLS["draw"] += 1
    folder = Path(tempfile.mkdtemp())
    paths = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.new("RGB", (32 + number, 24), colour).save(path)
        paths.append(str(path))
    return paths


def measure(picture: str) -> int:
    """Width of a picture that came by upload."""
    CALLS["measure"] += 1
    with Image.open(picture) as image:
        return image.width


def bulk(megabytes: int) -> str:
    """A file of that size."""
    path = Path(tempfile.mkdtemp()) / "bulk.bin"
    path.write_bytes(os.urandom(int(megabytes) * 1024 * 1024))
    return str(path)


def die(text: str) -> str:
    """End the whole process in the middle of a call."""
    os._exit(int(text or 1))


def calls() -> dict[str, int]:
    """How often each was called, and how many were there at once at most."""
    return {**CALLS, "most-waits": MOST["wait"], "most-meet": MOST["meet"]}


with gr.Blocks() as demo:
    text, number, answer = gr.Textbox(label="Text"), gr.Number(label="Seconds"), gr.Textbox(label="Answer")
    colour = gr.Dropdown(["red", "green", "blue"], label="Colour", value="red")
    count = gr.Slider(1, 5, value=2, step=1, label="Count")
    gallery, picture = gr.Gallery(label="Pictures"), gr.Image(label="Picture", type="filepath")
    width, facts = gr.Number(label="Width", precision=0), gr.JSON(label="Facts")
    every = {"concurrency_limit": None}
    gr.Button().click(shout, [text], [answer], api_name="shout", **every)
    gr.Button().click(wait, [number, text], [answer], api_name="wait", **every)
    gr.Button().click(meet, [number, text], [answer], api_name="meet", **every)
    gr.Button().click(crawl, [number], [answer], api_name="crawl", **every)
    gr.Button().click(refuse, [text], [answer], api_name="refuse", **every)
    gr.Button().click(picky, [text], [answer], api_name="picky", **every)
    gr.Button().click(draw, [colour, count], [gallery], api_name="draw", **every)
    gr.Button().click(measure, [picture], [width], api_name="measure", **every)
    gr.Button().click(bulk, [number], [gr.File(label="Bulk")], api_name="bulk", **every)
    gr.Button().click(die, [text], [answer], api_name="die", **every)
    gr.Button().click(calls, None, [facts], api_name="calls", queue=False)

if __name__ == "__main__":
    demo.launch()
