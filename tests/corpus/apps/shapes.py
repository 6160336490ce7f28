"""Apps whose endpoints have odd shapes: names, labels, defaults, signatures, generators, places."""

import time

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
            gr.Textbox("it's\n\"quoted\" ✓", label="Text"),
            gr.Number(-0.5, label="Number"),
            gr.Checkbox(False, label="Flag"),
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
        takes = [gr.Number(7, label="A"), gr.Textbox(label="B"), gr.Textbox(label="C"), gr.Number(2, label="D")]
        gr.Button().click(mix, takes, gr.Textbox(label="Said"))
    return demo


def repeated_labels():
    with gr.Blocks() as demo:
        word, gives = gr.Textbox(label="Text"), [gr.Textbox(label="Text") for _ in range(3)]
        gr.Button().click(lambda one, two: (one, two, one), [word, gr.Textbox(label="Text")], gives, api_name="go")
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


def generators():
    def grow(text, number):
        for end in range(1, int(number) + 1):
            yield text * end, {"rows": list(range(end))}

    def once(text):
        yield text

    async def slow(text):
        yield text.upper()
        yield text.lower()

    with gr.Blocks() as demo:
        word, data = gr.Textbox(label="Word"), gr.JSON(label="Data")
        gr.Button().click(grow, [word, gr.Number(4, precision=0, label="Number")], [word, data])
        gr.Button().click(once, word, word)
        gr.Button().click(slow, word, word)
    return demo


def interface():
    def greet(name, times):
        """Greet somebody.

        Args:
            name: who it is.
            times: how often.
        """
        return f"Hello {name}! " * int(times)

    return gr.Interface(greet, ["text", gr.Slider(1, 5, value=2, step=1)], "text", api_name="greet")


def interface_by_words():
    return gr.Interface(lambda text, number, flag: (text, number), ["text", "number", "checkbox"], ["text", "number"])


def interface_live():
    return gr.Interface(_shout, gr.Textbox("x"), "text", live=True)


def interface_examples():
    return gr.Interface(_shout, "text", "text", examples=[["a"], ["b"]], cache_examples=True)


def interface_lazy_examples():
    return gr.Interface(_shout, "text", "text", examples=[["a"], ["b"]], cache_examples=True, cache_mode="lazy")


def examples_in_blocks():
    with gr.Blocks() as demo:
        word, said = gr.Textbox(label="Word"), gr.Textbox(label="Said")
        gr.Examples([["a"], ["b"]], word, said, _shout, cache_examples=True, api_name="show")
        gr.Button().click(_shout, word, said, api_name="shout")
    return demo


def tabbed():
    parts = [gr.Interface(_shout, "text", "text"), gr.Interface(lambda number: number, "number", "number")]
    return gr.TabbedInterface(parts, ["Words", "Numbers"])


def nothing():
    def quiet():
        """Do something elsewhere."""

    with gr.Blocks() as demo:
        gr.Button().click(quiet, None, None, api_name="quiet")
        demo.load(quiet, None, None)
    return demo


def no_events():
    with gr.Blocks() as demo:
        gr.Markdown("Nothing to call here")
    return demo


def returns_only():
    with gr.Blocks() as demo:
        gr.Button().click(lambda: (1, "x"), None, [gr.Number(label="N"), gr.Textbox(label="T")], api_name="give")
    return demo


def takes_only():
    with gr.Blocks() as demo:
        gr.Button().click(lambda word: None, gr.Textbox(label="Word"), None, api_name="take")
    return demo


def script_only():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(None, word, word, js="(word) => word")
        gr.Button().click(_shout, word, word, js="(word) => word", api_name="shout")
    return demo


def injected():
    def told(word, request: gr.Request, progress=gr.Progress()):  # noqa: B008 - Gradio's way
        progress(0.5, desc="half")
        return f"{word} {request.method if False else ''}".strip()

    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(told, word, word, api_name="told")
        gr.Button().click(lambda event: event, word, word, api_name="plain")
    return demo


def chained():
    with gr.Blocks() as demo:
        word, said = gr.Textbox(label="Word"), gr.Textbox(label="Said")
        first = gr.Button().click(_shout, word, said)
        first.then(_shout, said, word).success(_shout, word, said)
        gr.Button().click(lambda: time.sleep(0), cancels=[first])
        gr.on([word.submit, word.change], _shout, word, said, api_name="either")
    return demo


