"""Apps of tables, plots, talk, and what an app remembers."""
# ruff: noqa: ARG001 - idle lambdas and arguments are what apps have

import gradio as gr
import pandas as pd


def _same(value):
    return value


def _echo(name, takes, gives=None):
    gr.Button(name).click(_same, takes, takes if gives is None else gives, api_name=name)


def dataframe():
    with gr.Blocks() as demo:
        _echo("pandas", gr.Dataframe(headers=["a", "b"], label="Table"))
        _echo("array", gr.Dataframe([[1, "x"], [2, "y"]], headers=["n", "w"], type="array", label="Table"))
        made = gr.Dataframe(label="Made")
        gr.Button().click(lambda: pd.DataFrame({"x": [1, 2], "y": [0.5, None]}), None, made, api_name="made")
        gr.Button().click(lambda: None, None, made, api_name="nothing")
    return demo


def dataframe_templates():
    with gr.Blocks() as demo:
        _echo("numpy", gr.Numpy(label="Array"))
        _echo("matrix", gr.Matrix(label="Matrix"))
        _echo("list", gr.List(label="List"))
    return demo


def large_default():
    with gr.Blocks() as demo:
        rows = [[number, f"row {number} " + "x" * 80] for number in range(2000)]
        table = gr.Dataframe(rows, headers=["n", "w"], type="array", label="Table")
        gr.Button().click(len, table, gr.Number(label="Rows"), api_name="count")
    return demo


def plots():
    table = pd.DataFrame({"x": [1, 2, 3], "y": [2, 1, 3], "kind": ["a", "b", "a"]})
    with gr.Blocks() as demo:
        for name, kind in (("line", gr.LinePlot), ("bar", gr.BarPlot), ("scatter", gr.ScatterPlot)):
            shown = kind(x="x", y="y", label=name.title())
            gr.Button().click(lambda: table, None, shown, api_name=name)
        gr.Button().click(lambda: None, None, gr.Plot(label="Figure"), api_name="figure")
        _echo("back", gr.LinePlot(table, x="x", y="y"))
    return demo


def chatbot():
    def answer(words, history):
        return "", [*(history or []), {"role": "user", "content": words}]

    with gr.Blocks() as demo:
        words, talk = gr.Textbox(label="Words"), gr.Chatbot(label="Talk")
        words.submit(answer, [words, talk], [words, talk], api_name="answer")
        started = gr.Chatbot([{"role": "assistant", "content": "Hello"}], label="Talk")
        _echo("started", started)
    return demo


def multimodal():
    def sizes(message):
        return f"{message['text']}: {len(message['files'])}"

    with gr.Blocks() as demo:
        said = gr.Textbox(label="Said")
        gr.Button().click(sizes, gr.MultimodalTextbox(label="Message"), said, api_name="plain")
        given = gr.MultimodalTextbox({"text": "hi", "files": []}, label="Message", file_count="multiple")
        gr.Button().click(sizes, given, said, api_name="given")
        _echo("back", gr.MultimodalTextbox(label="Message"))
    return demo


def chat_interface():
    def reply(message, history):
        return message.upper()

    return gr.ChatInterface(reply)


def chat_with_more():
    def reply(message, history, tone, steps):
        for end in range(1, len(message) + 1):
            yield f"{tone}{steps}: {message[:end]}"

    more = [gr.Textbox("calm", label="Tone"), gr.Slider(1, 9, value=3, step=1, label="Steps")]
    return gr.ChatInterface(reply, additional_inputs=more, title="Talk")


def chat_multimodal():
    def reply(message, history):
        return f"{message['text']} with {len(message['files'])} files"

    return gr.ChatInterface(reply, multimodal=True)


def dialogue():
    with gr.Blocks() as demo:
        _echo("lines", gr.Dialogue(speakers=["A", "B"], label="Dialogue"))
        _echo("free", gr.Dialogue(label="Script"))
    return demo


def browser_state():
    with gr.Blocks() as demo:
        kept, said = gr.BrowserState({"seen": 0}), gr.Textbox(label="Said")
        gr.Button().click(lambda kept, word: (kept, word), [kept, said], [kept, said], api_name="keep")
    return demo


def state():
    def count(step, before):
        return (before or 0) + step, (before or 0) + step

    def shift(first, word, second):
        return first, word, [*(second or []), word]

    with gr.Blocks() as demo:
        step, sum_ = gr.Number(1, label="Step"), gr.Number(label="Sum")
        before, other, word = gr.State(0), gr.State(), gr.Textbox(label="Word")
        gr.Button().click(count, [step, before], [sum_, before], api_name="count")
        gr.Button().click(shift, [before, word, other], [before, word, other], api_name="shift")
        gr.Button().click(lambda one: one, before, sum_, api_name="read")
        gr.Button().click(lambda: 5, None, before, api_name="set")
    return demo


def param_viewer():
    with gr.Blocks() as demo:
        shown = gr.ParamViewer({"a": {"type": "str", "description": "what", "default": "None"}})
        _echo("shown", shown)
    return demo


def buttons():
    with gr.Blocks() as demo:
        word, button = gr.Textbox(label="Word"), gr.Button("Press me")
        button.click(lambda one, two: (one, two), [button, word], [button, word], api_name="press")
        clear = gr.ClearButton([word])
        gr.Button().click(lambda one: one, clear, word, api_name="cleared")
        gr.Button().click(lambda: "Now", None, button, api_name="rename")
    return demo


def rare_buttons():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        for button in (gr.DuplicateButton(), gr.DeepLinkButton()):
            name = type(button).__name__.lower()
            gr.Button().click(lambda one, two: (one, two), [button, word], [button, word], api_name=name)
            gr.Button().click(lambda: "New", None, button, api_name=f"{name}_renamed")
    return demo


def dataset():
    with gr.Blocks() as demo:
        rows = gr.Dataset(components=[gr.Textbox(visible=False)], samples=[["one"], ["two"]], label="Rows")
        numbers = gr.Dataset(components=["text"], samples=[["a"], ["b"]], type="index", label="Numbers")
        word = gr.Textbox(label="Word")
        rows.click(lambda row: row[0], rows, word, api_name="pick")
        numbers.click(str, numbers, word, api_name="count")
    return demo


def navbar():
    with gr.Blocks() as demo:
        bar, word = gr.Navbar(), gr.Textbox(label="Word")
        gr.Button().click(lambda *several: several, [bar, word], [bar, word], api_name="go")
    return demo
