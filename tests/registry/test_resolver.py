"""From a need to a Space: what fits is proven, what does not is passed over, and the reasons are said."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from described import DRAW, MOVE, SPEAK, Shape, describing
from hub_standin import TOKEN, ListedSpace, hub_standin
from web import Answer, Asked, Web, page, web

from spaces_registry import (
    BadAddress,
    Kind,
    Need,
    NothingFits,
    Registry,
    Resolution,
    Supply,
    open_registry,
    resolve,
)
from spaces_registry.errors import Unauthorized, Unreachable

pytestmark = pytest.mark.anyio
IMAGE, TEXT = Supply("image", Kind.IMAGE), Supply("text", Kind.TEXT)
Open = Callable[..., AbstractAsyncContextManager[Registry]]


@dataclass(slots=True)
class World:
    """A Hub with Spaces whose apps describe themselves."""

    stack: ExitStack
    spaces: dict[str, ListedSpace]
    hub: Web

    def add(
        self, repo: str, endpoints: Mapping[str, Shape] | Callable[[Asked], Answer], **listed: Any
    ) -> Web:
        """List a Space with an app of its own."""
        answer = describing(endpoints) if isinstance(endpoints, Mapping) else endpoints
        app = self.stack.enter_context(web(answer))
        self.spaces[repo] = ListedSpace(app.url, **listed)
        return app

    async def find(self, need: Need, **settings: Any) -> Resolution:
        """Resolve a need in this world, as a visitor."""
        async with open_registry(token="", hub=self.hub.url) as registry:
            return await resolve(need, registry, **settings)


@pytest.fixture
def world() -> Iterator[World]:
    """An empty Hub, to be filled by the test."""
    with ExitStack() as stack:
        spaces: dict[str, ListedSpace] = {}
        yield World(stack, spaces, stack.enter_context(hub_standin(spaces)))


def spaces(found: Resolution) -> list[str]:
    """The candidates, best first."""
    return [one.space for one in found.candidates]


def reasons(found: Resolution) -> dict[str, str]:
    """What was passed over, and why."""
    return {one.space: one.why for one in found.passed_over}


async def test_the_best_space_is_the_one_that_fits_and_it_says_how(world: World) -> None:
    """The most relevant one is of no use if it cannot take the picture."""
    world.add("acme/draw", DRAW, relevance=0.95, likes=9000)
    world.add("acme/move", MOVE, relevance=0.80, hardware="zero-a10g", likes=12, about="Moves a picture")
    world.add("acme/speak", SPEAK, relevance=0.20)

    found = await world.find(Need("move a picture", takes=(IMAGE,), gives=(Kind.VIDEO,)))
    best = found.best()

    assert (best.space, best.endpoint) == ("acme/move", "/move")
    assert best.binding == {"image": "first_frame"}
    assert best.unbound == ("prompt",)
    assert (best.relevance, best.stage, best.hardware, best.likes) == (0.8, "RUNNING", "zero-a10g", 12)
    assert best.category == "image-generation"
    assert "80% relevant to the words" in best.why
    assert "takes image as first_frame, which means the same" in best.why
    assert "gives video" in best.why
    assert "also needs prompt (text)" in best.why
    assert reasons(found)["acme/draw"] == "gives no video; takes no image"


async def test_a_paused_first_choice_is_passed_over_and_said_so(world: World) -> None:
    """A user who sees another Space than the one they know must see why."""
    world.add("acme/first", DRAW, relevance=0.99, stages=["PAUSED"], complaint="by its owner")
    world.add("acme/second", DRAW, relevance=0.5)

    named = await world.find(Need("draw", among=("acme/first", "acme/second")))
    searched = await world.find(Need("draw a cat"))

    assert spaces(named) == spaces(searched) == ["acme/second"]
    assert reasons(named) == reasons(searched) == {"acme/first": "is PAUSED: by its owner"}


async def test_a_space_that_was_paused_since_the_search_is_explained(world: World) -> None:
    """The Hub's search lags behind; the reason must be the Hub's of now, not a broken connection."""
    world.add(
        "acme/first", lambda _: page("Paused", 503), relevance=0.99, stages=["RUNNING", "RUNNING", "PAUSED"]
    )
    world.add("acme/second", DRAW, relevance=0.5)

    found = await world.find(Need("draw a cat"))

    assert spaces(found) == ["acme/second"]
    assert reasons(found) == {"acme/first": "is PAUSED now"}


async def test_a_sleeping_space_ranks_below_a_running_one_and_is_not_woken(world: World) -> None:
    """Waking costs its owner; looking must not."""
    asleep = world.add("acme/asleep", DRAW, relevance=0.9, stages=["SLEEPING"])
    world.add("acme/awake", DRAW, relevance=0.7)

    found = await world.find(Need("draw a cat", gives=(Kind.IMAGE,)))

    assert spaces(found) == ["acme/awake", "acme/asleep"]
    assert found.candidates[1].endpoint is None
    assert "asleep, wakes when it is called" in found.candidates[1].why
    assert not asleep.asked


async def test_a_chain_wakes_a_sleeper_where_nothing_else_fits(world: World) -> None:
    """A step that needs a Space waits for one rather than fail; its binding is proven before it is used."""
    world.add("acme/asleep", DRAW, relevance=0.9, stages=["SLEEPING", "SLEEPING", "RUNNING"])
    need = Need("draw a cat", takes=(TEXT,), gives=(Kind.IMAGE,), complete=True)

    left = await world.find(need)
    woken = await world.find(need, wake_s=30)

    assert (spaces(left), reasons(left)) == ([], {"acme/asleep": "not looked at, because that would wake it"})
    assert woken.best().binding == {"text": "prompt"}


async def test_ambiguity_lists_its_choices(world: World) -> None:
    """Which picture is the garment is the user's to say."""
    world.add("acme/dress", {"/dress": ({"person": "image", "garment": "image"}, {"worn": "image"})})

    found = await world.find(Need("try on a dress", takes=(IMAGE,)))

    assert reasons(found) == {"acme/dress": "image could go to person or garment"}
    with pytest.raises(NothingFits, match="no Space fits 'try on a dress': 1 looked at") as failed:
        found.best()
    assert "image could go to person or garment" in (failed.value.hint or "")


