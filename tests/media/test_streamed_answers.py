"""Sound and film that an app streams in parts: a chain gets the whole of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from servers import Server, serve

from chains.loader import loads
from pipelines import run_chain

APP = Path(__file__).parent / "apps" / "streams.py"


@pytest.fixture(scope="module")
def streaming() -> Iterator[Server]:
    """An app that streams sound and film; Gradio itself cuts them with ffmpeg and ffprobe."""
    missing = [name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None]
    if missing:
        pytest.fail(f"Gradio streams by {' and '.join(missing)}: apt-get install ffmpeg")
    with serve(APP) as app:
        yield app


@pytest.mark.parametrize(("endpoint", "kind"), [("speak", "audio"), ("show", "video")])
def test_a_streamed_output_is_the_whole_file(streaming, tmp_path, endpoint: str, kind: str):
    """Gradio answers with a playlist; who called for a film of three parts wants all of it, and once."""
    text = f"""
        steps:
          made: {{space: "{streaming.url}", endpoint: /{endpoint}, with: {{number: 3}}}}
        outputs: {{file: $made.{kind}, seconds: $made.{kind}.seconds}}
    """
    done = run_chain(loads(dedent(text), file="chain.yaml", folder=tmp_path), out=tmp_path / "outputs")

    assert done.status == "succeeded", done.steps["made"].result
    assert done.outputs["file"].kind == kind
    assert done.outputs["seconds"].value == pytest.approx(3.0, abs=0.2)
    assert done.steps["made"].to_json()["attempts"] == 1
