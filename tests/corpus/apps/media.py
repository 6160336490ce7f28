"""Apps of pictures, sound, film and files; what they make, they make as plain files."""
# ruff: noqa: ARG005, PIE807, PLW0108 - idle lambdas and arguments are what apps have

import tempfile
import wave
from pathlib import Path

import gradio as gr
from PIL import Image


def _same(value):
    return value


def _echo(name, takes, gives=None):
    gr.Button(name).click(_same, takes, takes if gives is None else gives, api_name=name)


def _folder():
    return Path(tempfile.mkdtemp())


def _picture(name="made.png", colour="teal"):
    path = _folder() / name
    Image.new("RGB", (16, 12), colour).save(path)
    return str(path)


def _note(name="note.txt"):
    path = _folder() / name
    path.write_text("plain words\n", encoding="utf-8")
    return str(path)


def _tone():
    path = _folder() / "tone.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(800))
    return str(path)


def image():
    with gr.Blocks() as demo:
        _echo("by_path", gr.Image(type="filepath", label="Picture"))
        _echo("by_pixels", gr.Image(type="numpy", format="png", label="Picture"))
        _echo("by_pil", gr.Image(type="pil", format="png", image_mode="L", label="Picture"))
        gr.Button().click(lambda: _picture(), None, gr.Image(label="Made"), api_name="made")
        gr.Button().click(lambda: None, None, gr.Image(label="Made"), api_name="nothing")
    return demo


def image_with_value():
    with gr.Blocks() as demo:
        _echo("start", gr.Image(_picture("start.png"), type="filepath", label="Start"))
    return demo


def audio():
    with gr.Blocks() as demo:
        _echo("by_path", gr.Audio(type="filepath", label="Sound"))
        _echo("microphone", gr.Audio(sources=["microphone"], type="filepath", label="Voice"))
        gr.Button().click(lambda: _tone(), None, gr.Audio(label="Speech"), api_name="made")
        gr.Button().click(lambda: None, None, gr.Audio(label="Speech"), api_name="nothing")
    return demo


def audio_with_value():
    with gr.Blocks() as demo:
        _echo("start", gr.Audio(_tone(), type="filepath", label="Start"))
    return demo


def audio_streamed():
    def speak(text):
        for _ in text[:3]:
            yield _tone()

    with gr.Blocks() as demo:
        text, sound = gr.Textbox("abc", label="Text"), gr.Audio(label="Speech")
        gr.Button().click(speak, text, sound, api_name="speak")
    return demo


def video():
    with gr.Blocks() as demo:
        _echo("clip", gr.Video(label="Clip"))
        gr.Button().click(lambda one, two: two, [gr.Video(), gr.Video()], gr.Video(), api_name="second")
        gr.Button().click(lambda: None, None, gr.Video(label="Made"), api_name="nothing")
    return demo


def file():
    with gr.Blocks() as demo:
        _echo("one", gr.File(label="File"))
        _echo("typed", gr.File(label="File", file_types=[".txt", "image"]))
        _echo("with_value", gr.File(_note("start.txt"), label="File"))
        gr.Button().click(lambda: _note(), None, gr.File(label="Made"), api_name="made")
        several = gr.File(label="Made", file_count="multiple")
        gr.Button().click(lambda: [_note(), _note("b c.txt")], None, several, api_name="made_several")
    return demo


def file_several():
    with gr.Blocks() as demo:
        _echo("several", gr.File(file_count="multiple", label="Files"))
        _echo("empty", gr.File(file_count="multiple", label="Files", value=[]))
        gr.Button().click(len, gr.File(file_count="multiple"), gr.Number(label="Count"), api_name="count")
    return demo


def file_directory():
    with gr.Blocks() as demo:
        _echo("folder", gr.File(file_count="directory", label="Folder"))
    return demo


def gallery():
    with gr.Blocks() as demo:
        made = gr.Gallery(label="Made")
        _echo("by_path", gr.Gallery(type="filepath", label="Pictures"))
        gr.Button().click(lambda: [_picture(), _picture("b.png")], None, made, api_name="made")
        gr.Button().click(lambda: [(_picture(), "first 🦊"), (_picture(), "")], None, made, api_name="told")
        gr.Button().click(lambda: [], None, made, api_name="empty")
        gr.Button().click(lambda: None, None, made, api_name="nothing")
    return demo


def gallery_with_value():
    with gr.Blocks() as demo:
        _echo("start", gr.Gallery([_picture()], type="filepath", label="Pictures"))
    return demo


def image_editor():
    with gr.Blocks() as demo:
        made = gr.Image(type="filepath", label="Made")
        editor = gr.ImageEditor(type="filepath", label="Canvas")
        gr.Button().click(lambda canvas: canvas["background"], editor, made, api_name="background")
        _echo("canvas", gr.ImageEditor(type="filepath", label="Canvas"))
    return demo


def sketches():
    with gr.Blocks() as demo:
        for name, kind in (("sketch", gr.Sketchpad), ("paint", gr.Paint), ("mask", gr.ImageMask)):
            _echo(name, kind(type="filepath", label=name))
    return demo


def image_slider():
    with gr.Blocks() as demo:
        slider = gr.ImageSlider(type="filepath", label="Before and after")
        _echo("pair", slider)
        gr.Button().click(lambda: (_picture(), _picture("b.png")), None, slider, api_name="made")
        gr.Button().click(lambda: (_picture(), None), None, slider, api_name="half")
    return demo


def annotated():
    with gr.Blocks() as demo:
        shown = gr.AnnotatedImage(label="Parts")
        gr.Button().click(lambda: (_picture(), [((1, 1, 9, 9), "part")]), None, shown, api_name="parts")
    return demo


def model3d():
    def cube():
        path = _folder() / "cube.obj"
        path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", encoding="utf-8")
        return str(path)

    with gr.Blocks() as demo:
        _echo("model", gr.Model3D(label="Model"))
        gr.Button().click(cube, None, gr.Model3D(label="Made"), api_name="cube")
    return demo


def upload_button():
    with gr.Blocks() as demo:
        one, several = gr.UploadButton(label="Send"), gr.UploadButton(label="All", file_count="multiple")
        one.upload(_same, one, gr.File(label="Sent"), api_name="one")
        several.upload(_same, several, gr.File(label="Sent", file_count="multiple"), api_name="several")
    return demo


def download_button():
    with gr.Blocks() as demo:
        button = gr.DownloadButton("Fetch", value=_note())
        gr.Button().click(lambda: _note("b.txt"), None, button, api_name="made")
        _echo("same", button)
    return demo


def file_explorer():
    with gr.Blocks() as demo:
        _echo("explore", gr.FileExplorer(glob="**/*.nothing", root_dir=str(_folder()), label="Files"))
        one = gr.FileExplorer(glob="*.none", root_dir=str(_folder()), file_count="single", label="File")
        _echo("single", one)
    return demo


def templates():
    with gr.Blocks() as demo:
        for kind in (gr.Files, gr.Mic, gr.Microphone, gr.PlayableVideo, gr.Sketchpad, gr.Paint, gr.ImageMask):
            value = kind(label="Value")
            gr.Button().click(_same, value, kind(label="Same"), api_name=kind.__name__.lower())
    return demo
