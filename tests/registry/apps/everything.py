"""An app with one endpoint for every sort of value, handed back as it came; runs on Gradio 4, 5 and 6."""

import gradio as gr


def same(value):
    return value


def double(value):
    return value * 2


def count(step, before):
    now = (before or 0) + step
    return now, now


def three(text, picture):
    return text.upper(), picture, {"length": len(text), "text": text}


def grow(number):
    text, table = "", {"rows": [], "note": "none"}
    for one in range(int(number)):
        text += f"{one},"
        table = {"rows": [*table["rows"], {"at": one}], "note": f"row {one}"}
        if one == 2:
            del table["note"]
            table["rows"] = table["rows"][1:]
        yield text, table


def hush(text):
    yield text.upper(), "working"
    yield gr.update(), "still working"
    yield gr.update(), gr.update(value="done", visible=True)


def none_at_all():
    return None


with gr.Blocks() as demo:
    text = gr.Textbox(label="Prompt")
    number = gr.Number(value=7, precision=0, label="Seed", minimum=0, maximum=1000)
    steps = gr.Slider(1, 50, value=20, label="Steps")
    style = gr.Dropdown([("An anime", "anime"), ("A photo", "photo")], value="photo", label="Style")
    free = gr.Dropdown(["x", "y"], value="x", allow_custom_value=True, label="Free")
    several = gr.Dropdown(["x", "y", "z"], multiselect=True, label="Several")
    mode = gr.Radio(["fast", "good"], label="Mode")
    flag = gr.Checkbox(label="Flag")
    group = gr.CheckboxGroup(["a", "b", "c"], label="Group")
    picture = gr.Image(type="filepath", label="Picture")
    sound = gr.Audio(type="filepath", label="Sound")
    clip = gr.Video(label="Clip")
    file = gr.File(label="File")
    files = gr.File(file_count="multiple", label="Files")
    gallery = gr.Gallery(type="filepath", label="Gallery")
    data = gr.JSON(label="Data")
    state = gr.State(0)
    said = gr.Textbox(label="Said")
    said_too = gr.Textbox(label="Said")
    nameless = gr.Textbox(label="")
    number_out = gr.Number(label="Result")
    made = gr.Image(type="filepath", label="Generated Image")

    for name, function, takes, gives in [
        ("text", same, [text], [said]),
        ("number", double, [number], [number_out]),
        ("slider", double, [steps], [number_out]),
        ("dropdown", same, [style], [said]),
        ("free", same, [free], [said]),
        ("several", same, [several], [data]),
        ("radio", same, [mode], [said]),
        ("checkbox", same, [flag], [flag]),
        ("group", same, [group], [data]),
        ("image", same, [picture], [made]),
        ("audio", same, [sound], [sound]),
        ("video", same, [clip], [clip]),
        ("file", same, [file], [file]),
        ("files", same, [files], [files]),
        ("gallery", same, [gallery], [gallery]),
        ("json", same, [data], [data]),
        ("count", count, [number, state], [number_out, state]),
        ("three", three, [text, picture], [said, made, data]),
        ("grow", grow, [number], [said, data]),
        ("hush", hush, [text], [said, said_too]),
        ("labels", lambda one: (one, one, one), [text], [said, said_too, nameless]),
        ("nothing", none_at_all, [], []),
    ]:
        gr.Button(name).click(function, takes, gives, api_name=name)
    gr.Button("hidden").click(same, [text], [said], api_name=False)

demo.queue().launch(show_error=True)
