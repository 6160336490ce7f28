"""An app behind Gradio's own login."""

import gradio as gr

gr.Interface(
    lambda text: text.upper(), gr.Textbox(label="Text"), gr.Textbox(label="Loud"), api_name="shout"
).launch(auth=("ada", "lovelace"))