async def test_a_complete_need_takes_no_space_that_needs_more(world: World) -> None:
    """In a chain nobody is there to type the missing prompt."""
    world.add("acme/move", MOVE)
    need = Need("move a picture", takes=(IMAGE,), gives=(Kind.VIDEO,))

    asked = await world.find(need)
    complete = await world.find(Need(need.words, need.takes, need.gives, complete=True))

    assert spaces(asked) == ["acme/move"]
    assert (spaces(complete), reasons(complete)) == ([], {"acme/move": "also needs prompt (text)"})


async def test_ten_spaces_are_described_at_once(world: World) -> None:
    """Ten slow apps one after another are a long wait; all at once they are one."""
    lock, now, most = threading.Lock(), [0], [0]

    def slow(asked: Asked) -> Answer:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)  # the app is slow; nothing is waited for
        with lock:
            now[0] -= 1
        return describing(DRAW)(asked)

    for number in range(10):
        world.add(f"acme/draw-{number}", slow, relevance=0.5)
    found = await world.find(Need("draw a cat"))

    assert spaces(found) == [f"acme/draw-{number}" for number in range(10)]
    assert most[0] >= 5


async def test_an_app_that_does_not_answer_in_time_is_ranked_by_what_the_hub_says(world: World) -> None:
    """One hanging app must not hold up the others."""
    until = threading.Event()

    def hanging(_: Asked) -> Answer:
        until.wait(30)
        return page("late")

    world.add("acme/hangs", hanging, relevance=0.9)
    world.add("acme/draw", DRAW, relevance=0.9)
    try:
        found = await world.find(Need("draw a cat"), within_s=1.5)
    finally:
        until.set()

    assert spaces(found) == ["acme/draw", "acme/hangs"]
    assert "did not describe itself in time" in found.candidates[1].why


async def test_the_order_is_the_same_every_time(world: World) -> None:
    """Equally good ones come by their ids, so that two runs choose alike."""
    for name in ("delta", "alpha", "Charlie", "bravo"):
        world.add(f"acme/{name}", DRAW)

    runs = [spaces(await world.find(Need("draw a cat"))) for _ in range(3)]

    assert runs == [["acme/alpha", "acme/bravo", "acme/Charlie", "acme/delta"]] * 3


