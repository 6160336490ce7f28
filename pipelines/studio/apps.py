"""The studio's three Gradio apps: names, endpoints and parameters as their namesakes on the Hub have them."""

import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import gradio as gr

RESOLUTIONS = (
    "1024x1024 ( 1:1 )",
    "1152x896 ( 9:7 )",
    "896x1152 ( 7:9 )",
    "1152x864 ( 4:3 )",
    "864x1152 ( 3:4 )",
    "1248x832 ( 3:2 )",
    "832x1248 ( 2:3 )",
    "1280x720 ( 16:9 )",
    "720x1280 ( 9:16 )",
    "1344x576 ( 21:9 )",
    "576x1344 ( 9:21 )",
    "1024x768 ( 4:3 )",
    "768x1024 ( 3:4 )",
    "1024x576 ( 16:9 )",
    "576x1024 ( 9:16 )",
    "768x768 ( 1:1 )",
    "768x512 ( 3:2 )",
    "512x768 ( 2:3 )",
    "640x360 ( 16:9 )",
    "360x640 ( 9:16 )",
    "512x512 ( 1:1 )",
    "256x256 ( 1:1 )",
)
LANGUAGES = (
    "Auto", "Chinese", "English", "Japanese", "Korean", "French", "German", "Spanish", "Portuguese",
    "Russian", "Italian",
)  # fmt: skip
_LONGEST_FILM_S = 10
_SEEDS = 2**31
_AT_ONCE = 2


def build(space: str) -> gr.Blocks:
    """The app that stands in for a Space, ready to be launched; `space` is one of `SPACES`."""
    builders: Mapping[str, Callable[[], gr.Blocks]] = {
        "Tongyi-MAI/Z-Image-Turbo": _pictures,
        "alexnasa/ltx-2-TURBO": _films,
        "Qwen/Qwen3-TTS": _voices,
    }
    app = builders[space]()
    app.queue(default_concurrency_limit=_AT_ONCE)
    return app


def _new_file(name: str) -> Path:
    return Path(tempfile.mkdtemp()) / name


def _pictures() -> gr.Blocks:
    def generate(
        prompt: str,
        resolution: str,
        seed: int | None,
        steps: float,
        random_seed: bool,  # noqa: FBT001 - Gradio passes it by position
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio hands it in
    ) -> tuple[list[str], str, int]:
        """Paint a picture for the prompt."""
        from pipelines.studio.picture import paint  # noqa: PLC0415 - the app answers before it can paint

        chosen = secrets.randbelow(_SEEDS) if random_seed or seed is None else int(seed)
        width, height = (int(side) for side in resolution.split(maxsplit=1)[0].split("x"))
        picture = paint(prompt, (width, height), seed=chosen, steps=int(steps), tell=_steps(progress))
        file = _new_file("picture.png")
        picture.save(file, compress_level=1)
        return [str(file)], str(chosen), chosen

    app: gr.Blocks = gr.Blocks(title="Z-Image-Turbo (studio)")
    with app:
        gr.Markdown("# Z-Image-Turbo, studio stand-in\nProcedural landscapes; no model is at work here.")
        inputs = [
            gr.Textbox(label="Prompt", lines=3),
            gr.Dropdown(RESOLUTIONS, value=RESOLUTIONS[0], label="Resolution"),
            gr.Number(42, label="Seed", precision=0),
            gr.Slider(1, 100, value=8, step=1, label="Steps"),
            gr.Checkbox(value=True, label="Random Seed"),
        ]
        button = gr.Button("Generate", variant="primary")
        outputs = [
            gr.Gallery(label="Generated Images", format="png"),
            gr.Textbox(label="Seed Used"),
            gr.Number(label="Seed", precision=0),
        ]
        button.click(generate, inputs, outputs, api_name="generate")
    return app


def _films() -> gr.Blocks:
    def generate_video(
        first_frame: str | None,
        prompt: str,
        duration: float,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio hands it in
    ) -> str:
        """Move a camera over the first frame, as the prompt says."""
        from pipelines.studio.film import FilmFailed, shoot  # noqa: PLC0415 - the app answers before it can film

        if first_frame is None:
            raise gr.Error("There is no first frame: give an image to start from.")
        file = _new_file("film.mp4")
        try:
            shoot(Path(first_frame), prompt or "", float(duration), file, tell=_steps(progress))
        except FilmFailed as failure:
            raise gr.Error(str(failure)) from failure
        return str(file)

    app: gr.Blocks = gr.Blocks(title="LTX-2 TURBO (studio)")
    with app:
        gr.Markdown(
            "# LTX-2 TURBO, studio stand-in\nA camera and light over a picture; no model is at work here."
        )
        inputs = [
            gr.Image(type="filepath", label="First Frame"),
            gr.Textbox(label="Prompt", lines=3),
            gr.Slider(1, _LONGEST_FILM_S, value=3, step=0.1, label="Duration (seconds)"),
        ]
        button = gr.Button("Generate", variant="primary")
        output = gr.Video(label="Generated Video")
        button.click(generate_video, inputs, output, api_name="generate_video")
    return app


def _voices() -> gr.Blocks:
    from pipelines.studio.voice import NothingToSay, Voice  # noqa: PLC0415 - of no use to the other apps

    voice = Voice()

    def generate_voice_design(
        text: str,
        language: str,
        voice_description: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio hands it in
    ) -> str:
        """Speak the text in the voice described."""
        if language not in {"Auto", "English"}:
            gr.Warning(f"The studio's voice speaks English only and reads {language} as English.")
        file = _new_file("voice.wav")
        try:
            voice.speak(text or "", voice_description or "", file, tell=_steps(progress, unit="sentences"))
        except NothingToSay as refusal:
            raise gr.Error(str(refusal)) from refusal
        return str(file)

    app: gr.Blocks = gr.Blocks(title="Qwen3-TTS (studio)")
    with app:
        gr.Markdown(
            "# Qwen3-TTS, studio stand-in\nA small English voice, shaped by the words of the description."
        )
        inputs = [
            gr.Textbox(label="Text to Synthesize", lines=4),
            gr.Dropdown(LANGUAGES, value="Auto", label="Language"),
            gr.Textbox("A calm, clear voice", label="Voice Description", lines=3),
        ]
        button = gr.Button("Generate", variant="primary")
        output = gr.Audio(label="Generated Audio", type="filepath")
        button.click(generate_voice_design, inputs, output, api_name="generate_voice_design")
    return app


def _steps(progress: gr.Progress, unit: str = "steps") -> Callable[[int, int, str], None]:
    """A listener (done, total, what) that shows on the caller's progress bar."""

    def tell(done: int, total: int, what: str) -> None:
        progress((done, total), desc=what, unit=unit)

    return tell
