"""`find` and `models`: what there is to call, as people and programs see it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from described import DRAW, MOVE, describing
from hub_standin import ListedModel, ListedSpace, hub_standin
from web import Web, say, web

KEYS = {
    "space",
    "endpoint",
    "score",
    "relevance",
    "stage",
    "hardware",
    "likes",
    "category",
    "about",
    "binding",
    "why",
}
CHAT = {"context_length": 131072, "pricing": {"input": 0.1, "output": 0.4}}
MODELS = {
    "black-forest-labs/FLUX.1-schnell": ListedModel("text-to-image", ("fal-ai", "nebius")),
    "acme/chat-of-a-rather-long-name-which-goes-on": ListedModel(
        "text-generation", ("groq",), chat={"groq": CHAT}
    ),
}


@pytest.fixture
def hub(monkeypatch) -> Iterator[Web]:
    """A Hub with three Spaces, one of them paused."""
    with ExitStack() as stack:
        draw, move = stack.enter_context(web(describing(DRAW))), stack.enter_context(web(describing(MOVE)))
        spaces = {
            "acme/draw": ListedSpace(draw.url, relevance=0.6, likes=12, about="Draws what you say"),
            "acme/move-it-with-a-name-that-is-longer-than-most": ListedSpace(move.url, relevance=0.9),
            "acme/paused": ListedSpace(draw.url, relevance=0.95, stages=["PAUSED"]),
        }
        served = stack.enter_context(hub_standin(spaces, models=MODELS))
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setenv("SPACECHAIN_ROUTER", served.url)
        yield served


@pytest.mark.usefixtures("hub")
def test_find_json_has_the_documented_shape(spacechain):
    """Programs choose by it."""
    done = spacechain("find", "move", "a", "picture", "--takes", "image", "--gives", "video", "--json")

    assert done.code == 0
    [best] = done.json
    assert best.keys() >= KEYS
    assert best["binding"] == {"image": "first_frame"}
    assert best["unbound"] == ["prompt"]
    assert "passed over acme/paused: is PAUSED" in done.err
    assert "passed over acme/draw: gives no video" in done.err


@pytest.mark.usefixtures("hub")
def test_find_shows_a_table_of_eighty_columns_and_says_why(spacechain):
    """A terminal is eighty columns wide, and a choice without a reason is no help."""
    done = spacechain("find", "draw", "a", "cat", "--gives", "image")

    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].split() == ["SPACE", "ENDPOINT", "SCORE", "STAGE", "LIKES"]
    assert lines[1].split()[:2] == ["acme/draw", "/draw"]
    assert "acme/draw: Draws what you say" in lines
    assert "- 60% relevant to the words" in lines
    assert max(map(len, lines)) <= 80


def test_an_endpoint_is_whole_where_there_is_room_for_it(at_hub):
    """It will be copied into a chain."""
    name = "/generate_image_from_prompt"
    shape = {name: ({"prompt": "text"}, {"picture": "image"})}
    with web(describing(shape)) as app:
        spaces = {"me/a": ListedSpace(app.url), "me/" + "b" * 60: ListedSpace(app.url)}
        with hub_standin({"me/a": spaces["me/a"]}) as hub:
            short = at_hub(hub.url, "find", "draw", "a", "cat")
        with hub_standin(spaces) as hub:
            long = at_hub(hub.url, "find", "draw", "a", "dog")

    assert short.out.splitlines()[1].split()[:2] == ["me/a", name]
    assert max(map(len, [*short.out.splitlines(), *long.out.splitlines()])) <= 80


def test_find_lists_the_categories(spacechain):
    """Without a network: the list is part of the toolkit."""
    shown = spacechain("find", "--categories")
    listed = spacechain("find", "--categories", "--json")

    assert len(shown.out.splitlines()) == 39
    assert max(map(len, shown.out.splitlines())) <= 80
    assert listed.json[0].keys() == {"category", "label", "help"}


@pytest.mark.parametrize(
    ("words", "code", "told", "hint"),
    [
        ([], "bad-query", "nothing to search for", "a category"),
        (["x" * 251], "bad-query", "the Hub takes 250", "fewer words"),
        (["draw", "--category", "voice-clonning"], "unknown-category", "no category", "voice-cloning"),
        (["draw", "--takes", "imag"], "bad-option", "--takes takes a kind", "image"),
        (["draw", "--gives", "movie"], "bad-option", "--gives takes a kind", "video"),
        (["draw", "--among", "fluxx"], "bad-address", "no alias", "flux"),
        (["draw", "--gives", "audio"], "nothing-fits", "no Space fits 'draw'", "gives no audio"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_cannot_be_found_is_one_line_and_a_hint(spacechain, words, code, told, hint):
    """Exit 2: the command is to be said otherwise."""
    done = spacechain("find", *words)
    [error] = [line for line in done.err.splitlines() if line.startswith("error")]

    assert done.code == 2
    assert told in error
    assert error.endswith(f"[{code}]")
    assert hint in done.err.splitlines()[-1]


def test_find_without_a_network_says_so_and_shows_what_is_known(spacechain, monkeypatch):
    """One clear line, no traceback, and the catalog."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    done = spacechain("find", "read", "a", "text", "aloud", "--gives", "audio")

    assert done.code == 0
    assert "hexgrad/Kokoro-TTS" in done.out
    assert done.err.count("the Hub cannot be reached") == 1


