"""Values that are more than a text or a file: nothing at all, masks, messages, chats; on Gradio 3 to 6."""

import json
from pathlib import Path

import gradio as gr

MAJOR = int(gr.__version__.split(".")[0])
EMPTY = {
    "image": lambda: gr.Image(label="Reference (optional)", type="filepath"),
    "audio": lambda: gr.Audio(label="Voice (optional)", type="filepath"),
    "video": lambda: gr.Video(label="Clip (optional)"),
    "file": lambda: gr.File(label="Document (optional)"),
    "files": lambda: gr.File(label="Documents (optional)", file_count="multiple"),
    "number": lambda: gr.Number(label="Seed (blank: random)"),
    "dropdown": lambda: gr.Dropdown(["a", "b"], label="Style", value=None),
    "radio": lambda: gr.Radio(["a", "b"], label="Mode"),
    "text": lambda: gr.Textbox(label="Text", value=None),
    "multi": lambda: gr.Dropdown(["a", "b"], label="Tags", value=None, multiselect=True),
    "model3d": lambda: gr.Model3D(label="Mesh (optional)"),
    "json": lambda: gr.JSON(label="Settings (optional)"),
}
if MAJOR > 3:
    EMPTY["editor"] = lambda: gr.ImageEditor(label="Canvas (optional)")
    EMPTY["datetime"] = lambda: gr.DateTime(label="When")
    EMPTY["message"] = lambda: gr.MultimodalTextbox(label="Message", value=None)


def told(path):
    """A file in a few words that do not depend on where it lies."""
    if path is None:
        return None
    path = path["path"] if isinstance(path, dict) else path
    return [Path(path).name, Path(path).stat().st_size]


def painted(picture):
    """How many pixels of a layer are painted."""
    return sum(1 for one in picture.convert("RGBA").getchannel("A").tobytes() if one)


def edited(canvas):
    """An editor's value: the background's size, painted pixels a layer, whether there is a composite."""
    background = canvas["background"]
    return json.dumps(
        {
            "background": background and background.size,
            "layers": [painted(one) for one in canvas["layers"]],
            "composite": canvas["composite"] and canvas["composite"].size,
        }
    )


def sketched(sketch):
    """A sketch of Gradio 3: the picture's size, and how much of it is masked."""
    mask = sketch["mask"].convert("L").tobytes()
    return json.dumps({"image": sketch["image"].size, "masked": sum(1 for one in mask if one)})


def looked(message):
    """A message: its words and its files."""
    if message is None:
        return "null"
    return json.dumps({"text": message["text"], "files": [told(one) for one in message["files"]]})


def content(value):
    """What was said in one message: a text, or a file in a few words; on every Gradio alike."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return [content(one) for one in value]
    if isinstance(value, (list, tuple)):
        return {"file": told(value[0])}
    if isinstance(value, dict) and "text" in value:
        return value["text"]
    if isinstance(value, dict):
        return {"file": told(value["file"])}
    if hasattr(value, "file"):
        return {"file": told(value.file.path)}
    if isinstance(value, gr.blocks.Block):
        here = value.value
        return {"file": told(here)}
    return value


def heard(history):
    """A chat's history."""
    found = []
    for one in history:
        if isinstance(one, dict):
            found.append([one["role"], content(one["content"])])
        else:
            found.append([content(one[0]), content(one[1])])
    return json.dumps(found)


def prompted(value):
    """A picture with points: what components for segmentation give."""
    return json.dumps({"image": told(value["image"]), "points": value["points"]})


def hung(pictures):
    """A gallery: size and caption of each picture."""
    return json.dumps([[list(one.size), caption] for one, caption in pictures])


def played(path):
    """A video, which may come with subtitles."""
    return json.dumps(told(path))


def points():
    """A component of somebody's own; for a class of its own Gradio would write a stub here."""
    from typing import List  # noqa: PLC0415, UP035 - for Gradio 4

    from gradio.data_classes import FileData, GradioModel  # noqa: PLC0415

    class PromptData(GradioModel):
        image: FileData
        points: List[List[float]]  # noqa: UP006

    one = gr.JSON(label="Prompt")
    one.get_block_name = lambda: "prompter"
    one.data_model = PromptData
    one.api_info = PromptData.model_json_schema
    one.preprocess = lambda value: value and {"image": value.image.path, "points": value.points}
    return one


with gr.Blocks() as app:
    said = gr.Textbox(label="Said")

    def offer(name, function, component):
        """One endpoint, whose parameter is `value`."""

        def run(value):
            return function(value)

        gr.Button(name).click(run, [component], [said], api_name=name)

    for kind, make in EMPTY.items():
        offer(f"empty_{kind}", repr, make())
    if MAJOR == 3:
        offer("sketch", sketched, gr.Image(label="Sketch", source="upload", tool="sketch", type="pil"))
    else:
        offer("editor", edited, gr.ImageEditor(label="Canvas", type="pil"))
        offer("sketchpad", edited, gr.Sketchpad(label="Pad", type="pil"))
        offer("paint", edited, gr.Paint(label="Paint", type="pil"))
        offer("mask", edited, gr.ImageMask(label="Mask", type="pil"))
        offer("look", looked, gr.MultimodalTextbox(label="Message", file_count="multiple"))
        offer("prompted", prompted, points())
        offer("hang", hung, gr.Gallery(label="Pictures", type="pil"))
    offer("play", played, gr.Video(label="Clip"))
    if MAJOR in (4, 5):
        offer("hear", heard, gr.Chatbot(label="Talk", type="messages"))
        offer("hear_pairs", heard, gr.Chatbot(label="Pairs", type="tuples"))
    else:
        offer("hear", heard, gr.Chatbot(label="Talk"))
    offer("json", json.dumps, gr.JSON(label="Value"))

app.queue().launch(show_error=True, quiet=False)
