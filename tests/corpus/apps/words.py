"""Apps of words, numbers and choices."""

import gradio as gr


def _same(value):
    return value


def _echo(name, takes, gives=None):
    gr.Button(name).click(_same, takes, takes if gives is None else gives, api_name=name)


def textbox():
    with gr.Blocks() as demo:
        said = gr.Textbox(label="Said")
        _echo("plain", gr.Textbox(label="Prompt", lines=3, placeholder="a fox"), said)
        _echo("with_value", gr.Textbox("a fox", label="Prompt"), said)
        _echo("with_empty_value", gr.Textbox("", label="Prompt"), said)
        _echo("secret", gr.Textbox(type="password", label="Key", max_lines=1), said)
        _echo("area", gr.TextArea(label="Story"), said)
        _echo("by_function", gr.Textbox(lambda: "made when the page loads", label="Prompt"), said)
    return demo


def code():
    with gr.Blocks() as demo:
        _echo("python", gr.Code(language="python", label="Program"))
        _echo("json", gr.Code('{"a": 1}', language="json", label="Settings"))
    return demo


def markdown():
    with gr.Blocks() as demo:
        _echo("fixed", gr.Markdown("# A *heading*"))
        _echo("labelled", gr.Markdown(label="Notes"))
    return demo


def html():
    with gr.Blocks() as demo:
        _echo("given", gr.HTML("<b>bold</b>"))
        _echo("empty", gr.HTML(label="Page"))
    return demo


def colorpicker():
    with gr.Blocks() as demo:
        _echo("any", gr.ColorPicker(label="Colour"))
        _echo("red", gr.ColorPicker("#ff0000", label="Colour"))
    return demo


def datetime():
    with gr.Blocks() as demo:
        stamp = gr.DateTime(label="When", type="timestamp")
        text = gr.DateTime("2026-01-31 12:00:00", label="Then", type="string", include_time=True)
        gr.Button().click(_same, stamp, stamp, api_name="stamp")
        gr.Button().click(_same, text, text, api_name="text")
    return demo


def highlighted():
    with gr.Blocks() as demo:
        shown = gr.HighlightedText(label="Parts", combine_adjacent=True)
        _echo("mark", shown)
        _echo("legend", gr.HighlightedText([("a", "x"), ("b", None), ("c", 0.5)], show_legend=True))
    return demo


def label():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        shown = gr.Label(label="Class", num_top_classes=2)
        gr.Button().click(lambda _: {"cat": 0.7, "dog": 0.2, "fox": 0.1}, word, shown, api_name="scores")
        gr.Button().click(lambda word: word, word, shown, api_name="one")
    return demo


def json():
    with gr.Blocks() as demo:
        _echo("any", gr.JSON(label="Data"))
        _echo("with_value", gr.JSON({"a": [1, None, {"b": "c"}]}, label="Data"))
        _echo("with_empty_value", gr.JSON({}, label="Data"))
    return demo


def number():
    with gr.Blocks() as demo:
        _echo("plain", gr.Number(label="Value"))
        _echo("zero", gr.Number(0, label="Value"))
        _echo("none", gr.Number(None, label="Value"))
        _echo("whole", gr.Number(7, precision=0, minimum=-5, maximum=10**9, label="Seed"))
        _echo("fine", gr.Number(1.25, precision=3, step=0.125, label="Value"))
        _echo("huge", gr.Number(2**53, precision=0, label="Value"))
    return demo


def slider():
    with gr.Blocks() as demo:
        shown = gr.Number(label="Result")
        _echo("plain", gr.Slider(label="Steps"), shown)
        _echo("bounded", gr.Slider(1, 50, value=20, step=1, label="Steps"), shown)
        _echo("beyond", gr.Slider(0, 1, value=7, label="Strength"), shown)
        _echo("below_zero", gr.Slider(-3.5, -0.5, value=-1, step=0.5, label="Level"), shown)
        _echo("random", gr.Slider(0, 9, randomize=True, label="Seed"), shown)
    return demo


def timer():
    with gr.Blocks() as demo:
        clock = gr.Timer(1000, active=False)
        shown = gr.Number(label="Tick")
        clock.tick(lambda: 1, None, shown, api_name="tick")
        gr.Button().click(_same, clock, shown, api_name="read")
    return demo


def checkbox():
    with gr.Blocks() as demo:
        _echo("off", gr.Checkbox(label="Flag"))
        _echo("on", gr.Checkbox(value=True, label="Flag", info="What it does"))
        _echo("none", gr.Checkbox(None, label="Flag"))
    return demo


