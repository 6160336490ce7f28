"""An app whose answers are as long as one asks for: numbers, and a text."""

import gradio as gr


def numbers(count: float) -> list[int]:
    """Small numbers, two bytes each on the way."""
    return [one % 7 for one in range(int(count))]


def text(count: float) -> str:
    """Words."""
    return "words " * (int(count) // 6)


with gr.Blocks() as demo:
    count, found, said = gr.Number(label="count"), gr.JSON(label="found"), gr.Textbox(label="said")
    gr.Button().click(numbers, count, found, api_name="numbers")
    gr.Button().click(text, count, said, api_name="text")

if __name__ == "__main__":
    demo.launch()
