"""An app whose answers are as long as one asks for: numbers, and a text."""

import gradio as gr


def numbers(count: float) -> list[int]:
    """Small numbers, two bytes each on the way."""
    return [one % 7 for one in range(int(count))]


def text(count: float) -> str:
    """Words."""
    return "words " * (int(count) // 6)


def records(count: float) -> list[dict[str, object]]:
    """Words with their times, as recognisers of speech give them; 54 bytes each on the way."""
    return [{"word": f"w{one:09}", "start": one / 8 + 0.125, "end": 1.5} for one in range(int(count))]


def labels(count: float) -> list[str]:
    """Short texts, seven bytes each on the way."""
    return [f"{one % 10_000:04}" for one in range(int(count))]


def crumbs(count: float) -> list[dict[str, int]]:
    """Objects that are next to nothing, nine bytes each on the way."""
    return [{"a": 1} for _ in range(int(count))]


with gr.Blocks() as demo:
    count, found, said = gr.Number(label="count"), gr.JSON(label="found"), gr.Textbox(label="said")
    gr.Button().click(numbers, count, found, api_name="numbers")
    gr.Button().click(records, count, found, api_name="records")
    gr.Button().click(labels, count, found, api_name="labels")
    gr.Button().click(crumbs, count, found, api_name="crumbs")
    gr.Button().click(text, count, said, api_name="text")

if __name__ == "__main__":
    demo.launch()
