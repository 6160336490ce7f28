"""An app that says what steers terminals in every place where an app can say something."""

import os
import tempfile
from pathlib import Path

import gradio as gr

EVIL = os.environ["EVIL"]


def answer(word: str, progress: gr.Progress = gr.Progress()) -> tuple[str, dict[str, list[str]], str]:  # noqa: B008 - Gradio's own way
    """A text, a JSON, and a file; and words on the way."""
    progress(0.5, desc=f"desc {EVIL}", unit=f"unit {EVIL}")
    gr.Info(f"info {EVIL}")
    gr.Warning(f"warning {EVIL}")
    file = Path(tempfile.mkdtemp()) / f"name \x9b\u202e{word}.txt"
    file.write_text(f"file {EVIL}")
    return f"text {EVIL}", {f"key {EVIL}": [f"value {EVIL}"]}, str(file)


def refuse(word: str) -> str:
    """A refusal."""
    raise gr.Error(f"{word} {EVIL}", title=f"title {EVIL}")


def break_down(word: str) -> str:
    """An exception that the app did not expect."""
    raise ValueError(f"{word} {EVIL}")


with gr.Blocks(title=f"title {EVIL}") as demo:
    word, said = gr.Textbox(label="word"), gr.Textbox(label=f"said {EVIL}")
    found, kept = gr.JSON(label=f"found {EVIL}"), gr.File(label=f"kept {EVIL}")
    choice = gr.Dropdown([f"choice {EVIL}", "b"], label=f"choice {EVIL}")
    gr.Button().click(answer, word, [said, found, kept], api_name="answer")
    gr.Button().click(refuse, word, said, api_name="refuse")
    gr.Button().click(break_down, word, said, api_name="break")
    gr.Button().click(lambda one: one, choice, said, api_name="choose")

if __name__ == "__main__":
    demo.launch(show_error=True)
