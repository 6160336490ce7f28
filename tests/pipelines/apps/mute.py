"""A Gradio app that only shows something; there is nothing to call."""

import gradio as gr

with gr.Blocks() as demo:
    gr.Markdown("Come back later")

demo.launch()
