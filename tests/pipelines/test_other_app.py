"""Another app at the same address is another app; the same one, started again, is not."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import serve

from pipelines import run_chain
from pipelines.runners.protocol import Call
from pipelines.runners.space import SpaceRunner
from spaces_registry import open_registry
from spaces_registry.errors import Drifted
from spaces_registry.progress import unheard

pytestmark = pytest.mark.anyio

APP = """
import sys
import gradio as gr

with gr.Blocks(title={title!r}) as app:
    {extra}
    word = gr.Textbox(label={label!r})
    said = gr.Textbox(label="Said")
    gr.Button("Go").click(lambda text: text + {sign!r}, word, said, api_name="say")
app.launch()
"""
FIRST = {"title": "First", "label": "Word", "sign": "!", "extra": "pass"}


@pytest.fixture
def port() -> int:
    """One port that the apps of a test have in turn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ask(tmp_path: Path, port: int) -> Callable[..., tuple[object, bool]]:
    """Start an app, run a chain that calls it, stop it; what was said, and whether that was kept."""

    def once(*, use: bool = False, **facts: str) -> tuple[object, bool]:
        url = f"http://127.0.0.1:{port}"
        script, chain = tmp_path / "app.py", tmp_path / "chain.yaml"
        script.write_text(APP.format(**FIRST | facts))
        space = "owner/app" if use else url
        chain.write_text(
            f'steps: {{s: {{space: "{space}", endpoint: /say, with: {{text: hello}}}}}}\n'
            "outputs: {said: $s.text}\n"
        )
        with serve(script, env={"GRADIO_SERVER_PORT": str(port)}):
            run = run_chain(chain, out=tmp_path / "outputs", use={"owner/app": url} if use else {})
        (step,) = run.steps.values()
        return getattr(run.outputs["said"], "value", None), bool(step.to_json()["cached"])

    return once


@pytest.mark.parametrize(
    ("other", "use"),
    [
        ({"title": "Second"}, False),
        ({"extra": 'gr.Markdown("# Whispers")'}, False),
        ({"title": "Second"}, True),
    ],
    ids=["title", "text on the page", "in a Space's stead"],
)
def test_another_app_at_the_same_url_is_asked_itself(ask, other, use):
    """Whoever tries one local app after the other finds them all at port 7860."""
    assert ask(use=use) == ("hello!", False)
    assert ask(use=use, sign="?", **other) == ("hello?", False)


def test_an_app_that_was_started_again_is_not_asked_again(ask):
    """A restart changes Gradio's own number of the app, and nothing that was made or paid for."""
    assert ask() == ("hello!", False)
    assert ask() == ("hello!", True)


async def test_an_app_that_took_the_place_of_another_during_a_run_is_not_called(tmp_path):
    """Its answer would be kept as that of the app that the run looked at."""
    script = tmp_path / "app.py"
    script.write_text(APP.format(**FIRST))
    with serve(script) as server:
        async with open_registry(token="") as registry:
            app = await registry.connect(server.url)
            call = Call(server.url, app.space.endpoint("/say"), {"text": "hello"}, tmp_path)
            assert await SpaceRunner(registry.connect, app.space.traits)(call, unheard) == ("hello!",)
            with pytest.raises(Drifted, match="another app"):
                await SpaceRunner(registry.connect, "those of the first app")(call, unheard)


def test_what_an_app_shows_at_the_moment_does_not_make_it_another(ask):
    """A counter of visitors on the page is no other app."""
    assert ask(extra='gr.HTML("visitor 1")') == ("hello!", False)
    assert ask(extra='gr.HTML("visitor 2")') == ("hello!", True)
