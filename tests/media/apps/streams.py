"""A Gradio app that streams sound and film in parts of a second; runs on Gradio 4 (sound alone), 5 and 6."""

import subprocess
import tempfile
import wave
from pathlib import Path

import gradio as gr
import numpy as np


def _path(suffix):
    return str(Path(tempfile.mkdtemp()) / f"made{suffix}")


def _tone(number):
    path = _path(".wav")
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        wavy = np.sin(np.arange(16000) / 16000 * 2 * np.pi * (300 + 100 * number)) * 12000
        out.writeframes(wavy.astype(np.int16).tobytes())
    return path


def _film(colour):
    path = _path(".mp4")
    source = f"color={colour}:s=64x48:r=10:d=1"
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", path], check=True
    )
    return path


def speak(number):
    for one in range(int(number)):
        yield _tone(one)


def show(number):
    for one in range(int(number)):
        yield _film(["red", "lime", "blue"][one % 3])


with gr.Blocks() as demo:
    number = gr.Number(label="Number", value=3)
    gr.Button().click(speak, [number], [gr.Audio(label="Speech", streaming=True)], api_name="speak")
    if not gr.__version__.startswith("4"):
        gr.Button().click(show, [number], [gr.Video(label="Show", streaming=True)], api_name="show")

demo.queue().launch(show_error=True)
