"""An app that gives the same for the same, to the byte, and counts how often it was asked for what."""

import hashlib
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import gradio as gr

asked: Counter[str] = Counter()
at_once: Counter[str] = Counter()
door = threading.Lock()


def stamp(text: str) -> str:
    """A text out of a text."""
    with door:
        asked[f"stamp {text}"] += 1
    return hashlib.sha256(text.encode()).hexdigest()


def press(text: str) -> str:
    """A file out of a text: the place it is made at is another one each time, its bytes never are."""
    with door:
        asked[f"press {text}"] += 1
    made = Path(tempfile.mkdtemp()) / "pressed.txt"
    made.write_text(f"{text}\n" * 100)
    return str(made)


def melt(file: str, number: float) -> tuple[str, dict[str, object]]:
    """What a file and a number make: a file again, and JSON about it."""
    content = Path(file).read_bytes()
    told = hashlib.sha256(content).hexdigest()
    with door:
        asked[f"melt {told} {number:g}"] += 1
        at_once["now"] += 1
        at_once["most"] = max(at_once["most"], at_once["now"])
    time.sleep(0.005)
    made = Path(tempfile.mkdtemp()) / "melted.txt"
    made.write_bytes(content[: int(number) + 1] * 3)
    with door:
        at_once["now"] -= 1
    return str(made), {"sha256": told, "number": number, "size": len(content)}


def counts() -> dict[str, int]:
    """How often each question was asked."""
    with door:
        return {**asked, "most at once": at_once["most"]}


def forget() -> int:
    """Begin to count anew."""
    with door:
        asked.clear()
        at_once.clear()
    return 0


with gr.Blocks() as app:
    gr.api(stamp, api_name="stamp", concurrency_limit=None)
    text, number = gr.Textbox(label="text"), gr.Number(label="number")
    file, other = gr.File(label="pressed"), gr.File(label="melted")
    told = gr.JSON(label="told")
    gr.Button().click(press, text, file, api_name="press", concurrency_limit=None)
    gr.Button().click(melt, [file, number], [other, told], api_name="melt", concurrency_limit=None)
    gr.api(counts, api_name="counts")
    gr.api(forget, api_name="forget")

app.launch(max_threads=80)
