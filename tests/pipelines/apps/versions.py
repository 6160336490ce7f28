"""One app as its author changed it: each version under a path of its own."""

import asyncio
import os

import gradio as gr
import uvicorn
from fastapi import FastAPI


def first(text: str, style: str = "plain") -> str:
    """What chains were written for."""
    return f"{style}: {text}"


def renamed(prompt: str, style: str = "plain") -> str:
    """The parameter has another name."""
    return f"{style}: {prompt}"


def required(text: str, voice: str, style: str = "plain") -> str:
    """There is a new parameter that must be given."""
    return f"{style} {voice}: {text}"


def other(left: float, right: float) -> float:
    """Another app altogether."""
    return left + right


def build(version: str) -> gr.Blocks:
    """The app in one of its versions."""
    styles = ["plain", "fancy"] if version != "choices" else ["plain", "wild"]
    with gr.Blocks() as app:
        text = gr.Textbox(label="Prompt" if version == "renamed" else "Text")
        voice = gr.Textbox(label="Voice")
        style = gr.Dropdown(styles, value="plain", label="Style")
        left, right = gr.Number(label="Left"), gr.Number(label="Right")
        said, total = gr.Textbox(label="Said"), gr.Number(label="Total")
        button = gr.Button()
        match version:
            case "renamed":
                button.click(renamed, [text, style], said, api_name="say")
            case "required":
                button.click(required, [text, voice, style], said, api_name="say")
            case "gone":
                button.click(first, [text, style], said, api_name="speak")
            case "other":
                button.click(other, [left, right], total, api_name="say")
            case _:
                button.click(first, [text, style], said, api_name="say")
    return app


host = FastAPI()
for each in ("first", "renamed", "required", "choices", "gone", "other"):
    host = gr.mount_gradio_app(host, build(each), path=f"/{each}")


async def serve() -> None:
    """Serve, and say when requests are answered, in the words that Gradio has for it."""
    port = int(os.environ["GRADIO_SERVER_PORT"])
    server = uvicorn.Server(uvicorn.Config(host, host="127.0.0.1", port=port, log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    print("Running on local URL", flush=True)  # noqa: T201 - what the tests wait for
    await task


if __name__ == "__main__":
    asyncio.run(serve())
