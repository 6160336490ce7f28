"""Answers that came in full and in another shape than was promised: paid once, kept, and read later."""

import json

import pytest
import yaml
from services.vendors.fal import Fal
from services.vendors.media import data_uri, encoded, film, picture, pixels
from services.vendors.replicate import Replicate
from web import page, say, web

from chains.loader import loads
from pipelines import run_chain
from pipelines.cli import main
from pipelines.cli.board import words
from pipelines.engine.events import CallTold
from pipelines.running.record import FileOutput
from spaces_registry.progress import FellBack

PROMPT = "a lighthouse at dusk"
MASK = pixels(encoded(picture("mask")))
FILM = {"service": "fal", "with": {"model": "fal-ai/films", "prompt": PROMPT}}  # promises pictures
TALK = {
    "service": "replicate",
    "endpoint": "run",
    "with": {"model": "meta/meta-llama-3-8b-instruct", "prompt": PROMPT},
}


@pytest.fixture
def run(vendors, tmp_path):
    """Run a chain of one step, whose results are kept as usual."""
    del vendors

    def made(step, gives="image", told=None, **options):
        chain = {"name": "one", "steps": {"made": step}, "outputs": {"made": f"$made.{gives}"}}
        loaded = loads(yaml.safe_dump(chain), file="one.yaml", folder=tmp_path)
        tell = {} if told is None else {"tell": told.append}
        return run_chain(loaded, {}, out=tmp_path / "outputs", **tell, **options)

    return made


def error_of(run):
    """The step's error, as `run.json` has it."""
    return run.to_json()["steps"]["made"]["error"]


def test_it_is_asked_for_once_and_shown(run, vendors):
    """The same call would bring the same: a film in place of pictures is paid for, and is no accident."""
    error = error_of(run(FILM))

    assert error["code"] == "unexpected-answer"
    assert error["said"].startswith('{"videos": [{"url": "<a.mp4>"')
    assert 'outputs: {videos: "videos[0].url"}' in error["hint"]
    assert "endpoint: run" in error["hint"]
    assert vendors.get(Fal).creates == 1


def test_a_repeated_run_is_told_the_same_and_pays_nothing(run, vendors):
    """Who starts a chain again, unchanged, learns what is wrong without paying for it a second time."""
    run(FILM)

    error = error_of(run(FILM))

    assert "nothing was asked now" in error["message"]
    assert vendors.get(Fal).creates == 1


def test_what_the_hint_says_reads_it_without_paying(run, vendors):
    """The point of keeping it: the chain is mended by one line, and the film is there."""
    run(FILM)

    mended = run({**FILM, "outputs": {"videos": "videos[0].url"}}, "videos")

    assert mended.ok, error_of(mended)
    assert mended.outputs["made"].path.read_bytes() == film()
    assert vendors.get(Fal).creates == 1


def test_a_step_that_names_its_parts_reads_such_an_answer_at_once(run, vendors):
    """A model whose answers are always so must not fail first each time, nor count as a place that fails."""
    step = {**FILM, "outputs": {"film": "videos[0].url"}}
    runs = [run({**step, "with": {**step["with"], "prompt": f"{PROMPT} {at}"}}, "film") for at in range(3)]
    again = run({**step, "with": {**step["with"], "prompt": f"{PROMPT} 0"}}, "film")

    assert all(one.ok for one in (*runs, again))
    assert isinstance(again.outputs["made"], FileOutput)
    assert vendors.get(Fal).creates == 3


def test_names_that_find_nothing_in_it_do_not_pass(run):
    """Null is no result."""
    error = error_of(run({**FILM, "outputs": {"film": "movies[0].url"}}, "film"))

    assert error["code"] == "unexpected-answer"


def test_the_endpoint_that_fits_reads_it_without_paying(run, vendors):
    """Words came where files were meant: `chat` sends the very same request, so its answer is there."""
    refused = error_of(run(TALK, "files"))
    mended = run({**TALK, "endpoint": "chat"}, "text")

    assert refused["code"] == "unexpected-answer"
    assert mended.ok, error_of(mended)
    assert mended.outputs["made"].value == f"You said: {PROMPT}"
    assert vendors.get(Replicate).creates == 1


def test_a_mended_service_file_reads_it_without_paying(run, vendors, home):
    """Users write service files of their own, and find out by the first answer where the picture lies."""
    own = home / "services" / "fal.yaml"
    run(FILM)
    own.write_text(own.read_text().replace('from: "[images, image]"', "from: nothing"))
    still = error_of(run(FILM))
    own.write_text(
        own.read_text().replace("kind: image, many: true, from: nothing", "kind: video, from: videos")
    )

    mended = run(FILM, "video")

    assert still["code"] == "unexpected-answer"
    assert mended.outputs["made"].path.read_bytes() == film()
    assert vendors.get(Fal).creates == 1


def test_fresh_asks_anew(run, vendors):
    """A vendor may have mended its model meanwhile; who says so pays."""
    run(FILM)
    run(FILM, fresh=True)

    assert vendors.get(Fal).creates == 2


def test_what_was_told_otherwise_before_is_asked_anew(run, vendors):
    """Another prompt is another question."""
    run(FILM)
    run({**FILM, "with": {**FILM["with"], "prompt": "a ship"}})

    assert vendors.get(Fal).creates == 2


