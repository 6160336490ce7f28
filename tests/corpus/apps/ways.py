"""Apps that go another way than one plain function: generators, interfaces, chains, pages, places."""
# ruff: noqa: ARG001, ARG005, FBT001, FBT002, PLW0108 - odd signatures and idle lambdas are what apps have

import time

import gradio as gr


def _shout(text):
    return str(text).upper()


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
    return gr.Interface(
        lambda text, number, flag: (text, number), ["text", "number", "checkbox"], ["text", "number"]
    )


def interface_live():
    return gr.Interface(_shout, gr.Textbox("x"), "text", live=True)


def interface_examples():
    return gr.Interface(_shout, "text", "text", examples=[["a"], ["b"]], cache_examples=True)


def interface_lazy_examples():
    return gr.Interface(
        _shout, "text", "text", examples=[["a"], ["b"]], cache_examples=True, cache_mode="lazy"
    )


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
        gr.Button().click(
            lambda: (1, "x"), None, [gr.Number(label="N"), gr.Textbox(label="T")], api_name="give"
        )
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
        gr.Button().click(
            all_of_them, word, gr.Textbox(label="Said"), batch=True, max_batch_size=4, api_name="all"
        )
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
    def add(
        number: int, factor: float = 2.0, words: list[str] | None = None, data: dict | None = None
    ) -> float:
        """Multiply."""
        return number * factor

    def either(value: int | str, flag: bool = True) -> list[str]:
        return [str(value), str(flag)]

    with gr.Blocks() as demo:
        gr.api(add)
        gr.api(either, api_name="either")
    return demo


def _handmade(schema, label):
    """A component of an author's own, of a name in no list; for a class Gradio would write a stub here."""
    one = gr.HTML(label=label)
    one.get_block_name = lambda: "handmade"
    one.api_info = lambda: schema
    one.example_inputs = lambda: "x"
    one.preprocess = one.postprocess = lambda value: value
    return one


def custom_component():
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
            one = _handmade(schema, name.title())
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
        gr.Button().click(
            explain, [gr.Textbox(label="Word"), gr.Number(2, label="Number")], gr.Textbox(label="Said")
        )
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
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, api_name="shout")
    return demo


def behind_login():
    with gr.Blocks() as demo:
        word = gr.Textbox(label="Word")
        gr.Button().click(_shout, word, word, api_name="shout")
    return demo
