"""An app that takes its time and counts how often it was really asked."""

import time

import gradio as gr

asked: dict[str, int] = {}


def work(words: str, seconds: float) -> str:
    """Work for a while."""
    asked[words] = asked.get(words, 0) + 1
    time.sleep(seconds)
    return words.upper()


def count(words: str) -> int:
    """How often `work` was asked for these words."""
    return asked.get(words, 0)


with gr.Blocks() as app:
    text, seconds = gr.Textbox(label="words"), gr.Number(label="seconds")
    gr.api(work, api_name="work", concurrency_limit=1)
    gr.api(count, api_name="count", queue=False)

app.launch()