def test_a_fallback_is_used_and_it_is_said_that_it_is_another_call(run, vendors):
    """The film is made all the same, but somebody pays twice for one picture and should know it."""
    told = []
    step = {**FILM, "fallback": [{"service": "replicate", "with": {"prompt": PROMPT}}]}

    made = run(step, told=told)

    assert made.ok
    (fell,) = [one.event for one in told if isinstance(one, CallTold) and isinstance(one.event, FellBack)]
    kept = "fal fal-ai/films answered in another shape than promised, which is kept"
    assert words(fell) == f"{kept}; now service replicate, paid as well"
    assert [vendors.get(one).creates for one in (Fal, Replicate)] == [1, 1]


def test_two_of_them_in_a_row_let_a_place_rest(run, vendors):
    """A hundred rows must not pay a hundred times for what only the fallback can give."""
    step = {**FILM, "fallback": [{"service": "replicate", "with": {"prompt": PROMPT}}]}

    for at in range(3):
        assert run({**step, "with": {**step["with"], "prompt": f"{PROMPT} {at}"}}).ok

    assert vendors.get(Fal).creates == 2


def test_a_good_file_of_another_kind_is_kept_as_well(run, vendors):
    """An address may say nothing; that it is a picture and no speech is told by its bytes."""
    given = {"model": "black-forest-labs/flux-schnell", "prompt": PROMPT, "text": PROMPT}
    step = {"service": "replicate", "endpoint": "text-to-speech", "with": given}

    error = error_of(run(step, "audio"))
    mended = run({**step, "outputs": {"drawn": "[0]"}}, "drawn")

    assert error["code"] == "unexpected-answer"
    assert "should be an audio, but it is a WebP image" in error["message"]
    assert pixels(mended.outputs["made"].path.read_bytes()) == pixels(encoded(picture(PROMPT)))
    assert vendors.get(Replicate).creates == 1


def test_a_resumed_run_does_not_ask_again(vendors, tmp_path, monkeypatch, capfd):
    """`resume` goes on in the run's own folder; what it received, it received."""
    monkeypatch.chdir(tmp_path)
    chain = {"name": "one", "steps": {"made": FILM}, "outputs": {"made": "$made.image"}}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(chain))
    with pytest.raises(SystemExit):
        main(["run", "one.yaml", "--json"])
    capfd.readouterr()

    with pytest.raises(SystemExit) as ended:
        main(["resume", "last", "--json"])

    assert ended.value.code == 1
    error = json.loads(capfd.readouterr().out)["steps"]["made"]["error"]
    assert "nothing was asked now" in error["message"]
    assert vendors.get(Fal).creates == 1


def test_a_key_in_it_is_kept_nowhere(run, vendors, home, tmp_path, monkeypatch, secret):
    """Vendors repeat what they were sent; what is kept of a run is shown to others."""
    key = secret("repeated", "fal_")
    monkeypatch.setattr(Fal, "key", key)
    monkeypatch.setenv("FAL_KEY", key)
    vendors.get(Fal).repeats = key

    error = error_of(run({**FILM, "with": {**FILM["with"], "model": "fal-ai/whisper"}}))

    kept = [one for folder in (home, tmp_path) for one in folder.rglob("*") if one.is_file()]
    assert error["code"] == "unexpected-answer"
    assert "***" in error["said"]
    assert not [one for one in kept if key.encode() in one.read_bytes()]


@pytest.mark.parametrize("service", ["openai", "cogview", "replicate"])
def test_a_delivery_that_breaks_down_does_not_make_the_picture_twice(run, vendors, service):
    """The answer came, and names the address of the picture: the next try fetches it, and no more."""
    given = {"prompt": PROMPT, **({"model": "dall-e-3", "size": "1024x1024"} if service == "openai" else {})}
    vendors.broken = 3

    made = run({"service": service, "with": given, "retry": {"attempts": 2, "wait": "1ms"}})

    assert made.ok, error_of(made)
    assert pixels(made.outputs["made"].path.read_bytes()) == pixels(encoded(picture(PROMPT)))
    assert vendors.by_name[service].creates == 1
    assert len(vendors.fetched) == 4


def test_a_plan_says_that_nothing_is_asked(run, vendors, tmp_path, monkeypatch, capfd):
    """A plan that counts a call which is not made is wrong about the money."""
    monkeypatch.chdir(tmp_path)
    chain = {"name": "one", "steps": {"made": FILM}, "outputs": {"made": "$made.image"}}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(chain))
    run(FILM)
    with pytest.raises(SystemExit):
        main(["plan", "one.yaml"])

    assert "a whole answer of another shape is kept" in capfd.readouterr().out
    assert vendors.get(Fal).creates == 1


def test_a_page_of_a_proxy_is_not_kept_as_the_answer(run, home):
    """Behind a sign-in every address answers with a page; it is gone tomorrow, and nobody paid for it."""
    pages = [
        page("Sign in"),
        page("Sign in"),
        say({"image": data_uri(encoded(picture(PROMPT)), "image/png")}),
    ]
    with web(lambda _: pages.pop(0)) as server:
        text = f"name: mine\nurl: {server.url}\nendpoints: {{draw: {{path: /, json: {{}}, gives: {{image: "
        (home / "services" / "mine.yaml").write_text(text + "{kind: image, from: image}}}}\n")
        step = {"service": "mine", "retry": {"attempts": 1}}
        first, second, third = run(step), run(step), run(step)

    assert [error_of(one)["code"] for one in (first, second)] == ["bad-output", "bad-output"]
    assert third.ok
