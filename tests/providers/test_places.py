"""From what a chain writes to who is asked, and from the command line to a picture."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from providers.asking import Asking
from providers.standin import TOKEN, WORDS
from web import Answer

from pipelines.cli import main
from pipelines.engine.gates import names_of
from spaces_registry.errors import Missing, ToolkitError, Unauthorized
from spaces_registry.hub.tasks import UntoldTask


def test_an_alias_is_the_model_it_stands_for(ask: Asking):
    """`flux` is what people call it; who serves it is asked of the Hub."""
    place = ask.place("flux")

    assert place.address == "fal-ai: black-forest-labs/FLUX.1-dev"
    assert place.endpoint.name == "text-to-image"
    assert place.revision == "fal-ai/flux/dev"  # what the provider itself calls it


def test_limits_may_name_the_provider(ask: Asking):
    """An account's limits are the provider's, whichever model is asked."""
    assert "fal-ai" in names_of(ask.place("flux"))
    assert "huggingface" in names_of(ask.place("flux"))


def test_the_task_is_the_providers_word_then_the_hubs(ask: Asking):
    """A model that nobody has heard of says itself what it does."""
    assert ask.place("studio/listen").endpoint.name == "automatic-speech-recognition"
    assert ask.place("studio/talk").endpoint.name == "chat-completion"


def test_the_page_of_a_model_is_the_model(ask: Asking):
    """People copy the address out of the browser."""
    page = "https://huggingface.co/black-forest-labs/FLUX.1-dev"

    assert ask.place(page).address == ask.place("flux").address


def test_a_model_without_a_token_is_refused_before_the_run(ask: Asking):
    """A chain must not spend GPU time on its first steps to learn that its last one lacks a token."""
    ask.token = ""

    with pytest.raises(Unauthorized) as caught:
        ask.place("studio/paint")

    assert "HF_TOKEN" in (caught.value.hint or "")
    assert not ask.served.posts


def test_who_does_not_serve_it_is_told_who_does(ask: Asking):
    """The providers differ in what they serve."""
    with pytest.raises(Missing) as caught:
        ask.place("studio/asleep", provider="together")

    assert "fal-ai, replicate" in (caught.value.hint or "")


def test_a_model_that_nobody_serves_names_those_that_are_served(ask: Asking):
    """Most models on the Hub are served by nobody."""
    with pytest.raises(Missing) as caught:
        ask.place("studio/nobody", task="text-to-image")

    assert "studio/paint" in (caught.value.hint or "")
    assert "studio/speak" not in (caught.value.hint or "")


def test_a_model_that_is_for_something_else_says_for_what(ask: Asking):
    """A wrong task is the user's mistake, and is told as one."""
    with pytest.raises(Missing) as caught:
        ask.place("studio/speak", task="text-to-image")

    assert "text-to-speech" in (caught.value.hint or "")


def test_a_url_must_say_what_it_does(ask: Asking):
    """Nobody else can tell; the error lists what can be written."""
    with pytest.raises(UntoldTask) as caught:
        ask.place("https://lab.example/model")

    assert "image-segmentation" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ({"model": "fluks"}, "did you mean 'flux'?"),
        ({"model": "flux", "task": "text-to-imag"}, "did you mean 'text-to-image'?"),
        ({"model": "flux", "provider": "replicat"}, "did you mean 'replicate'?"),
        ({"model": "flux", "task": "depth-estimation"}, "look for a Space"),
        ({"model": "https://api-inference.huggingface.co/models/a/b"}, "write `model: a/b`"),
        ({"model": "https://api-inference.huggingface.co/"}, "write `model:` with its id"),
    ],
)
def test_what_is_misspelled_is_told_without_the_network(ask: Asking, written: dict[str, str], hint: str):
    """`check --static` knows names, tasks and providers."""
    with pytest.raises(ToolkitError) as caught:
        ask.place(**written)

    assert hint in (caught.value.hint or "")
    assert not ask.served.asked


def test_a_place_costs_nothing(ask: Asking):
    """`check` and `plan` find the place: the Hub is asked once, and nobody else."""
    ask.place("studio/paint")

    assert [(one.method, one.path) for one in ask.served.asked] == [("GET", "/api/models/studio/paint")]