def test_a_search_that_cannot_be_made_is_unreachable_and_not_a_mistake(spacechain, monkeypatch, tmp_path):
    """`check` lets it pass with a warning at the words, as for a Space by name; `find` ends with 1."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (tmp_path / "chain.yaml").write_text(
        "name: c\nsteps:\n  draw: {find: draw a cat, with: {prompt: x}}\noutputs: {cat: $draw.image}\n"
    )

    checked = spacechain("check", "chain.yaml")
    found = spacechain("find", "draw", "--takes", "model3d", "--gives", "model3d")

    assert checked.code == 0
    assert "chain.yaml:3:16: warning: searching Spaces: the Hub cannot be reached" in checked.err
    assert "[unreachable]" in checked.err
    assert found.code == 1
    assert found.err.count("the Hub cannot be reached") == 1


@pytest.mark.usefixtures("hub")
def test_a_bad_token_is_exit_4(spacechain, monkeypatch, secret):
    """Not allowed; and the token is not shown."""
    monkeypatch.setenv("HF_TOKEN", secret("expired"))

    done = spacechain("find", "draw", "a", "cat")

    assert done.code == 4
    assert "does not accept the token" in done.err
    assert secret("expired") not in done.err


def test_a_wait_is_told_while_it_lasts(spacechain, monkeypatch):
    """Also with --json: it goes to stderr."""
    refusals = [say({"error": "slow down"}, 429, Retry_After="0")]
    with hub_standin({}, refusals=refusals) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        done = spacechain("find", "draw", "a", "cat", "--json")

    assert "waiting 0 s before searching Spaces" in done.err
    assert done.json == []
    assert done.code == 2


@pytest.mark.usefixtures("hub")
def test_own_short_names_are_found(spacechain, tmp_path):
    """A `spaces.yaml` where one works; a mistake in it has its line."""
    (tmp_path / "spaces.yaml").write_text("pen: acme/draw\n")
    done = spacechain("find", "draw", "--among", "pen", "--json")
    (tmp_path / "spaces.yaml").write_text("pen: acme/draw\npen: acme/other\n")
    wrong = spacechain("find", "draw", "--among", "pen")

    assert [one["space"] for one in done.json] == ["acme/draw"]
    assert wrong.code == 2
    assert "spaces.yaml:2: 'pen' stands here twice [bad-bookmarks]" in wrong.err


@pytest.mark.usefixtures("hub")
def test_models_shows_who_serves_them_and_for_how_much(spacechain):
    """Their ids are whole, since somebody will copy them; and as JSON."""
    shown = spacechain("models")
    listed = spacechain("models", "chat", "--json")

    assert "acme/chat-of-a-rather-long-name-which-goes-on " in shown.out
    assert "0.1/0.4" in shown.out
    assert "131k" in shown.out
    assert listed.json[0]["providers"] == [
        {
            "provider": "groq",
            "status": "live",
            "task": "text-generation",
            "context_tokens": 131072,
            "usd_per_million_in": 0.1,
            "usd_per_million_out": 0.4,
        }
    ]


@pytest.mark.usefixtures("hub")
def test_models_of_a_task(spacechain):
    """And a task that there is not."""
    done = spacechain("models", "--task", "text-to-image")
    wrong = spacechain("models", "--task", "text-to-imag")

    assert "fal-ai, nebius" in done.out
    assert "chat" not in done.out
    assert wrong.code == 2
    assert "did you mean 'text-to-image'?" in wrong.err
