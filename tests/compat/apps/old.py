"""An app for Gradio 3 and the first 4.x: their values, in the words of their time."""

import gradio as gr


def shout(text, number):
    return text.upper(), number * 2


def same(value):
    return value


def refuse(text):
    raise gr.Error(text)


def break_down(text):
    raise RuntimeError(text)


with gr.Blocks() as demo:
    text, number = gr.Textbox(label="Text"), gr.Number(value=4, label="Number")
    loud, doubled = gr.Textbox(label="Loud"), gr.Number(label="Doubled")
    picture, made = gr.Image(type="filepath", label="Picture"), gr.Image(type="filepath", label="Made")
    file, back = gr.File(label="File"), gr.File(label="Back")
    gr.Button("a").click(shout, [text, number], [loud, doubled], api_name="shout")
    gr.Button("b").click(same, [picture], [made], api_name="image")
    gr.Button("c").click(
        lambda one: one.name if hasattr(one, "name") else one, [file], [back], api_name="file"
    )
    gr.Button("d").click(refuse, [text], [loud], api_name="refuse")
    gr.Button("e").click(break_down, [text], [loud], api_name="break_down")

demo.queue().launch(show_error=True)