async def test_ids_urls_and_aliases_can_be_named(world: World) -> None:
    """The user's own short list, whatever form it is in; nothing else is considered."""
    world.add("acme/other", DRAW, relevance=0.99)
    app = world.add("acme/draw", DRAW)
    known = world.add("black-forest-labs/FLUX.1-schnell", DRAW)

    found = await world.find(Need("draw", among=("flux-schnell", app.url, "acme/draw", "acme/missing")))

    assert sorted(spaces(found)) == sorted(["black-forest-labs/FLUX.1-schnell", app.url, "acme/draw"])
    assert known.asked
    assert "private, or there is none" in reasons(found)["acme/missing"]
    with pytest.raises(BadAddress, match="no alias"):
        await world.find(Need("draw", among=("fluxx",)))


async def test_an_alias_that_the_hub_finds_too_is_one_space(world: World) -> None:
    """`find flux` names it as a Space of one's own and as a word; it is still one line."""
    world.add("black-forest-labs/FLUX.1-dev", DRAW, relevance=0.9)

    found = await world.find(Need("flux"))

    assert spaces(found) == ["black-forest-labs/FLUX.1-dev"]
    assert found.best().relevance == 0.9


async def test_an_id_in_place_of_words_is_that_space(world: World) -> None:
    """`find acme/draw` asks whether this one would do."""
    world.add("acme/draw", DRAW)
    world.add("acme/other", DRAW)

    assert spaces(await world.find(Need("acme/draw"))) == ["acme/draw"]


async def test_the_endpoint_that_suits_is_chosen_among_several(world: World) -> None:
    """Apps have endpoints for every button; the one that makes the picture is meant."""
    shapes = {
        "/random_seed": ({}, {"seed": "number"}),
        "/describe": ({"prompt": "text"}, {"words": "text"}),
        "/upscale": ({"image": "image"}, {"large": "image"}),
        "/generate": ({"prompt": "text"}, {"picture": "gallery"}),
        "/generate_1": ({"prompt": "text"}, {"picture": "gallery"}),
    }
    world.add("acme/many", shapes)

    by_text = await world.find(Need("draw", takes=(TEXT,), gives=(Kind.IMAGE,)))
    by_words = await world.find(Need("upscale a picture"))
    by_category = await world.find(Need("something nice"))

    assert by_category.best().endpoint == "/generate"
    assert by_text.best().endpoint == "/generate"
    assert by_words.best().endpoint == "/upscale"


async def test_the_token_goes_to_the_hub_only(world: World) -> None:
    """Ten strangers' apps are asked for a description; none may see who asks."""
    app = world.add("acme/draw", DRAW)
    async with open_registry(token=TOKEN, hub=world.hub.url) as registry:
        await resolve(Need("draw a cat"), registry)

    assert all(one.headers["authorization"] == f"Bearer {TOKEN}" for one in world.hub.asked)
    assert app.asked
    assert not any("authorization" in one.headers for one in app.asked)


async def resolve_offline(need: Need) -> Resolution:
    """What is known where there is no Hub."""
    async with open_registry(token="", hub="http://127.0.0.1:9") as registry:
        return await resolve(need, registry)


async def test_without_a_hub_the_catalog_answers_and_says_so() -> None:
    """On a train `find` still names what is well known, and does not pretend to have looked."""
    async with open_registry(token="", hub="http://127.0.0.1:9") as registry:
        found = await resolve(Need("read a text aloud", gives=(Kind.AUDIO,)), registry)
        named = await resolve(Need("draw", among=("flux", "acme/unknown")), registry)

    assert "hexgrad/Kokoro-TTS" in spaces(found)
    assert all("not looked at, because the Hub cannot be asked" in one.why for one in found.candidates)
    assert "the Hub cannot be reached" in found.remarks[0]
    assert "catalog" in found.remarks[0]
    assert spaces(named) == ["black-forest-labs/FLUX.1-dev", "acme/unknown"]
    assert len(named.remarks) == 1


async def test_without_a_hub_nothing_found_is_no_verdict_on_any_space() -> None:
    """A step that cannot search today is to be tried again; that nothing fits would send people elsewhere."""
    need = Need("draw", takes=(TEXT,), gives=(Kind.IMAGE,), complete=True)
    async with open_registry(token="", hub="http://127.0.0.1:9") as registry:
        searched = await resolve(need, registry)
        named = await resolve(replace(need, among=("acme/draw",)), registry)

    for found in (searched, named):
        with pytest.raises(Unreachable, match="the Hub cannot be reached"):
            found.best()


