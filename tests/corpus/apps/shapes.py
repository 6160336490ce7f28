"""Apps whose endpoints have odd shapes: labels, names, defaults, visibility."""
# ruff: noqa: ARG005, PLR0913, PLR0917 - odd signatures and idle lambdas are what apps have

import gradio as gr


def _shout(text):
    return str(text).upper()


def several():
    def all_of_it(text, number, flag, style):
        """Give everything back, turned round."""
        return style, flag, number, text

    with gr.Blocks() as demo:
        takes = [
            gr.Textbox(label="Text"),
            gr.Number(label="Number"),
            gr.Checkbox(label="Flag"),
            gr.Dropdown(["a", "b"], label="Style"),
        ]
        gives = [gr.Textbox(label="S"), gr.Checkbox(label="F"), gr.Number(label="N"), gr.Textbox(label="T")]
        gr.Button().click(all_of_it, takes, gives)
    return demo


def defaults():
    def every(text, number, flag, style, tags, data, colour, optional=None, whatever=3):
        return [text, number, flag, style, tags, data, colour, optional, whatever]

    with gr.Blocks() as demo:
        takes = [
            gr.Textbox('it\'s\n"quoted" ✓', label="Text"),
            gr.Number(-0.5, label="Number"),
            gr.Checkbox(value=False, label="Flag"),
            gr.Radio([1, 2], value=2, label="Style"),
            gr.CheckboxGroup(["a", "b"], value=[], label="Tags"),
            gr.JSON([], label="Data"),
            gr.ColorPicker("#00ff00", label="Colour"),
            gr.Textbox(label="Optional"),
            gr.Number(label="Whatever"),
        ]
        gr.Button().click(every, takes, gr.JSON(label="All"))
    return demo


def required_after_optional():
    def mix(first, second, third=None, fourth=None):
        return f"{first} {second} {third} {fourth}"

    with gr.Blocks() as demo:
        takes = [
            gr.Number(7, label="A"),
            gr.Textbox(label="B"),
            gr.Textbox(label="C"),
            gr.Number(2, label="D"),
        ]
        gr.Button().click(mix, takes, gr.Textbox(label="Said"))
    return demo


def repeated_labels():
    with gr.Blocks() as demo:
        word, gives = gr.Textbox(label="Text"), [gr.Textbox(label="Text") for _ in range(3)]
        gr.Button().click(
            lambda one, two: (one, two, one), [word, gr.Textbox(label="Text")], gives, api_name="go"
        )
    return demo


def empty_labels():
    with gr.Blocks() as demo:
        takes = [gr.Textbox(label=""), gr.Textbox(show_label=False), gr.Textbox()]
        gives = [gr.Textbox(label=""), gr.Textbox(label=" "), gr.Textbox(), gr.Textbox(label="🦊")]
        gr.Button().click(lambda a, b, c: (a, b, c, a), takes, gives, api_name="go")
    return demo


def translated_labels():
    i18n = gr.I18n(en={"word": "The word", "said": "What was said"}, de={"word": "Das Wort"})
    with gr.Blocks() as demo:
        takes, gives = gr.Textbox(label=i18n("word")), gr.Textbox(label=i18n("said"))
        gr.Button().click(_shout, takes, gives, api_name="go")
        lost = gr.Textbox(label=i18n("nowhere"))
        gr.Button().click(_shout, lost, lost, api_name="lost")
    demo.corpus_i18n = i18n
    return demo


def long_labels():
    with gr.Blocks() as demo:
        takes, gives = gr.Textbox(label="very " * 200), gr.Textbox(label="A\nlabel <b>of</b>\ttwo lines?!")
        gr.Button().click(_shout, takes, gives, api_name="go")
    return demo


def lambdas():
    with gr.Blocks() as demo:
        word, number = gr.Textbox(label="Word"), gr.Number(label="Number")
        gr.Button().click(lambda word: word, word, word)
        gr.Button().click(lambda number: number + 1, number, number)
        gr.Button().click(lambda *words: words[0], [word, number], word)
        gr.Button().click(lambda **words: "x", None, word)
    return demo


def hidden():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, api_name="open")
        gr.Button().click(_shout, word, word, api_name=False)
    return demo


def visibility():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        for visibility in ("public", "undocumented", "private"):
            gr.Button().click(_shout, word, word, api_name=visibility, api_visibility=visibility)
    return demo


def only_hidden():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, api_name=False)
    return demo


def clash():
    with gr.Blocks() as demo:
        word, number = gr.Textbox(label="Word"), gr.Number(label="Number")
        gr.Button().click(lambda word: word, word, word, api_name="go")
        gr.Button().click(lambda number: number * 2, number, number, api_name="go")
        gr.Button().click(lambda word, number: word, [word, number], word, api_name="go")
    return demo


def odd_names():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        for name in ("with space", "dash-ed", "päth", "a.b", "UPPER", "x" * 80):
            gr.Button().click(_shout, word, word, api_name=name)
    return demo


def odd_parameters():
    def odd(value, parameter, data, self_, class_, api_name, fn_index):
        return "-".join(map(str, (value, parameter, data, self_, class_, api_name, fn_index)))

    with gr.Blocks() as demo:
        takes = [gr.Textbox(f"v{place}", label=f"L{place}") for place in range(7)]
        gr.Button().click(odd, takes, gr.Textbox(label="Said"), api_name="odd")
    return demo