def test_a_chain_is_checked_without_the_client_library(tmp_path: Path):
    """The library takes as long to import as everything else together."""
    chain = tmp_path / "still.yaml"
    chain.write_text("steps:\n  a:\n    model: flux\n    with: {prompt: sea, width: 0}\n")
    script = (
        "import sys\nfrom pathlib import Path\nfrom pipelines.household.library import load_file\n"
        "from pipelines.running.preflight import static_problems\n"
        f"print([one.code for one in static_problems(load_file(Path({str(chain)!r})))])\n"
        "print('huggingface_hub' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout.split("\n")[:2] == ["['out-of-range']", "False"], done.stderr


def spacechain(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in words])
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


@pytest.fixture
def at_home(ask: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the Hub and the router in reach."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", ask.served.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return tmp_path


CHAIN = """
inputs: {what: a lighthouse}
steps:
  image:
    model: flux
    with: {prompt: $inputs.what, width: 1024, height: 768}
  words:
    model: studio/talk
    with: {prompt: what is it?, images: [$image.image]}
outputs: {image: $image.image, words: $words.text}
"""


def test_a_chain_of_models_runs(at_home: Path, files, capsys):
    """The whole way: alias, provider, picture into the store and on to a model that sees."""
    chain = at_home / "still.yaml"
    chain.write_text(CHAIN)
    code, out, err = spacechain(capsys, "run", chain, "--json")

    assert code == 0, err
    told = json.loads(out)
    assert told["outputs"]["words"]["value"] == "".join(WORDS)
    assert Path(told["outputs"]["image"]["path"]).read_bytes() == files["picture"].read_bytes()
    assert told["steps"]["image"]["via"] == "fal-ai: black-forest-labs/FLUX.1-dev"
    assert TOKEN not in out + err


def test_a_result_is_paid_once(ask: Asking, at_home: Path, capsys):
    """The same question in a later run is answered from the store."""
    chain = at_home / "still.yaml"
    chain.write_text(CHAIN)
    spacechain(capsys, "run", chain)
    paid = len(ask.served.posts)
    code, _, _ = spacechain(capsys, "run", chain)

    assert code == 0
    assert len(ask.served.posts) == paid == 2


def test_a_warning_is_told_by_the_run_its_record_and_its_page_and_comes_again(
    ask: Asking, at_home: Path, capsys: pytest.CaptureFixture[str]
):
    """Half a text that is kept must not look whole to whoever uses it in a later run."""
    event = {"choices": [{"index": 0, "delta": {"content": "Far out"}, "finish_reason": "length"}]}
    cut = Answer(f"data: {json.dumps(event)}\n\n".encode(), type="text/event-stream")
    ask.served.refusals["studio/talk"] = cut
    chain = at_home / "talk.yaml"
    chain.write_text(
        "steps:\n  words: {model: studio/talk, with: {prompt: begin}}\noutputs: {w: $words.text}\n"
    )
    for kept in (False, True):
        code, out, err = spacechain(capsys, "run", chain)
        record = Path(next(line for line in err.splitlines() if ", in " in line).partition(", in ")[2])
        step = json.loads((record / "run.json").read_text())["steps"]["words"]

        assert (code, out) == (0, "w: Far out\n")
        assert step["cached"] is kept
        assert len(step["warnings"]) == 1
        assert f"words: warning: {step['warnings'][0]}" in err
        assert "warning: auto: studio/talk: the text is cut off" in (record / "report.html").read_text()
        assert "words: warning: " in spacechain(capsys, "show", "last")[1]
    assert len(ask.served.posts) == 1


def test_wrong_arguments_are_refused_before_any_request(ask: Asking, at_home: Path, capsys):
    """Each with its position; no provider hears of the chain."""
    chain = at_home / "still.yaml"
    chain.write_text("steps:\n  a:\n    model: flux\n    with: {promt: sea, width: 0, seed: x}\n")
    code, out, _ = spacechain(capsys, "check", chain, "--json")

    assert code == 2
    found = {(one["code"], one["line"]) for one in json.loads(out)["problems"]}
    assert found == {
        ("unknown-parameter", 4),
        ("out-of-range", 4),
        ("wrong-literal", 4),
    }
    assert not ask.served.posts