def dropdown():
    with gr.Blocks() as demo:
        said = gr.Textbox(label="Said")
        _echo("first", gr.Dropdown(["anime", "photo"], label="Style"), said)
        _echo("given", gr.Dropdown(["anime", "photo"], value="photo", label="Style"), said)
        _echo("nothing", gr.Dropdown(["anime", "photo"], value=None, label="Style"), said)
        _echo("elsewhere", gr.Dropdown(["a", "b"], value="b", label="Not shown", visible=False), said)
    return demo


def dropdown_labelled():
    with gr.Blocks() as demo:
        pairs = [("An anime", "anime"), ("A photo", "photo"), ("anime", "really a photo")]
        _echo("labelled", gr.Dropdown(pairs, value="photo", label="Style"), gr.Textbox(label="Said"))
    return demo


def dropdown_numbers():
    with gr.Blocks() as demo:
        data = gr.JSON(label="Data")
        _echo("whole", gr.Dropdown([512, 768, 1024], value=768, label="Width"), data)
        _echo("pairs", gr.Dropdown([("Small", 1), ("Large", 2)], value=2, label="Size"), data)
        _echo("fractions", gr.Dropdown([0.5, 1.5], value=0.5, label="Scale"), data)
        _echo("mixed", gr.Dropdown([("No", 0), ("Words", "w"), ("Half", 0.5)], value=0, label="Any"), data)
    return demo


def dropdown_none():
    with gr.Blocks() as demo:
        pairs = [("Nobody", None), ("Ada", "ada")]
        _echo("person", gr.Dropdown(pairs, value=None, label="Who"), gr.JSON(label="Data"))
    return demo


def dropdown_empty():
    with gr.Blocks() as demo:
        said = gr.JSON(label="Said")
        _echo("nothing", gr.Dropdown([], label="Model"), said)
        _echo("own", gr.Dropdown([], allow_custom_value=True, label="Model"), said)
        _echo("empty_word", gr.Dropdown(["", "x"], value="", label="Model"), said)
    return demo


def dropdown_emoji():
    with gr.Blocks() as demo:
        choices = ["🦊 fox", "🏳️‍🌈", "日本語", 'it\'s "quoted"', "a\\b", " leading"]
        _echo("emoji", gr.Dropdown(choices, value="🦊 fox", label="🎨"), gr.Textbox(label="✨"))
    return demo


def dropdown_several():
    with gr.Blocks() as demo:
        data = gr.JSON(label="Data")
        _echo("free", gr.Dropdown(["x", "y", "z"], multiselect=True, label="Several"), data)
        _echo("given", gr.Dropdown(["x", "y"], value=["y"], multiselect=True, label="Several"), data)
        _echo("most", gr.Dropdown([("X", 1), ("Y", 2)], multiselect=True, max_choices=1, label="Few"), data)
    return demo


def dropdown_custom():
    with gr.Blocks() as demo:
        data = gr.JSON(label="Data")
        _echo("one", gr.Dropdown(["x", "y"], allow_custom_value=True, label="Free"), gr.Textbox(label="Said"))
        _echo("own", gr.Dropdown(["x"], value="mine", allow_custom_value=True, label="Free"), data)
        several = gr.Dropdown(["x"], multiselect=True, allow_custom_value=True, label="Tags")
        _echo("several", several, data)
    return demo


def dropdown_filled_later():
    with gr.Blocks() as demo:
        late = gr.Dropdown(["before"], label="Model", allow_custom_value=True)
        demo.load(lambda: gr.update(choices=["after"], value="after"), None, late, api_name="fill")
        _echo("use", late, gr.Textbox(label="Said"))
    return demo


def radio():
    with gr.Blocks() as demo:
        data = gr.JSON(label="Data")
        _echo("words", gr.Radio(["fast", "good"], label="Mode"), data)
        _echo("given", gr.Radio(["fast", "good"], value="good", label="Mode"), data)
        _echo("pairs", gr.Radio([("One", 1), ("Two", 2)], value=1, label="Mode"), data)
        _echo("truths", gr.Radio([("Yes", True), ("No", False)], value=True, label="Mode"), data)
        _echo("by_index", gr.Radio(["a", "b"], value="b", type="index", label="Mode"), data)
    return demo


def checkbox_group():
    with gr.Blocks() as demo:
        data = gr.JSON(label="Data")
        _echo("free", gr.CheckboxGroup(["a", "b", "c"], label="Group"), data)
        _echo("given", gr.CheckboxGroup(["a", "b", "c"], value=["c", "a"], label="Group"), data)
        _echo("numbers", gr.CheckboxGroup([("One", 1), ("Two", 2)], value=[1], label="Group"), data)
    return demo
