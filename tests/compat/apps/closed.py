"""An app whose author closed a way to it: `closed.py HOW`; on Gradio 3 to 6."""

import sys

import gradio as gr

HOW = sys.argv[1]
MAJOR = int(gr.__version__.split(".")[0])


def shout(text):
    """Upper case."""
    return text.upper()


with gr.Blocks() as app:
    word, said = gr.Textbox(label="Text"), gr.Textbox(label="Said")
    gr.Button().click(shout, [word], [said], api_name="shout")
    gr.Button().click(shout, [word], [said], api_name="quick", queue=False)

if HOW == "api-closed":
    app.queue(api_open=False)
elif HOW != "no-queue":
    app.queue()
app.launch(**({"show_api": False} if HOW == "api-hidden" and MAJOR < 6 else {}))