async def test_without_a_hub_an_app_in_a_spaces_place_is_looked_at(world: World) -> None:
    """The local studio stands for well-known Spaces: with it, a need is met offline."""
    app = world.add("acme/draw", DRAW)
    use = {"z-image": app.url}
    async with open_registry(token="", hub="http://127.0.0.1:9", use=use) as registry:
        need = Need("draw a picture", takes=(TEXT,), gives=(Kind.IMAGE,), complete=True)
        found = await resolve(need, registry)

    assert spaces(found) == ["Tongyi-MAI/Z-Image-Turbo"]
    assert found.best().binding == {"text": "prompt"}


async def test_without_a_hub_what_was_seen_before_is_remembered(world: World, tmp_path: Path) -> None:
    """The signature of last week is better than the catalog's one line."""
    world.add("black-forest-labs/FLUX.1-dev", DRAW)
    need = Need("draw", takes=(TEXT,), among=("flux",), complete=True)
    async with open_registry(token="", hub=world.hub.url, cache=tmp_path) as registry:
        seen = await resolve(need, registry)
    async with open_registry(token="", hub="http://127.0.0.1:9", cache=tmp_path) as registry:
        remembered = await resolve(need, registry)

    assert remembered.best().binding == seen.best().binding == {"text": "prompt"}
    assert "as it described itself when it was last looked at" in remembered.best().why


async def test_a_bad_token_ends_it() -> None:
    """With the catalog's answer in its place nobody would notice that the token has expired."""
    with hub_standin({}) as hub:
        async with open_registry(token=f"old {TOKEN}", hub=hub.url) as registry:
            with pytest.raises(Unauthorized, match="does not accept the token"):
                await resolve(Need("draw a cat"), registry)


async def test_kinds_alone_are_words_enough(world: World) -> None:
    """`find --takes image --gives video` says what is wanted."""
    world.add("acme/move", MOVE)

    found = await world.find(Need(takes=(IMAGE,), gives=(Kind.VIDEO,)))

    assert spaces(found) == ["acme/move"]
    assert "q=image+to+video" in world.hub.asked[0].query


@pytest.mark.parametrize(
    "words", ["image to video", "photo into  video", "Image-to-Video", "picture to clip"]
)
async def test_words_that_are_two_kinds_say_what_goes_in_and_comes_out(world: World, words: str) -> None:
    """`link "text to image" "image to video"`: what makes no video is no answer, however relevant."""
    world.add("acme/draw", DRAW, relevance=0.99, likes=9000)
    world.add("acme/move", MOVE, relevance=0.4)
    world.add("acme/speak", SPEAK, relevance=0.9)

    found = await world.find(Need(words))
    offline = await resolve_offline(Need(words))

    assert spaces(found) == ["acme/move"]
    assert found.best().binding == {"image": "first_frame"}
    assert spaces(offline)[0] == "alexnasa/ltx-2-TURBO"


async def test_words_for_a_picture_lead_to_no_film_without_a_hub() -> None:
    """Both say `to` and `text` in the catalog; the kind tells them apart."""
    found = await resolve_offline(Need("text to image", gives=()))

    assert spaces(found)[0] == "black-forest-labs/FLUX.1-dev"
    assert "alexnasa/ltx-2-TURBO" not in spaces(found)


@pytest.mark.parametrize(
    "words", ["add sound to video", "from text to image and back", "to video", "cat to dog"]
)
async def test_other_words_say_nothing_of_kinds(world: World, words: str) -> None:
    """Half a phrase is no order: a Space that adds sound may listen to nothing."""
    world.add("acme/draw", DRAW)

    assert spaces(await world.find(Need(words))) == ["acme/draw"]


async def test_a_broken_description_costs_no_other_space(world: World) -> None:
    """Strangers' apps answer anything."""
    world.add("acme/pages", lambda _: page("Hello"), relevance=0.9)
    world.add("acme/mute", {}, relevance=0.9)
    world.add("acme/static", DRAW, relevance=0.9, sdk="static")
    world.add("acme/draw", DRAW, relevance=0.1)

    found = await world.find(Need("draw", among=("acme/pages", "acme/mute", "acme/static", "acme/draw")))

    assert spaces(found) == ["acme/draw"]
    assert reasons(found).keys() == {"acme/pages", "acme/mute", "acme/static"}
    assert reasons(found)["acme/mute"] == "it offers no API"