def batches():
    def all_of_them(words):
        return [[word.upper() for word in words]]

    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(all_of_them, word, gr.Textbox(label="Said"), batch=True, max_batch_size=4, api_name="all")
    return demo


def by_component():
    with gr.Blocks() as demo:
        word, said, number = gr.Textbox(label="Word"), gr.Textbox(label="Said"), gr.Number(3, label="Number")
        gr.Button().click(lambda word: {said: word}, word, [said, number], api_name="some")
        gr.Button().click(
            lambda given: given[word] * int(given[number]), {word, number}, said, api_name="as_a_set"
        )
        gr.Button().click(lambda: gr.update(value="new", label="New"), None, said, api_name="update")
        gr.Button().click(lambda: gr.skip(), None, said, api_name="skip")
    return demo


def rendered():
    with gr.Blocks() as demo:
        word, said = gr.Textbox("a", label="Word"), gr.Textbox(label="Said")

        @gr.render(inputs=word)
        def draw(text):
            gr.Button(text).click(_shout, word, said, api_name="drawn")

        gr.Button().click(_shout, word, said, api_name="shout")
    return demo


def typed():
    def add(number: int, factor: float = 2.0, words: list[str] | None = None, data: dict | None = None) -> float:
        """Multiply."""
        return number * factor

    def either(value: int | str, flag: bool = True) -> list[str]:
        return [str(value), str(flag)]

    with gr.Blocks() as demo:
        gr.api(add)
        gr.api(either, api_name="either")
    return demo


def custom_component():
    class Handmade(gr.components.Component):
        """A component of the author's own: its name is in no list."""

        def __init__(self, schema, label):
            self.schema = schema
            super().__init__(label=label)

        def preprocess(self, payload):
            return payload

        def postprocess(self, value):
            return value

        def api_info(self):
            return self.schema

        def example_payload(self):
            return "x"

        def example_value(self):
            return "x"

    with gr.Blocks() as demo:
        schemas = {
            "words": {"type": "string"},
            "number": {"type": "number"},
            "flag": {"type": "boolean"},
            "list": {"type": "array", "items": {"type": "string"}},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "nothing": {},
            "object": {"type": "object", "properties": {"a": {"type": "string"}}},
            "choice": {"type": "string", "enum": ["x", "y"]},
        }
        for name, schema in schemas.items():
            one = Handmade(schema, name.title())
            gr.Button().click(lambda value: value, one, one, api_name=name)
    return demo


def pages():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, api_name="first")
    with demo.route("Second", "/second"):
        number = gr.Number(label="Number")
        gr.Button().click(lambda number: number + 1, number, number, api_name="second")
    return demo


def not_queued():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, queue=False, api_name="shout")
    return demo


def many():
    with gr.Blocks() as demo:
        takes = [gr.Number(place, label=f"N {place}") for place in range(40)]
        gives = [gr.Number(label=f"N {place}") for place in range(40)]
        gr.Button().click(lambda *numbers: numbers, takes, gives, api_name="all")
    return demo


def documented():
    def explain(word, number=3):
        """Say a word — “often”.

        Second paragraph, <b>with</b> markup & `code`.

        Parameters:
            word: what
            number: how often
        Returns:
            the words
        """
        return word * int(number or 1)

    with gr.Blocks() as demo:
        gr.Button().click(explain, [gr.Textbox(label="Word"), gr.Number(2, label="Number")], gr.Textbox(label="Said"))
    return demo


def layout():
    with gr.Blocks() as demo:
        with gr.Row(), gr.Column() as column, gr.Accordion("More") as more, gr.Group():
            word = gr.Textbox(label="Word")
        with gr.Tabs() as tabs, gr.Tab("One", id="one"):
            said = gr.Textbox(label="Said")
        gr.Button().click(
            lambda word: (gr.update(visible=True), word, gr.update(open=False), gr.update(selected="one")),
            word,
            [column, said, more, tabs],
            api_name="show",
        )
    return demo


def deep():
    return several()


def behind_login():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, api_name="shout")
    return demo
